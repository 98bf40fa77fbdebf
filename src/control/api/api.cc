#include "control/api/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/log.h"
#include "control/identity/rights.h"
#include "model/document.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kIfMatch = "if-match";

std::string title_of(std::string_view code) {
  std::string title(code);
  std::ranges::replace(title, '_', ' ');
  return title;
}

std::string dump(const Json& body) { return body.dump(-1, ' ', false, Json::error_handler_t::replace); }

// application/json, application/merge-patch+json (RFC 7396) and nothing else, with whatever parameters.
bool is_json(const std::string* content_type) {
  if (!content_type) return false;
  std::string type = content_type->substr(0, content_type->find(';'));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  std::ranges::transform(type, type.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return type == "application/json" || type == "application/merge-patch+json";
}

Outcome<void> read_path(const Contract::Match& match, Call& call) {
  for (const auto& [name, value] : match.parameters) {
    for (const Parameter& p : match.route->parameters) {
      // What cannot be the name of anything is the name of nothing.
      if (p.in == Parameter::In::path && p.name == name && !check_text(p, value).empty()) return not_found("thing");
    }
    call.path_parameters.emplace(name, value);
  }
  return {};
}

Outcome<void> read_query(const Route& route, std::string_view query, Call& call) {
  std::vector<Detail> wrong;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    const auto name = percent_decode(pair.substr(0, equals), true);
    const auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value) return refuse(400, "malformed_request", "the query cannot be decoded");
    const auto known = std::ranges::find_if(
        route.parameters, [&](const Parameter& p) { return p.in == Parameter::In::query && p.name == *name; });
    if (known == route.parameters.end()) {
      wrong.push_back({"?" + *name, "unknown-parameter", "this parameter is not known here", ""});
    } else if (!call.query_parameters.emplace(*name, *value).second) {
      wrong.push_back({"?" + *name, "duplicate-parameter", "this parameter is given twice", ""});
    } else {
      for (Detail& d : check_text(*known, *value)) wrong.push_back(std::move(d));
    }
    if (wrong.size() > 50) break;
  }
  for (const Parameter& p : route.parameters) {
    if (p.in == Parameter::In::query && p.required && !call.query(p.name)) {
      wrong.push_back({"?" + p.name, "missing-parameter", fmt::format("\"{}\" is missing", p.name), ""});
    }
  }
  if (!wrong.empty()) return invalid(std::move(wrong));
  return {};
}

Outcome<void> read_if_match(const Route& route, const ApiRequest& request, Call& call) {
  const bool wanted = std::ranges::any_of(
      route.parameters, [](const Parameter& p) { return p.in == Parameter::In::header && p.name == kIfMatch; });
  if (!wanted) return {};
  const std::string* field = request.field(kIfMatch);
  if (!field || field->empty()) {
    return refuse(428, "precondition_required",
                  "send If-Match with the ETag of what you read, or * for whatever it is now");
  }
  if (*field == "*") return {};
  std::int64_t revision = 0;
  const char* from = field->data() + 1;
  const char* to = field->data() + field->size() - 1;
  const bool quoted = field->size() > 2 && field->front() == '"' && field->back() == '"';
  const auto [end, error] =
      quoted ? std::from_chars(from, to, revision) : std::from_chars_result{from, std::errc::invalid_argument};
  // Another form is an ETag we never gave, so it is not what is there now (RFC 9110 13.1.1).
  call.expected_revision = error == std::errc() && end == to && revision >= 0 ? revision : -1;
  return {};
}

Outcome<void> read_body(const Route& route, const ApiRequest& request, Call& call) {
  if (request.body.size() > route.max_body) {
    return refuse(413, "body_too_large", fmt::format("at most {} KiB", route.max_body >> 10));
  }
  if (!route.body) {
    if (request.body.empty()) return {};
    return refuse(400, "malformed_request", "this operation takes no body");
  }
  if (request.body.empty() && !route.body_required) return {};
  if (!is_json(request.field("content-type"))) {
    return refuse(415, "unsupported_media_type", "the body must be application/json");
  }
  // Strictly first: bounds, UTF-8, no key twice, which the library that makes values of it does not look for.
  if (const auto document = model::parse_json(request.body, "body"); !document) {
    return refuse(400, "malformed_request", "the body is not the JSON it must be", errors_of(document.error()));
  }
  call.body = Json::parse(request.body, nullptr, false);
  if (call.body.is_discarded()) return refuse(400, "malformed_request", "the body is not JSON");
  if (auto wrong = check(*route.body, call.body); !wrong.empty()) return invalid(std::move(wrong));
  return {};
}

