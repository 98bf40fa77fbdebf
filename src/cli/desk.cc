#include "cli/desk.h"

#include "cli/credentials.h"
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "model/file_reader.h"
#include "model/words.h"

namespace fairlead::cli {
namespace {

constexpr std::string_view kDefaultServer = "http://127.0.0.1:9180";
constexpr std::chrono::seconds kInForce{5};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string first_line(std::string text) {
  text.resize(std::min(text.find_first_of("\r\n"), text.size()));
  return text;
}

bool is_id(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Typed at the terminal, without being shown; the buffer is the library's, and is wiped.
std::string typed(const std::string& prompt) {
  std::string out;
  if (char* const line = ::getpass(prompt.c_str()); line != nullptr) {
    out = line;
    std::fill(line, line + out.size(), '\0');
  }
  return out;
}

// The id of the item whose `key` is `value`.
Told<std::string> find_id(Desk& desk, std::string_view path, const Query& query, const char* key,
                          std::string_view value, std::string_view what) {
  if (is_id(value)) return std::string(value);
  std::string id;
  const auto done = desk.api.each(path, query, [&](const Json& item) {
    if (item.value(key, "") == value) id = item.value("id", "");
    return id.empty();
  });
  if (!done) return std::unexpected(done.error());
  if (id.empty()) return trouble(fmt::format("there is no {} \"{}\"", what, model::shown(value)));
  return id;
}

}  // namespace

Told<Desk> open_desk(const Connection& connection, bool with_token) {
  const auto path = credentials_path();
  auto known = path ? read_credentials(*path) : std::unexpected(path.error());
  if (!known && with_token && connection.token_file.empty() && environment("FAIRLEAD_TOKEN").empty()) {
    return std::unexpected(known.error());
  }
  const Credentials credentials = known.value_or(Credentials());
  ServerAddress server{connection.server, connection.ca_file};
  if (server.url.empty()) server.url = environment("FAIRLEAD_SERVER");
  if (server.url.empty()) server.url = credentials.current;
  if (server.url.empty()) server.url = kDefaultServer;
  while (server.url.ends_with('/')) server.url.pop_back();
  const auto login = credentials.servers.find(server.url);
  if (server.ca_file.empty() && login != credentials.servers.end()) server.ca_file = login->second.ca_file;

  std::string token;
  if (with_token && !connection.token_file.empty()) {
    const auto text = model::read_file(connection.token_file);
    if (!text) return trouble(fmt::format("{} cannot be read: {}", connection.token_file, text.error().context));
    token = first_line(*text);
    if (token.empty()) return trouble(fmt::format("{} holds no token", connection.token_file));
  } else if (with_token) {
    token = environment("FAIRLEAD_TOKEN");
    if (token.empty() && login != credentials.servers.end()) token = login->second.token;
    if (token.empty()) {
      return trouble(fmt::format("nobody has signed in at {}\nsign in: fairlead login {}", server.url, server.url));
    }
  }
  auto api = ApiClient::open(server, std::move(token));
  if (!api) return std::unexpected(api.error());
  return Desk{std::move(*api), Output::standard(connection.json)};
}

Told<std::string> account_id(Desk& desk, std::string_view name_or_id) {
  Query query;
  if (!is_id(name_or_id)) query.emplace_back("search", name_or_id);
  return find_id(desk, "/v1/accounts", query, "name", name_or_id, "account");
}

Told<std::string> user_id(Desk& desk, std::string_view email_or_id) {
  return find_id(desk, "/v1/users", {}, "email", email_or_id, "user");
}

Told<std::string> token_id(Desk& desk, std::string_view name_or_id) {
  if (is_id(name_or_id)) return std::string(name_or_id);
  const auto tokens = desk.api.whole("/v1/tokens");
  if (!tokens) return std::unexpected(tokens.error());
  std::vector<std::string> ids;
  for (const Json& token : *tokens) {
    if (token.value("name", "") == name_or_id) ids.push_back(token.value("id", ""));
  }
  if (ids.empty()) return trouble(fmt::format("there is no token of yours \"{}\"", model::shown(name_or_id)));
  if (ids.size() > 1) {
    return trouble(fmt::format("{} tokens of yours are called \"{}\"\nsay which one: {}", ids.size(),
                               model::shown(name_or_id), fmt::join(ids, ", ")));
  }
  return ids.front();
}

Told<std::string> application_id(Desk& desk, std::string_view id_or_account) {
  if (is_id(id_or_account)) return std::string(id_or_account);
  std::vector<std::string> ids;
  const auto done = desk.api.each("/v1/applications", {{"state", "submitted"}}, [&](const Json& item) {
    if (item.value("account_name", "") == id_or_account) ids.push_back(item.value("id", ""));
    return true;
  });
  if (!done) return std::unexpected(done.error());
  if (ids.empty()) return trouble(fmt::format("no application of \"{}\" is waiting", model::shown(id_or_account)));
  if (ids.size() > 1) {
    return trouble(fmt::format("{} applications of \"{}\" are waiting\nsay which one: {}", ids.size(),
                               model::shown(id_or_account), fmt::join(ids, ", ")));
  }
  return ids.front();
}

Told<Query> account_query(Desk& desk, std::string_view account) {
  Query query;
  if (account.empty()) return query;
  const auto id = account_id(desk, account);
  if (!id) return std::unexpected(id.error());
  query.emplace_back("account_id", *id);
  return query;
}

Told<std::string> certificate_id(Desk& desk, std::string_view name_or_id, std::string_view account) {
  const auto query = account_query(desk, account);
  if (!query) return std::unexpected(query.error());
  return find_id(desk, "/v1/certificates", *query, "name", name_or_id, "certificate");
}

Told<std::string> layer7_config_id(Desk& desk, std::string_view name_or_id, std::string_view account) {
  const auto query = account_query(desk, account);
  if (!query) return std::unexpected(query.error());
  return find_id(desk, "/v1/layer7-configs", *query, "name", name_or_id, "layer-7 configuration");
}

Told<std::string> read_secret(const std::string& file, const std::string& prompt, bool fresh) {
  std::string out;
  if (!file.empty()) {
    const auto text = read_text(file);
    if (!text) return std::unexpected(text.error());
    out = first_line(*text);
  } else if (::isatty(STDIN_FILENO) == 1) {
    out = typed(prompt);
    if (fresh && !out.empty() && typed("The same again: ") != out) return trouble("the two are not the same");
  } else {
    std::getline(std::cin, out);
    out = first_line(out);
  }
  if (out.empty()) return trouble("no password was given");
  return out;
}

Told<std::string> read_text(const std::string& file) {
  auto text = model::read_file(file == "-" ? "/dev/stdin" : file);
  if (!text) return trouble(fmt::format("{} cannot be read: {}", file, text.error().context));
  return *text;
}

std::string in_force(Desk& desk, long long policy_change) {
  if (policy_change <= 0) return {};
  const std::string path = api_path({"policy-changes", std::to_string(policy_change)});
  const auto until = std::chrono::steady_clock::now() + kInForce;
  for (int pause_ms = 5;; pause_ms = std::min(pause_ms * 2, 100)) {
    const auto reply = desk.api.get(path);
    if (!reply || !reply->json.is_object()) return {};
    const auto edges = reply->json.value("edges", 0ll);
    const auto live = reply->json.value("live", 0ll);
    const Json after = reply->json.value("after_ms", Json());
    if (edges == 0) return "no edge is connected";
    if (live == edges || std::chrono::steady_clock::now() >= until) {
      return fmt::format("in force on {} of {} {}{}", live, edges, edges == 1 ? "edge" : "edges",
                         after.is_number() ? fmt::format(", {} ms after the change", after.get<long long>()) : "");
    }
    ::poll(nullptr, 0, pause_ms);
  }
}

int finish(const Told<void>& done) {
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (!done) {
    std::fputs(fmt::format("fairlead: {}\n", done.error().text).c_str(), stderr);
    return done.error().unreachable ? kUnreachable : kRefused;
  }
  if (written) return kDone;
  std::fputs("fairlead: it was done, and what was to be said about it cannot be written\n", stderr);
  return kRefused;
}

}  // namespace fairlead::cli
