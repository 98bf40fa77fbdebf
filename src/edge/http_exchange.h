#pragma once
// Ordinary HTTP on an accelerated domain (R9): proxied to an origin, uncached and unbuffered, body and answer streaming
// side by side.

#include <memory>

#include "edge/client_exchange.h"
#include "edge/request.h"
#include "edge/telemetry/meter_cell.h"

namespace fairlead::edge {

class OriginConnection;

// Answers the client in every case; `outcome` says how it went. `meter` outlives the call.
net::Task<void> proxy_http(Worker& worker, ClientExchange& client, std::shared_ptr<const Domain> domain,
                           HttpMeter& meter, RequestOutcome& outcome);

// Passes an origin's final answer, whose head has been read, on to the client: head, body, trailers. Errors: side
// client when the client went away, side origin when the answer was cut short (the client's is then cut too).
net::Task<base::Result<void>> pass_answer(ClientExchange& client, OriginConnection& origin, protocol::ResponseHead head,
                                          base::Duration read_timeout);

}  // namespace fairlead::edge
