#pragma once
// Opening a session: TCP, TLS when the URL says wss, and the opening handshake (RFC 6455 4.1), checked as a client
// must. An Opener belongs to one worker and knows what all its sessions have in common.

#include <memory>
#include <string>

#include "base/error.h"
#include "bench/load/options.h"
#include "net/byte_stream.h"
#include "net/stop_token.h"
#include "net/task.h"
#include "net/tls_context.h"

namespace fairlead::bench {

class Http2Clients;

// What every worker of a run shares.
struct Destination {
  Target target{};
  net::SocketAddress address{};
  std::shared_ptr<const net::TlsClientContext> tls{};  // null: plain
};
// Resolves names (waiting for the answer), reads the CA file. Errors name what is wrong.
base::Result<Destination> find_destination(const Options& options);

// What a session was found to be when it opened; the first one's is reported.
struct Opened {
  std::unique_ptr<net::ByteStream> stream{};
  std::string tls_version{}, cipher{}, subprotocol{};
  bool resumed = false;
};

class Opener {
 public:
  Opener(net::EventLoop& loop, const Options& options, const Destination& to);
  ~Opener();

  // The stream begins with the first frame. Errors: of the connection, TLS, or the answer (protocol, with its status).
  net::Task<base::Result<Opened>> open();

  // Ends what the sessions shared; after all of them.
  net::Task<void> stop();

 private:
  net::Task<base::Result<Opened>> open_http1();
  std::string request(const std::string& key) const;

  net::EventLoop& loop_;
  const Options& options_;
  const Destination& to_;
  std::unique_ptr<Http2Clients> http2_;  // null: HTTP/1.1
};

}  // namespace fairlead::bench
