#include "app/admin_request.h"

#include "control/api/api.h"
#include "protocol/http1/body_decoder.h"
#include "protocol/http1/head_parser.h"

namespace fairlead::app {
namespace {

using control::ApiResponse;
using protocol::BodyFraming;

std::unexpected<AdminRefusal> refuse(ApiResponse response, bool head = false) {
  return std::unexpected(AdminRefusal{true, std::move(response), head});
}
std::unexpected<AdminRefusal> nobody() { return std::unexpected(AdminRefusal{}); }

ApiResponse head_problem(int status, const base::Error& error) {
  switch (status) {
    case 414: return admin_problem(414, "uri_too_long");
    case 417: return admin_problem(417, "expectation_unknown");
    case 431: return admin_problem(431, "head_too_large");
    case 501: return admin_problem(501, "not_implemented");
    case 505: return admin_problem(505, "version_not_supported");
    default: return admin_problem(status, "malformed_request", error.context);
  }
}

ApiResponse too_slow() { return admin_problem(408, "request_timeout"); }

AdminRequest described(const AdminConnection& connection, const protocol::RequestHeadParser& parser) {
  const protocol::RequestHead& head = parser.head();
  AdminRequest request;
  request.target = head.target;
  request.head = head.method == "HEAD";
  request.http10 = head.version == protocol::HttpVersion::http10;
  request.keep_alive = parser.keep_alive();
  request.api.method = request.head ? "GET" : head.method;
  const auto mark = head.target.find('?');
  request.api.path = head.target.substr(0, mark);
  if (mark != std::string::npos) request.api.query = head.target.substr(mark + 1);
  for (const auto& [name, value] : head.fields) {
    std::string lower(name);
    for (char& c : lower) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    request.api.fields.emplace_back(std::move(lower), value);
  }
  request.api.source_address = connection.source();
  request.api.secure = connection.secure();
  request.api.tls = connection.tls();
  return request;
}

}  // namespace

ApiResponse admin_problem(int status, std::string_view code, std::string detail) {
  control::Failure failure;
  failure.status = status;
  failure.code = code;
  failure.detail = std::move(detail);
  return control::problem_response(failure);
}

bool is_api_path(std::string_view path) { return path == "/v1" || path.starts_with("/v1/"); }

std::expected<AdminRequest, AdminRefusal> read_admin_request(AdminConnection& connection,
                                                             const AdminRequestRules& rules, base::TimePoint due) {
  protocol::RequestHeadParser parser;
  while (!parser.done()) {
    const std::string_view bytes = connection.read(due);
    if (bytes.empty()) {
      const bool late = base::monotonic_now() >= due;
      if (late && parser.started()) return refuse(too_slow());
      return nobody();
    }
    const auto used = parser.feed(bytes);
    if (!used) return refuse(head_problem(parser.suggested_status(), used.error()));
    connection.unread(bytes.size() - *used);
  }

  AdminRequest request = described(connection, parser);
  const BodyFraming framing = parser.framing();
  const bool api = rules.api && is_api_path(request.api.path);
  if (!api && request.api.method != "GET") {
    ApiResponse response = admin_problem(405, "method_not_allowed");
    response.fields.emplace_back("allow", "GET, HEAD");
    return refuse(std::move(response));
  }
  const std::size_t most = api ? rules.max_body : rules.max_ignored;
  if (framing.kind == BodyFraming::Kind::length && framing.length > most) {
    return refuse(admin_problem(413, "body_too_large"), request.head);
  }
  if (framing.kind == BodyFraming::Kind::none) return request;

  if (parser.expect_continue() && !connection.has_unread() && !connection.write("HTTP/1.1 100 Continue\r\n\r\n", due)) {
    return nobody();
  }
  protocol::BodyDecoder decoder(framing);
  while (!decoder.done()) {
    std::string_view bytes = connection.read(due);
    if (bytes.empty()) {
      if (base::monotonic_now() >= due) return refuse(too_slow(), request.head);
      return nobody();  // cut short: nobody knows what was meant (RFC 9112 8)
    }
    while (!bytes.empty() && !decoder.done()) {
      const auto step = decoder.feed(bytes);
      if (!step) return refuse(admin_problem(400, "malformed_request", step.error().context), request.head);
      if (decoder.total() > most) return refuse(admin_problem(413, "body_too_large"), request.head);
      if (api) request.api.body.append(step->data);
      bytes.remove_prefix(step->consumed);
    }
    connection.unread(bytes.size());
  }
  return request;
}

}  // namespace fairlead::app
