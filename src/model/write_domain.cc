#include "model/write_domain.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <optional>
#include <string_view>
#include <utility>

#include "model/policy_words.h"
#include "model/words.h"

namespace fairlead::model {
namespace {

using Json = nlohmann::ordered_json;  // keys in the order of docs/configuration.md

std::string off_or_size(std::uint64_t bytes) { return bytes == 0 ? "off" : format_size(bytes); }
Json off_or_count(std::uint32_t count) { return count == 0 ? Json("off") : Json(count); }
Json off_or_port(std::optional<std::uint16_t> port) { return port ? Json(*port) : Json("off"); }

Json origins_of(const DomainPolicy& policy) {
  Json out = Json::array();
  for (const Origin& origin : policy.origins) {
    out.push_back({{"host", origin.host},
                   {"http_port", off_or_port(origin.http_port)},
                   {"https_port", off_or_port(origin.https_port)},
                   {"weight", origin.weight},
                   {"priority", word_of(kPriority, origin.priority)},
                   {"insecure", origin.insecure}});
  }
  return out;
}

Json origin_tls_of(const OriginTls& tls, DomainText form) {
  Json out{{"verify", tls.verify}};
  if (!tls.ca_pem.empty()) out["ca_file"] = form == DomainText::shown ? "inline PEM" : tls.ca_pem;
  if (!tls.server_name.empty()) out["server_name"] = tls.server_name;
  return out;
}

Json load_balancing_of(const LoadBalancing& lb) {
  Json out{{"policy", word_of(kBalance, lb.policy)}, {"hash_key", word_of(kHashKey, lb.hash_key)}};
  if (!lb.hash_name.empty()) out["hash_name"] = lb.hash_name;
  out["persistence"] = word_of(kPersistence, lb.persistence);
  out["cookie_name"] = lb.cookie_name;
  out["cookie_max_age"] = format_duration(lb.cookie_max_age);
  return out;
}

Json health_check_of(const HealthCheck& check) {
  const ActiveHealthCheck& active = check.active;
  const PassiveHealthCheck& passive = check.passive;
  Json out = Json::object();
  if (!active.path.empty()) out["path"] = active.path;
  if (!active.host.empty()) out["host"] = active.host;
  out["scheme"] = word_of(kCheckScheme, active.scheme);
  out["interval"] = format_duration(active.interval);
  out["timeout"] = format_duration(active.timeout);
  out["healthy_after"] = active.healthy_after;
  out["unhealthy_after"] = active.unhealthy_after;
  out["status"] = fmt::format("{}-{}", active.status_from, active.status_to);
  out["passive"] = {{"enabled", passive.enabled},
                    {"failures", passive.failures},
                    {"window", format_duration(passive.window)},
                    {"eject", format_duration(passive.eject)},
                    {"count_5xx", passive.count_5xx},
                    {"count_refused", passive.count_refused},
                    {"count_timeout", passive.count_timeout}};
  return out;
}

Json websocket_of(const WebSocketPolicy& ws) {
  Json out{{"enabled", ws.enabled},
           {"connection_timeout", format_duration(ws.connection_timeout)},
           {"heartbeat",
            {{"interval", format_duration(ws.heartbeat.interval)},
             {"to", word_of(kHeartbeatTo, ws.heartbeat.to)},
             {"pong_timeout", format_duration(ws.heartbeat.pong_timeout)}}},
           {"origin_scheme", word_of(kOriginScheme, ws.origin_scheme)},
           {"on_disable", word_of(kOnDisable, ws.on_disable)},
           {"drain_time", format_duration(ws.drain_time)},
           {"max_session_age", format_duration(ws.max_session_age)},
           {"validate", ws.validate},
           {"max_message_size", off_or_size(ws.max_message_size)}};
  if (ws.client_interval) out["client_interval"] = format_duration(*ws.client_interval);
  if (ws.origin_timeout) out["origin_timeout"] = format_duration(*ws.origin_timeout);
  return out;
}

Json layer7_of(const Layer7& layer7) {
  Json out{{"client_header_timeout", format_duration(layer7.client_header_timeout)},
           {"client_body_timeout", format_duration(layer7.client_body_timeout)},
           {"client_max_body_size", off_or_size(layer7.client_max_body_size)},
           {"keepalive_timeout", format_duration(layer7.keepalive_timeout)},
           {"proxy_connect_timeout", format_duration(layer7.proxy_connect_timeout)},
           {"proxy_send_timeout", format_duration(layer7.proxy_send_timeout)},
           {"proxy_read_timeout", format_duration(layer7.proxy_read_timeout)}};
  Json& versions = out["ssl_protocols"] = Json::array();
  for (const TlsVersion version : layer7.ssl_protocols) versions.push_back(word_of(kTlsVersion, version));
  if (!layer7.ssl_ciphers.empty()) out["ssl_ciphers"] = layer7.ssl_ciphers;
  Json& fields = out["add_header"] = Json::array();
  for (const HeaderField& field : layer7.add_header) {
    fields.push_back({{"name", field.name}, {"value", field.value}});
  }
  return out;
}

Json limits_of(const DomainLimits& limits) {
  return {{"max_sessions", off_or_count(limits.max_sessions)},
          {"max_sessions_per_client", off_or_count(limits.max_sessions_per_client)},
          {"handshakes_per_second", off_or_count(limits.handshakes_per_second)},
          {"handshakes_per_second_per_client", off_or_count(limits.handshakes_per_second_per_client)}};
}

// Beyond ASCII everything is escaped: among it U+007F, which no document may have (text_check.h). Whatever is not UTF-8
// is replaced, because nothing here may throw.
std::string dump(const Json& json) { return json.dump(-1, ' ', true, Json::error_handler_t::replace); }

}  // namespace

std::string write_domain(const DomainPolicy& policy, DomainText form) {
  Json out = Json::object();
  if (form != DomainText::settings) out["name"] = policy.name;
  if (form == DomainText::whole && !policy.id.empty()) out["id"] = policy.id;
  out["acceleration"] = word_of(kAcceleration, policy.acceleration);
  out["http2"] = policy.http2;
  if (form == DomainText::whole) {
    Json& certificates = out["certificates"] = Json::array();
    for (const Certificate& certificate : policy.certificates) {
      certificates.push_back({{"chain", certificate.chain_pem}, {"key", certificate.key_pem}});
    }
  }
  out["origins"] = origins_of(policy);
  out["origin_tls"] = origin_tls_of(policy.origin_tls, form);
  out["origin_proxy_protocol"] = word_of(kSendProxy, policy.origin_proxy_protocol);
  if (!policy.origin_host_header.empty()) out["origin_host_header"] = policy.origin_host_header;
  out["load_balancing"] = load_balancing_of(policy.load_balancing);
  out["health_check"] = health_check_of(policy.health_check);
  out["websocket"] = websocket_of(policy.websocket);
  out["origin_request_timeout"] = format_duration(policy.origin_request_timeout);
  if (form != DomainText::settings) out["layer7"] = layer7_of(policy.layer7);
  out["limits"] = limits_of(policy.limits);
  return dump(out);
}

std::uint64_t fingerprint(const DomainPolicy& policy) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char c : write_domain(policy, DomainText::whole)) hash = (hash ^ c) * 0x100000001b3;
  return hash;
}

std::string write_layer7(const Layer7& layer7) { return dump(layer7_of(layer7)); }

}  // namespace fairlead::model
