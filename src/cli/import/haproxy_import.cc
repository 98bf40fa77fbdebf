// What a HAProxy configuration means for WebSocket: each host name that a frontend routes becomes a domain with the
// origins of the backend that opening handshakes reach. First frontends take what holds for them; then a sweep over all
// lines tells what nothing took.

#include "cli/import/draft.h"
#include "cli/import/effects.h"
#include "cli/import/haproxy_backend.h"
#include "cli/import/haproxy_routes.h"
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "model/syntax.h"
#include "model/words.h"

namespace fairlead::cli {
namespace {

namespace limits = model::limits;

class HaproxyImport {
 public:
  HaproxyImport(const std::vector<HaproxySection>& sections, const std::string& file, const ImportFiles& files,
                const ImportOptions& options, Findings& findings)
      : sections_(sections),
        file_(file),
        globals_(haproxy_globals(sections, file)),
        files_(files),
        options_(options),
        findings_(findings),
        drafts_(findings) {}

  std::string run(const std::string& comment) {
    for (const HaproxySection& section : sections_) {
      const bool backend = section.kind() == "backend" || section.kind() == "listen";
      if (backend) backends_.emplace(section.name(), &section);
    }
    for (const HaproxySection& section : sections_) {
      // A `listen` that listens nowhere is what others lead to, and nothing more.
      const bool backend_only = section.kind() == "listen" && haproxy_find(section, "bind") == nullptr;
      if ((section.kind() == "frontend" || section.kind() == "listen") && !backend_only) read_frontend(section);
    }
    std::string yaml = drafts_.write(comment);
    for (const HaproxySection& section : sections_) sweep(section);
    return yaml;
  }

 private:
  void lost(const HaproxyLine& line, std::string why) {
    line.settled = true;
    findings_.not_carried(line.place(), std::move(why));
  }

  void settle_all(const HaproxySection& section) {
    section.head.settled = true;
    for (const HaproxyLine& line : section.lines) line.settled = true;
  }

  static std::string inside(const HaproxySection& section) {
    if (section.lines.empty()) return {};
    return section.lines.size() == 1 ? " (with the line in it)"
                                     : fmt::format(" (with the {} lines in it)", section.lines.size());
  }

  // --- frontends

  struct Front {
    std::vector<std::pair<std::string, std::string>> certificates;
    std::vector<std::string> loose_certificates;
    Layer7Draft layer7;
    std::optional<bool> http2;
    std::optional<milliseconds> client;
    std::vector<std::pair<std::string, ListenerDraft>> listeners;
  };

  void read_frontend(const HaproxySection& section) {
    const HaproxyLine* mode = haproxy_find(section, "mode");
    const std::string kind = mode == nullptr ? "tcp" : mode->word(1);
    if (kind != "http") {
      settle_all(section);
      findings_.not_carried(
          section.head.place(),
          fmt::format("mode {}{}: the {} is left out{}; for TLS over TCP see listeners with protocol: tcp-ssl",
                      model::shown(kind), mode == nullptr ? " (HAProxy's default)" : "", section.kind(),
                      inside(section)));
      return;
    }
    mode->settled = true;
    section.head.settled = true;
    const auto routes = haproxy_routes(section, files_, file_, findings_);
    if (routes.empty()) {
      findings_.not_carried(section.head.place(), "it leads to no backend");
      return;
    }
    Front front;
    for (const HaproxyLine& line : section.lines) {
      if (line.word(0) == "bind") read_bind(line, front);
    }
    read_front_settings(section, front);

    std::vector<std::string> names;
    std::set<std::string> seen;
    for (const HaproxyRoute& route : routes) {
      for (const std::string& host : route.hosts) {
        if (seen.insert(host).second) names.push_back(host);
      }
    }
    std::set<const HaproxyLine*> used;
    bool any = false;
    for (const std::string& name : names) any = read_domain(section, name, name, routes, front, used) || any;
    const bool rest = std::ranges::any_of(routes, [](const HaproxyRoute& route) { return route.hosts.empty(); });
    if (rest && !options_.name.empty()) any = read_domain(section, options_.name, "", routes, front, used) || any;
    if (any) {
      for (const auto& [address, listener] : front.listeners) drafts_.listen(address, listener);
    }
    if (rest && options_.name.empty() && names.empty()) {
      findings_.not_carried(section.head.place(),
                            "no domain: it names no host that a domain can be called by. Give it a name with --name");
      for (const HaproxyRoute& route : routes) used.insert(route.line);
    }
    tell_unused(routes, used, rest && options_.name.empty() && !names.empty());
  }

