#pragma once
// AdminServer: the HTTP server that an operator's tools talk to (never customers' clients): /healthz, /readyz and
// /metrics; with a control plane behind it the REST API and the console, over TLS when the world can reach it. Owned by
// the application's main thread; its own threads answer, few and fixed in number, so that neither a scrape nor a
// customer of the API ever touches a worker.
//
// Every request has one date, the TLS handshake another, and no thread waits beyond them; connections between requests
// hold none, and who comes when too many wait is turned away: whoever misuses this port loses the port, not the edge.
// Without an API every connection carries one request.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "control/api/http.h"
#include "model/control_config.h"

namespace fairlead::app {

class AdminServer {
 public:
  static constexpr unsigned kThreads = 8;               // answer; one more accepts, one watches idle connections
  static constexpr std::size_t kMaxWaiting = 64;        // connections that no thread serves yet
  static constexpr std::size_t kMaxPayload = 4u << 20;  // bytes of the body of a request to the API
  static constexpr std::size_t kMaxIgnored = 1u << 20;  // bytes of any other body, which is read and dropped
  static constexpr base::seconds kDeadline{10};         // a request, from its first byte; an answer, likewise
  static constexpr unsigned kMaxRequests = 100;         // on one connection
  static constexpr base::seconds kIdle{15};             // between two of them
  static constexpr std::size_t kMaxIdle = 256;          // connections that wait so; the oldest goes first
  static constexpr std::size_t kMaxStreams = 64;        // answers that a producer makes bit by bit

  // Called by the server's threads, several at a time, until stop() has returned. One that throws is answered with 500.
  struct Handlers {
    std::function<std::string()> metrics;  // the whole page
    std::function<bool()> ready;
    std::function<std::string()> ready_reason;  // why not: "starting", "draining", "no policy"
    // What is missing although it is ready; a line of text, empty: nothing. Absent: nothing ever.
    std::function<std::string()> ready_note = nullptr;
    // Of the control plane, or empty. `api` gets every request to /v1 and below, whatever the method; `pages` every
    // other GET but the three of our own.
    control::ApiHandler api{};
    control::ApiHandler pages{};
  };

  AdminServer();
  ~AdminServer();  // stop()
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // Listens on "ip:port" (port 0: any), "[ip6]:port" or "unix:/path" and begins to answer. A Unix socket is made with
  // mode 0660 from the first moment; a socket file that nobody listens on is replaced, anything else of that name is
  // left alone. With an empty chain in `tls`, HTTP in the clear. At most once. Errors (config side): malformed (the
  // address, the certificate), conflict (in use, no permission), forbidden (an API in the clear on an address that is
  // neither loopback nor a Unix socket), unsupported (TLS over a Unix socket), resources.
  base::Result<void> start(const std::string& address, const model::AdminTls& tls, Handlers handlers);
  base::Result<void> start(const std::string& address, Handlers handlers) { return start(address, {}, handlers); }

  // Another certificate for connections from now on; those that live keep theirs. Any thread, after start(). Errors
  // (config side): malformed, with the old one in place; unsupported: turning TLS on or off needs a restart.
  base::Result<void> replace_tls(const model::AdminTls& tls);

  // Where it listens: "127.0.0.1:9180" with the real port, or "unix:/path". Empty before start().
  const std::string& address() const { return address_; }
  // 0 for a Unix socket.
  std::uint16_t port() const { return port_; }

  // Ends: takes no more connections, cuts those that are still reading their request, tells producers that it is over,
  // lets answers under way be written (within their deadline), removes the Unix socket. Does nothing when not started.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
  std::string address_;
  std::uint16_t port_ = 0;
};

}  // namespace fairlead::app
