#pragma once
// Connector: from a host and a port to a connection that is ready for the first byte of HTTP: the name resolved, TCP
// connected by happy eyeballs (RFC 8305), the PROXY header written, TLS done and the certificate verified. One per
// worker, stateless; every call is one coroutine that can be asked to stop and leaves nothing behind.
//
// Happy eyeballs: addresses are tried in the resolver's order with the families interleaved (RFC 8305 4); the next one
// starts 250 ms after the last (RFC 8305 5), or at once when an attempt fails. The first to connect wins; the others
// are stopped and awaited before connect() returns. Name resolution and TCP together take at most `connect_timeout`,
// all of it ends at `deadline`.

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "model/domain_policy.h"
#include "net/socket_stream.h"
#include "net/stop_token.h"
#include "net/task.h"
#include "net/tls_context.h"

namespace fairlead::net {
class Resolver;
}  // namespace fairlead::net

namespace fairlead::edge {

struct ConnectRequest {
  std::string host;  // an IP literal without brackets, or a name
  std::uint16_t port = 0;
  // Null: plain TCP (ws, http). Whether the certificate is verified is the context's business: for an origin that is
  // `insecure` give one that does not.
  std::shared_ptr<const net::TlsClientContext> tls;
  std::string server_name;  // SNI and the name verified (a DNS name or an IP address); with tls only
  base::Duration connect_timeout = base::seconds(4);
  base::TimePoint deadline = base::kNever;
  model::SendProxy proxy = model::SendProxy::off;
  // What the PROXY header says: the client, and the edge's address it came to. Without them (health checks) the header
  // tells of the edge's own connection.
  net::SocketAddress source;
  net::SocketAddress destination;
};

class Connector {
 public:
  static constexpr base::Duration kNextAddressAfter = base::milliseconds(250);

  // Both outlive the connector, and it outlives its calls.
  Connector(net::EventLoop& loop, net::Resolver& resolver, net::TlsRecordsOptions records = {})
      : loop_(loop), resolver_(resolver), records_(records) {}
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  // Errors are of the origin's side and Retry::elsewhere: refused, unreachable, reset, timeout (context: "resolve",
  // "connect" or "TLS handshake" with the address), not_found (the name does not exist), tls, certificate. When several
  // addresses failed, the last failure. On the edge's side: resources (out of descriptors; Retry::later), cancelled.
  net::Task<base::Result<std::unique_ptr<net::SocketStream>>> connect(ConnectRequest request, net::StopToken stop);

 private:
  net::EventLoop& loop_;
  net::Resolver& resolver_;
  net::TlsRecordsOptions records_;
};

}  // namespace fairlead::edge