  // Routes that no domain took: each line once.
  void tell_unused(const std::vector<HaproxyRoute>& routes, const std::set<const HaproxyLine*>& used,
                   bool other_names) {
    std::set<const HaproxyLine*> told;
    for (const HaproxyRoute& route : routes) {
      if (used.contains(route.line) || !told.insert(route.line).second) continue;
      if (route.hosts.empty() && !route.conditional && other_names) {
        findings_.not_carried(route.line->place(), "for any other name; a domain has a name. Give it one with --name");
      } else {
        findings_.not_carried(route.line->place(),
                              fmt::format("a domain has one set of origins, for every path and every request{}",
                                          route.conditional ? "; what else this asks for is not looked at" : ""));
      }
    }
    for (const HaproxyRoute& route : routes) {
      if (used.contains(route.line) && route.conditional && told.insert(route.line).second) {
        findings_.not_carried(
            route.line->place(),
            "what it asks for beside host and Upgrade is not looked at: all requests of the domain go there");
      } else if (used.contains(route.line) && route.websocket && told.insert(route.line).second) {
        findings_.note(route.line->place(), "the domain's ordinary requests go to the same origins");
      }
    }
  }

  // `host` is what routes ask for; empty for the name that the user gave to the rest.
  bool read_domain(const HaproxySection& frontend, const std::string& name, const std::string& host,
                   const std::vector<HaproxyRoute>& routes, const Front& front, std::set<const HaproxyLine*>& used) {
    const HaproxyRoute* best = nullptr;
    // HAProxy takes the first that fits. What depends on more than a domain can tell is passed over, unless it asks for
    // WebSocket, too, or nothing else is there.
    for (const HaproxyRoute& route : routes) {
      const bool fits = route.hosts.empty() || std::ranges::find(route.hosts, host) != route.hosts.end();
      if (!fits) continue;
      if (!route.conditional) {
        if (best == nullptr || !best->websocket) best = &route;
        break;
      }
      if (best == nullptr || (route.websocket && !best->websocket)) best = &route;
    }
    if (best == nullptr) return false;
    used.insert(best->line);
    const auto backend = backends_.find(best->backend);
    if (backend == backends_.end()) {
      lost(*best->line, fmt::format("there is no backend \"{}\"", model::shown(best->backend)));
      return false;
    }
    auto known = read_backends_.find(backend->second);
    if (known == read_backends_.end()) {
      known = read_backends_.emplace(backend->second, haproxy_backend(*backend->second, globals_, findings_)).first;
    }
    const HaproxyBackend& origins = known->second;
    if (origins.draft.origins.empty()) {
      lost(*best->line, fmt::format("{} is left out: none of the origins of {} could be carried over",
                                    model::shown(name), model::shown(best->backend)));
      return false;
    }
    DomainDraft draft = origins.draft;
    draft.name = name;
    draft.place = best->line->place();
    Layer7Draft layer7 = front.layer7;
    layer7.proxy_connect_timeout = draft.layer7.proxy_connect_timeout;
    layer7.proxy_read_timeout = draft.layer7.proxy_read_timeout;
    for (const auto& field : draft.layer7.add_header) {
      if (layer7.add_header.size() < limits::kMaxAddHeaders) layer7.add_header.push_back(field);
    }
    draft.layer7 = std::move(layer7);
    draft.http2 = front.http2;
    draft.certificates = certificates_for(name, front);
    // Without `timeout tunnel` the two sides' own clocks end a session, the shorter one first.
    if (!draft.connection_timeout) {
      draft.connection_timeout = origins.server;
      if (front.client && (!draft.connection_timeout || *front.client < *draft.connection_timeout)) {
        draft.connection_timeout = front.client;
      }
      if (draft.connection_timeout) {
        const auto& range = limits::kConnectionTimeout;
        draft.connection_timeout = findings_.fit(frontend.head.place(), *draft.connection_timeout, range,
                                                 "websocket.connection_timeout (from timeout client and server)");
      }
    }
    drafts_.add(draft);
    return true;
  }

  // Of several files, the one that is called like the domain; otherwise all, and the handshake chooses.
  static std::vector<std::pair<std::string, std::string>> certificates_for(const std::string& name,
                                                                           const Front& front) {
    for (const auto& certificate : front.certificates) {
      std::string base = certificate.first.substr(certificate.first.rfind('/') + 1);
      base = base.substr(0, base.rfind('.'));
      if (base == name) return {certificate};
    }
    return front.certificates;
  }

  // --- bind

