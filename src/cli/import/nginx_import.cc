// What an nginx configuration means, as far as it is about WebSocket: servers whose locations pass Upgrade on become
// domains. First every server takes what holds for it; then a sweep over the whole tree tells what nothing took.

#include "cli/import/draft.h"
#include "cli/import/effects.h"
#include "cli/import/nginx_scope.h"
#include "cli/import/nginx_values.h"
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "model/syntax.h"
#include "model/words.h"

namespace fairlead::cli {
namespace {

namespace limits = model::limits;

constexpr std::string_view kVerifyNote =
    "as in nginx, certificates of the origins are not verified; better: remove `verify: false` and give a ca_file";

// Directives that have an effect in the result when a carried server uses them.
constexpr std::string_view kCarried[] = {"server_name",
                                         "listen",
                                         "ssl",
                                         "http2",
                                         "ssl_certificate",
                                         "ssl_certificate_key",
                                         "proxy_pass",
                                         "proxy_set_header",
                                         "proxy_read_timeout",
                                         "proxy_connect_timeout",
                                         "proxy_send_timeout",
                                         "client_max_body_size",
                                         "keepalive_timeout",
                                         "client_header_timeout",
                                         "client_body_timeout",
                                         "ssl_protocols",
                                         "ssl_ciphers",
                                         "add_header",
                                         "proxy_ssl_verify",
                                         "proxy_ssl_name",
                                         "proxy_ssl_trusted_certificate",
                                         "health_check"};

class NginxImport {
 public:
  NginxImport(const NginxDirective& root, std::string main_file, const ImportOptions& options, Findings& findings)
      : root_(root), main_file_(std::move(main_file)), options_(options), findings_(findings), drafts_(findings) {}

  std::string run(const std::string& comment) {
    collect(root_);
    for (const NginxDirective* server : servers_) read_server(*server);
    std::string yaml = drafts_.write(comment);
    for (const NginxDirective& child : root_.children) sweep(child);
    return yaml;
  }

 private:
  struct Proxied {
    const NginxDirective* scope = nullptr;  // the location, or the server itself
    const NginxDirective* pass = nullptr;
    NginxTarget target;
    bool websocket = false;
  };

  // Servers and groups stand in http blocks, or at the top of a fragment.
  void collect(const NginxDirective& level) {
    for (const NginxDirective& child : level.children) {
      if (!child.block) continue;
      if (child.name() == "http" && &level == &root_) {
        child.settled = true;
        collect(child);
      } else if (child.name() == "server") {
        servers_.push_back(&child);
      } else if (child.name() == kNginxGroup && child.words.size() > 1) {
        groups_.emplace(model::lower_case(child.arg(1)), &child);
      } else if (child.name() == "map" && (child.arg(1) == "$http_upgrade" || child.arg(1) == "$http_connection")) {
        nginx_settle(child);  // makes the Connection field; the edge makes it itself
      }
    }
  }

  void lost(const NginxDirective& directive, std::string why) {
    directive.settled = true;
    findings_.not_carried(directive.place(), std::move(why));
  }
  void note(const NginxDirective& directive, std::string why) {
    directive.settled = true;
    findings_.note(directive.place(), std::move(why));
  }

  // --- one server

  void read_server(const NginxDirective& server) {
    std::vector<Proxied> proxied;
    refused_ = false;
    find_proxied(server, proxied);
    const Proxied* main = nullptr;
    for (const Proxied& one : proxied) {
      if (!one.websocket) continue;
      const bool whole = one.scope->words.size() == 2 && one.scope->arg(1) == "/";
      if (main == nullptr || (whole && main->scope->words.back() != "/")) main = &one;
    }
    if (main == nullptr) {
      const bool refused = refused_;
      nginx_settle(server);
      findings_.not_carried(server.place(), fmt::format("{}: the server is left out{}",
                                                        refused           ? "none of its origins could be carried over"
                                                        : proxied.empty() ? "nothing in it is passed to an origin"
                                                                          : "no location in it passes Upgrade on",
                                                        inside(server)));
      return;
    }
    server.settled = true;
    DomainDraft draft;
    draft.place = server.place();
    if (!read_origins(*main, draft)) {
      nginx_settle(server);
      findings_.not_carried(server.place(),
                            "the server is left out: none of its origins could be carried over" + inside(server));
      return;
    }
    read_locations(server, *main, proxied);
    read_certificates(server, draft);
    read_origin_tls(*main, draft);
    read_request_fields(*main, draft);
    read_settings(*main->scope, draft);
    read_add_header(*main->scope, draft);
    if (read_names(server, draft)) read_listen(server);
  }

