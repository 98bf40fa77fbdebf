#pragma once
// AdminServer: the small HTTP server that an operator's tools talk to (never customers' clients): /healthz, /readyz and
// /metrics. Owned by the application's main thread; its own threads answer, few and fixed in number, so that a scrape
// never touches a worker. Every connection carries one request, has a deadline for all of it, and is refused when too
// many wait: whoever misuses this port loses the port, not the edge.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"

namespace fairlead::app {

class AdminServer {
 public:
  static constexpr unsigned kThreads = 4;               // answer; one more accepts
  static constexpr std::size_t kMaxWaiting = 64;        // accepted connections that no thread serves yet
  static constexpr std::size_t kMaxPayload = 1u << 20;  // bytes of a request body
  static constexpr base::seconds kDeadline{10};         // from the first look at a connection to its end

  // Called by the server's threads, several at a time, until stop() has returned. One that throws is answered with 500.
  struct Handlers {
    std::function<std::string()> metrics;  // the whole page
    std::function<bool()> ready;
    std::function<std::string()> ready_reason;  // why not: "starting", "draining", "no policy"
  };

  AdminServer();
  ~AdminServer();  // stop()
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // Listens on "ip:port" (port 0: any), "[ip6]:port" or "unix:/path" and begins to answer. A Unix socket is made with
  // mode 0660 from the first moment; a socket file that nobody listens on is replaced, anything else of that name is
  // left alone. At most once. Errors (config side): malformed, conflict (in use, no permission), resources.
  base::Result<void> start(const std::string& address, Handlers handlers);

  // Where it listens: "127.0.0.1:9180" with the real port, or "unix:/path". Empty before start().
  const std::string& address() const { return address_; }
  // 0 for a Unix socket.
  std::uint16_t port() const { return port_; }

  // Ends: takes no more connections, cuts those that are still reading their request, lets answers under way be written
  // (within their deadline), removes the Unix socket. Does nothing when not started.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
  std::string address_;
  std::uint16_t port_ = 0;
};

}  // namespace fairlead::app
