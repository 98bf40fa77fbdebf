#include "cli/api_client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <charconv>

#include "model/syntax.h"
#include "model/words.h"

namespace fairlead::cli {
namespace {

constexpr int kMostTries = 20;        // of a call that is told to come again later
constexpr int kMostWaitSeconds = 30;  // each time
constexpr int kPageRows = 500;        // the contract's largest

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// Once per process, before the first handle.
bool curl_ready() {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return ready;
}

struct Incoming {
  std::string body;
  std::string etag;
  std::string cookie;
  int retry_after = 0;
};

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* to) {
  auto& in = *static_cast<Incoming*>(to);
  if (in.body.size() + size * count > kMaxAnswerBytes) return 0;  // ends the transfer
  in.body.append(data, size * count);
  return size * count;
}

std::size_t take_field(char* data, std::size_t size, std::size_t count, void* to) {
  auto& in = *static_cast<Incoming*>(to);
  std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) in = Incoming();  // of the last answer, if there were interim ones
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size * count;
  const std::string name = model::lower_case(line.substr(0, colon));
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == '\r' || value.back() == '\n' || value.back() == ' '))
    value.remove_suffix(1);
  if (name == "etag") in.etag = value;
  if (name == "set-cookie") in.cookie = value.substr(0, value.find(';'));
  if (name == "retry-after") std::from_chars(value.data(), value.data() + value.size(), in.retry_after);
  return size * count;
}

void append_encoded(std::string& out, std::string_view text) {
  for (const char c : text) {
    const bool unreserved = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                            std::string_view("-._~").find(c) != std::string_view::npos;
    if (unreserved) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
}

// In one line, which cannot drive the terminal, whatever the words are.
std::string printable(std::string words) {
  for (char& c : words) c = static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return words;
}

// The host of "http://host:port/"; without brackets.
std::string host_of(std::string_view url) {
  std::string_view rest = url.substr(url.find("://") + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  if (rest.starts_with('[')) return std::string(rest.substr(1, rest.find(']') - 1));
  return std::string(rest.substr(0, rest.rfind(':')));
}

bool is_local(const std::string& host) {
  if (host == "localhost") return true;
  const auto ip = model::canonical_ip(host);
  return ip && model::is_loopback(*ip);
}

// What to do about a problem, where that is not obvious.
std::string_view advice(int status, std::string_view code) {
  if (status == 401) return "sign in: fairlead login URL";
  if (code == "revision_conflict") return "somebody else changed it meanwhile: look at it again, then repeat";
  if (code == "gates_unmet") return "see what is missing: fairlead domain gates NAME";
  if (code == "in_use") return "something is still bound to it";
  if (code == "rate_limited") return "wait a moment, then repeat";
  if (code == "outcome_unknown") return "it may have been done: look before you repeat it";
  return {};
}

}  // namespace

struct ApiClient::State {
  std::unique_ptr<CURL, CurlDeleter> curl;
  ServerAddress server;
  std::string base;  // "https://host:port" without a last "/"; "http://localhost" over a Unix socket
  std::string unix_path;
  std::string token;

  void prepare(const std::string& url, const std::unique_ptr<curl_slist, CurlDeleter>& fields, char* words);
  // Why a transfer came to nothing.
  std::unexpected<Trouble> not_asked(CURLcode code, const char* words) const;
};

ApiClient::ApiClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
ApiClient::ApiClient(ApiClient&&) noexcept = default;
ApiClient& ApiClient::operator=(ApiClient&&) noexcept = default;
ApiClient::~ApiClient() = default;

const std::string& ApiClient::url() const { return state_->server.url; }

Told<ApiClient> ApiClient::open(const ServerAddress& server, std::string token) {
  auto state = std::make_unique<State>();
  state->server = server;
  state->token = std::move(token);
  if (server.url.starts_with("unix:")) {
    state->unix_path = server.url.substr(5);
    state->base = "http://localhost";
    if (!state->unix_path.starts_with('/')) return trouble("a Unix socket is unix:/path, with an absolute path");
  } else if (server.url.starts_with("https://") || server.url.starts_with("http://")) {
    state->base = server.url;
    while (state->base.ends_with('/')) state->base.pop_back();
    const std::string host = host_of(server.url);
    if (host.empty() || server.url.find('@') != std::string::npos) {
      return trouble(fmt::format("\"{}\" is not the address of a server", model::shown(server.url)));
    }
    if (server.url.starts_with("http://") && !is_local(host)) {
      return trouble(
          fmt::format("{} would send what is secret in the clear\nuse https://, a Unix socket, or the loopback",
                      model::shown(server.url)));
    }
  } else {
    return trouble(fmt::format("\"{}\" is not the address of a server\nit begins with https://, http:// or unix:",
                               model::shown(server.url)));
  }
  if (state->token.find_first_of("\r\n") != std::string::npos) return trouble("the token has more than one line");
  if (curl_ready()) state->curl.reset(curl_easy_init());
  if (!state->curl) return trouble("libcurl does not start");
  return ApiClient(std::move(state));
}

namespace {

std::string with_query(std::string url, const Query& query) {
  char separator = '?';
  for (const auto& [name, value] : query) {
    url += separator;
    append_encoded(url, name);
    url += '=';
    append_encoded(url, value);
    separator = '&';
  }
  return url;
}

using Fields = std::unique_ptr<curl_slist, CurlDeleter>;

void add_field(Fields& fields, const std::string& line) {
  curl_slist* longer = curl_slist_append(fields.get(), line.c_str());
  if (longer != nullptr) {
    static_cast<void>(fields.release());
    fields.reset(longer);
  }
}

}  // namespace

// What every transfer needs; keeps the connection. `words`: CURL_ERROR_SIZE bytes that outlive the transfer.
void ApiClient::State::prepare(const std::string& url, const Fields& fields, char* words) {
  CURL* const handle = curl.get();
  curl_easy_reset(handle);
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, fields.get());
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, words);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "fairlead/" FAIRLEAD_VERSION);
  if (!unix_path.empty()) {
    curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, unix_path.c_str());
    curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
  } else if (is_local(host_of(base))) {
    curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
  }
  if (!server.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, server.ca_file.c_str());
}