  static std::size_t count(const NginxDirective& directive) {
    std::size_t out = directive.children.size();
    for (const NginxDirective& child : directive.children) out += count(child);
    return out;
  }

  // Every place in the server that has a proxy_pass of its own.
  void find_proxied(const NginxDirective& scope, std::vector<Proxied>& out) {
    for (const NginxDirective& child : scope.children) {
      if (child.name() == "location" && child.block) find_proxied(child, out);
      if (child.name() != "proxy_pass" || child.block || child.words.size() != 2) continue;
      Proxied one;
      one.scope = &scope;
      one.pass = &child;
      const auto* upgrade = nginx_request_field(scope, "upgrade");
      one.websocket = upgrade != nullptr && !upgrade->arg(2).empty();
      std::string url = child.arg(1);
      // The path as it came changes nothing, in whichever way it is written.
      for (const std::string_view same : {"$request_uri", "$uri$is_args$args"}) {
        if (url.ends_with(same)) url.resize(url.size() - same.size());
      }
      const auto whole = nginx_substitute(scope, url);
      const auto target = whole ? parse_nginx_target(*whole) : std::nullopt;
      if (!target || target->unix_path) {
        if (one.websocket) {
          refused_ = true;
          lost(child, !whole   ? "which origin it is follows from variables at run time; name the origins"
                      : target ? "the edge reaches origins over TCP, not over a socket in the file system"
                               : "not an http:// or https:// address");
        }
        continue;
      }
      one.target = *target;
      out.push_back(std::move(one));
    }
  }

  // Locations beside the one that the domain is made of.
  void read_locations(const NginxDirective& server, const Proxied& main, const std::vector<Proxied>& proxied) {
    if (main.scope->name() == "location") {
      main.scope->settled = true;
      for (const NginxDirective* up = main.scope->parent; up != &server; up = up->parent) up->settled = true;
      if (main.scope->words.size() != 2 || main.scope->arg(1) != "/") {
        lost(*main.scope,
             "in nginx this path alone leads to these origins; the edge sends every path of the domain to them");
      }
    }
    main.pass->settled = true;
    const std::string& uri = main.target.uri;
    const std::string& path = main.scope->name() == "location" ? main.scope->words.back() : uri;
    if (!uri.empty() && uri != path) {
      lost(*main.pass, fmt::format("nginx puts {} in the place of the location's path; the edge does not change paths",
                                   model::shown(uri)));
    }
    for (const Proxied& one : proxied) {
      if (&one == &main || one.scope == &server) continue;
      const bool same = one.target.host == main.target.host && one.target.https == main.target.https &&
                        (one.target.uri.empty() || one.target.uri == one.scope->words.back());
      const Place place = one.scope->place();
      if (same) {
        settle_like(*one.scope, *main.scope);
        one.pass->settled = true;
        findings_.note(place, fmt::format("leads to the same origins as line {}, whose settings count for the domain",
                                          main.pass->line));
      } else {
        findings_.not_carried(place,
                              fmt::format("a domain has one set of origins, and its are those of line {}: requests "
                                          "for this path go there, too{}",
                                          main.pass->line, inside(*one.scope)));
        settle_around(*one.scope, main.scope);
      }
    }
    drop_other_locations(server);
  }

  // Settles what says the same in `scope` as what holds in `main`; the rest is for the sweep.
  static void settle_like(const NginxDirective& scope, const NginxDirective& main) {
    scope.settled = true;
    for (const NginxDirective& child : scope.children) {
      if (child.block) continue;
      for (const NginxDirective* other : nginx_find_all(main, child.name())) {
        if (other->words == child.words) child.settled = true;
      }
    }
  }

