#pragma once
// Answers the edge makes itself: RFC 9457 problem documents with a stable `type`, and the header field `fairlead-error`
// with the same code. Everything that can go wrong before an origin has answered ends here.

#include <string>
#include <string_view>

#include "base/error.h"
#include "edge/client_exchange.h"

namespace fairlead::edge {

struct Problem {
  // A constructor, because g++ 12 destroys an aggregate's strings twice when it is made inside a co_await expression.
  Problem(int s, std::string_view c, std::string d = {}) : status(s), code(c), detail(std::move(d)) {}
  int status;
  std::string_view code;  // stable: "websocket_disabled"; static text
  std::string detail;     // for a person; never holds bytes of the request unescaped
};

// The document and the head for it. `close`: the connection ends with this answer.
protocol::ResponseHead problem_head(const Problem& p, std::size_t body_size);
std::string problem_body(const Problem& p);

// Sends it as the answer of `client` (nothing may have been sent before). HEAD gets no body.
net::Task<void> answer_problem(ClientExchange& client, Problem p);

// The status and code for a failure on the way to an origin: 502 bad_gateway / origin_refused / origin_tls …, 503
// no_origin, 504 origin_timeout; 503 edge_overloaded for the edge's own want of resources.
Problem problem_of(const base::Error& error);

}  // namespace fairlead::edge
