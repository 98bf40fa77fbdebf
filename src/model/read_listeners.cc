#include "model/read_listeners.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "model/read_parts.h"
#include "model/syntax.h"

namespace fairlead::model {
namespace {

constexpr Choice<ListenerProtocol> kProtocol[] = {
    {"http", ListenerProtocol::http}, {"https", ListenerProtocol::https}, {"tcp-ssl", ListenerProtocol::tcp_ssl}};

constexpr Choice<TlsRecords> kTlsRecords[] = {{"own", TlsRecords::own}, {"openssl", TlsRecords::openssl}};

// "ip:port" in canonical form; empty after telling.
std::string read_ip_port(const Field& field) {
  const auto text = field.text(limits::kMaxScalarBytes);
  if (!text) return {};
  if (const auto address = parse_ip_port(*text)) return to_string(*address);

  // What other proxies accept and people therefore write: each gets the spelling that works here.
  std::string hint = "an IP address and a port: 0.0.0.0:80, or \"[::]:443\" in quotes";
  std::string_view bare = *text;
  if (bare.starts_with('[') && bare.ends_with(']')) bare = bare.substr(1, bare.size() - 2);
  const bool bracketed = bare.size() != text->size();
  const bool digits_only = text->find_first_not_of("0123456789abcdefABCDEF:.") == std::string::npos;
  if (canonical_ip(bare) && (bracketed || is_ipv4(bare))) {
    hint = bracketed ? fmt::format("the port is missing: \"[{}]:443\"", bare)
                     : fmt::format("the port is missing: {}:443", bare);
  } else if (digits_only && std::ranges::count(*text, ':') > 1) {
    hint = "an IPv6 address stands in brackets: \"[::1]:443\"";
  } else if (text->starts_with(':')) {
    hint = fmt::format("for every IPv4 address: 0.0.0.0{0}; for every IPv6 address: \"[::]{0}\"", shown(*text));
  } else if (text->starts_with("*:")) {
    hint = fmt::format("for every IPv4 address: 0.0.0.0{}", shown(text->substr(1)));
  } else if (text->starts_with("localhost:")) {
    hint = fmt::format("names are not looked up here: 127.0.0.1{}", shown(text->substr(9)));
  }
  field.error("bad-address", fmt::format("\"{}\" is not an address to listen on", shown(*text)), std::move(hint));
  return {};
}

void read_proxy_networks(MapReader& listener, std::vector<std::string>& out) {
  const auto field = listener.find("proxy_protocol");
  if (!field) return;
  MapReader map(*field);
  const auto from = map.require("from", "the networks that may send the header: from: [10.0.0.0/8]");
  if (!from) return;
  from->each(limits::kMaxProxyNetworks, [&](const Field& item) {
    const auto text = item.text(64);
    if (!text) return;
    switch (check_network(*text)) {
      case NetworkSyntax::good: out.push_back(*text); break;
      case NetworkSyntax::bad:
        item.error("bad-network", fmt::format("\"{}\" is not a network", shown(*text)),
                   "an address with a prefix length: 10.0.0.0/8, 2001:db8::/32");
        break;
      case NetworkSyntax::host_bits:
        item.error("bad-network", fmt::format("\"{}\" has bits set behind its prefix", shown(*text)),
                   "name the network itself, or a single address without \"/\"");
        break;
    }
  });
  // An empty list would read as "from nobody" to the edge and as "from anybody" to a hurried person.
  if (from->node().items().empty() && (from->is_null() || from->node().kind == NodeKind::sequence)) {
    from->error("no-networks", "nobody may send the PROXY header, so nobody could connect",
                "name the networks of your load balancers, or remove proxy_protocol");
  }
}

ListenerReading read_listener(const Field& item, TlsRecords records) {
  ListenerReading out;
  out.place = out.domain_place = item.place();
  MapReader map(item);
  if (!map) return out;
  ListenerConfig& config = out.config;
  bool protocol_known = false;
  if (const auto address = map.require("address", "for example: address: 0.0.0.0:80")) {
    config.address = read_ip_port(*address);
  }
  if (const auto protocol = map.require("protocol", "one of: http, https or tcp-ssl")) {
    protocol_known = map.read("protocol", config.protocol, kProtocol);
  }
  map.read("handshake_timeout", config.handshake_timeout, limits::kHandshakeTimeout);
  map.read_count("backlog", config.backlog, limits::kBacklog);
  read_proxy_networks(map, config.proxy_protocol_from);
  // With a protocol that could not be read, there is no telling whether it belongs here.
  if (map.read("h2c", config.h2c) && config.h2c && protocol_known && config.protocol != ListenerProtocol::http) {
    map.at("h2c").error("h2c-needs-http", "\"h2c\" is HTTP/2 without TLS, so it needs protocol: http",
                        config.protocol == ListenerProtocol::https
                            ? "remove it: an https listener offers HTTP/2 for every domain with http2: true"
                            : "remove it: a tcp-ssl listener passes bytes on, whatever they are");
  }

  config.tls_records = records;
  if (read_tls_records(map, config.tls_records) && protocol_known && config.protocol == ListenerProtocol::http) {
    map.at("tls").warning("unused-key", "\"tls\" has no effect on this listener: http has no TLS",
                          "remove it, or set protocol: https");
    config.tls_records = records;
  }

  const auto domain = map.find("domain");
  if (domain) {
    out.domain_place = domain->place();
    if (auto name = read_domain_name(*domain)) config.domain = std::move(*name);
    // With a protocol that could not be read, there is no telling whether `domain` belongs here.
    if (protocol_known && config.protocol != ListenerProtocol::tcp_ssl) {
      domain->warning("unused-key", "\"domain\" has no effect on this listener: http and https find it in the request",
                      "remove it, or set protocol: tcp-ssl");
      config.domain.clear();
    }
  } else if (config.protocol == ListenerProtocol::tcp_ssl) {
    item.error("missing-key", "a tcp-ssl listener needs \"domain\": the bytes it carries name no host",
               "for example: domain: quotes.example.com");
  }
  return out;
}

}  // namespace

bool read_tls_records(MapReader& map, TlsRecords& out) {
  const auto field = map.find("tls");
  if (!field) return false;
  MapReader tls(*field);
  tls.read("records", out, kTlsRecords);
  return true;
}

std::vector<ListenerReading> read_listeners(MapReader& root, TlsRecords records) {
  std::vector<ListenerReading> out;
  const auto list = root.require("listeners", "at least one: listeners: [ { address: 0.0.0.0:80, protocol: http } ]");
  if (!list) return out;
  // Addresses are compared in canonical form: "[0::1]:80" and "[::1]:80" are one. 0.0.0.0 and a single address of the
  // machine may share a port; the kernel prefers the exact one.
  std::map<std::string, std::uint32_t> lines;  // address -> line where it was first taken
  list->each(limits::kMaxListeners, [&](const Field& item) {
    out.push_back(read_listener(item, records));
    const std::string& address = out.back().config.address;
    if (address.empty() || address.ends_with(":0")) return;  // port 0: the system picks a free one
    const auto [first, fresh] = lines.emplace(address, item.node().mark.line);
    if (!fresh) {
      item.error("duplicate-address", fmt::format("two listeners have the address {}", address),
                 fmt::format("the first is in line {}", first->second));
    }
  });
  if (list->node().items().empty() && (list->is_null() || list->node().kind == NodeKind::sequence)) {
    list->error("no-listeners", "there is no listener", "at least one: - { address: 0.0.0.0:80, protocol: http }");
  }
  return out;
}

ClientSchemes client_schemes(const std::vector<ListenerReading>& listeners) {
  // With no usable listener there is no knowing; asking for both ports is then the stricter answer.
  if (listeners.empty()) return {};
  ClientSchemes schemes{false, false};
  for (const ListenerReading& listener : listeners) {
    (listener.config.protocol == ListenerProtocol::http ? schemes.plain : schemes.tls) = true;
  }
  return schemes;
}

void check_listeners(Reading& reading, const std::vector<ListenerReading>& listeners,
                     const std::vector<DomainReading>& domains) {
  std::map<std::string_view, const DomainPolicy*> by_name;
  std::vector<std::string_view> names;
  bool any_certificate = false;
  for (const DomainReading& domain : domains) {
    if (domain.policy.name.empty()) continue;
    by_name.emplace(domain.policy.name, &domain.policy);
    names.push_back(domain.policy.name);
    any_certificate = any_certificate || !domain.policy.certificates.empty();
  }
  for (const ListenerReading& listener : listeners) {
    // An https listener picks by SNI among all domains: one certificate anywhere makes it useful.
    if (listener.config.protocol == ListenerProtocol::https && !any_certificate) {
      reading.add(Severity::error, "no-certificate", listener.place.pointer, listener.place.mark,
                  "this https listener can serve nobody: no domain has a usable certificate",
                  "give a domain its certificates: [ { chain: live.pem, key: live.key } ]");
    }
    if (listener.config.protocol != ListenerProtocol::tcp_ssl || listener.config.domain.empty()) continue;
    // A tcp-ssl listener serves one domain, named as it is configured (a wildcard by its wildcard name), and presents
    // that domain's certificate whatever the client asks for.
    const auto found = by_name.find(listener.config.domain);
    if (found == by_name.end()) {
      const std::string_view near = nearest(listener.config.domain, names);
      reading.add(Severity::error, "unknown-domain", listener.domain_place.pointer, listener.domain_place.mark,
                  fmt::format("there is no domain \"{}\"", shown(listener.config.domain)),
                  near.empty() ? "name one of \"domains\"" : fmt::format("did you mean \"{}\"?", near));
    } else if (found->second->certificates.empty()) {
      reading.add(Severity::error, "no-certificate", listener.domain_place.pointer, listener.domain_place.mark,
                  fmt::format("the domain \"{}\" has no usable certificate, and tcp-ssl needs one",
                              shown(listener.config.domain)),
                  "give it certificates: [ { chain: live.pem, key: live.key } ]");
    }
  }
}

AdminReading read_admin(MapReader& root, const std::vector<ListenerReading>& listeners, bool with_api,
                        std::string_view name, DomainContext& context) {
  AdminReading out;
  const auto field = root.find("admin");
  if (!field) return out;
  MapReader map(*field);
  const auto tls = map.find("tls");
  if (tls) {
    MapReader pair(*tls);
    if (auto read = pair ? read_certificate(pair, name, context) : std::nullopt) {
      out.tls = AdminTls{std::move(read->chain_pem), std::move(read->key_pem)};
    }
  }
  const auto address = map ? map.require("address", "127.0.0.1:9180, or unix:/path") : std::nullopt;
  const auto text = address ? address->text(limits::kMaxScalarBytes) : std::nullopt;
  if (!text) return out;
  // Relative socket paths are refused: they would follow the working directory, which a service manager chooses.
  if (text->starts_with("unix:")) {
    const std::string_view path = std::string_view(*text).substr(5);
    if (!path.starts_with('/') || path.size() > limits::kMaxUnixPath) {
      address->error(
          "bad-address", fmt::format("\"{}\" is not the path of a socket", shown(path)),
          fmt::format("an absolute path of at most {} bytes: unix:/run/fairlead/admin.sock", limits::kMaxUnixPath));
    }
    out.address = *text;
    return out;
  }
  out.address = read_ip_port(*address);
  if (out.address.empty()) return out;
  const auto parsed = parse_ip_port(out.address);
  // Without the API a warning only: a management network is a good reason, a container another.
  if (!is_loopback(parsed->ip) && !with_api) {
    address->warning("public-admin",
                     fmt::format("anybody who reaches {} can read metrics and use the API", out.address),
                     "127.0.0.1 or unix:/path keeps it on this machine");
  } else if (!is_loopback(parsed->ip) && !tls) {
    address->error("public-admin", fmt::format("passwords would be sent in clear to {}", out.address),
                   "give it admin.tls: { chain: a.pem, key: a.key }, or 127.0.0.1 or unix:/path");
  }
  const auto same = [&](const ListenerReading& listener) { return listener.config.address == out.address; };
  if (parsed->port != 0 && std::ranges::any_of(listeners, same)) {
    address->error("duplicate-address", fmt::format("a listener has the address {} already", out.address), "");
  }
  return out;
}

std::vector<std::string> read_resolvers(MapReader& root) {
  std::vector<std::string> out;
  const auto field = root.find("resolvers");
  if (!field) return out;
  field->each(limits::kMaxResolvers, [&](const Field& item) {
    const auto text = item.text(64);
    if (!text) return;
    // Names make no sense here: who would resolve them?
    const auto with_port = parse_ip_port(*text);
    if (const auto ip = canonical_ip(*text)) {
      out.push_back(*ip);
    } else if (with_port && with_port->port != 0) {
      out.push_back(to_string(*with_port));
    } else {
      item.error("bad-address", fmt::format("\"{}\" is not the address of a DNS server", shown(*text)),
                 "10.0.0.2, 10.0.0.2:5353 or \"[2001:db8::2]:53\"");
    }
  });
  return out;
}

}  // namespace fairlead::model