  // Settles `scope` and all in it, except for `main`, should that stand inside.
  static void settle_around(const NginxDirective& scope, const NginxDirective* main) {
    if (&scope == main) return;
    scope.settled = true;
    for (const NginxDirective& child : scope.children) settle_around(child, main);
  }

  static std::string inside(const NginxDirective& directive) {
    const std::size_t directives = count(directive);
    if (!directive.block || directives == 0) return {};
    return directives == 1 ? " (with the directive in it)" : fmt::format(" (with the {} directives in it)", directives);
  }

  void drop_other_locations(const NginxDirective& scope) {
    for (const NginxDirective& child : scope.children) {
      if (child.name() != "location" || !child.block) continue;
      if (!child.settled) {
        nginx_settle(child);
        findings_.not_carried(child.place(), "the edge sends every path to the origins, this one too" + inside(child));
      } else {
        drop_other_locations(child);
      }
    }
  }

  // --- names and listeners

  // Whether a domain came of it.
  bool read_names(const NginxDirective& server, DomainDraft& draft) {
    std::size_t names = 0;
    const auto found = server.by_name.find("server_name");
    if (found != server.by_name.end()) {
      for (const NginxDirective* directive : found->second) {
        directive->settled = true;
        for (std::size_t i = 1; i < directive->words.size(); ++i)
          names += read_name(*directive, directive->words[i], draft);
      }
    }
    if (names > 0) return true;
    if (options_.name.empty()) {
      findings_.not_carried(server.place(),
                            "the server is left out: it has no name that a domain can have. Give it one with --name");
      return false;
    }
    draft.name = options_.name;
    drafts_.add(draft);
    return true;
  }

  std::size_t read_name(const NginxDirective& directive, const std::string& name, DomainDraft& draft) {
    Place place = directive.place();
    if (name.empty() || name == "_" || name == "--" || name == "\"\"") {
      findings_.note(place, "stands for any name; a domain has a name");
      return 0;
    }
    if (name.starts_with('~')) {
      findings_.not_carried(place, fmt::format("{}: a domain's name is no regular expression", model::shown(name)));
      return 0;
    }
    if (name.find('$') != std::string::npos || name.ends_with(".*")) {
      findings_.not_carried(
          place,
          fmt::format("{}: a domain has a full name, or is everything below one (*.example.com)", model::shown(name)));
      return 0;
    }
    draft.place = place;
    draft.name = name;
    drafts_.add(draft);
    if (name.starts_with('.')) {  // in nginx the name itself, too
      draft.name = name.substr(1);
      drafts_.add(draft);
    }
    return 1;
  }

  void read_listen(const NginxDirective& server) {
    const NginxDirective* ssl = nginx_find(server, "ssl");
    const bool all_tls = ssl != nullptr && ssl->arg(1) == "on";
    if (ssl != nullptr) ssl->settled = true;
    std::vector<std::string> networks;
    for (const NginxDirective* from : nginx_find_all(server, "set_real_ip_from")) {
      if (model::check_network(from->arg(1)) == model::NetworkSyntax::good) networks.push_back(from->arg(1));
    }
    const auto found = server.by_name.find("listen");
    if (found == server.by_name.end()) {
      drafts_.listen("0.0.0.0:80", {server.place(), all_tls, {}, {}});
      return;
    }
    for (const NginxDirective* listen : found->second) {
      listen->settled = true;
      ListenerDraft draft{listen->place(), all_tls, {}, {}};
      bool skip = false;
      bool both = false;
      for (std::size_t i = 2; i < listen->words.size(); ++i) {
        const std::string& word = listen->words[i];
        if (word == "ssl") {
          draft.tls = true;
        } else if (word == "quic" || word == "http3") {
          lost(*listen, "the edge does not speak HTTP/3");
          skip = true;
        } else if (word == "proxy_protocol") {
          draft.proxy_from = networks;
          if (networks.empty()) {
            lost(*listen,
                 "the edge takes a PROXY header from named networks only: add proxy_protocol: { from: [...] } to "
                 "the listener");
          } else {
            for (const NginxDirective* from : nginx_find_all(server, "set_real_ip_from")) from->settled = true;
            if (const NginxDirective* header = nginx_find(server, "real_ip_header");
                header != nullptr && header->arg(1) == "proxy_protocol") {
              header->settled = true;
            }
          }
        } else if (word == "ipv6only=off") {
          both = true;
        } else if (word.starts_with("backlog=")) {
          if (const auto backlog = parse_number(word.substr(8))) {
            draft.backlog = findings_.fit(listen->place(), *backlog, limits::kBacklog, "backlog");
          }
        } else if (word == "default_server" || word == "default") {
          note(*listen, "the edge has no default server: a request for a name it does not know is refused");
        }
      }
      if (skip) continue;
      const auto address = parse_nginx_listen(listen->arg(1));
      if (!address) {
        lost(*listen, "the edge listens on IP addresses and ports");
        continue;
      }
      drafts_.listen(*address, draft);
      if (both && address->starts_with("[::]:")) drafts_.listen("0.0.0.0:" + address->substr(5), draft);
    }
  }

