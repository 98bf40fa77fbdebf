#include "cli/import/draft.h"

#include "cli/yaml_writer.h"
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "model/syntax.h"
#include "model/words.h"

namespace fairlead::cli {
namespace {

using Json = nlohmann::ordered_json;
namespace limits = model::limits;

// As the domain reader stores it: lower case, ".example.com" for a wildcard, no last dot. nullopt: no domain name.
std::optional<std::string> domain_name(std::string_view name) {
  if (name.size() > 1 && name.ends_with('.')) name.remove_suffix(1);
  if (auto ip = model::canonical_ip(name)) return ip;
  std::string_view host = name;
  if (host.starts_with("*.")) {
    host.remove_prefix(2);
  } else if (host.starts_with('.')) {
    host.remove_prefix(1);
  }
  if (name.size() > limits::kMaxDomainName || !model::is_host_name(host)) return std::nullopt;
  return (host.size() != name.size() ? "." : "") + model::lower_case(host);
}

bool same_origins(const DomainDraft& a, const DomainDraft& b) {
  if (a.https != b.https || a.origins.size() != b.origins.size()) return false;
  for (std::size_t i = 0; i < a.origins.size(); ++i) {
    if (a.origins[i].host != b.origins[i].host || a.origins[i].port != b.origins[i].port) return false;
  }
  return true;
}

std::string duration(milliseconds value) { return model::format_duration(value); }

void put(Json& map, const char* key, const std::optional<milliseconds>& value) {
  if (value) map[key] = duration(*value);
}

Json origins_json(const DomainDraft& draft) {
  // Weights matter only against each other. Those of the other program may be larger than ours: scaled, none to zero.
  std::uint64_t most = 1;
  bool stated = false;
  for (const OriginDraft& origin : draft.origins) {
    most = std::max(most, origin.weight);
    stated = stated || origin.weight != draft.origins.front().weight;
  }
  Json out = Json::array();
  for (const OriginDraft& origin : draft.origins) {
    Json item;
    item["host"] = origin.host;
    item[draft.https ? "https_port" : "http_port"] = origin.port;
    if (stated) {
      const std::uint64_t scaled =
          most > limits::kWeight.max ? (origin.weight * limits::kWeight.max + most / 2) / most : origin.weight;
      item["weight"] = std::max<std::uint64_t>(scaled, 1);
    }
    if (origin.backup) item["priority"] = "backup";
    if (origin.insecure) item["insecure"] = true;
    out.push_back(std::move(item));
  }
  return out;
}

Json health_json(const DomainDraft& draft) {
  Json out;
  const ActiveDraft& active = draft.active;
  if (!active.path.empty()) {
    out["path"] = active.path;
    if (!active.host.empty()) out["host"] = active.host;
    put(out, "interval", active.interval);
    put(out, "timeout", active.timeout);
    if (active.healthy_after) out["healthy_after"] = *active.healthy_after;
    if (active.unhealthy_after) out["unhealthy_after"] = *active.unhealthy_after;
    if (!active.status.empty()) out["status"] = active.status;
  }
  if (draft.passive && !draft.passive->enabled) {
    out["passive"] = Json{{"enabled", false}};
  } else if (draft.passive) {
    Json passive{{"failures", draft.passive->failures}};
    put(passive, "window", draft.passive->window);
    put(passive, "eject", draft.passive->eject);
    out["passive"] = std::move(passive);
  }
  return out;
}

Json layer7_json(const Layer7Draft& layer7) {
  Json out;
  put(out, "client_header_timeout", layer7.client_header_timeout);
  put(out, "client_body_timeout", layer7.client_body_timeout);
  if (layer7.client_max_body_size) out["client_max_body_size"] = model::format_size(*layer7.client_max_body_size);
  put(out, "keepalive_timeout", layer7.keepalive_timeout);
  put(out, "proxy_connect_timeout", layer7.proxy_connect_timeout);
  put(out, "proxy_send_timeout", layer7.proxy_send_timeout);
  put(out, "proxy_read_timeout", layer7.proxy_read_timeout);
  if (!layer7.ssl_protocols.empty()) out["ssl_protocols"] = layer7.ssl_protocols;
  if (!layer7.ssl_ciphers.empty()) out["ssl_ciphers"] = layer7.ssl_ciphers;
  for (const auto& [name, value] : layer7.add_header) {
    out["add_header"].push_back(Json{{"name", name}, {"value", value}});
  }
  return out;
}

}  // namespace

void Drafts::add(const DomainDraft& given) {
  const auto name = domain_name(given.name);
  if (!name) {
    findings_.not_carried(given.place,
                          fmt::format("\"{}\" is not a name that a domain can have", model::shown(given.name)));
    return;
  }
  if (origins_ + given.origins.size() > kMaxImportOrigins || domains_.size() >= limits::kMaxDomains) {
    findings_.not_carried(given.place, fmt::format("{} is left out: there are too many domains and origins", *name));
    return;
  }
  DomainDraft draft = given;
  draft.name = *name;
  if (draft.origins.empty()) {
    findings_.not_carried(draft.place,
                          fmt::format("the domain {} is left out: none of its origins could be carried over", *name));
    return;
  }
  // The same origin twice doubles its weight in the other program, too.
  std::vector<OriginDraft> origins;
  std::map<std::pair<std::string, std::uint16_t>, std::size_t> seen;
  for (OriginDraft& origin : draft.origins) {
    const auto [at, fresh] = seen.emplace(std::pair(origin.host, origin.port), origins.size());
    if (!fresh) {
      findings_.note(origin.place, "the same origin stands here twice; it is written once, with both weights");
      origins[at->second].weight += origin.weight;
    } else if (origins.size() >= limits::kMaxOriginsPerDomain) {
      findings_.not_carried(origin.place, fmt::format("a domain has at most {} origins", limits::kMaxOriginsPerDomain));
    } else {
      origins.push_back(std::move(origin));
    }
  }
  draft.origins = std::move(origins);
  for (auto& certificates = draft.certificates; certificates.size() > limits::kMaxCertificatesPerDomain;) {
    findings_.not_carried(draft.place,
                          fmt::format("a domain has at most {} certificates; {} is left out",
                                      limits::kMaxCertificatesPerDomain, model::shown(certificates.back().first)));
    certificates.pop_back();
  }

  if (const auto known = by_name_.find(*name); known != by_name_.end()) {
    DomainDraft& first = domains_[known->second];
    if (!same_origins(first, draft)) {
      findings_.not_carried(draft.place, fmt::format("{} is a domain already, with other origins (line {}): the first "
                                                     "one is kept",
                                                     *name, first.place.line));
      return;
    }
    // Usually port 80 and port 443 of the same site.
    if (first.certificates.empty()) first.certificates = std::move(draft.certificates);
    if (!first.http2) first.http2 = draft.http2;
    if (!first.connection_timeout) first.connection_timeout = draft.connection_timeout;
    findings_.note(draft.place,
                   fmt::format("joined with the domain {} of line {}, whose settings count", *name, first.place.line));
    return;
  }
  origins_ += draft.origins.size();
  by_name_.emplace(*name, domains_.size());
  domains_.push_back(std::move(draft));
}

void Drafts::listen(const std::string& address, ListenerDraft listener) {
  const auto parsed = model::parse_ip_port(address);
  if (!parsed || parsed->port == 0) {
    findings_.not_carried(listener.place,
                          fmt::format("\"{}\" is not an address that the edge listens on: an IP address "
                                      "and a port",
                                      model::shown(address)));
    return;
  }
  const std::string canonical = model::to_string(*parsed);
  for (auto& [known, first] : listeners_) {
    if (known != canonical) continue;
    first.tls = first.tls || listener.tls;
    for (std::string& network : listener.proxy_from) {
      if (std::ranges::find(first.proxy_from, network) == first.proxy_from.end()) {
        first.proxy_from.push_back(std::move(network));
      }
    }
    if (!first.backlog) first.backlog = listener.backlog;
    return;
  }
  if (listeners_.size() >= limits::kMaxListeners) {
    findings_.not_carried(listener.place, fmt::format("the edge has at most {} listeners", limits::kMaxListeners));
    return;
  }
  listeners_.emplace_back(canonical, std::move(listener));
}

Json Drafts::listeners() {
  const bool certificate =
      std::ranges::any_of(domains_, [](const DomainDraft& domain) { return !domain.certificates.empty(); });
  Json out = Json::array();
  for (auto& [address, listener] : listeners_) {
    if (listener.tls && !certificate) {
      findings_.not_carried(listener.place,
                            fmt::format("no listener on {}: TLS needs a certificate, and no domain has one", address));
      continue;
    }
    Json item{{"address", address}, {"protocol", listener.tls ? "https" : "http"}};
    if (listener.proxy_from.size() > limits::kMaxProxyNetworks) listener.proxy_from.resize(limits::kMaxProxyNetworks);
    if (!listener.proxy_from.empty()) item["proxy_protocol"] = Json{{"from", listener.proxy_from}};
    if (listener.backlog) item["backlog"] = *listener.backlog;
    out.push_back(std::move(item));
  }
  return out;
}

Json Drafts::to_json(const DomainDraft& draft) const {
  Json out;
  out["name"] = draft.name;
  if (draft.http2) out["http2"] = *draft.http2;
  for (const auto& [chain, key] : draft.certificates)
    out["certificates"].push_back(Json{{"chain", chain}, {"key", key}});
  out["origins"] = origins_json(draft);
  if (draft.https) {
    Json tls;
    if (draft.verify) tls["verify"] = *draft.verify;
    if (!draft.ca_file.empty() && draft.verify.value_or(true)) tls["ca_file"] = draft.ca_file;
    if (!draft.tls_name.empty()) tls["server_name"] = draft.tls_name;
    if (!tls.empty()) out["origin_tls"] = std::move(tls);
  }
  if (!draft.send_proxy.empty()) out["origin_proxy_protocol"] = draft.send_proxy;
  if (!draft.host_header.empty()) out["origin_host_header"] = draft.host_header;
  Json balancing;
  if (!draft.balance.empty()) balancing["policy"] = draft.balance;
  if (!draft.hash_key.empty()) balancing["hash_key"] = draft.hash_key;
  if (!draft.hash_name.empty()) balancing["hash_name"] = draft.hash_name;
  if (!draft.cookie.empty()) {
    balancing["persistence"] = "cookie";
    balancing["cookie_name"] = draft.cookie;
    put(balancing, "cookie_max_age", draft.cookie_max_age);
  }
  if (!balancing.empty()) out["load_balancing"] = std::move(balancing);
  if (Json health = health_json(draft); !health.empty()) out["health_check"] = std::move(health);
  Json websocket{{"enabled", true}};
  put(websocket, "connection_timeout", draft.connection_timeout);
  websocket["origin_scheme"] = draft.https ? "https" : "http";
  out["websocket"] = std::move(websocket);
  if (Json layer7 = layer7_json(draft.layer7); !layer7.empty()) out["layer7"] = std::move(layer7);
  return out;
}

std::string Drafts::write(const std::string& comment) {
  if (domains_.empty()) return {};
  Json out;
  if (Json list = listeners(); !list.empty()) out["listeners"] = std::move(list);
  for (const DomainDraft& draft : domains_) out["domains"].push_back(to_json(draft));
  return comment + to_yaml(out);
}

std::optional<std::string> reason_against_header(const std::string& name, const std::string& value) {
  if (!model::is_token(name) || name.size() > limits::kMaxHeaderName) return "that is not the name of a header field";
  if (model::is_reserved_header(name)) return "the field is the edge's own to set";
  if (!model::is_header_value(value) || value.size() > limits::kMaxHeaderValue) {
    return "the value cannot stand in a header field";
  }
  return std::nullopt;
}

std::optional<std::pair<std::string, std::optional<std::uint16_t>>> split_host_port(std::string_view text) {
  if (auto ip = model::canonical_ip(text)) return std::pair(*ip, std::optional<std::uint16_t>());
  if (text.starts_with('[') && text.ends_with(']')) {
    auto ip = model::canonical_ip(text.substr(1, text.size() - 2));
    if (!ip) return std::nullopt;
    return std::pair(*ip, std::optional<std::uint16_t>());
  }
  const std::size_t colon = text.rfind(':');
  std::optional<std::uint16_t> port;
  std::string_view host = text;
  if (colon != std::string_view::npos) {
    const auto number = parse_number(text.substr(colon + 1));
    if (!number || *number == 0 || *number > 65'535) return std::nullopt;
    port = static_cast<std::uint16_t>(*number);
    host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  }
  if (auto ip = model::canonical_ip(host)) return std::pair(*ip, port);
  if (!model::is_host_name(host)) return std::nullopt;
  return std::pair(model::lower_case(host), port);
}

bool is_file_path(const std::string& path) {
  // A text that begins so is the PEM itself to the reader of the document.
  if (path.starts_with("-----BEGIN")) return false;
  return !path.empty() && path.size() <= 4000 && path.find_first_of("$\n\r") == std::string::npos;
}

}  // namespace fairlead::cli
