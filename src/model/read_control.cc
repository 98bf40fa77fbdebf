#include "model/read_control.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "model/read_listeners.h"
#include "model/syntax.h"

namespace fairlead::model {
namespace {

void read_database(MapReader& control, const std::string& file, std::string& out) {
  if (!control.read("database", out, limits::kMaxUrl)) return;
  constexpr std::string_view kSqlite = "sqlite:";
  if (out.starts_with("postgresql://") || out.starts_with("postgres://")) return;
  if (out.starts_with(kSqlite) && out.size() > kSqlite.size()) {
    const std::string path = out.substr(kSqlite.size());
    if (path == ":memory:") {
      control.at("database")
          .warning("database-in-memory", "everything is forgotten when the program ends",
                   "sqlite:fairlead.db keeps it");
      return;
    }
    out = fmt::format("{}{}", kSqlite, resolve_path(file, path));
    return;
  }
  control.at("database")
      .error("bad-value", fmt::format("\"{}\" is not the address of a database", shown(out)),
             "sqlite:/var/lib/fairlead/fairlead.db, or postgresql://user@host/name");
}

// A URL of one of `schemes`; nullopt after telling.
std::optional<Url> read_url(const Field& field, std::initializer_list<std::string_view> schemes, std::string example) {
  const auto text = field.text(limits::kMaxUrl);
  if (!text) return std::nullopt;
  auto url = parse_url(*text);
  if (url && std::ranges::find(schemes, std::string_view(url->scheme)) != schemes.end()) return url;
  field.error("bad-url", fmt::format("\"{}\" is not a URL that {} can have", shown(*text), field.name()),
              fmt::format("for example {}", example));
  return std::nullopt;
}

// Links begin with it: no path, and no "/" at its end.
void read_public_url(MapReader& control, std::string& out) {
  const auto field = control.find("public_url");
  const auto url = field ? read_url(*field, {"https", "http"}, "https://console.example.com") : std::nullopt;
  if (!url) return;
  if (!url->rest.empty() && url->rest != "/") {
    field->error("bad-url", "\"public_url\" cannot have a path", "the scheme, the name and, if need be, the port");
    return;
  }
  if (url->scheme == "http" && !is_loopback(url->host) && url->host != "localhost") {
    field->warning("plain-url", "who follows a link to this URL sends their password in clear", "https://...");
  }
  out = field->node().text;
  if (out.ends_with('/')) out.pop_back();
}

void read_ca(MapReader& map, ReferencedFiles& files, std::string& out) {
  const auto field = map.find("ca_file");
  const auto pem = field ? files.pem(*field) : std::nullopt;
  if (!pem) return;
  const PemContents contents = scan_pem(*pem);
  if (contents.malformed || contents.certificates == 0) {
    field->error("bad-pem", "the CA file contains no well-formed PEM certificate");
    return;
  }
  out = pem_blocks(*pem);
}

void read_mail(MapReader& control, ReferencedFiles& files, MailConfig& out) {
  const auto field = control.find("mail");
  if (!field) return;
  MapReader map(*field);
  if (!map) return;
  if (const auto server = map.require("server", "for example: server: smtps://mail.example.com")) {
    const auto url = read_url(*server, {"smtp", "smtps"}, "smtps://mail.example.com, or smtp://mail.example.com:587");
    if (url && !url->rest.empty()) {
      server->error("bad-url", "the mail server's URL cannot have a path", "the scheme, the host and the port");
    } else if (url) {
      out.server = server->node().text;
    }
  }
  map.require("from", "the sender of all mails: from: fairlead@example.com");
  if (map.read("from", out.from, limits::kMaxMailAddress) && !is_mail_address(out.from)) {
    map.at("from").error("bad-address", fmt::format("\"{}\" is not a mail address", shown(out.from)),
                         "the address alone: fairlead@example.com");
  }
  const bool user = map.read("username", out.username, limits::kMaxSecret);
  const auto password_file = map.find("password_file");
  if (password_file) {
    if (auto secret = files.secret(*password_file)) out.password = std::move(*secret);
  }
  if (user != password_file.has_value()) {
    map.at(user ? "username" : "password_file")
        .error("missing-key", "\"username\" and \"password_file\" go together", "give both, or neither");
  }
  map.read("require_tls", out.require_tls);
  if (!out.require_tls && user) {
    map.at("require_tls").warning("plain-password", "the mail password may be sent in clear", "require_tls: true");
  }
  read_ca(map, files, out.ca_pem);
}

void read_webhooks(MapReader& control, ReferencedFiles& files, std::vector<WebhookConfig>& out) {
  const auto list = control.find("webhooks");
  if (!list) return;
  list->each(limits::kMaxWebhooks, [&](const Field& item) {
    MapReader map(item);
    if (!map) return;
    WebhookConfig hook;
    if (const auto field = map.require("url", "for example: url: https://hooks.example.com/fairlead")) {
      if (const auto url = read_url(*field, {"https", "http"}, "https://hooks.example.com/fairlead")) {
        // What is told has names and reasons in it, and the signature keeps nothing secret.
        if (url->scheme == "http" && !is_loopback(url->host)) {
          field->error("bad-url", fmt::format("a webhook to \"{}\" would be sent in clear", shown(url->host)),
                       "https, or http to a loopback address");
        }
        hook.url = field->node().text;
      }
    }
    if (const auto secret = map.require("secret_file", "the file with the key that requests are signed with")) {
      if (auto text = files.secret(*secret)) hook.secret = std::move(*text);
    }
    read_ca(map, files, hook.ca_pem);
    out.push_back(std::move(hook));
  });
}

}  // namespace

void read_control(const Field& field, const std::string& file, ReferencedFiles& files, ControlConfig& out) {
  MapReader control(field);
  if (!control) return;
  read_database(control, file, out.database);
  read_public_url(control, out.public_url);
  read_mail(control, files, out.mail);
  read_webhooks(control, files, out.webhooks);
  out.resolvers = read_resolvers(control);
  control.read_count("ownership_http_port", out.ownership_http_port, limits::kOwnershipPort);
  control.read("ownership_allow_private", out.ownership_allow_private);
  control.read("login_time", out.login_time, limits::kLoginTime);
  control.read_count("requests_per_second_per_client", out.requests_per_second_per_client, limits::kApiRate);
}

}  // namespace fairlead::model
