#include "cli/import/nginx_settings.h"

#include "cli/import/nginx_scope.h"
#include <fmt/format.h>

#include <algorithm>

#include "model/syntax.h"
#include "model/words.h"

namespace fairlead::cli {
namespace {

namespace limits = model::limits;

constexpr std::string_view kVerifyNote =
    "as in nginx, certificates of the origins are not verified; better: remove `verify: false` and give a ca_file";

class Settings {
 public:
  Settings(const std::string& main_file, Findings& findings) : main_file_(main_file), findings_(findings) {}

  void read(const NginxDirective& scope, const NginxDirective& pass, const NginxTarget& target, DomainDraft& draft) {
    read_origin_tls(scope, pass, target, draft);
    read_request_fields(scope, pass, target, draft);
    read_settings(scope, draft);
    read_add_header(scope, draft);
  }

 private:
  void lost(const NginxDirective& directive, std::string why) {
    directive.settled = true;
    findings_.not_carried(directive.place(), std::move(why));
  }
  void note(const NginxDirective& directive, std::string why) {
    directive.settled = true;
    findings_.note(directive.place(), std::move(why));
  }

  void read_origin_tls(const NginxDirective& scope, const NginxDirective& pass, const NginxTarget& target,
                       DomainDraft& draft) {
    if (!draft.https) return;
    const NginxDirective* verify = nginx_find(scope, "proxy_ssl_verify");
    draft.verify = verify != nullptr && verify->arg(1) == "on";
    if (verify != nullptr) verify->settled = true;
    if (!*draft.verify) findings_.note(verify != nullptr ? verify->place() : pass.place(), std::string(kVerifyNote));
    if (const NginxDirective* ca = nginx_find(scope, "proxy_ssl_trusted_certificate")) {
      ca->settled = true;
      if (is_file_path(ca->arg(1))) draft.ca_file = model::resolve_path(main_file_, ca->arg(1));
    }
    // nginx's default is the name in proxy_pass, the edge's the domain's.
    std::string name = target.host.substr(0, target.host.find(':'));
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

  void read_request_fields(const NginxDirective& scope, const NginxDirective& pass, const NginxTarget& to,
                           DomainDraft& draft) {
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
    for (const NginxDirective* field : nginx_find_all(scope, "proxy_set_header")) {
      field->settled = true;
      const std::string name = model::lower_case(field->arg(1));
      const std::string& value = field->arg(2);
      std::string variable = "$http_" + name;
      std::ranges::replace(variable, '-', '_');
      if (name == "host") {
        host_set = true;
        read_host_field(*field, value, to.host, draft);
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
    if (!host_set) read_host_field(pass, "$proxy_host", to.host, draft);
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
    if (!parts || (parts->first.find(':') != std::string::npos && !parts->second)) {
      lost(directive,
           fmt::format("the Host field towards the origins stays as the client sent it, not {}", model::shown(host)));
      return;
    }
    // Made anew from its parts, because the reader of the document takes no other spelling ("80", not "080").
    draft.host_header = parts->second ? (model::canonical_ip(parts->first)
                                             ? model::to_string(model::IpPort{parts->first, *parts->second})
                                             : fmt::format("{}:{}", parts->first, *parts->second))
                                      : parts->first;
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

  const std::string& main_file_;
  Findings& findings_;
};

}  // namespace

void nginx_settings(const NginxDirective& scope, const NginxDirective& pass, const NginxTarget& target,
                    const std::string& main_file, DomainDraft& draft, Findings& findings) {
  Settings(main_file, findings).read(scope, pass, target, draft);
}

}  // namespace fairlead::cli