  void read_bind(const HaproxyLine& line, Front& front) {
    line.settled = true;
    ListenerDraft listener{line.place(), false, {}, {}};
    bool v4v6 = false;
    for (std::size_t i = 2; i < line.words.size(); ++i) {
      const std::string& word = line.words[i];
      const std::string& value = line.word(i + 1);
      if (word == "ssl") {
        listener.tls = true;
        if (front.layer7.ssl_ciphers.empty() && !globals_.bind_ciphers.empty()) {
          read_ciphers(line, globals_.bind_ciphers, front.layer7);
        }
      } else if (word == "crt") {
        read_crt(line, value, front);
        ++i;
      } else if (word == "v4v6") {
        v4v6 = true;
      } else if (word == "alpn") {
        front.http2 = value.find("h2") != std::string::npos;
        ++i;
      } else if (word == "accept-proxy") {
        lost(line,
             "the edge takes a PROXY header from named networks only: add proxy_protocol: { from: [...] } to the "
             "listener");
      } else if (word == "backlog" && parse_number(value)) {
        listener.backlog = findings_.fit(line.place(), *parse_number(value), limits::kBacklog, "backlog");
        ++i;
      } else if (word == "ciphers") {
        read_ciphers(line, value, front.layer7);
        ++i;
      } else if (word == "ssl-min-ver") {
        if (value == "TLSv1.3") front.layer7.ssl_protocols = {"TLSv1.3"};
        if (value != "TLSv1.3" && value != "TLSv1.2") lost(line, "clients need TLS 1.2 at least here");
        ++i;
      } else if (word == "no-sslv3" || word == "no-tlsv10" || word == "no-tlsv11" || word == "v6only" ||
                 word == "strict-sni" || word == "tfo" || word == "defer-accept" || word == "no-tls-tickets" ||
                 word == "prefer-client-ciphers" || word == "transparent" || word == "allow-0rtt") {
        continue;  // the edge's way in any case, or of no matter
      } else if (word == "name" || word == "process" || word == "thread" || word == "maxconn" || word == "nice" ||
                 word == "ciphersuites" || word == "curves" || word == "ecdhe" || word == "id" || word == "interface" ||
                 word == "mss" || word == "proto" || word == "shards" || word == "tls-ticket-keys" ||
                 word == "ssl-max-ver" || word == "user" || word == "group" || word == "mode" || word == "level" ||
                 word == "namespace") {
        findings_.note(line.place(), fmt::format("{} {} has no effect here", model::shown(word), model::shown(value)));
        ++i;
      } else if (word == "ca-file" || word == "verify" || word == "crl-file" || word == "crt-list" ||
                 word == "crt-ignore-err" || word == "ca-ignore-err" || word == "ca-verify-file") {
        lost(line, fmt::format("{}: {}", word,
                               word == "crt-list" ? "name the certificates in each domain"
                                                  : "the edge does not check certificates of clients"));
        ++i;
      } else {
        findings_.unknown(line.place(),
                          fmt::format("{} is not a word of bind that the import knows", model::shown(word)));
      }
    }
    const std::string& addresses = line.word(1);
    for (std::size_t at = 0; at <= addresses.size();) {
      const std::size_t comma = std::min(addresses.find(',', at), addresses.size());
      listen(addresses.substr(at, comma - at), v4v6, line, listener, front);
      at = comma + 1;
    }
  }

  void listen(std::string address, bool v4v6, const HaproxyLine& line, const ListenerDraft& listener, Front& front) {
    for (const std::string_view prefix : {"ipv4@", "ipv6@", "tcp@", "tcp4@", "tcp6@"}) {
      if (address.starts_with(prefix)) address.erase(0, prefix.size());
    }
    const std::size_t colon = address.rfind(':');
    const auto port =
        colon == std::string::npos ? std::nullopt : parse_number(std::string_view(address).substr(colon + 1));
    if (!port || *port == 0 || *port > 65'535) {
      lost(line, fmt::format("{}: the edge listens on IP addresses with one port each", model::shown(address)));
      return;
    }
    std::string host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host.empty() || host == "*") host = "0.0.0.0";
    if (!model::canonical_ip(host)) {
      lost(line, fmt::format("{}: the edge listens on IP addresses", model::shown(address)));
      return;
    }
    const auto number = static_cast<std::uint16_t>(*port);
    front.listeners.emplace_back(model::to_string(model::IpPort{*model::canonical_ip(host), number}), listener);
    if (v4v6 && host == "::") front.listeners.emplace_back(fmt::format("0.0.0.0:{}", number), listener);
  }

  void read_crt(const HaproxyLine& line, const std::string& path, Front& front) {
    const std::string name = path.substr(path.rfind('/') + 1);
    if (!is_file_path(path) || name.find('.') == std::string::npos) {
      lost(line, fmt::format("{}: a folder of certificates cannot be carried over: name chain and key in each domain",
                             model::shown(path)));
      return;
    }
    // HAProxy keeps chain and key in one file, which serves as both; or the key beside it, as FILE.key.
    const std::string chain = haproxy_path(globals_, globals_.crt_base, path);
    const bool apart = files_.read(chain + ".key").has_value();
    const std::pair certificate(chain, apart ? chain + ".key" : chain);
    if (std::ranges::find(front.certificates, certificate) == front.certificates.end()) {
      front.certificates.push_back(certificate);
    }
  }