Outcome<void> may_call(const Route& route, const Caller& caller) {
  if (route.access == Access::everybody) return {};
  if (!caller.signed_in()) return refuse(401, "unauthorized", "sign in, or send a token");
  if (route.access == Access::staff && !caller.sees_all()) return refuse(403, "forbidden", "this is for operators");
  if (route.access == Access::operator_ && !caller.is_operator()) {
    return refuse(403, "forbidden", "this is for operators");
  }
  if (!route.read_only) return may_change(caller);
  return {};
}

}  // namespace

ApiResponse problem_response(const Failure& failure) {
  Json body = {{"type", "urn:fairlead:problem:" + failure.code},
               {"title", title_of(failure.code)},
               {"status", failure.status},
               {"code", failure.code}};
  if (!failure.detail.empty()) body["detail"] = failure.detail;
  if (!failure.errors.empty()) body["errors"] = details_json(failure.errors);
  ApiResponse out;
  out.status = failure.status;
  out.fields = {{"content-type", "application/problem+json"}, {"fairlead-error", failure.code}};
  if (failure.retry_after_s > 0) out.fields.emplace_back("retry-after", std::to_string(failure.retry_after_s));
  if (failure.status == 401) out.fields.emplace_back("www-authenticate", "Bearer realm=\"fairlead\"");
  out.body = dump(body);
  return out;
}

base::Result<std::shared_ptr<const Api>> Api::make(Parts parts) {
  std::set<std::string> documented;
  std::string wrong;
  for (const Route& route : parts.contract.routes()) {
    if (!documented.insert(route.operation_id).second) wrong += fmt::format("{} is there twice; ", route.operation_id);
    if (!parts.operations.contains(route.operation_id)) wrong += fmt::format("nobody does {}; ", route.operation_id);
  }
  for (const auto& [id, operation] : parts.operations) {
    if (!documented.contains(id)) wrong += fmt::format("{} is not in the contract; ", id);
  }
  if (!wrong.empty()) return base::fail(base::Code::internal, base::Side::none, "the API: " + wrong);
  return std::shared_ptr<const Api>(new Api(std::move(parts)));
}

ApiResponse Api::handle(const ApiRequest& request) const {
  try {
    auto reply = serve(request);
    if (!reply) {
      ApiResponse out = problem_response(reply.error());
      if (reply.error().status == 405) {
        const auto match = parts_.contract.match(request.method, request.path);
        out.fields.emplace_back("allow", fmt::format("{}", fmt::join(match.methods, ", ")));
      }
      return out;
    }
    ApiResponse out;
    out.status = reply->status;
    out.fields = std::move(reply->fields);
    if (reply->revision) out.fields.emplace_back("etag", fmt::format("\"{}\"", *reply->revision));
    if (reply->produce) {
      out.fields.emplace_back("content-type", reply->content_type);
      out.produce = std::move(reply->produce);
    } else if (reply->text) {
      out.fields.emplace_back("content-type", reply->content_type);
      out.body = std::move(*reply->text);
    } else if (!reply->body.is_null()) {
      out.fields.emplace_back("content-type", "application/json");
      out.body = dump(reply->body);
    }
    return out;
  } catch (const std::exception& e) {
    base::log_error("api: {} {} ended by an exception: {}", request.method, request.path, e.what());
  } catch (...) {
    base::log_error("api: {} {} ended by an exception", request.method, request.path);
  }
  Failure failure;
  failure.code = "internal_error";
  return problem_response(failure);
}

Outcome<Reply> Api::serve(const ApiRequest& request) const {
  if (parts_.over_limit) {
    if (const auto wait = parts_.over_limit(request.source_address)) {
      Failure failure;
      failure.status = 429;
      failure.code = "rate_limited";
      failure.detail = "too many requests from this address";
      failure.retry_after_s = *wait;
      return std::unexpected(std::move(failure));
    }
  }
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  const Contract::Match match = parts_.contract.match(method, request.path);
  if (match.methods.empty()) return not_found("path");
  if (!match.route) return refuse(405, "method_not_allowed", "this path does not take this method");
  const Route& route = *match.route;

  Caller nobody;
  nobody.source_address = request.source_address;
  // What is open to everybody is open to those with a stale cookie too.
  Outcome<Caller> caller = route.access == Access::everybody ? Outcome<Caller>(nobody) : parts_.caller_of(request);
  if (!caller) return std::unexpected(std::move(caller.error()));
  if (auto allowed = may_call(route, *caller); !allowed) return std::unexpected(std::move(allowed.error()));

  Call call(request, *caller);
  if (auto ok = read_path(match, call); !ok) return std::unexpected(std::move(ok.error()));
  if (auto ok = read_query(route, request.query, call); !ok) return std::unexpected(std::move(ok.error()));
  if (auto ok = read_if_match(route, request, call); !ok) return std::unexpected(std::move(ok.error()));
  if (auto ok = read_body(route, request, call); !ok) return std::unexpected(std::move(ok.error()));
  return parts_.operations.find(route.operation_id)->second(call);
}

}  // namespace fairlead::control
