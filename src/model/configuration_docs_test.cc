// docs/configuration.md against the reader: its examples are valid, it names every key, and its ranges are those of
// limits.h. Who changes a bound finds out here that the page says something else.

#include <set>

#include "model/config_file.h"
#include "model/document.h"
#include "model/limits.h"
#include "model/schema_reader.h"

namespace fairlead::model {
namespace {

std::string page() {
  const auto text = read_file(FAIRLEAD_SOURCE_DIR "/docs/configuration.md");
  EXPECT_TRUE(text);
  return text.value_or("");
}

std::vector<std::string> yaml_blocks(const std::string& text) {
  std::vector<std::string> blocks;
  for (std::size_t at = text.find("```yaml\n"); at != std::string::npos; at = text.find("```yaml\n", at)) {
    const std::size_t begin = at + 8;
    const std::size_t end = text.find("```", begin);
    blocks.push_back(text.substr(begin, end - begin));
    at = end;
  }
  return blocks;
}

base::Result<std::string> any_pem(const std::string& path) {
  if (path.ends_with(".pw") || path.ends_with(".secret")) return "secret\n";
  if (path.ends_with(".key")) return "-----BEGIN PRIVATE KEY-----\nMHc=\n-----END PRIVATE KEY-----\n";
  return "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
}

TEST(ConfigurationDocs, ExamplesAreValid) {
  const auto blocks = yaml_blocks(page());
  ASSERT_GE(blocks.size(), 4u);
  for (std::string block : blocks) {
    if (block.find("listeners:") == std::string::npos) {
      block = "listeners: [ { address: \"0.0.0.0:80\", protocol: http } ]\n" + block;
    }
    const auto reading = read_edge_config(block, "docs.yaml", any_pem, {}, ConfigPurpose::by_key);
    EXPECT_TRUE(reading.config) << block;
    for (const Problem& problem : reading.problems) ADD_FAILURE() << describe(problem) << "\n" << block;
  }
}

// Every key that the reader knows: found out by asking it, with a key it cannot know in every map.
TEST(ConfigurationDocs, EveryKeyIsNamed) {
  const auto reading = read_edge_config(R"(
zzzzzzzz: 1
listeners: [ { zzzzzzzz: 1, proxy_protocol: { zzzzzzzz: 1 } } ]
admin: { zzzzzzzz: 1, tls: { zzzzzzzz: 1 } }
access_log: { zzzzzzzz: 1 }
limits: { zzzzzzzz: 1, http2: { zzzzzzzz: 1 } }
geo: { zzzzzzzz: 1 }
domains:
  - zzzzzzzz: 1
    certificates: [ { zzzzzzzz: 1 } ]
    origins: [ { zzzzzzzz: 1 } ]
    origin_tls: { zzzzzzzz: 1 }
    load_balancing: { zzzzzzzz: 1 }
    health_check: { zzzzzzzz: 1, passive: { zzzzzzzz: 1 } }
    websocket: { zzzzzzzz: 1, heartbeat: { zzzzzzzz: 1 } }
    layer7: { zzzzzzzz: 1, add_header: [ { zzzzzzzz: 1 } ] }
    limits: { zzzzzzzz: 1 }
)",
                                        "docs.yaml", any_pem);
  const auto run = read_edge_config("control: { zzzzzzzz: 1, mail: { zzzzzzzz: 1 }, webhooks: [ { zzzzzzzz: 1 } ] }\n",
                                    "docs.yaml", any_pem, {}, ConfigPurpose::run);
  std::vector<Problem> problems = reading.problems;
  problems.insert(problems.end(), run.problems.begin(), run.problems.end());
  std::set<std::string> keys;
  int maps = 0;
  for (const Problem& problem : problems) {
    if (problem.code != "unknown-key") continue;
    ++maps;
    std::string_view rest = problem.hint;
    ASSERT_TRUE(rest.starts_with("known here: ")) << problem.hint;
    rest.remove_prefix(12);
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(", "), rest.size());
      keys.emplace(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 2, rest.size()));
    }
  }
  EXPECT_EQ(maps, 24);
  EXPECT_GT(keys.size(), 105u);
  const std::string text = page();
  for (const std::string& key : keys) {
    // In a table row, alone or as part of a dotted path; or in an inline map.
    bool named = false;
    for (const auto& [before, after] :
         {std::pair("`", "`"), {"`", "."}, {".", "`"}, {"{ ", ":"}, {", ", ":"}, {", ", " }`"}}) {
      named = named || text.find(fmt::format("{}{}{}", before, key, after)) != std::string::npos;
    }
    EXPECT_TRUE(named) << key;
  }
}