  void read_ciphers(const HaproxyLine& line, const std::string& list, Layer7Draft& layer7) {
    const bool good = !list.empty() && list.size() <= limits::kMaxCipherList && std::ranges::all_of(list, [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
             std::string_view(":-+!@=_.").find(c) != std::string_view::npos;
    });
    if (good) {
      layer7.ssl_ciphers = list;
    } else {
      lost(line, "ciphers is not a list as OpenSSL writes it");
    }
  }

  void read_front_settings(const HaproxySection& section, Front& front) {
    if (const HaproxyLine* line = haproxy_find(section, "timeout", "client")) {
      if (const auto value = haproxy_time(*line, findings_)) {
        front.client = value;
        const limits::DurationRange& range = limits::kClientBodyTimeout.edge;
        front.layer7.client_body_timeout = findings_.fit(line->place(), *value, range, "client_body_timeout");
        front.layer7.proxy_send_timeout = std::nullopt;
      }
    }
    if (const HaproxyLine* line = haproxy_find(section, "timeout", "http-request")) {
      if (const auto value = haproxy_time(*line, findings_)) {
        const limits::DurationRange& range = limits::kClientHeaderTimeout.edge;
        front.layer7.client_header_timeout = findings_.fit(line->place(), *value, range, "client_header_timeout");
      }
    }
    if (const HaproxyLine* line = haproxy_find(section, "timeout", "http-keep-alive")) {
      if (const auto value = haproxy_time(*line, findings_)) {
        const limits::DurationRange& range = limits::kKeepaliveTimeout.edge;
        front.layer7.keepalive_timeout = findings_.fit(line->place(), *value, range, "keepalive_timeout");
      }
    }
    haproxy_response_fields(section, front.layer7, findings_);
  }

  // --- what nothing took

  void sweep(const HaproxySection& section) {
    static constexpr std::string_view kRead[] = {"global", "defaults", "frontend", "backend", "listen"};
    if (std::ranges::find(kRead, section.kind()) == std::end(kRead)) {
      const bool lookup = section.kind() == "resolvers";
      findings_.add(lookup ? FindingKind::note : FindingKind::not_carried, section.head.place(),
                    (lookup ? "the edge has `resolvers` in its file" : "sections of this kind have no counterpart") +
                        inside(section));
      return;
    }
    if (section.kind() == "backend" && !read_backends_.contains(&section)) {
      findings_.note(section.head.place(), "no domain that was carried over uses it" + inside(section));
      return;
    }
    for (const HaproxyLine& line : section.lines) {
      if (line.settled) continue;
      const std::string keyword = line.word(0) == "no" && line.words.size() > 1 ? line.word(1) : line.word(0);
      const std::string two = line.words.size() > 1 ? line.word(0) + " " + line.word(1) : line.word(0);
      if (section.kind() == "global") {
        sweep_global(line);
      } else if (line.word(0) == "http-request" && line.word(1).ends_with("-header") &&
                 (model::lower_case(line.word(2)).starts_with("x-forwarded-") ||
                  model::lower_case(line.word(2)) == "forwarded")) {
        findings_.note(line.place(),
                       "the edge tells origins who the client is by Forwarded and X-Forwarded-* of its own");
      } else if (const auto effect = haproxy_effect(line.word(0) == "no" ? keyword + " " + line.word(2) : two)) {
        findings_.add(effect->kind, line.place(), std::string(effect->why));
      } else {
        findings_.unknown(line.place(), "not a keyword that the import knows");
      }
    }
  }

  void sweep_global(const HaproxyLine& line) {
    const auto effect = haproxy_global_effect(line.word(0));
    if (effect) {
      findings_.add(effect->kind, line.place(), std::string(effect->why));
    } else {
      findings_.unknown(line.place(), "not a keyword that the import knows");
    }
  }

  const std::vector<HaproxySection>& sections_;
  const std::string& file_;
  const HaproxyGlobals globals_;
  const ImportFiles& files_;
  const ImportOptions& options_;
  Findings& findings_;
  Drafts drafts_;
  std::map<std::string, const HaproxySection*> backends_;
  std::map<const HaproxySection*, HaproxyBackend> read_backends_;
};

}  // namespace

std::expected<ImportResult, SyntaxError> import_haproxy(std::string_view text, const std::string& file,
                                                        const ImportFiles& files, const ImportOptions& options) {
  const auto sections = parse_haproxy(text, file);
  if (!sections) return std::unexpected(sections.error());
  Findings findings;
  findings.add_file(file);
  ImportResult out;
  HaproxyImport import(*sections, file, files, options, findings);
  out.yaml = import.run("# Made by `fairlead import haproxy`. Look through its findings before it is used.\n");
  out.findings = findings.take();
  return out;
}

}  // namespace fairlead::cli