  void read_certificates(const NginxDirective& server, DomainDraft& draft) {
    const auto chains = nginx_find_all(server, "ssl_certificate");
    const auto keys = nginx_find_all(server, "ssl_certificate_key");
    for (std::size_t i = 0; i < chains.size(); ++i) {
      chains[i]->settled = true;
      if (i >= keys.size()) {
        lost(*chains[i], "no ssl_certificate_key belongs to it");
        continue;
      }
      keys[i]->settled = true;
      const auto fits = [](const std::string& path) {
        return is_file_path(path) && !path.starts_with("data:") && !path.starts_with("engine:") &&
               !path.starts_with("-----");
      };
      if (!fits(chains[i]->arg(1)) || !fits(keys[i]->arg(1))) {
        lost(*chains[i], "the edge reads a certificate and its key from files with fixed names");
        continue;
      }
      draft.certificates.emplace_back(model::resolve_path(main_file_, chains[i]->arg(1)),
                                      model::resolve_path(main_file_, keys[i]->arg(1)));
    }
    if (const NginxDirective* http2 = nginx_find(server, "http2")) {
      http2->settled = true;
      draft.http2 = http2->arg(1) == "on";
    }
  }

  // --- origins

  bool read_origins(const Proxied& main, DomainDraft& draft) {
    draft.https = main.target.https;
    const auto group = groups_.find(model::lower_case(main.target.host));
    if (group != groups_.end()) {
      read_group(*group->second, draft);
      return !draft.origins.empty();
    }
    const auto address = split_host_port(main.target.host);
    if (!address) {
      lost(*main.pass,
           fmt::format("{} is no address, no name and no group of this configuration", model::shown(main.target.host)));
      return false;
    }
    OriginDraft origin;
    origin.place = main.pass->place();
    origin.host = address->first;
    origin.port = address->second.value_or(draft.https ? 443 : 80);
    draft.origins.push_back(std::move(origin));
    return true;
  }

  void read_group(const NginxDirective& group, DomainDraft& draft) {
    group.settled = true;
    std::optional<PassiveDraft> passive;
    for (const NginxDirective& child : group.children) {
      if (child.block || draft.origins.size() > limits::kMaxOriginsPerDomain) continue;
      if (child.name() == "server" && child.words.size() > 1) {
        read_group_server(child, passive, draft);
      } else if (child.name() == "least_conn") {
        child.settled = true;
        draft.balance = "least-sessions";
      } else if (child.name() == "ip_hash") {
        child.settled = true;
        draft.balance = "consistent-hash";
        draft.hash_key = "client-address";
      } else if (child.name() == "hash") {
        read_hash(child, draft);
      } else if (child.name() == "sticky") {
        read_sticky(child, draft);
      } else if (child.name() == "random" || child.name() == "least_time" || child.name() == "fair") {
        draft.balance = child.arg(1) == "two" || child.name() != "random" ? "least-sessions" : "";
        note(child, fmt::format("the edge does not have this policy; {} is nearest",
                                draft.balance.empty() ? "round-robin" : draft.balance));
      }
    }
    draft.passive = passive;
    if (draft.passive == PassiveDraft{}) draft.passive.reset();
  }

