#pragma once
// Random policies of the kind that the readers make: every value that is written somewhere within its range, each key
// now stated and now not. The same seed gives the same policies.

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <utility>

#include "model/domain_policy.h"
#include "model/limits.h"

namespace fairlead::model::testing {

class RandomPolicies {
 public:
  explicit RandomPolicies(unsigned seed) : random_(seed) {}

  DomainPolicy next() {
    DomainPolicy p;
    p.name = fmt::format("{}d{}.example.com", coin() ? "." : "", ++count_);
    p.acceleration = pick({Acceleration::whole_site, Acceleration::static_});
    p.http2 = coin();
    for (std::uint64_t n = below(3); n > 0; --n) p.certificates.push_back({pem("CERTIFICATE"), pem("PRIVATE KEY")});
    for (std::uint64_t n = 1 + below(4); n > 0; --n) p.origins.push_back(origin());
    p.origin_tls.verify = coin();
    if (coin()) p.origin_tls.ca_pem = pem("CERTIFICATE");
    if (coin()) p.origin_tls.server_name = "origin.example.com";
    p.origin_proxy_protocol = pick({SendProxy::off, SendProxy::v1, SendProxy::v2});
    if (coin()) p.origin_host_header = coin() ? "app.internal:8080" : "10.0.0.9";
    balance(p.load_balancing);
    health(p.health_check);
    websocket(p.websocket);
    // One scheme whose port is absent somewhere would be refused.
    for (Origin& o : p.origins) {
      if (p.websocket.origin_scheme == OriginScheme::http || p.health_check.active.scheme == OriginScheme::http) {
        o.http_port = o.http_port.value_or(80);
      }
      if (p.websocket.origin_scheme == OriginScheme::https || p.health_check.active.scheme == OriginScheme::https) {
        o.https_port = o.https_port.value_or(443);
      }
    }
    p.origin_request_timeout = time(limits::kOriginRequestTimeout);
    layer7(p.layer7);
    p.limits = {number(limits::kPerClient), number(limits::kPerClient), number(limits::kPerClient),
                number(limits::kPerClient)};
    return p;
  }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool coin() { return below(2) == 0; }
  template <class T>
  T pick(std::initializer_list<T> values) {
    return *(values.begin() + below(values.size()));
  }
  // Whole seconds, minutes or milliseconds; the ends of the range; off, where that is a value.
  milliseconds time(const limits::DurationRange& range) {
    if (range.off_allowed && below(4) == 0) return milliseconds(0);
    switch (below(4)) {
      case 0: return range.min;
      case 1: return range.max;
      default: break;
    }
    const auto width = static_cast<std::uint64_t>((range.max - range.min).count());
    const milliseconds any = range.min + milliseconds(below(width + 1));
    const milliseconds unit = pick({milliseconds(1), milliseconds(1000), milliseconds(60'000)});
    return std::clamp(any / unit * unit, range.min, range.max);
  }
  std::uint64_t size(const limits::SizeRange& range) {
    if (range.off_allowed && below(4) == 0) return 0;
    const std::uint64_t unit = pick<std::uint64_t>({1, 1u << 10, 1u << 20, 1u << 30});
    return std::clamp((range.min + below(range.max - range.min + 1)) / unit * unit, range.min, range.max);
  }
  std::uint32_t number(const limits::CountRange& range) {
    if (range.off_allowed && below(3) == 0) return 0;
    return static_cast<std::uint32_t>(range.min + below(range.max - range.min + 1));
  }
  std::string text(std::string_view alphabet, std::size_t longest) {
    std::string out;
    for (std::uint64_t n = 1 + below(longest); n > 0; --n) out += alphabet[below(alphabet.size())];
    return out;
  }
  std::string token() { return text("abcXYZ019-_.", 12); }
  std::string pem(std::string_view label) {
    std::string out;
    for (std::uint64_t n = label == "CERTIFICATE" ? 1 + below(2) : 1; n > 0; --n) {
      out += fmt::format("-----BEGIN {0}-----\n{1}\n-----END {0}-----\n", label, text("ABCabc0129+/", 60) + "A");
    }
    return out;
  }

  Origin origin() {
    Origin o;
    o.host = pick<std::string>({"10.0.0.1", "2001:db8::1", "app.internal", "a-1.b_c.example.com"});
    if (below(4) == 0) o.http_port.reset();
    if (below(4) == 0 && o.http_port) o.https_port.reset();
    if (o.http_port && coin()) o.http_port = static_cast<std::uint16_t>(1 + below(65'535));
    if (o.https_port && coin()) o.https_port = static_cast<std::uint16_t>(1 + below(65'535));
    o.weight = number(limits::kWeight);
    o.priority = pick({OriginPriority::primary, OriginPriority::backup});
    o.insecure = coin();
    return o;
  }
  void balance(LoadBalancing& lb) {
    lb.policy = pick({BalancePolicy::round_robin, BalancePolicy::least_sessions, BalancePolicy::consistent_hash});
    lb.hash_key = pick({HashKey::client_address, HashKey::header, HashKey::cookie, HashKey::path, HashKey::query});
    lb.hash_name = token();
    if (lb.hash_key == HashKey::query && coin()) lb.hash_name = "r\xc3\xbc\x7f\x01";
    lb.persistence = pick({Persistence::none, Persistence::cookie});
    lb.cookie_name = token();
    lb.cookie_max_age = time(limits::kCookieMaxAge);
  }
  void health(HealthCheck& check) {
    ActiveHealthCheck& a = check.active;
    if (coin()) a.path = "/healthz?x=\"1\"\\";
    if (coin()) a.host = "check.example.com";
    a.scheme = pick({OriginScheme::http, OriginScheme::https});
    a.interval = time(limits::kHealthInterval);
    a.timeout = time(limits::kHealthTimeout);
    a.healthy_after = number(limits::kHealthCount);
    a.unhealthy_after = number(limits::kHealthCount);
    a.status_from = static_cast<std::uint16_t>(100 + below(400));
    a.status_to = static_cast<std::uint16_t>(a.status_from + below(100));
    PassiveHealthCheck& p = check.passive;
    p = {
        coin(), number(limits::kHealthCount), time(limits::kPassiveWindow), time(limits::kPassiveEject), coin(), coin(),
        coin()};
  }
  void websocket(WebSocketPolicy& ws) {
    ws.enabled = coin();
    ws.connection_timeout = time(limits::kConnectionTimeout);
    ws.heartbeat.interval = time(limits::kHeartbeatInterval);
    ws.heartbeat.to = pick({HeartbeatTo::client, HeartbeatTo::origin, HeartbeatTo::both});
    ws.heartbeat.pong_timeout = time(limits::kPongTimeout);
    ws.origin_scheme = pick({OriginScheme::follow, OriginScheme::http, OriginScheme::https});
    ws.on_disable = pick({OnDisable::close, OnDisable::drain, OnDisable::keep});
    ws.drain_time = time(limits::kSessionDrainTime);
    ws.max_session_age = time(limits::kMaxSessionAge);
    ws.validate = coin();
    ws.max_message_size = size(limits::kMaxMessageSize);
    if (coin()) ws.client_interval = time(limits::kStatedInterval);
    if (coin()) ws.origin_timeout = time(limits::kStatedInterval);
  }
  void layer7(Layer7& l) {
    l.client_header_timeout = time(limits::kClientHeaderTimeout.edge);
    l.client_body_timeout = time(limits::kClientBodyTimeout.edge);
    l.client_max_body_size = size(limits::kClientMaxBodySize);
    l.keepalive_timeout = time(limits::kKeepaliveTimeout.edge);
    l.proxy_connect_timeout = time(limits::kProxyConnectTimeout.edge);
    l.proxy_send_timeout = time(limits::kProxySendTimeout.edge);
    l.proxy_read_timeout = time(limits::kProxyReadTimeout.edge);
    switch (below(3)) {
      case 0: l.ssl_protocols = {TlsVersion::tls1_2}; break;
      case 1: l.ssl_protocols = {TlsVersion::tls1_3}; break;
      default: break;
    }
    if (coin()) l.ssl_ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE+AESGCM:!aNULL";
    for (std::uint64_t n = below(4); n > 0; --n) {
      l.add_header.push_back({"X-" + token(), coin() ? std::string() : "a \"b\"; \\ \xc3\xbc " + token()});
    }
  }

  std::mt19937_64 random_;
  int count_ = 0;
};

}  // namespace fairlead::model::testing
