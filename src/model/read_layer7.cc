// The layer-7 custom configuration (R14): typed settings, the documented ranges as warnings, named configurations.

#include <fmt/format.h>

#include <algorithm>

#include "model/read_parts.h"
#include "model/syntax.h"

namespace fairlead::model {
namespace {

using std::chrono::milliseconds;

// The edge's range refuses. The customers' range warns in an operator's file, for an operator may know better than the
// product's documents, and refuses what comes from a customer.
void tell_customer_range(const Field& at, std::string message, std::string range, CustomerRanges ranges) {
  if (ranges == CustomerRanges::refuse) {
    at.error("out-of-range", std::move(message), "allowed: " + range);
  } else {
    at.warning("customer-range", message + ", outside the range that customers are given",
               fmt::format("documented: {}; the edge obeys it", range));
  }
}

void read_timeout(MapReader& map, std::string_view key, milliseconds& out, const limits::Layer7Range& range,
                  CustomerRanges ranges) {
  if (!map.read(key, out, range.edge)) return;
  if (out >= range.customer_min && out <= range.customer_max) return;
  const std::string least = range.customer_min.count() == 0 ? "0s" : format_duration(range.customer_min);
  tell_customer_range(map.at(key), fmt::format("\"{}\" is {}", key, format_duration(out)),
                      fmt::format("{} to {}", least, format_duration(range.customer_max)), ranges);
}

void read_body_size(MapReader& map, std::uint64_t& out, CustomerRanges ranges) {
  if (!map.read_size("client_max_body_size", out, limits::kClientMaxBodySize)) return;
  if (out >= limits::kCustomerMinBodySize && out <= limits::kCustomerMaxBodySize) return;
  tell_customer_range(map.at("client_max_body_size"), fmt::format("\"client_max_body_size\" is {}", format_size(out)),
                      "1MiB to 10240MiB", ranges);
}

// A list such as nginx has; order means nothing, so it is kept sorted and free of repetitions.
void read_ssl_protocols(MapReader& map, std::vector<TlsVersion>& out) {
  const auto field = map.find("ssl_protocols");
  if (!field) return;
  std::vector<TlsVersion> versions;
  bool wrong = field->node().kind != NodeKind::sequence;
  field->each(8, [&](const Field& item) {
    const auto text = item.text(32);
    if (text == "TLSv1.2" || text == "TLSv1.3") {
      versions.push_back(text == "TLSv1.2" ? TlsVersion::tls1_2 : TlsVersion::tls1_3);
      return;
    }
    wrong = true;
    if (!text) return;
    const bool old = *text == "TLSv1" || *text == "TLSv1.0" || *text == "TLSv1.1" || text->starts_with("SSL");
    // RFC 8996 took TLS 1.0 and 1.1 out of use.
    item.error("bad-value",
               old ? fmt::format("{} is not secure and not spoken here", shown(*text))
                   : fmt::format("\"{}\" is not a TLS version", shown(*text)),
               "one of: TLSv1.2 or TLSv1.3");
  });
  if (versions.empty() && (!wrong || field->is_null())) {
    field->error("bad-value", "no TLS version is left", "at least one of: TLSv1.2 or TLSv1.3");
  }
  if (versions.empty()) return;
  std::ranges::sort(versions);
  versions.erase(std::unique(versions.begin(), versions.end()), versions.end());
  out = std::move(versions);
}

// The characters only: which names exist is known to the TLS library, which says so when the domain is put in force.
void read_ciphers(MapReader& map, std::string& out) {
  if (!map.read("ssl_ciphers", out, limits::kMaxCipherList)) return;
  const bool good = std::ranges::all_of(out, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view(":-+!@=_.").find(c) != std::string_view::npos;
  });
  if (!good || out.empty()) {
    map.at("ssl_ciphers")
        .error("bad-value", fmt::format("\"{}\" is not a cipher list", shown(out)),
               "names separated by \":\" as OpenSSL writes them: ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE+AESGCM");
  }
}

// One field of add_header. `name_at` and `value_at` are the same place in the map form.
void add_field(const Field& name_at, const Field& value_at, std::string name, std::vector<HeaderField>& out) {
  const auto value = value_at.text(limits::kMaxHeaderValue);
  if (!is_token(name) || name.size() > limits::kMaxHeaderName) {
    name_at.error("bad-header", fmt::format("\"{}\" is not the name of a header field", shown(name)),
                  "letters, digits and \"-\", RFC 9110 section 5.1");
    return;
  }
  if (is_reserved_header(name)) {
    name_at.error("bad-header", fmt::format("the field \"{}\" is the edge's own to set", shown(name)),
                  "remove it: it frames the message or belongs to one connection");
    return;
  }
  if (!value) return;
  if (!is_header_value(*value)) {
    value_at.error("bad-header", fmt::format("the value of \"{}\" cannot stand in a header field", shown(name)),
                   "one line, no control characters, no space at either end, RFC 9110 section 5.5");
    return;
  }
  out.push_back({std::move(name), *value});
}

// A map "name: value", or a list of { name, value } where a name may come twice.
void read_add_header(MapReader& map, std::vector<HeaderField>& out) {
  const auto field = map.find("add_header");
  if (!field) return;
  out.clear();
  if (field->node().kind == NodeKind::map) {
    const auto& entries = field->node().entries();
    if (entries.size() > limits::kMaxAddHeaders) {
      field->error("too-many", fmt::format("\"add_header\" has {} fields", entries.size()),
                   fmt::format("at most {}", limits::kMaxAddHeaders));
      return;
    }
    for (const auto& entry : entries) {
      const Field value(*field, entry.key, entry.value);
      add_field(value, value, entry.key, out);
    }
    return;
  }
  field->each(limits::kMaxAddHeaders, [&](const Field& item) {
    MapReader pair(item);
    if (!pair) return;
    const auto name_field = pair.require("name");
    const auto value_field = pair.require("value");
    const auto name = name_field ? name_field->text(limits::kMaxScalarBytes) : std::nullopt;
    if (name && value_field) add_field(*name_field, *value_field, *name, out);
  });
}

void read_settings(MapReader& map, Layer7& out, CustomerRanges ranges) {
  read_timeout(map, "client_header_timeout", out.client_header_timeout, limits::kClientHeaderTimeout, ranges);
  read_timeout(map, "client_body_timeout", out.client_body_timeout, limits::kClientBodyTimeout, ranges);
  read_body_size(map, out.client_max_body_size, ranges);
  read_timeout(map, "keepalive_timeout", out.keepalive_timeout, limits::kKeepaliveTimeout, ranges);
  read_timeout(map, "proxy_connect_timeout", out.proxy_connect_timeout, limits::kProxyConnectTimeout, ranges);
  read_timeout(map, "proxy_send_timeout", out.proxy_send_timeout, limits::kProxySendTimeout, ranges);
  read_timeout(map, "proxy_read_timeout", out.proxy_read_timeout, limits::kProxyReadTimeout, ranges);
  read_ssl_protocols(map, out.ssl_protocols);
  read_ciphers(map, out.ssl_ciphers);
  read_add_header(map, out.add_header);
  const bool only_13 = out.ssl_protocols.size() == 1 && out.ssl_protocols[0] == TlsVersion::tls1_3;
  if (only_13 && map.has("ssl_ciphers")) {
    map.at("ssl_ciphers")
        .warning("unused-key", "\"ssl_ciphers\" has no effect on TLSv1.3 alone", "TLS 1.3 has its own, fixed suites");
  }
}

// The configuration named by `field`; nullptr after telling.
const Layer7* find_named(const Field& field, const DomainContext& context) {
  const auto name = field.text(limits::kMaxDomainName);
  if (!name) return nullptr;
  const auto found = context.layer7_configs.find(*name);
  if (found != context.layer7_configs.end()) return &found->second;
  std::vector<std::string_view> names;
  for (const auto& [known, config] : context.layer7_configs) names.push_back(known);
  const std::string_view near = nearest(*name, names);
  field.error("unknown-layer7-config", fmt::format("there is no layer-7 configuration \"{}\"", shown(*name)),
              near.empty() ? "name one of layer7_configs, or write the settings here"
                           : fmt::format("did you mean \"{}\"?", near));
  return nullptr;
}

}  // namespace

void read_layer7_settings(const Field& field, Layer7& out, CustomerRanges ranges) {
  MapReader map(field);
  if (map) read_settings(map, out, ranges);
}

void read_layer7(MapReader& domain, DomainPolicy& policy, const DomainContext& context) {
  const auto field = domain.find("layer7");
  if (!field) return;
  if (field->node().is_scalar() && !field->is_null()) {
    if (const Layer7* named = find_named(*field, context)) policy.layer7 = *named;
  } else {
    MapReader map(*field);
    if (const auto use = map.find("use")) {
      if (const Layer7* named = find_named(*use, context)) policy.layer7 = *named;
    }
    read_settings(map, policy.layer7, CustomerRanges::warn);
    // Only when stated here: the default of one must not be held against the other.
    if (map.has("proxy_connect_timeout") && policy.layer7.proxy_connect_timeout > policy.origin_request_timeout) {
      map.at("proxy_connect_timeout")
          .warning(
              "timeout-never-reached",
              fmt::format("proxy_connect_timeout ({}) is longer than origin_request_timeout ({}), which includes it",
                          format_duration(policy.layer7.proxy_connect_timeout),
                          format_duration(policy.origin_request_timeout)));
    }
  }
}

}  // namespace fairlead::model