std::unexpected<Trouble> ApiClient::State::not_asked(CURLcode code, const char* words) const {
  const std::string why = words[0] != 0 ? words : curl_easy_strerror(code);
  if (code == CURLE_WRITE_ERROR) return unreachable(fmt::format("{}: the answer is too large", server.url));
  std::string text = fmt::format("{} cannot be asked: {}", server.url, printable(why));
  if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
    text += "\ngive the CA of its certificate with --ca-file";
  } else if (code == CURLE_COULDNT_CONNECT) {
    text += "\nis it running, and is this its admin address? Name another one with --server";
  }
  return unreachable(std::move(text));
}

Told<ApiReply> ApiClient::send(std::string_view method, std::string_view path, const ApiCall& call) {
  const std::string url = with_query(state_->base + std::string(path), call.query);
  const std::string body = call.body.is_null() ? "" : call.body.dump(-1, ' ', false, Json::error_handler_t::replace);
  Fields fields;
  const auto add = [&](const std::string& line) { add_field(fields, line); };
  add("Accept: application/json, application/problem+json");
  add("Expect:");
  if (!call.body.is_null()) add("Content-Type: application/json");
  if (!call.cookie.empty()) {
    add("Cookie: " + call.cookie);
    if (!call.csrf.empty()) add("fairlead-csrf: " + call.csrf);
  } else if (!state_->token.empty()) {
    add("Authorization: Bearer " + state_->token);
  }
  if (!call.if_match.empty()) add("If-Match: " + call.if_match);

  const std::string verb(method);
  for (int tries = 1;; ++tries) {
    CURL* const curl = state_->curl.get();
    Incoming in;
    char words[CURL_ERROR_SIZE] = "";
    state_->prepare(url, fields, words);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, verb.c_str());
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, kAnswerSeconds);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &in);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_field);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &in);
    if (!call.body.is_null()) {
      curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
      curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    } else if (method == "POST" || method == "PUT" || method == "PATCH") {
      curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
      curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t{0});
    }
    const CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) return state_->not_asked(code, words);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    // What was told to come later was not done (429), or must not be repeated by guess (outcome_unknown has no date).
    if ((status == 429 || (status == 503 && method == "GET")) && in.retry_after > 0 && tries < kMostTries) {
      ::poll(nullptr, 0, std::min(in.retry_after, kMostWaitSeconds) * 1000);
      continue;
    }
    ApiReply out;
    out.status = static_cast<int>(status);
    out.json = Json::parse(in.body, nullptr, false);
    if (out.json.is_discarded()) out.json = Json();
    if (status < 200 || status > 299) return std::unexpected(trouble_of(out.status, out.json));
    out.body = std::move(in.body);
    out.etag = std::move(in.etag);
    out.cookie = std::move(in.cookie);
    return out;
  }
}

Told<ApiReply> ApiClient::get(std::string_view path, const Query& query) {
  ApiCall call;
  call.query = query;
  return send("GET", path, call);
}

namespace {

// Takes server-sent events apart as they come (HTML Living Standard, 9.2.6). Of an answer that is none it keeps the
// body.
struct Events {
  CURL* curl = nullptr;
  const std::function<bool(const ServerEvent&)>* visit = nullptr;
  std::string rest, body;
  ServerEvent event;
  bool over = false;  // the visitor has seen enough

  bool take(std::string_view bytes) {
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    std::string& to = status == 200 ? rest : body;
    if (to.size() + bytes.size() > kMaxAnswerBytes) return false;
    to += bytes;
    std::size_t begin = 0;
    for (std::size_t end; !over && (end = rest.find('\n', begin)) != std::string::npos; begin = end + 1) {
      std::string_view line = std::string_view(rest).substr(begin, end - begin);
      if (line.ends_with('\r')) line.remove_suffix(1);
      take_line(line);
    }
    rest.erase(0, begin);
    return !over;
  }
  void take_line(std::string_view line) {
    if (line.empty()) {
      if (!event.data.empty()) over = !(*visit)(event);
      event = {};
    } else if (line.starts_with("event: ")) {
      event.name = line.substr(7);
    } else if (line.starts_with("data: ")) {
      if (!event.data.empty()) event.data += '\n';
      event.data += line.substr(6);
    }
  }
};

std::size_t take_events(char* data, std::size_t size, std::size_t count, void* to) {
  return static_cast<Events*>(to)->take({data, size * count}) ? size * count : 0;
}

}  // namespace

