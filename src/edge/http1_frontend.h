#pragma once
// The HTTP/1.1 frontend: one client connection, request after request, until it ends or becomes a tunnel. Ordinary HTTP
// and WebSocket share it. Pipelined requests are answered in order, one at a time: the next head is not looked at
// before the last answer is complete, so nothing hidden behind a refused upgrade can be taken for a tunnel's bytes.

#include <memory>

#include "edge/client_exchange.h"
#include "edge/http1_body.h"
#include "net/socket_stream.h"
#include "protocol/http1/head_parser.h"

namespace fairlead::edge {

class Session;
class Worker;

// Serves the connection. Gives back the session it turned into, to be run by the caller once this frame and all
// request-time state are gone; null when the connection is over. `first_head_due`: the listener's handshake_timeout.
net::Task<std::unique_ptr<Session>> serve_http1(Worker& worker, std::unique_ptr<net::SocketStream> stream,
                                                const ClientInfo& client, net::TimePoint first_head_due);

}  // namespace fairlead::edge
