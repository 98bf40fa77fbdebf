#pragma once
// From a client's opening handshake to a session: the switch, admission, the origin's consent, and only then the
// client's 101. Until the origin has said yes the client can still be told no with an HTTP status it can read.

#include <memory>

#include "edge/admission.h"
#include "edge/client_exchange.h"
#include "edge/problem.h"
#include "edge/request.h"
#include "edge/telemetry/counters.h"

namespace fairlead::edge {

// Answers the client in every case. Null: refused (by the edge or by the origin, whose status and body are passed on),
// `outcome` says how. A failed handshake is tried on the next origin while the client has not been answered (R13). The
// session counts in `meter`, which is also where the client's stream counts by then.
net::Task<std::unique_ptr<Session>> open_tunnel(Worker& worker, ClientExchange& client,
                                                std::shared_ptr<const Domain> domain, std::shared_ptr<MeterCell> meter,
                                                RequestOutcome& outcome);

// Which limit said no: counted, and whether the client may blame itself (429) or the edge is full (503).
Problem problem_of_limit(LimitName limit, WorkerCounters& counters);

}  // namespace fairlead::edge