  void read_group_server(const NginxDirective& server, std::optional<PassiveDraft>& passive, DomainDraft& draft) {
    server.settled = true;
    const auto address = split_host_port(server.arg(1));
    if (!address) {
      lost(server, server.arg(1).starts_with("unix:")
                       ? "the edge reaches origins over TCP, not over a socket in the file system"
                       : "not an address or a name");
      return;
    }
    OriginDraft origin;
    origin.place = server.place();
    origin.host = address->first;
    origin.port = address->second.value_or(80);
    PassiveDraft own;
    own.failures = 1;  // nginx's defaults: one failure within 10 s puts a server aside for 10 s
    bool stated = false;
    for (std::size_t i = 2; i < server.words.size(); ++i) {
      const std::string& word = server.words[i];
      const std::size_t equals = word.find('=');
      const std::string key = word.substr(0, equals);
      const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
      if (key == "weight" && parse_number(value) && *parse_number(value) > 0) {
        origin.weight = std::min<std::uint64_t>(*parse_number(value), 1'000'000);
      } else if (word == "backup") {
        origin.backup = true;
      } else if (word == "down") {
        note(server, "marked as down: left out");
        return;
      } else if (key == "max_fails" && parse_number(value)) {
        stated = true;
        own.enabled = *parse_number(value) > 0;
        if (own.enabled) {
          own.failures = static_cast<std::uint32_t>(
              findings_.fit(server.place(), *parse_number(value), limits::kHealthCount, "passive.failures"));
        }
      } else if (key == "fail_timeout" && parse_nginx_time(value)) {
        stated = true;
        own.window = findings_.fit(server.place(), *parse_nginx_time(value), limits::kPassiveWindow, "passive.window");
        own.eject = own.window;
      } else if (word == "resolve") {
        note(server, "the edge looks names up again by itself");
      } else if (word == "no_max_fails") {
        continue;
      } else {
        lost(server, fmt::format("{} has no counterpart for one origin", model::shown(word)));
      }
    }
    if (stated) {
      if (passive && *passive != own) {
        lost(server,
             "max_fails and fail_timeout are one setting for all origins of a domain: those of the first count");
      } else {
        passive = own;
      }
    }
    draft.origins.push_back(std::move(origin));
  }

  void read_hash(const NginxDirective& hash, DomainDraft& draft) {
    hash.settled = true;
    const std::string& key = hash.arg(1);
    const auto named = [&](std::string_view prefix, const char* kind, bool dashes) {
      if (!key.starts_with(prefix) || key.size() == prefix.size()) return false;
      std::string name = key.substr(prefix.size());
      if (dashes) std::ranges::replace(name, '_', '-');
      if (!model::is_token(name) || name.size() > limits::kMaxCookieName) return false;
      draft.hash_key = kind;
      draft.hash_name = std::move(name);
      return true;
    };
    if (key == "$remote_addr" || key == "$binary_remote_addr") {
      draft.hash_key = "client-address";
    } else if (key == "$request_uri" || key == "$uri") {
      draft.hash_key = "path";
    } else if (!named("$http_", "header", true) && !named("$cookie_", "cookie", false) &&
               !named("$arg_", "query", false)) {
      lost(hash, "the edge hashes the client's address, the path, or one field, cookie or query parameter");
      return;
    }
    draft.balance = "consistent-hash";
  }

  void read_sticky(const NginxDirective& sticky, DomainDraft& draft) {
    if (sticky.arg(1) != "cookie" || !model::is_token(sticky.arg(2)) || sticky.arg(2).size() > limits::kMaxCookieName) {
      lost(sticky, "the edge keeps a client at its origin by a cookie of its own: load_balancing.persistence");
      return;
    }
    sticky.settled = true;
    draft.cookie = sticky.arg(2);
    for (std::size_t i = 3; i < sticky.words.size(); ++i) {
      const std::string& word = sticky.words[i];
      const auto time = word.starts_with("expires=") ? parse_nginx_time(word.substr(8)) : std::nullopt;
      if (time) {
        draft.cookie_max_age = findings_.fit(sticky.place(), *time, limits::kCookieMaxAge, "cookie_max_age");
      } else {
        lost(sticky, fmt::format("{}: the edge chooses this itself", model::shown(word)));
      }
    }
  }

