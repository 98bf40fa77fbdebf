// What an nginx configuration means, as far as it is about WebSocket: servers whose locations pass Upgrade on become
// domains. First every server takes what holds for it; then a sweep over the whole tree tells what nothing took.

#include "cli/import/draft.h"
#include "cli/import/effects.h"
#include "cli/import/nginx_origins.h"
#include "cli/import/nginx_scope.h"
#include "cli/import/nginx_settings.h"
#include "cli/import/nginx_values.h"
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "model/syntax.h"
#include "model/words.h"

namespace fairlead::cli {
namespace {

namespace limits = model::limits;

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
    if (!nginx_origins(groups_, *main->pass, main->target, draft, findings_)) {
      nginx_settle(server);
      findings_.not_carried(server.place(),
                            "the server is left out: none of its origins could be carried over" + inside(server));
      return;
    }
    read_locations(server, *main, proxied);
    read_certificates(server, draft);
    nginx_settings(*main->scope, *main->pass, main->target, main_file_, draft, findings_);
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
        return is_file_path(path) && !path.starts_with("data:") && !path.starts_with("engine:");
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
  NginxGroups groups_;
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
