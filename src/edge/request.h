#pragma once
// What the edge does with one request, whichever frontend it came by: find the domain, then open a tunnel or proxy
// ordinary HTTP, and write the access log's line for all that did not become a session (a session writes its own).

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "edge/client_exchange.h"
#include "edge/session_end.h"

namespace fairlead::edge {

class Domain;
class Session;
class Worker;

// How a request went, beyond what the exchange knows itself.
struct RequestOutcome {
  std::string_view error{};  // code of a problem the edge answered with, or of an answer cut short; empty: none
  std::string origin{};      // "10.0.0.1:80"; empty: none was reached
  int origin_status = 0;
  std::string_view close_by{};  // when cut short: whose fault
  std::string origin_error{};   // why no origin's answer, or not all of it, came; for the operator: names addresses

  // Notes `why` in origin_error, unless it is the client's fault or the exchange was called off.
  void origin_failed(const base::Error& why);
};

struct RequestResult {
  std::shared_ptr<const Domain> domain;  // null: no domain has that host
  std::unique_ptr<Session> session;      // the request became a tunnel
};

net::Task<RequestResult> serve_request(Worker& worker, ClientExchange& client);

void log_request(Worker& worker, const ClientExchange& client, const Domain* domain, const RequestOutcome& outcome);

}  // namespace fairlead::edge
