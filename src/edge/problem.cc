#include "edge/problem.h"

#include <fmt/format.h>

#include "base/log.h"
#include "edge/telemetry/json_line.h"

namespace fairlead::edge {

using base::Code;

std::string problem_body(const Problem& p) {
  std::string body;
  JsonLine doc(body);
  doc.text<"type">(fmt::format("urn:fairlead:error:{}", p.code));
  doc.text<"title">(protocol::reason_phrase(p.status));
  doc.number<"status">(p.status);
  if (!p.detail.empty()) doc.text<"detail">(p.detail);
  doc.end();
  return body;
}

protocol::ResponseHead problem_head(const Problem& p, std::size_t body_size) {
  protocol::ResponseHead head;
  head.status = p.status;
  head.reason = protocol::reason_phrase(p.status);
  head.fields.add("content-type", "application/problem+json");
  head.fields.add("content-length", std::to_string(body_size));
  head.fields.add("cache-control", "no-store");
  head.fields.add("fairlead-error", p.code);
  if (p.status == 426) head.fields.add("Upgrade", "websocket");
  if (p.code == "websocket_version") head.fields.add("Sec-WebSocket-Version", "13");
  if (p.status == 503 || p.status == 429) head.fields.add("retry-after", "1");
  return head;
}

net::Task<void> answer_problem(ClientExchange& client, Problem p) {
  const std::string body = problem_body(p);
  const bool bodiless = client.head().method == "HEAD";
  const AnswerBody kind{bodiless ? AnswerBody::Kind::none : AnswerBody::Kind::length, body.size()};
  if (!co_await client.send_head(problem_head(p, body.size()), kind, !bodiless)) co_return;
  if (!bodiless && !co_await client.send_body(body)) co_return;
  (void)co_await client.send_end({});
}

// What went wrong in words of the edge's own: an error's context names addresses of origins, which are nobody's
// business on the client's side.
Problem problem_of(const base::Error& e) {
  base::log_debug("answered for an origin: {}", base::describe(e));
  if (e.side == base::Side::client) return Problem(400, "malformed_request", "the request cannot be passed on");
  switch (e.code) {
    case Code::timeout: return Problem(504, "origin_timeout", "the origin did not answer in time");
    case Code::resources: return Problem(503, "edge_overloaded", "the edge is out of a resource");
    case Code::unreachable: return Problem(503, "no_origin", "no origin is available");
    case Code::not_found: return Problem(502, "origin_name_not_found", "the origin's name has no address");
    case Code::certificate: return Problem(502, "origin_certificate", "the origin's certificate was not accepted");
    case Code::tls: return Problem(502, "origin_tls", "TLS with the origin failed");
    case Code::refused: return Problem(502, "origin_refused", "the origin refused the connection");
    case Code::malformed: return Problem(502, "origin_malformed", "the origin's answer is no HTTP");
    case Code::too_large: return Problem(502, "origin_head_too_large", "the head of the origin's answer is too large");
    case Code::protocol: return Problem(502, "origin_protocol", "the origin's answer breaks the protocol");
    case Code::cancelled: return Problem(503, "edge_stopping", "the edge is going away");
    default: return Problem(502, "bad_gateway", "the exchange with the origin failed");
  }
}

}  // namespace fairlead::edge
