#pragma once
// HttpClient: one HTTP request from the control plane to somebody else's server, by libcurl. Blocking, for threads that
// may wait; any number of threads at a time, each call has a connection of its own. What it refuses to do is what makes
// it safe to call with a host that a stranger named: it follows no redirect, speaks http and https only, uses no proxy
// (also none of the environment: a proxy would go where we must not), connects to no address `allowed` refuses, reads
// no more of the answer than `max_body`, and ends at its dates.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "net/address.h"

namespace fairlead::control {

struct HttpCall {
  std::string method = "GET";  // GET or POST
  std::string url;             // "http://..." or "https://..."
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;  // of a POST

  std::chrono::milliseconds connect_timeout{5000};  // name, TCP and TLS
  std::chrono::milliseconds timeout{10000};         // in all
  std::size_t max_body = 64 * 1024;                 // bytes of the answer's content
  std::string ca_pem;                               // whom to trust instead of the system's authorities
  // Where the URL's host is, instead of asking the system's resolver. Ports are the URL's.
  std::vector<net::SocketAddress> addresses;
  // Asked for every address before it is connected to; empty: any may be.
  std::function<bool(const net::SocketAddress&)> allowed;
  // The call ends within a second or so of this becoming true. May be null; the caller's.
  const std::atomic<bool>* abort = nullptr;
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

// Any status is an answer. Errors, side origin, retry later: unreachable (no such name, no connection), refused,
// timeout, forbidden (`allowed` refused every address), tls, certificate, too_large, reset, cancelled (`abort`); retry
// never: malformed (the URL, or a field with a line end in it).
// Their words have the URL's place alone.
base::Result<HttpAnswer> http_call(const HttpCall& call);

// "https://hooks.example.com:8443" of a URL: what a log may say. The rest of a webhook's URL is often what lets its
// holder in, and so is a name with a password before the host.
std::string url_place(std::string_view url);

}  // namespace fairlead::control