Told<void> ApiClient::events(std::string_view path, const Query& query,
                             const std::function<bool(const ServerEvent&)>& visit) {
  const std::string url = with_query(state_->base + std::string(path), query);
  Fields fields;
  add_field(fields, "Accept: text/event-stream, application/problem+json");
  if (!state_->token.empty()) add_field(fields, "Authorization: Bearer " + state_->token);
  CURL* const curl = state_->curl.get();
  Events in;
  in.curl = curl;
  in.visit = &visit;
  char words[CURL_ERROR_SIZE] = "";
  state_->prepare(url, fields, words);
  // Something comes every second: half a minute of nothing is the end.
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 30L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_events);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &in);
  const CURLcode code = curl_easy_perform(curl);
  if (in.over) return {};
  if (code != CURLE_OK) return state_->not_asked(code, words);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status == 200) return unreachable(fmt::format("{} ended the stream", state_->server.url));
  Json problem = Json::parse(in.body, nullptr, false);
  if (problem.is_discarded()) problem = Json();
  return std::unexpected(trouble_of(static_cast<int>(status), problem));
}

Told<void> ApiClient::each(std::string_view path, Query query, const std::function<bool(const Json&)>& visit) {
  const bool limited = std::ranges::any_of(query, [](const auto& one) { return one.first == "limit"; });
  if (!limited) query.emplace_back("limit", std::to_string(kPageRows));
  std::string after;
  for (;;) {
    Query page = query;
    if (!after.empty()) page.emplace_back("after", after);
    const auto reply = get(path, page);
    if (!reply) return std::unexpected(reply.error());
    if (!reply->json.is_object() || !reply->json.contains("items") || !reply->json["items"].is_array()) {
      return unreachable(fmt::format("{}: the answer is no list; is this a Fairlead server?", url()));
    }
    for (const Json& item : reply->json["items"]) {
      if (!visit(item)) return {};
    }
    const auto next = reply->json.find("next");
    if (next == reply->json.end() || !next->is_string() || next->get_ref<const std::string&>().empty()) return {};
    // A page that leads to itself would never end.
    if (next->get_ref<const std::string&>() == after) return unreachable("the list does not end");
    after = next->get<std::string>();
  }
}

Told<std::vector<Json>> ApiClient::whole(std::string_view path) {
  const auto reply = get(path);
  if (!reply) return std::unexpected(reply.error());
  if (!reply->json.is_object() || !reply->json.contains("items") || !reply->json["items"].is_array()) {
    return unreachable(fmt::format("{}: the answer is no list; is this a Fairlead server?", url()));
  }
  return std::vector<Json>(reply->json["items"].begin(), reply->json["items"].end());
}

Told<std::vector<Json>> ApiClient::list(std::string_view path, Query query, std::size_t most) {
  std::vector<Json> out;
  if (most < static_cast<std::size_t>(kPageRows))
    query.emplace_back("limit", std::to_string(std::max<std::size_t>(most, 1)));
  auto done = each(path, std::move(query), [&](const Json& item) {
    if (out.size() < most) out.push_back(item);
    return out.size() < most;
  });
  if (!done) return std::unexpected(std::move(done.error()));
  return out;
}

std::string api_path(std::initializer_list<std::string_view> parts) {
  std::string out = "/v1";
  for (const std::string_view part : parts) {
    out += '/';
    append_encoded(out, part);
  }
  return out;
}

Trouble trouble_of(int status, const Json& problem) {
  Trouble out;
  out.status = status;
  const auto text = [](const Json& from, const char* key) {
    const auto at = from.is_object() ? from.find(key) : from.end();
    return from.is_object() && at != from.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  out.code = text(problem, "code");
  out.text = printable(text(problem, "detail"));
  if (out.text.empty()) out.text = printable(text(problem, "title"));
  if (out.text.empty()) out.text = fmt::format("the server answered {}", status);
  if (problem.is_object() && problem.contains("errors") && problem["errors"].is_array()) {
    for (const Json& error : problem["errors"]) {
      const std::string pointer = printable(text(error, "pointer"));
      out.text += fmt::format("\n  {}{}{}", pointer, pointer.empty() ? "" : ": ", printable(text(error, "message")));
      if (const std::string hint = printable(text(error, "hint")); !hint.empty())
        out.text += fmt::format(" ({})", hint);
    }
  }
  if (const std::string_view what = advice(status, out.code); !what.empty()) out.text += fmt::format("\n{}", what);
  return out;
}

}  // namespace fairlead::cli
