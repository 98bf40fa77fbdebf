// The WebSocket settings of a domain: rows R1 to R6 and R8, and what they say about each other.

#include <fmt/format.h>

#include "model/policy_words.h"
#include "model/read_parts.h"

namespace fairlead::model {
namespace {

using std::chrono::milliseconds;

void read_heartbeat(MapReader& ws, WebSocketPolicy& policy) {
  const auto field = ws.find("heartbeat");
  if (!field) return;
  Heartbeat& heartbeat = policy.heartbeat;
  MapReader map(*field);
  map.read("interval", heartbeat.interval, limits::kHeartbeatInterval);
  map.read("to", heartbeat.to, kHeartbeatTo);
  const bool pong_stated = map.read("pong_timeout", heartbeat.pong_timeout, limits::kPongTimeout);
  if (heartbeat.interval.count() == 0) return;

  // R4: the edge's own pings, and the pongs they bring, never move the clock of R3. Whoever sets a heartbeat to keep
  // idle sessions alive learns it here.

  if (heartbeat.interval >= policy.connection_timeout) {
    map.at("interval")
        .warning(
            "heartbeat-too-slow",
            fmt::format("the heartbeat interval ({}) is not shorter than connection_timeout ({}): an idle session ends "
                        "before its first ping",
                        format_duration(heartbeat.interval), format_duration(policy.connection_timeout)),
            "an answered heartbeat does not count as data; make the interval shorter");
  }
  if (pong_stated && heartbeat.pong_timeout > heartbeat.interval) {
    map.at("pong_timeout")
        .warning("pong-timeout-beyond-interval",
                 fmt::format("pong_timeout ({}) is longer than the heartbeat interval ({})",
                             format_duration(heartbeat.pong_timeout), format_duration(heartbeat.interval)),
                 "a dead peer is found only after interval plus pong_timeout");
  }
}

// R5, A <= B <= C: the client speaks at least every A, the edge waits B, the origin waits C. Never a refusal.
void check_abc(MapReader& ws, const WebSocketPolicy& policy) {
  const milliseconds b = policy.connection_timeout;
  if (policy.client_interval && *policy.client_interval > b) {
    ws.at("client_interval")
        .warning("timeouts-out-of-order",
                 fmt::format("client_interval (A, {}) is longer than connection_timeout (B, {}): the edge closes "
                             "sessions that the client still uses",
                             format_duration(*policy.client_interval), format_duration(b)),
                 "wanted: A <= B <= C");
  }
  if (policy.origin_timeout && b > *policy.origin_timeout) {
    ws.at("origin_timeout")
        .warning("timeouts-out-of-order",
                 fmt::format("connection_timeout (B, {}) is longer than origin_timeout (C, {}): the origin closes "
                             "sessions that the edge would keep",
                             format_duration(b), format_duration(*policy.origin_timeout)),
                 "wanted: A <= B <= C");
  }
}

// What the customer tells of the other two clocks; absent is not zero.
void read_stated(MapReader& ws, std::string_view key, std::optional<milliseconds>& out) {
  milliseconds value{};
  if (ws.read(key, value, limits::kStatedInterval)) out = value;
}

}  // namespace

void read_websocket(MapReader& domain, DomainPolicy& policy, const DomainContext& context) {
  WebSocketPolicy& ws = policy.websocket;
  // Before the map is looked for: the default holds for domains that say nothing of websocket at all.
  ws.enabled = context.websocket_default.value_or(policy.acceleration == Acceleration::whole_site);  // R2
  const auto field = domain.find("websocket");
  if (!field) return;
  MapReader map(*field);
  map.read("enabled", ws.enabled);
  map.read("connection_timeout", ws.connection_timeout, limits::kConnectionTimeout);
  read_heartbeat(map, ws);
  map.read("origin_scheme", ws.origin_scheme, kOriginScheme);
  map.read("on_disable", ws.on_disable, kOnDisable);
  map.read("drain_time", ws.drain_time, limits::kSessionDrainTime);
  map.read("max_session_age", ws.max_session_age, limits::kMaxSessionAge);
  map.read("validate", ws.validate);
  map.read_size("max_message_size", ws.max_message_size, limits::kMaxMessageSize);
  read_stated(map, "client_interval", ws.client_interval);
  read_stated(map, "origin_timeout", ws.origin_timeout);
  check_abc(map, ws);
}

}  // namespace fairlead::model