  void read_origin_tls(const Proxied& main, DomainDraft& draft) {
    if (!draft.https) return;
    const NginxDirective& scope = *main.scope;
    const NginxDirective* verify = nginx_find(scope, "proxy_ssl_verify");
    draft.verify = verify != nullptr && verify->arg(1) == "on";
    if (verify != nullptr) verify->settled = true;
    if (!*draft.verify)
      findings_.note(verify != nullptr ? verify->place() : main.pass->place(), std::string(kVerifyNote));
    if (const NginxDirective* ca = nginx_find(scope, "proxy_ssl_trusted_certificate")) {
      ca->settled = true;
      if (is_file_path(ca->arg(1))) draft.ca_file = model::resolve_path(main_file_, ca->arg(1));
    }
    // nginx's default is the name in proxy_pass, the edge's the domain's.
    std::string name = main.target.host.substr(0, main.target.host.find(':'));
    if (const NginxDirective* given = nginx_find(scope, "proxy_ssl_name")) {
      given->settled = true;
      if (given->arg(1) == "$host" || given->arg(1) == "$http_host" || given->arg(1) == "$server_name" ||
          given->arg(1) == "$ssl_server_name") {
        return;
      }
      name = given->arg(1);
      if (!model::is_host_name(name)) {
        lost(*given, "not a fixed name; the edge names the domain to the origin");
        return;
      }
    }
    if (model::is_host_name(name) && !model::canonical_ip(name)) draft.tls_name = model::lower_case(name);
  }

  // --- fields and settings

  void read_request_fields(const Proxied& main, DomainDraft& draft) {
    static constexpr std::string_view kOwn[] = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded",
                                                "via"};
    static constexpr std::string_view kCopied[] = {"upgrade",
                                                   "connection",
                                                   "sec-websocket-key",
                                                   "sec-websocket-version",
                                                   "sec-websocket-protocol",
                                                   "sec-websocket-extensions",
                                                   "origin",
                                                   "cookie",
                                                   "authorization",
                                                   "user-agent",
                                                   "referer",
                                                   "accept-encoding"};
    bool host_set = false;
    for (const NginxDirective* field : nginx_find_all(*main.scope, "proxy_set_header")) {
      field->settled = true;
      const std::string name = model::lower_case(field->arg(1));
      const std::string& value = field->arg(2);
      std::string variable = "$http_" + name;
      std::ranges::replace(variable, '-', '_');
      if (name == "host") {
        host_set = true;
        read_host_field(*field, value, main.target.host, draft);
      } else if (name == "upgrade" || name == "connection" || value == variable) {
        continue;  // what the edge passes on anyway
      } else if (std::ranges::find(kOwn, name) != std::end(kOwn)) {
        note(*field, "the edge tells origins who the client is by Forwarded and X-Forwarded-* of its own");
      } else if (std::ranges::find(kCopied, name) != std::end(kCopied) && !value.empty()) {
        lost(*field, "the edge passes this field on as the client sent it");
      } else {
        lost(*field, "the edge adds no fields to requests: the origin does not get it");
      }
    }
    if (!host_set) read_host_field(*main.pass, "$proxy_host", main.target.host, draft);
  }

  void read_host_field(const NginxDirective& directive, const std::string& value, const std::string& target,
                       DomainDraft& draft) {
    if (value == "$host" || value == "$http_host" || value == "$host:$server_port" || value == "$server_name" ||
        value == "$host:$proxy_port") {
      return;  // the edge's default: as the client sent it
    }
    const bool by_default = value == "$proxy_host";
    const std::string host = by_default ? target : value;
    // The same rule as the document's: a name or an address, with or without a port; IPv6 in brackets, with a port.
    const auto parts = host.size() <= limits::kMaxDomainName ? split_host_port(host) : std::nullopt;
    if (!parts || (parts->first.find(':') != std::string::npos && !model::parse_ip_port(host))) {
      lost(directive,
           fmt::format("the Host field towards the origins stays as the client sent it, not {}", model::shown(host)));
      return;
    }
    draft.host_header = host;
    if (by_default && directive.name() == "proxy_pass") {
      findings_.note(
          directive.place(),
          fmt::format("without proxy_set_header Host, nginx sends \"Host: {0}\": kept as origin_host_header; "
                      "remove that and origins see the client's",
                      model::shown(host)));
    }
  }

