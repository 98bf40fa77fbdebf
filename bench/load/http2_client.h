#pragma once
// Sessions over HTTP/2: each is a stream of a connection that they share, opened by an extended CONNECT (RFC 8441).
// Http2Clients makes a connection whenever those there are have as many sessions as the options allow. A session's
// stream is a ByteStream like any other. What the sessions of a connection write in a turn of the loop leaves as one
// write. Belongs to one Opener; outlives its sessions.

#include <memory>
#include <vector>

#include "bench/load/opening.h"
#include "net/task_scope.h"

namespace fairlead::bench {

class Http2Connection;

class Http2Clients {
 public:
  Http2Clients(net::EventLoop& loop, const Options& options, const Destination& to);
  ~Http2Clients();

  // Errors: those of the connection; unsupported when the server does not take extended CONNECT.
  net::Task<base::Result<Opened>> open();
  // Closes the connections. No session is left, or what is left fails.
  net::Task<void> stop();

 private:
  net::EventLoop& loop_;
  const Options& options_;
  const Destination& to_;
  net::TaskScope scope_;
  std::vector<std::unique_ptr<Http2Connection>> connections_;
};

}  // namespace fairlead::bench
