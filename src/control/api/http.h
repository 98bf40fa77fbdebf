#pragma once
// One request to the REST API and its answer, as plain values: what carries them (the admin listener, a test, the
// fuzzer) is no matter of the API's. Nothing here knows a socket or an HTTP library.

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::control {

using ApiFields = std::vector<std::pair<std::string, std::string>>;

struct ApiRequest {
  std::string method;  // "GET"
  std::string path;    // as on the wire, percent-encoded, without query: "/v1/domains/live.example.com"
  std::string query;   // as on the wire, without "?"; empty: none
  ApiFields fields;    // names in lower case, in the order received
  std::string body;
  std::string source_address;  // of the client: an IP address, or empty over a Unix socket
  bool secure = false;         // TLS, a Unix socket, or loopback: what it says was not read on the way

  // The first field of that name (lower case), or nullptr.
  const std::string* field(std::string_view name) const {
    for (const auto& [n, value] : fields) {
      if (n == name) return &value;
    }
    return nullptr;
  }
};

struct ApiResponse {
  int status = 200;
  ApiFields fields;  // content-type included, content-length not
  std::string body;
};

// Called by the listener's threads, several at a time.
using ApiHandler = std::function<ApiResponse(const ApiRequest&)>;

}  // namespace fairlead::control
