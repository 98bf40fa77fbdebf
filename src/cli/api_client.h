#pragma once
// ApiClient: the REST API (api/openapi.yaml) for the command line: one connection that is used again, a token, answers
// as JSON, and the API's problems as text for people. Blocks; one thread. Answers are bounded (kMaxAnswerBytes), and so
// is the time (kConnectSeconds, kAnswerSeconds).
//
// A token goes over TLS, a Unix socket or the loopback only: any other plain http:// address is refused. Redirects are
// not followed. 429 and 503 with Retry-After are waited for a few times, so that a long list of changes comes to its
// end.

#include "cli/trouble.h"
#include <nlohmann/json.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::cli {

using Json = nlohmann::ordered_json;
using Query = std::vector<std::pair<std::string, std::string>>;

inline constexpr std::size_t kMaxAnswerBytes = 64u << 20;
inline constexpr long kConnectSeconds = 10;
inline constexpr long kAnswerSeconds = 120;

struct ServerAddress {
  std::string url;      // "https://console.example.com", "http://127.0.0.1:9180", "unix:/run/fairlead/admin.sock"
  std::string ca_file;  // what the server's certificate is verified with; empty: the system's CAs
};

struct ApiReply {
  int status = 0;
  std::string body;
  Json json;           // null when the body is none
  std::string etag;    // for If-Match
  std::string cookie;  // "fairlead-session=..." of set-cookie; empty: none
};

// What a request carries beside its path. A body of null is none.
struct ApiCall {
  Json body;
  Query query;
  std::string if_match;
  std::string cookie;  // instead of the token
  std::string csrf;
};

// A server-sent event.
struct ServerEvent {
  std::string name, data;
};

class ApiClient {
 public:
  // Checks the address; connects with the first call. `token` may be empty.
  static Told<ApiClient> open(const ServerAddress& server, std::string token);
  ApiClient(ApiClient&&) noexcept;
  ApiClient& operator=(ApiClient&&) noexcept;
  ~ApiClient();

  // An answer of 200 to 299; any other is Trouble in the API's own words.
  Told<ApiReply> send(std::string_view method, std::string_view path, const ApiCall& call = {});
  Told<ApiReply> get(std::string_view path, const Query& query = {});

  // The items of a list, page by page, until `visit` says false.
  Told<void> each(std::string_view path, Query query, const std::function<bool(const Json&)>& visit);
  // The items of a list that has no pages (tokens, edges).
  Told<std::vector<Json>> whole(std::string_view path);
  // The first `most` of a list with pages.
  Told<std::vector<Json>> list(std::string_view path, Query query, std::size_t most);

  // The server-sent events of a stream as they come, until `visit` says false; a stream that ends before is trouble.
  Told<void> events(std::string_view path, const Query& query, const std::function<bool(const ServerEvent&)>& visit);

  const std::string& url() const;

 private:
  struct State;
  explicit ApiClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// "/v1/domains/a%2Fb" of {"domains", "a/b"}: each part percent-encoded (RFC 3986 2.1).
std::string api_path(std::initializer_list<std::string_view> parts);

// A problem document as text: the detail, each error with its pointer and hint, and what to do about the code.
Trouble trouble_of(int status, const Json& problem);

}  // namespace fairlead::cli