  // Seconds-like settings with the same meaning on both sides.
  void read_time(const NginxDirective& scope, std::string_view name, std::optional<milliseconds>& out,
                 const limits::DurationRange& range) {
    const NginxDirective* directive = nginx_find(scope, name);
    if (directive == nullptr) return;
    directive->settled = true;
    const auto value = parse_nginx_time(directive->arg(1));
    if (!value) {
      lost(*directive, "not a time");
      return;
    }
    out = findings_.fit(directive->place(), *value, range, name);
  }

  void read_settings(const NginxDirective& scope, DomainDraft& draft) {
    Layer7Draft& layer7 = draft.layer7;
    read_time(scope, "client_header_timeout", layer7.client_header_timeout, limits::kClientHeaderTimeout.edge);
    read_time(scope, "client_body_timeout", layer7.client_body_timeout, limits::kClientBodyTimeout.edge);
    read_time(scope, "keepalive_timeout", layer7.keepalive_timeout, limits::kKeepaliveTimeout.edge);
    read_time(scope, "proxy_connect_timeout", layer7.proxy_connect_timeout, limits::kProxyConnectTimeout.edge);
    read_time(scope, "proxy_send_timeout", layer7.proxy_send_timeout, limits::kProxySendTimeout.edge);
    if (const NginxDirective* directive = nginx_find(scope, "proxy_read_timeout")) {
      directive->settled = true;
      const auto value = parse_nginx_time(directive->arg(1));
      if (!value) {
        lost(*directive, "not a time");
      } else {
        draft.connection_timeout =
            findings_.fit(directive->place(), *value, limits::kConnectionTimeout, "websocket.connection_timeout");
        layer7.proxy_read_timeout = draft.connection_timeout;
      }
    }
    if (const NginxDirective* directive = nginx_find(scope, "client_max_body_size")) {
      directive->settled = true;
      const auto value = parse_nginx_size(directive->arg(1));
      if (!value) {
        lost(*directive, "not a size");
      } else if (*value == 0) {
        layer7.client_max_body_size = limits::kClientMaxBodySize.max;
        findings_.note(directive->place(), "no limit in nginx; here it is the largest there is");
      } else {
        layer7.client_max_body_size =
            findings_.fit(directive->place(), *value, limits::kClientMaxBodySize, "client_max_body_size");
      }
    }
    read_tls_settings(scope, layer7);
    read_health_check(scope, draft);
  }

  void read_tls_settings(const NginxDirective& scope, Layer7Draft& layer7) {
    if (const NginxDirective* directive = nginx_find(scope, "ssl_protocols")) {
      directive->settled = true;
      for (std::size_t i = 1; i < directive->words.size(); ++i) {
        const std::string& word = directive->words[i];
        if (word == "TLSv1.2" || word == "TLSv1.3") {
          if (std::ranges::find(layer7.ssl_protocols, word) == layer7.ssl_protocols.end()) {
            layer7.ssl_protocols.push_back(word);
          }
        } else {
          lost(*directive, fmt::format("{} is not spoken here: clients need TLS 1.2 at least", model::shown(word)));
        }
      }
    }
    if (const NginxDirective* directive = nginx_find(scope, "ssl_ciphers")) {
      directive->settled = true;
      const std::string& list = directive->arg(1);
      const bool good = list.size() <= limits::kMaxCipherList && std::ranges::all_of(list, [](char c) {
                          return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                                 std::string_view(":-+!@=_.").find(c) != std::string_view::npos;
                        });
      if (list.empty() || !good) {
        lost(*directive, "not a list of ciphers as OpenSSL writes it, with \":\" between names");
      } else {
        layer7.ssl_ciphers = list;
      }
    }
  }