// The row of a table that begins with the key.
std::string row(const std::string& text, const std::string& section, const std::string& key) {
  const std::size_t from = text.find("# " + section + "\n");
  EXPECT_NE(from, std::string::npos) << section;
  const std::size_t at = text.find("| `" + key + "` |", from);
  EXPECT_NE(at, std::string::npos) << section << " " << key;
  return at == std::string::npos ? "" : text.substr(at, text.find('\n', at) - at);
}

TEST(ConfigurationDocs, DurationsAreThoseOfTheReader) {
  const std::string text = page();
  const auto expect = [&](const char* section, const char* key, const limits::DurationRange& range) {
    const std::string line = row(text, section, key);
    const std::string bounds = format_duration(range.min) + " to " + format_duration(range.max);
    // 120s and 900s stand as R14 writes them.
    const std::string seconds = fmt::format("{} to {}s", format_duration(range.min), range.max.count() / 1000);
    EXPECT_TRUE(line.find(bounds) != std::string::npos || line.find(seconds) != std::string::npos)
        << bounds << " in " << line;
    EXPECT_NE(line.find("`" + format_duration(range.initial)), std::string::npos) << "default in " << line;
    EXPECT_EQ(line.find(", `off`") != std::string::npos, range.off_allowed) << line;
  };
  expect("Top level", "drain_time", limits::kDrainTime);
  expect("The control plane", "login_time", limits::kLoginTime);
  expect("Listeners", "handshake_timeout", limits::kHandshakeTimeout);
  expect("Domains", "origin_request_timeout", limits::kOriginRequestTimeout);
  expect("Load balancing", "cookie_max_age", limits::kCookieMaxAge);
  expect("Health checks", "interval", limits::kHealthInterval);
  expect("Health checks", "timeout", limits::kHealthTimeout);
  expect("Health checks", "passive.window", limits::kPassiveWindow);
  expect("Health checks", "passive.eject", limits::kPassiveEject);
  expect("WebSocket", "connection_timeout", limits::kConnectionTimeout);
  expect("WebSocket", "heartbeat.interval", limits::kHeartbeatInterval);
  expect("WebSocket", "heartbeat.pong_timeout", limits::kPongTimeout);
  expect("WebSocket", "drain_time", limits::kSessionDrainTime);
  expect("WebSocket", "max_session_age", limits::kMaxSessionAge);
  const auto expect7 = [&](const char* key, const limits::Layer7Range& range) {
    expect("Layer-7 settings", key, range.edge);
    const std::string line = row(text, "Layer-7 settings", key);
    const auto least = range.customer_min.count() == 0 ? std::string("0s") : format_duration(range.customer_min);
    const bool found =
        line.find(fmt::format("{} to {}s", least, range.customer_max.count() / 1000)) != std::string::npos ||
        line.find(least + " to " + format_duration(range.customer_max)) != std::string::npos;
    EXPECT_TRUE(found) << line;
  };
  expect7("client_header_timeout", limits::kClientHeaderTimeout);
  expect7("client_body_timeout", limits::kClientBodyTimeout);
  expect7("keepalive_timeout", limits::kKeepaliveTimeout);
  expect7("proxy_connect_timeout", limits::kProxyConnectTimeout);
  expect7("proxy_send_timeout", limits::kProxySendTimeout);
  expect7("proxy_read_timeout", limits::kProxyReadTimeout);
}

