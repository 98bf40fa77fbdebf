#include "cli/access_verbs.h"

#include "cli/credentials.h"
#include <fmt/format.h>
#include <unistd.h>

#include <optional>

#include "model/words.h"

namespace fairlead::cli {
namespace {

std::string host_name() {
  char name[256] = "";
  if (::gethostname(name, sizeof name - 1) != 0) return "a machine";
  return name;
}

struct Link {
  std::string server, key;
};

// "https://console.example.com/setup#fll_..." in two.
std::optional<Link> link_of(const std::string& text, std::string_view page) {
  const std::size_t hash = text.find('#');
  const std::size_t at = text.rfind(page, hash);
  if (hash == std::string::npos || at == std::string::npos || hash + 1 == text.size()) return std::nullopt;
  return Link{text.substr(0, at), text.substr(hash + 1)};
}

// Before a token is made, and a link of the first start is spent: whether there is a place for the token.
Told<std::string> writable_credentials() {
  const auto path = credentials_path();
  if (!path) return path;
  auto known = read_credentials(*path);
  if (!known) return std::unexpected(known.error());
  if (auto kept = write_credentials(*path, *known); !kept) return std::unexpected(kept.error());
  return path;
}

// From the cookie of a login to a token in the credentials file.
Told<void> keep_login(Desk& desk, const Connection& connection, const std::string& path, const ApiReply& login,
                      int days) {
  ApiCall make;
  make.cookie = login.cookie;
  make.csrf = login.json.value("csrf", "");
  make.body = {{"name", fmt::format("fairlead login on {}", host_name()).substr(0, 100)},
               {"scope", "write"},
               {"expires_in_days", days}};
  const auto made = desk.api.send("POST", "/v1/tokens", make);
  if (!made) return std::unexpected(made.error());

  auto credentials = read_credentials(path);
  if (!credentials) return std::unexpected(credentials.error());
  Credential& entry = credentials->servers[desk.api.url()];
  const std::string former = entry.token_id;
  credentials->current = desk.api.url();
  entry = {made->json.value("token", ""), made->json.value("id", ""), connection.ca_file};
  if (auto kept = write_credentials(path, *credentials); !kept) return kept;

  ApiCall end;
  end.cookie = make.cookie;
  end.csrf = make.csrf;
  // A login again leaves no token behind that nobody has any more; somebody else's is not this login's to end.
  if (!former.empty()) static_cast<void>(desk.api.send("DELETE", api_path({"tokens", former}), end));
  static_cast<void>(desk.api.send("POST", "/v1/logout", end));  // the token stays; the cookie has done its work

  const Json user = login.json.value("user", Json::object());
  desk.out.done(fmt::format("signed in at {} as {} ({}); the token is in {}", desk.api.url(), user.value("email", "?"),
                            user.value("role", "?"), path),
                {{"server", desk.api.url()}, {"user", user}});
  return {};
}

}  // namespace

Told<void> log_in(const Connection& connection, const LoginArgs& args) {
  Connection to = connection;
  if (!args.url.empty()) to.server = args.url;
  auto desk = open_desk(to, false);
  if (!desk) return std::unexpected(desk.error());
  const auto path = writable_credentials();
  if (!path) return std::unexpected(path.error());
  const auto password = read_secret(args.password_file, fmt::format("Password of {}: ", args.email));
  if (!password) return std::unexpected(password.error());
  ApiCall call;
  call.body = {{"email", args.email}, {"password", *password}};
  const auto login = desk->api.send("POST", "/v1/login", call);
  if (!login) {
    // "Sign in" is no advice to who is doing just that.
    Trouble why = login.error();
    if (why.status == 401) why.text = "e-mail address or password is wrong";
    return std::unexpected(why);
  }
  return keep_login(*desk, to, *path, *login, args.days);
}

Told<void> log_out(const Connection& connection) {
  const auto path = credentials_path();
  if (!path) return std::unexpected(path.error());
  auto credentials = read_credentials(*path);
  if (!credentials) return std::unexpected(credentials.error());
  std::string url = connection.server.empty() ? credentials->current : connection.server;
  while (url.ends_with('/')) url.pop_back();
  const auto login = credentials->servers.find(url);
  if (login == credentials->servers.end()) return trouble("nobody has signed in here");
  Told<void> ended;
  if (auto api = ApiClient::open({url, login->second.ca_file}, login->second.token);
      api && !login->second.token_id.empty()) {
    const auto reply = api->send("DELETE", api_path({"tokens", login->second.token_id}));
    // 401, 404: it has ended already.
    if (!reply && reply.error().status != 401 && reply.error().status != 404) ended = std::unexpected(reply.error());
  }
  credentials->servers.erase(login);
  if (credentials->current == url) credentials->current.clear();
  if (auto kept = write_credentials(*path, *credentials); !kept) return kept;
  if (!ended) {
    return trouble(fmt::format("the token is forgotten here, and not ended at {}: {}", url, ended.error().text));
  }
  Output::standard(connection.json).done(fmt::format("signed out at {}", url));
  return {};
}

Told<void> set_up(const Connection& connection, const SetUpArgs& args) {
  const auto link = link_of(args.link, "/setup");
  if (!link) {
    return trouble(
        "that is not the link that the first start printed\nit looks like https://console.example.com/setup#fll_..., "
        "and "
        "a shell wants it in quotes");
  }
  Connection to = connection;
  // The link may name the console's public address; --server says where the API is reached from here.
  if (to.server.empty()) to.server = link->server;
  auto desk = open_desk(to, false);
  if (!desk) return std::unexpected(desk.error());
  const auto path = writable_credentials();
  if (!path) return std::unexpected(path.error());
  const auto password =
      read_secret(args.password_file, fmt::format("New password of {} (12 characters at least): ", args.email), true);
  if (!password) return std::unexpected(password.error());
  ApiCall call;
  call.body = {{"key", link->key}, {"email", args.email}, {"password", *password}};
  if (!args.account_name.empty()) call.body["account_name"] = args.account_name;
  const auto login = desk->api.send("POST", "/v1/setup", call);
  if (!login) return std::unexpected(login.error());
  return keep_login(*desk, to, *path, *login, 90);
}

Told<void> who_am_i(Desk& desk) {
  const auto reply = desk.api.get("/v1/login");
  if (!reply) return std::unexpected(reply.error());
  Json me = reply->json;
  if (!desk.out.json()) me["server"] = desk.api.url();
  desk.out.object({{"User", "/user/email"},
                   {"Role", "/user/role"},
                   {"Account", "/account/name"},
                   {"May change things", "/may_write"},
                   {"Server", "/server"}},
                  me);
  return {};
}

Told<void> set_password(const Connection& connection, const PasswordArgs& args) {
  Connection to = connection;
  std::optional<Link> link;
  if (!args.link.empty()) {
    link = link_of(args.link, "/password");
    if (!link)
      return trouble(
          "that is not a link to set a password\nit looks like https://console.example.com/password#fll_...");
    if (to.server.empty()) to.server = link->server;
  }
  auto desk = open_desk(to, !link);
  if (!desk) return std::unexpected(desk.error());
  ApiCall call;
  if (!link) {
    const auto old_password = read_secret(args.old_password_file, "Old password: ");
    if (!old_password) return std::unexpected(old_password.error());
    call.body["old_password"] = *old_password;
  }
  const auto password = read_secret(args.password_file, "New password (12 characters at least): ", true);
  if (!password) return std::unexpected(password.error());
  if (link) {
    call.body = {{"key", link->key}, {"password", *password}};
  } else {
    call.body["new_password"] = *password;
  }
  const auto reply = desk->api.send(link ? "POST" : "PUT", "/v1/password", call);
  if (!reply) return std::unexpected(reply.error());
  desk->out.done(link ? "the password is set" : "the password is set; every login and token has ended: sign in again");
  return {};
}

Told<void> token_list(Desk& desk) {
  const auto items = desk.api.whole("/v1/tokens");
  if (!items) return std::unexpected(items.error());
  desk.out.list(
      {{"NAME", "/name"}, {"SCOPE", "/scope"}, {"EXPIRES", "/expires"}, {"LAST USED", "/last_used"}, {"ID", "/id"}},
      *items, "no tokens");
  return {};
}

Told<void> token_create(Desk& desk, const std::string& name, bool read_only, int days) {
  ApiCall call;
  call.body = {{"name", name}, {"scope", read_only ? "read" : "write"}, {"expires_in_days", days}};
  const auto reply = desk.api.send("POST", "/v1/tokens", call);
  if (!reply) return std::unexpected(reply.error());
  // The token alone on standard output, so that it can be put into a file.
  if (!desk.out.json()) {
    std::fputs(fmt::format("token \"{}\" until {}; it is shown this once\n", model::shown(name),
                           cell_text(reply->json.value("expires", Json())))
                   .c_str(),
               stderr);
  }
  desk.out.done(reply->json.value("token", ""), reply->json);
  return {};
}

Told<void> token_delete(Desk& desk, const std::string& name_or_id) {
  const auto id = token_id(desk, name_or_id);
  if (!id) return std::unexpected(id.error());
  const auto reply = desk.api.send("DELETE", api_path({"tokens", *id}));
  if (!reply) return std::unexpected(reply.error());
  desk.out.done(fmt::format("token {} has ended", name_or_id));
  return {};
}

}  // namespace fairlead::cli
