#include "model/read_domain.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/policy_words.h"
#include "model/read_parts.h"
#include "model/syntax.h"

namespace fairlead::model {
namespace {

// 0 = none, as everywhere in DomainLimits.
void read_limits(MapReader& domain, DomainLimits& out) {
  const auto field = domain.find("limits");
  if (!field) return;
  MapReader map(*field);
  map.read_count("max_sessions", out.max_sessions, limits::kPerClient);
  map.read_count("max_sessions_per_client", out.max_sessions_per_client, limits::kPerClient);
  map.read_count("handshakes_per_second", out.handshakes_per_second, limits::kPerClient);
  map.read_count("handshakes_per_second_per_client", out.handshakes_per_second_per_client, limits::kPerClient);
}

// Host towards origins: a name or address, with or without a port.
void read_host_header(MapReader& domain, std::string& out) {
  if (!domain.read("origin_host_header", out, limits::kMaxDomainName + 8)) return;
  const std::size_t colon = out.rfind(':');
  const std::string_view host = std::string_view(out).substr(0, colon);
  if (is_host_name(out) || is_ipv4(out) || parse_ip_port(out)) return;
  if (colon != std::string::npos && is_host_name(host) && parse_ip_port("0.0.0.0" + out.substr(colon))) return;
  domain.at("origin_host_header")
      .error("bad-host", fmt::format("\"{}\" is not a value for the Host field", shown(out)),
             "a host name or address, with or without a port: app.internal:8080");
}

}  // namespace

std::optional<std::string> ReferencedFiles::pem(const Field& field) {
  auto path = field.text(limits::kMaxScalarBytes);
  if (!path) return std::nullopt;
  if (path->starts_with("-----BEGIN")) return path;
  if (reader_ == nullptr) {
    field.error("bad-pem", fmt::format("{} is not a PEM text", field.name()),
                "the contents of the file, from -----BEGIN on: no file is read here");
    return std::nullopt;
  }
  if (path->empty() || path->size() > 4096 || path->find('\n') != std::string::npos) {
    field.error("bad-path", fmt::format("{} is not the path of a file", field.name()),
                "a path, relative to the configuration file, or the PEM text itself");
    return std::nullopt;
  }
  const std::string* text = contents(field, *path);
  if (text == nullptr) return std::nullopt;
  // Every domain keeps a copy of its own: a short file that names one long PEM very often is a bomb too.
  given_ += text->size();
  if (given_ > limits::kMaxReferencedBytes) {
    field.error(
        "too-large", "the PEM files of all domains together are too large",
        fmt::format("at most {}, counted for each domain that names them", format_size(limits::kMaxReferencedBytes)));
    return std::nullopt;
  }
  return *text;
}

std::optional<std::string> ReferencedFiles::secret(const Field& field) {
  const auto path = field.text(4096);
  if (!path) return std::nullopt;
  const std::string* text = contents(field, *path);
  if (text == nullptr) return std::nullopt;
  std::string_view secret = *text;
  if (secret.ends_with('\n')) secret.remove_suffix(1);
  if (secret.ends_with('\r')) secret.remove_suffix(1);
  const bool one_line = std::ranges::all_of(secret, [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
  if (secret.empty() || !one_line || secret.size() > limits::kMaxSecret) {
    field.error("bad-secret",
                secret.empty() ? fmt::format("the file \"{}\" is empty", shown(*path))
                               : fmt::format("the file \"{}\" does not hold one secret", shown(*path)),
                fmt::format("one line of at most {} bytes", limits::kMaxSecret));
    return std::nullopt;
  }
  return std::string(secret);
}

const std::string* ReferencedFiles::contents(const Field& field, const std::string& path) {
  // One read per file, and one verdict: a file that changes meanwhile cannot make two domains disagree about it.
  std::string full = resolve_path(config_file_, path);
  auto found = read_.find(full);
  if (found == read_.end()) {
    auto contents = (*reader_)(full);
    if (contents && contents->size() > limits::kMaxReferencedFileBytes) {
      contents = base::fail(base::Code::too_large, base::Side::config,
                            fmt::format("it is larger than {} KiB", limits::kMaxReferencedFileBytes >> 10));
    }
    found = read_.emplace(std::move(full), std::move(contents)).first;
  }
  if (!found->second) {
    const base::Error& error = found->second.error();
    field.error("unreadable-file",
                fmt::format("the file \"{}\" cannot be read: {}", shown(found->first),
                            error.context.empty() ? base::to_string(error.code) : error.context),
                path == found->first ? "" : "paths are relative to the configuration file");
    return nullptr;
  }
  return &*found->second;
}

std::optional<std::string> read_domain_name(const Field& field) {
  const auto written = field.text(limits::kMaxScalarBytes);
  if (!written) return std::nullopt;
  // "example.com." is the same name, fully qualified; Host may carry either.
  std::string_view name = *written;
  if (name.size() > 1 && name.ends_with('.')) name.remove_suffix(1);

  const auto refuse = [&](std::string message, std::string hint) -> std::optional<std::string> {
    field.error("bad-domain-name", std::move(message), std::move(hint));
    return std::nullopt;
  };
  // An address is a name too: what a client types when a node has no DNS yet. As in Host, IPv6 may have brackets.
  std::string_view bare = name;
  if (bare.size() > 2 && bare.front() == '[' && bare.back() == ']') bare = bare.substr(1, bare.size() - 2);
  if (auto ip = canonical_ip(bare)) return ip;

  std::string_view host = name;
  if (host.starts_with("*.")) {
    host.remove_prefix(2);
  } else if (host.starts_with('.')) {
    host.remove_prefix(1);
  }
  // What is left must be a host name; the mistakes that people really make get words of their own first.
  const bool wildcard = host.size() != name.size();
  if (host.find('*') != std::string_view::npos) {
    return refuse(fmt::format("\"{}\" has a \"*\" where none can stand", shown(*written)),
                  "a wildcard is \".example.com\" or \"*.example.com\", and covers every name below it");
  }
  if (name.size() > limits::kMaxDomainName) {
    return refuse(fmt::format("the name has {} characters", name.size()),
                  fmt::format("at most {}", limits::kMaxDomainName));
  }
  if (std::ranges::any_of(host, [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
    return refuse(fmt::format("\"{}\" is not written in ASCII", shown(*written)),
                  "write the international name in its xn-- form");
  }
  if (host.find("://") != std::string_view::npos || host.find('/') != std::string_view::npos) {
    return refuse(fmt::format("\"{}\" is not a host name", shown(*written)), "the name alone, without scheme and path");
  }
  if (host.find(':') != std::string_view::npos) {
    return refuse(fmt::format("\"{}\" is not a host name", shown(*written)), "the name alone, without a port");
  }
  if (!is_host_name(host)) {
    return refuse(fmt::format("\"{}\" is not a host name", shown(*written)),
                  "labels of 1 to 63 letters, digits and \"-\" with dots between: live.example.com");
  }
  return (wildcard ? "." : "") + lower_case(host);
}

DomainReading read_domain(const Field& field, DomainContext& context) {
  DomainReading out;
  DomainPolicy& policy = out.policy;
  MapReader domain(field);
  out.name_place = field.place();
  if (!domain) return out;

  // Certificates are judged for the name, and layer-7 timeouts held against those of the domain.
  if (const auto name = domain.require("name", "for example: name: live.example.com")) {
    out.name_place = name->place();
    if (auto stored = read_domain_name(*name)) policy.name = std::move(*stored);
  }
  if (context.has_id) domain.read("id", policy.id, limits::kMaxDomainName);
  read_certificates(domain, policy, context);
  read_domain_body(domain, policy, context);
  read_layer7(domain, policy, context);
  return out;
}

void read_domain_body(MapReader& domain, DomainPolicy& policy, DomainContext& context) {
  // The order follows what depends on what: the switch's default follows the acceleration, health checks follow the
  // scheme, and the ports come last.
  domain.read("acceleration", policy.acceleration, kAcceleration);
  domain.read("http2", policy.http2);
  read_origins(domain, policy);
  read_origin_tls(domain, policy, context);
  domain.read("origin_proxy_protocol", policy.origin_proxy_protocol, kSendProxy);
  read_host_header(domain, policy.origin_host_header);
  read_load_balancing(domain, policy);
  read_websocket(domain, policy, context);
  read_health_check(domain, policy);
  domain.read("origin_request_timeout", policy.origin_request_timeout, limits::kOriginRequestTimeout);
  read_limits(domain, policy.limits);
  check_origin_ports(domain, policy, context);
}

}  // namespace fairlead::model