  // NGINX Plus: `health_check uri=/healthz interval=5 fails=3 passes=2;`
  void read_health_check(const NginxDirective& scope, DomainDraft& draft) {
    const auto found = scope.by_name.find("health_check");
    const NginxDirective* directive = found == scope.by_name.end() ? nullptr : found->second.back();
    if (directive == nullptr) return;
    directive->settled = true;
    draft.active.path = "/";
    for (std::size_t i = 1; i < directive->words.size(); ++i) {
      const std::string& word = directive->words[i];
      const std::size_t equals = std::min(word.find('='), word.size());
      const std::string key = word.substr(0, equals);
      const std::string value = equals < word.size() ? word.substr(equals + 1) : "";
      if (key == "uri" && value.starts_with('/') && value.size() <= limits::kMaxPath && is_file_path(value) &&
          std::ranges::all_of(value, [](char c) { return c > ' ' && c < 0x7f; })) {
        draft.active.path = value;
      } else if (key == "interval" && parse_nginx_time(value)) {
        draft.active.interval =
            findings_.fit(directive->place(), *parse_nginx_time(value), limits::kHealthInterval, key);
      } else if (key == "fails" && parse_number(value)) {
        draft.active.unhealthy_after =
            findings_.fit(directive->place(), *parse_number(value), limits::kHealthCount, key);
      } else if (key == "passes" && parse_number(value)) {
        draft.active.healthy_after = findings_.fit(directive->place(), *parse_number(value), limits::kHealthCount, key);
      } else {
        lost(*directive, fmt::format("{} has no counterpart in the edge's checks", model::shown(word)));
      }
    }
  }

  void read_add_header(const NginxDirective& scope, DomainDraft& draft) {
    for (const NginxDirective* field : nginx_find_all(scope, "add_header")) {
      field->settled = true;
      const std::string& name = field->arg(1);
      const std::string& value = field->arg(2);
      if (value.find('$') != std::string::npos) {
        lost(*field, "the edge adds fields with fixed values only");
      } else if (const auto reason = reason_against_header(name, value)) {
        lost(*field, *reason);
      } else if (draft.layer7.add_header.size() >= limits::kMaxAddHeaders) {
        lost(*field, fmt::format("at most {} fields", limits::kMaxAddHeaders));
      } else {
        draft.layer7.add_header.emplace_back(name, value);
      }
    }
  }

  // --- what nothing took

  void sweep(const NginxDirective& directive) {
    if (directive.settled) {
      for (const NginxDirective& child : directive.children) sweep(child);
      return;
    }
    const std::string& name = directive.name();
    if (name == kNginxGroup && directive.block) {
      findings_.note(directive.place(), "no server that was carried over uses it" + inside(directive));
    } else if (std::ranges::find(kCarried, name) != std::end(kCarried) && !directive.block) {
      if (directive.parent != nullptr && directive.parent->name() == "location") {
        findings_.not_carried(directive.place(), "holds for this path alone; a domain has one setting for all paths");
      } else {
        findings_.note(directive.place(), "nothing that was carried over uses it");
      }
    } else if (const auto effect = nginx_effect(name)) {
      findings_.add(effect->kind, directive.place(), std::string(effect->why) + inside(directive));
    } else {
      findings_.unknown(directive.place(), "not a directive that the import knows" + inside(directive));
    }
  }

  const NginxDirective& root_;
  std::string main_file_;
  const ImportOptions& options_;
  Findings& findings_;
  Drafts drafts_;
  bool refused_ = false;  // the server at hand has a WebSocket location whose origin cannot be carried over
  std::vector<const NginxDirective*> servers_;
  std::map<std::string, const NginxDirective*> groups_;
};

}  // namespace

std::expected<ImportResult, SyntaxError> import_nginx(std::string_view text, const std::string& file,
                                                      const ImportFiles& files, const ImportOptions& options) {
  Findings findings;
  auto root = parse_nginx(text, file, files, findings);
  if (!root) return std::unexpected(std::move(root.error()));
  link_parents(*root);
  ImportResult out;
  NginxImport import(*root, file, options, findings);
  out.yaml = import.run("# Made by `fairlead import nginx`. Look through its findings before it is used.\n");
  out.findings = findings.take();
  return out;
}

}  // namespace fairlead::cli
