#include "edge/problem.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace fairlead::edge {

using base::Code;

std::string problem_body(const Problem& p) {
  nlohmann::ordered_json doc;
  doc["type"] = fmt::format("urn:fairlead:error:{}", p.code);
  doc["title"] = protocol::reason_phrase(p.status);
  doc["status"] = p.status;
  if (!p.detail.empty()) doc["detail"] = p.detail;
  return doc.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

protocol::ResponseHead problem_head(const Problem& p, std::size_t body_size) {
  protocol::ResponseHead head;
  head.status = p.status;
  head.reason = protocol::reason_phrase(p.status);
  head.fields.add("content-type", "application/problem+json");
  head.fields.add("content-length", std::to_string(body_size));
  head.fields.add("cache-control", "no-store");
  head.fields.add("fairlead-error", p.code);
  if (p.status == 426) {
    head.fields.add("Upgrade", "websocket");
    head.fields.add("Sec-WebSocket-Version", "13");
  }
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

Problem problem_of(const base::Error& e) {
  switch (e.code) {
    case Code::timeout: return Problem(504, "origin_timeout", e.context);
    case Code::resources: return Problem(503, "edge_overloaded", "the edge is out of a resource");
    case Code::unreachable: return Problem(503, "no_origin", e.context);
    case Code::not_found: return Problem(502, "origin_name_not_found", e.context);
    case Code::certificate: return Problem(502, "origin_certificate", e.context);
    case Code::tls: return Problem(502, "origin_tls", e.context);
    case Code::refused: return Problem(502, "origin_refused", e.context);
    case Code::malformed: return Problem(502, "origin_malformed", e.context);
    case Code::too_large: return Problem(502, "origin_head_too_large", e.context);
    case Code::protocol: return Problem(502, "origin_protocol", e.context);
    case Code::cancelled: return Problem(503, "edge_stopping", "the edge is going away");
    default: return Problem(502, "bad_gateway", e.context);
  }
}

}  // namespace fairlead::edge
