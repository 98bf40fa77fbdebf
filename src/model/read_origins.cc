// Origins of a domain: where they are, how one is chosen, how they are verified, and which ports a scheme needs.

#include <fmt/format.h>

#include <algorithm>

#include "model/policy_words.h"
#include "model/read_parts.h"
#include "model/syntax.h"

namespace fairlead::model {
namespace {

constexpr limits::CountRange kPort{1, 0, 65'535, true};

// Addresses in canonical form, names in lower case: equal origins then compare equal, which is what decides whether
// their connections and health survive a reload.
void read_host(MapReader& map, std::string& out) {
  const auto field = map.require("host", "an IPv4 or IPv6 address, or a name");
  auto host = field ? field->text(limits::kMaxScalarBytes) : std::nullopt;
  if (!host) return;
  std::string_view bare = *host;
  if (bare.size() > 2 && bare.front() == '[' && bare.back() == ']') bare = bare.substr(1, bare.size() - 2);
  if (auto ip = canonical_ip(bare)) {
    out = std::move(*ip);
  } else if (is_host_name(*host)) {
    out = lower_case(*host);
  } else if (host->find("://") != std::string::npos) {
    field->error("bad-host", fmt::format("\"{}\" is a URL", shown(*host)),
                 "the host alone; the scheme is websocket.origin_scheme, ports are http_port and https_port");
  } else if (std::ranges::count(*host, ':') == 1) {
    field->error("bad-host", fmt::format("\"{}\" has a port", shown(*host)),
                 "the host alone; ports are http_port and https_port");
  } else {
    field->error("bad-host", fmt::format("\"{}\" is neither an address nor a host name", shown(*host)),
                 "for example 10.0.0.11, 2001:db8::11 or app.internal");
  }
}

// `off`: the origin cannot be reached by this scheme.
void read_port(MapReader& map, std::string_view key, std::optional<std::uint16_t>& out) {
  std::uint16_t port = 0;
  if (!map.read_count(key, port, kPort)) return;
  if (port == 0) {
    out.reset();
  } else {
    out = port;
  }
}

}  // namespace

void read_origins(MapReader& domain, DomainPolicy& policy) {
  const auto list = domain.require("origins", "at least one: origins: [ { host: 10.0.0.11 } ]");
  if (!list) return;
  list->each(limits::kMaxOriginsPerDomain, [&](const Field& item) {
    MapReader map(item);
    Origin origin;
    if (map) {
      read_host(map, origin.host);
      read_port(map, "http_port", origin.http_port);
      read_port(map, "https_port", origin.https_port);
      map.read_count("weight", origin.weight, limits::kWeight);
      map.read("priority", origin.priority, kPriority);
      map.read("insecure", origin.insecure);
      if (!origin.http_port && !origin.https_port) {
        item.error("no-port", "both ports of this origin are off", "give it an http_port or an https_port");
      }
      if (origin.insecure) {
        map.at("insecure")
            .warning("insecure-origin",
                     fmt::format("the certificate of the origin \"{}\" is not verified", origin.host),
                     "give the origin's CA as origin_tls.ca_file instead");
      }
      // Twice the same is legal (it doubles the weight) and rarely meant.
      const auto same = [&](const Origin& other) {
        return !origin.host.empty() && other.host == origin.host && other.http_port == origin.http_port &&
               other.https_port == origin.https_port;
      };
      if (std::ranges::any_of(policy.origins, same)) {
        item.warning("duplicate-origin",
                     fmt::format("the origin \"{}\" is listed twice with the same ports", origin.host),
                     "give one of them a larger weight instead");
      }
    }
    // Kept even when wrong: later checks speak of origins by their index.
    policy.origins.push_back(std::move(origin));
  });
  if (list->node().items().empty() && (list->is_null() || list->node().kind == NodeKind::sequence)) {
    list->error("no-origins", "the domain has no origins", "at least one: - { host: 10.0.0.11 }");
  } else if (!policy.origins.empty() && std::ranges::all_of(policy.origins, [](const Origin& origin) {
               return origin.priority == OriginPriority::backup;
             })) {
    list->warning("all-backup", "every origin is a backup and none is primary", "make at least one primary");
  }
}

void read_origin_tls(MapReader& domain, DomainPolicy& policy, DomainContext& context) {
  const auto field = domain.find("origin_tls");
  if (!field) return;
  MapReader map(*field);
  OriginTls& tls = policy.origin_tls;
  map.read("verify", tls.verify);
  if (!tls.verify) {
    map.at("verify").warning("insecure-origin", "certificates of this domain's origins are not verified",
                             "give their CA as ca_file instead");
  }
  if (const auto file = map.find("ca_file")) {
    if (auto pem = context.files.pem(*file)) {
      const PemContents contents = scan_pem(*pem);
      if (contents.malformed || contents.certificates == 0) {
        file->error("bad-pem", "the CA file contains no well-formed PEM certificate", "");
      }
      tls.ca_pem = pem_blocks(*pem);
    }
    if (!tls.verify) file->warning("unused-key", "\"ca_file\" has no effect while \"verify\" is false", "");
  }
  if (map.read("server_name", tls.server_name, limits::kMaxDomainName)) {
    if (canonical_ip(tls.server_name) || !is_host_name(tls.server_name)) {
      // RFC 6066 §3: no addresses in SNI.
      map.at("server_name")
          .error("bad-host", fmt::format("\"{}\" is not a host name", shown(tls.server_name)),
                 "the name that the origin's certificate is for");
    }
    tls.server_name = lower_case(tls.server_name);
  }
}

void read_load_balancing(MapReader& domain, DomainPolicy& policy) {
  const auto field = domain.find("load_balancing");
  if (!field) return;
  MapReader map(*field);
  LoadBalancing& lb = policy.load_balancing;
  map.read("policy", lb.policy, kBalance);
  const bool key_read = map.read("hash_key", lb.hash_key, kHashKey);
  const bool name_read = map.read("hash_name", lb.hash_name, limits::kMaxHeaderName);
  map.read("persistence", lb.persistence, kPersistence);
  const bool cookie_read = map.read("cookie_name", lb.cookie_name, limits::kMaxCookieName);
  const bool age_read = map.read("cookie_max_age", lb.cookie_max_age, limits::kCookieMaxAge);

  // Settings that have no effect are warnings: somebody believes they have one.
  const bool hashes = lb.policy == BalancePolicy::consistent_hash;
  const bool needs_name =
      lb.hash_key == HashKey::header || lb.hash_key == HashKey::cookie || lb.hash_key == HashKey::query;
  if (!hashes && (key_read || name_read)) {
    map.at(key_read ? "hash_key" : "hash_name")
        .warning("unused-key", "a hash key has no effect unless \"policy\" is consistent-hash");
  } else if (hashes && needs_name && !map.has("hash_name")) {
    map.at("hash_key")
        .error("missing-key", "hashing by a header, cookie or query parameter needs \"hash_name\"",
               "for example: hash_name: room");
  } else if (hashes && !needs_name && name_read) {
    map.at("hash_name").warning("unused-key", "\"hash_name\" has no effect when hashing by client address or path");
  }
  // An absent name was told above; a query parameter may be any text that needs no escape.
  const bool good_name = lb.hash_key == HashKey::query
                             ? lb.hash_name.find_first_of("&=#? \t\r\n") == std::string::npos && !lb.hash_name.empty()
                             : is_token(lb.hash_name);
  if (name_read && needs_name && !good_name) {
    map.at("hash_name")
        .error("bad-name",
               fmt::format("\"{}\" cannot be the name of a header, cookie or parameter", shown(lb.hash_name)),
               "letters, digits, \"-\" and \"_\"");
  }
  if (cookie_read && !is_token(lb.cookie_name)) {
    map.at("cookie_name")
        .error("bad-name", fmt::format("\"{}\" cannot be the name of a cookie", shown(lb.cookie_name)),
               "letters, digits, \"-\" and \"_\", RFC 6265 section 4.1.1");
  }
  if (lb.persistence == Persistence::none && (cookie_read || age_read)) {
    map.at(cookie_read ? "cookie_name" : "cookie_max_age")
        .warning("unused-key", "cookie settings have no effect unless \"persistence\" is cookie");
  }
}

// R6: a scheme whose port is absent is refused here, not when the first client comes. `follow` needs the port of each
// kind of listener that the node has; a health check needs the port of its own scheme.
void check_origin_ports(MapReader& domain, const DomainPolicy& policy, const DomainContext& context) {
  const auto list = domain.find("origins");
  if (!list || list->node().kind != NodeKind::sequence) return;
  const OriginScheme scheme = policy.websocket.origin_scheme;
  const bool follow = scheme == OriginScheme::follow;
  const bool needs_http = scheme == OriginScheme::http || (follow && context.schemes.plain);
  const bool needs_https = scheme == OriginScheme::https || (follow && context.schemes.tls);
  const bool probed = !policy.health_check.active.path.empty();
  const bool probe_http = probed && policy.health_check.active.scheme == OriginScheme::http;

  for (std::size_t i = 0; i < policy.origins.size(); ++i) {
    const Origin& origin = policy.origins[i];
    const Field item(*list, i, list->node().items()[i]);
    if (item.node().kind != NodeKind::map || (!origin.http_port && !origin.https_port)) continue;
    // One port of one origin. `clients` are those whom `follow` sends there, `other` is the scheme to suggest instead.
    const auto check = [&](std::string_view key, bool present, bool needed, bool probe, bool moved,
                           std::string_view other, std::string_view clients) {
      const Node* written = item.node().find(key);
      if (!present && needed) {
        const Field at = written ? Field(item, key, *written) : item;
        at.error("no-port",
                 follow ? fmt::format("the origin \"{}\" has no {}, where origin_scheme \"follow\" sends {} clients",
                                      shown(origin.host), key, clients)
                        : fmt::format("the origin \"{}\" has no {}, which origin_scheme \"{}\" needs",
                                      shown(origin.host), key, other == "http" ? "https" : "http"),
                 fmt::format("give it an {}, or set origin_scheme: {}", key, other));
      } else if (!present && probe) {
        item.error("no-port",
                   fmt::format("the origin \"{}\" has no {}, which its health check needs", shown(origin.host), key),
                   fmt::format("give it an {}, or set health_check.scheme: {}", key, other));
      } else if (follow && needed && written == nullptr && moved) {
        // One port was moved and the other was not: its default may well be where nobody listens.
        item.warning("default-port",
                     fmt::format("{} clients go to port {} of the origin \"{}\", the default", clients,
                                 other == "http" ? 443 : 80, shown(origin.host)),
                     fmt::format("state {}, or set origin_scheme: {}", key, other));
      }
    };
    const bool http_moved = origin.http_port && origin.http_port != Origin{}.http_port;
    const bool https_moved = origin.https_port && origin.https_port != Origin{}.https_port;
    check("http_port", origin.http_port.has_value(), needs_http, probe_http, https_moved, "https", "ws://");
    check("https_port", origin.https_port.has_value(), needs_https, probed && !probe_http, http_moved, "http",
          "wss://");
  }
}

}  // namespace fairlead::model
