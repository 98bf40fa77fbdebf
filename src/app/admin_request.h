#pragma once
// Reads one request from a connection of the admin listener, whole and strictly: protocol's parsers, which the edge's
// clients meet as well, judge the head and take the framing off the body. The HTTP library's own reader would not do on
// an address the world can reach: it decodes percent signs inside field values, skips lines it does not understand,
// takes chunked bodies of any size and unpacks compressed ones.

#include <cstddef>
#include <expected>
#include <string>

#include "app/admin_connection.h"
#include "control/api/http.h"

namespace fairlead::app {

struct AdminRequest {
  control::ApiRequest api;  // HEAD as GET
  std::string target;       // path and query, as on the wire
  bool head = false;        // HEAD
  bool http10 = false;
  bool keep_alive = false;  // as far as the client is concerned
};

// How an answer that is no answer of a handler looks: RFC 9457, and as the API's contract has it, because a client of
// the API cannot know which of the two refused.
control::ApiResponse admin_problem(int status, std::string_view code, std::string detail = {});

// Why there is no request.
struct AdminRefusal {
  bool answer = false;  // false: nobody is there to be answered, or nothing was asked
  control::ApiResponse response;
  bool head = false;
};

struct AdminRequestRules {
  bool api = false;         // whether there is an API below /v1, with any method; else GET and HEAD only
  std::size_t max_body;     // bytes of content of a request to the API
  std::size_t max_ignored;  // of any other
};

// Whether the path is the API's: "/v1" and what is below.
bool is_api_path(std::string_view path);

// Waits for it until `due`. What is refused for its head (405, 413, 417) is refused before the body is read, and before
// the client was told to send it (100, RFC 9110 10.1.1).
std::expected<AdminRequest, AdminRefusal> read_admin_request(AdminConnection& connection,
                                                             const AdminRequestRules& rules, base::TimePoint due);

}  // namespace fairlead::app