TEST(ConfigurationDocs, NumbersAreThoseOfTheReader) {
  const std::string text = page();
  const auto has = [&](const char* section, const char* key, const std::string& words) {
    const std::string line = row(text, section, key);
    EXPECT_NE(line.find(words), std::string::npos) << words << " in " << line;
  };
  has("Top level", "listeners", fmt::format("1 to {}", limits::kMaxListeners));
  has("Top level", "workers", fmt::format("1 to {}", limits::kWorkers.max));
  has("Top level", "resolvers", fmt::format("up to {}", limits::kMaxResolvers));
  has("The control plane", "webhooks", fmt::format("up to {}", limits::kMaxWebhooks));
  has("The control plane", "resolvers", fmt::format("up to {}", limits::kMaxResolvers));
  has("The control plane", "ownership_http_port",
      fmt::format("`{}` | {} to {}", limits::kOwnershipPort.initial, limits::kOwnershipPort.min,
                  limits::kOwnershipPort.max));
  has("The control plane", "requests_per_second_per_client",
      fmt::format("`{}` | {} to {}, `off`", limits::kApiRate.initial, limits::kApiRate.min, limits::kApiRate.max));
  has("Listeners", "backlog", fmt::format("`{}` | 1 to {}", limits::kBacklog.initial, limits::kBacklog.max));
  has("Listeners", "proxy_protocol.from", fmt::format("up to {}", limits::kMaxProxyNetworks));
  has("Limits of the node", "max_sessions", fmt::format("`{}`", limits::kMaxSessions.initial));
  has("Limits of the node", "max_connections", fmt::format("`{}`", limits::kMaxConnections.initial));
  has("Limits of the node", "max_head_bytes",
      fmt::format("`{}` | {} to {}", format_size(limits::kMaxHeadBytes.initial), format_size(limits::kMaxHeadBytes.min),
                  format_size(limits::kMaxHeadBytes.max)));
  has("Limits of the node", "max_head_fields",
      fmt::format("`{}` | {} to {}", limits::kMaxHeadFields.initial, limits::kMaxHeadFields.min,
                  limits::kMaxHeadFields.max));
  has("Limits of the node", "client_send_timeout",
      fmt::format("`{}` | {} to {}", format_duration(limits::kClientSendTimeout.initial),
                  format_duration(limits::kClientSendTimeout.min), format_duration(limits::kClientSendTimeout.max)));
  const auto http2 = [&](const char* key, const limits::CountRange& range, std::string (*shown)(std::uint64_t)) {
    has("HTTP/2", key, fmt::format("| `{}` | {} to {} |", shown(range.initial), shown(range.min), shown(range.max)));
  };
  http2("stream_window", limits::kHttp2StreamWindow, format_size);
  const auto number = [](std::uint64_t n) { return fmt::format("{}", n); };
  http2("max_concurrent_streams", limits::kHttp2Streams, number);
  http2("resets_per_second", limits::kHttp2Resets, number);
  http2("settings_per_second", limits::kHttp2Settings, number);
  http2("pings_per_second", limits::kHttp2Pings, number);
  http2("empty_frames_per_second", limits::kHttp2EmptyFrames, number);
  http2("priorities_per_second", limits::kHttp2Priorities, number);
  http2("window_updates_per_second", limits::kHttp2WindowUpdates, number);
  http2("unknown_frames_per_second", limits::kHttp2UnknownFrames, number);
  has("Domains", "name", fmt::format("up to {}", limits::kMaxDomainName));
  has("Domains", "certificates", fmt::format("up to {}", limits::kMaxCertificatesPerDomain));
  has("Domains", "origins", fmt::format("1 to {}", limits::kMaxOriginsPerDomain));
  has("Origins", "weight",
      fmt::format("`{}` | {} to {}", limits::kWeight.initial, limits::kWeight.min, limits::kWeight.max));
  has("Health checks", "healthy_after", fmt::format("{} to {}", limits::kHealthCount.min, limits::kHealthCount.max));
  has("WebSocket", "max_message_size",
      fmt::format("{} to {}", format_size(limits::kMaxMessageSize.min), format_size(limits::kMaxMessageSize.max)));
  has("Layer-7 settings", "client_max_body_size",
      fmt::format("`{}` | {} to {}", format_size(limits::kClientMaxBodySize.initial), limits::kClientMaxBodySize.min,
                  format_size(limits::kClientMaxBodySize.max)));
  has("Layer-7 settings", "add_header", fmt::format("up to {}", limits::kMaxAddHeaders));
}

}  // namespace
}  // namespace fairlead::model
