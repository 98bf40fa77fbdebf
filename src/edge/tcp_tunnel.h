#pragma once
// The tcp-ssl listener (R10): TLS ended at the edge, then bytes both ways between the client and an origin of the
// listener's domain, whatever the protocol. Idle clock, half-close and log as for any tunnel, frames unknown.

#include <memory>
#include <string>

#include "edge/client_exchange.h"
#include "net/socket_stream.h"

namespace fairlead::edge {

class Worker;

// Serves the connection to its end and logs it. `domain_name`: the listener's domain.
net::Task<void> serve_tcp_tunnel(Worker& worker, std::unique_ptr<net::SocketStream> accepted, const ClientInfo& info,
                                 const std::string& domain_name);

}  // namespace fairlead::edge
