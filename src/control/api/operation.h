#pragma once
// Operation: what a route of the contract (api/openapi.yaml) does. The dispatcher (api/api.h) has matched the path,
// made out the caller, seen that they may call it at all (x-access, read-only tokens), and checked parameters and body
// against the contract's schemas; an Operation turns JSON into values, asks a service, and turns the answer into JSON.
// It decides nothing: what a caller may see and change is the services' to say.

#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "control/api/http.h"
#include "control/caller.h"
#include "control/failure.h"
#include "store/page.h"

namespace fairlead::control {

using Json = nlohmann::ordered_json;  // keys in the order they were written

// One request, as far as the contract speaks of it. Valid during the call.
class Call {
 public:
  Call(const ApiRequest& r, const Caller& c) : request(r), caller(c) {}

  const ApiRequest& request;
  const Caller& caller;
  std::map<std::string, std::string, std::less<>> path_parameters;   // decoded
  std::map<std::string, std::string, std::less<>> query_parameters;  // decoded, those given
  Json body;                                                         // null: none
  // Of If-Match: the revision that must still be there; none: "*", or the operation takes no If-Match.
  std::optional<std::int64_t> expected_revision;

  // The path parameter, which is there.
  const std::string& path(std::string_view name) const { return path_parameters.find(name)->second; }
  // The query parameter, or none.
  std::optional<std::string> query(std::string_view name) const;
  bool query_flag(std::string_view name) const { return query(name) == "true"; }
  store::PageRequest page() const;  // of `limit` and `after`
};

struct Reply {
  int status = 200;
  Json body;                             // null: none
  std::optional<std::int64_t> revision;  // becomes ETag
  ApiFields fields;                      // further ones: set-cookie
  std::optional<std::string> text;       // instead of `body`, with `content_type`
  std::string content_type = "application/json";
  ApiProducer produce{};  // instead of both, with `content_type` (http.h says how it is called)
};

using Operation = std::function<Outcome<Reply>(const Call&)>;
using Operations = std::map<std::string, Operation, std::less<>>;  // by operationId

// For answers. Dates are RFC 3339 in UTC with milliseconds.
Json date(std::int64_t ms);
Json date(const std::optional<std::int64_t>& ms);
// The moment an RFC 3339 text names, in ms since 1970 UTC.
std::optional<std::int64_t> parse_date(std::string_view text);

template <class T, class F>
Json page_json(const store::Page<T>& page, F&& item) {
  Json items = Json::array();
  for (const T& t : page.items) items.push_back(item(t));
  return {{"items", std::move(items)}, {"total", page.total}, {"next", page.next.empty() ? Json() : Json(page.next)}};
}

Json details_json(const std::vector<Detail>& details);

}  // namespace fairlead::control
