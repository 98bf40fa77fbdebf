#include "model/config_file.h"

#include <random>

#include "model/limits.h"
#include "model/policy_snapshot.h"

namespace fairlead::model {
namespace {

using namespace std::chrono_literals;
using base::Code;
using base::Side;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kChain = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
constexpr const char* kKey = "-----BEGIN PRIVATE KEY-----\nMHc=\n-----END PRIVATE KEY-----\n";

// A disk of a few files, and a count of how often it was asked.
struct Disk {
  std::map<std::string, std::string> files{{"/etc/fairlead/live.pem", kChain}, {"/etc/fairlead/live.key", kKey}};
  int reads = 0;
  FileReader reader() {
    return [this](const std::string& path) -> base::Result<std::string> {
      ++reads;
      const auto found = files.find(path);
      if (found == files.end()) return base::fail(Code::not_found, Side::config, "no such file");
      return found->second;
    };
  }
};

ConfigReading read(std::string_view text, const CertificateChecker& checker = {}) {
  Disk disk;
  return read_edge_config(text, "/etc/fairlead/fairlead.yaml", disk.reader(), checker);
}

EdgeConfig good(std::string_view text) {
  auto reading = read(text);
  for (const Problem& problem : reading.problems) {
    EXPECT_NE(problem.severity, Severity::error) << describe(problem);
  }
  return reading.config.value_or(EdgeConfig{});
}

constexpr std::string_view kMinimal = R"(
listeners: [ { address: "0.0.0.0:80", protocol: http } ]
domains: [ { name: live.example.com, origins: [ { host: 10.0.0.11 } ] } ]
)";

TEST(ConfigFile, WhatIsNotWrittenHasTheDefaultOfTheType) {
  EdgeConfig expected;
  expected.listeners.push_back({.address = "0.0.0.0:80", .protocol = ListenerProtocol::http});
  DomainPolicy domain;
  domain.name = "live.example.com";
  domain.origins.push_back({.host = "10.0.0.11"});
  expected.domains.push_back(domain);
  EXPECT_EQ(good(kMinimal), expected);
}

// limits.h and the types' own defaults must not drift apart: docs/configuration.md is written from the former.
TEST(ConfigFile, DefaultsStandInOnePlace) {
  const DomainPolicy domain;
  const EdgeConfig node;
  const ListenerConfig listener;
  EXPECT_EQ(node.drain_time, limits::kDrainTime.initial);
  EXPECT_EQ(node.limits.max_sessions, limits::kMaxSessions.initial);
  EXPECT_EQ(node.limits.max_connections, limits::kMaxConnections.initial);
  EXPECT_EQ(node.limits.max_head_bytes, limits::kMaxHeadBytes.initial);
  EXPECT_EQ(node.limits.max_head_fields, limits::kMaxHeadFields.initial);
  EXPECT_EQ(node.limits.client_send_timeout, limits::kClientSendTimeout.initial);
  const Http2Limits& http2 = node.limits.http2;
  EXPECT_EQ(http2.max_concurrent_streams, limits::kHttp2Streams.initial);
  EXPECT_EQ(http2.stream_window, limits::kHttp2StreamWindow.initial);
  EXPECT_EQ(http2.resets_per_second, limits::kHttp2Resets.initial);
  EXPECT_EQ(http2.settings_per_second, limits::kHttp2Settings.initial);
  EXPECT_EQ(http2.pings_per_second, limits::kHttp2Pings.initial);
  EXPECT_EQ(http2.empty_frames_per_second, limits::kHttp2EmptyFrames.initial);
  EXPECT_EQ(http2.priorities_per_second, limits::kHttp2Priorities.initial);
  EXPECT_EQ(http2.window_updates_per_second, limits::kHttp2WindowUpdates.initial);
  EXPECT_EQ(http2.unknown_frames_per_second, limits::kHttp2UnknownFrames.initial);
  EXPECT_EQ(listener.handshake_timeout, limits::kHandshakeTimeout.initial);
  EXPECT_EQ(static_cast<std::uint64_t>(listener.backlog), limits::kBacklog.initial);
  const WebSocketPolicy& ws = domain.websocket;
  EXPECT_EQ(ws.connection_timeout, limits::kConnectionTimeout.initial);
  EXPECT_EQ(ws.heartbeat.interval, limits::kHeartbeatInterval.initial);
  EXPECT_EQ(ws.heartbeat.pong_timeout, limits::kPongTimeout.initial);
  EXPECT_EQ(ws.drain_time, limits::kSessionDrainTime.initial);
  EXPECT_EQ(ws.max_session_age, limits::kMaxSessionAge.initial);
  EXPECT_EQ(ws.max_message_size, limits::kMaxMessageSize.initial);
  EXPECT_EQ(domain.origin_request_timeout, limits::kOriginRequestTimeout.initial);
  EXPECT_EQ(Origin{}.weight, limits::kWeight.initial);
  EXPECT_EQ(domain.health_check.active.interval, limits::kHealthInterval.initial);
  EXPECT_EQ(domain.health_check.active.timeout, limits::kHealthTimeout.initial);
  EXPECT_EQ(domain.health_check.passive.window, limits::kPassiveWindow.initial);
  EXPECT_EQ(domain.health_check.passive.eject, limits::kPassiveEject.initial);
  EXPECT_EQ(domain.load_balancing.cookie_max_age, limits::kCookieMaxAge.initial);
  EXPECT_EQ(domain.layer7.client_header_timeout, limits::kClientHeaderTimeout.edge.initial);
  EXPECT_EQ(domain.layer7.client_body_timeout, limits::kClientBodyTimeout.edge.initial);
  EXPECT_EQ(domain.layer7.client_max_body_size, limits::kClientMaxBodySize.initial);
  EXPECT_EQ(domain.layer7.keepalive_timeout, limits::kKeepaliveTimeout.edge.initial);
  EXPECT_EQ(domain.layer7.proxy_connect_timeout, limits::kProxyConnectTimeout.edge.initial);
  EXPECT_EQ(domain.layer7.proxy_send_timeout, limits::kProxySendTimeout.edge.initial);
  EXPECT_EQ(domain.layer7.proxy_read_timeout, limits::kProxyReadTimeout.edge.initial);
}

constexpr std::string_view kEverything = R"(
listeners:
  - { address: "0.0.0.0:80", protocol: http, handshake_timeout: 11s, backlog: 99, h2c: on,
      proxy_protocol: { from: [10.0.0.0/8, "::1"] } }
  - { address: "[0:0::0]:443", protocol: https, tls: { records: own } }
  - { address: "0.0.0.0:8443", protocol: tcp-ssl, domain: Live.Example.com }
tls: { records: openssl }
workers: 3
drain_time: 31s
admin: { address: "unix:/run/fairlead/admin.sock" }
access_log: { path: logs/access.log }
log_level: debug
resolvers: [10.0.0.2, "10.0.0.3:5353", "[::1]:53"]
geo: { city: geo/city.mmdb, asn: /var/geo/asn.mmdb, table: networks.yaml, region: subdivision }
limits:
  max_sessions: 1001
  max_sessions_per_client: 1002
  max_connections: 1003
  max_connections_per_client: 1004
  handshakes_per_second_per_client: 1005
  max_head_bytes: 64KiB
  max_head_fields: 51
  client_send_timeout: 52s
  http2:
    max_concurrent_streams: 61
    stream_window: 65535
    resets_per_second: 62
    settings_per_second: 63
    pings_per_second: 64
    empty_frames_per_second: 65
    priorities_per_second: 66
    window_updates_per_second: 67
    unknown_frames_per_second: 68
domains:
  - name: LIVE.example.com
    acceleration: static
    http2: off
    certificates: [ { chain: live.pem, key: /etc/fairlead/live.key } ]
    origins:
      - { host: App.Internal, http_port: 8080, https_port: 8443, weight: 7, priority: backup, insecure: yes }
      - { host: "[2001:DB8::1]", http_port: 81, https_port: 444 }
    origin_tls: { verify: true, ca_file: live.pem, server_name: Origin.example.com }
    origin_proxy_protocol: v2
    origin_host_header: app.internal:8080
    load_balancing: { policy: consistent-hash, hash_key: query, hash_name: room, persistence: cookie,
                      cookie_name: stick, cookie_max_age: 1h }
    health_check:
      path: /healthz
      host: health.example.com
      scheme: https
      interval: 6s
      timeout: 3s
      healthy_after: 4
      unhealthy_after: 5
      status: 200-204
      passive: { enabled: false, failures: 6, window: 7s, eject: 8s, count_5xx: no, count_refused: no, count_timeout: no }
    websocket:
      enabled: true
      connection_timeout: 61s
      heartbeat: { interval: 20s, to: client, pong_timeout: 9s }
      origin_scheme: https
      on_disable: drain
      drain_time: 32s
      max_session_age: 2h
      validate: false
      max_message_size: 1MiB
      client_interval: 33s
      origin_timeout: 90s
    origin_request_timeout: 34s
    layer7:
      client_header_timeout: 35s
      client_body_timeout: 36s
      client_max_body_size: 37MiB
      keepalive_timeout: off
      proxy_connect_timeout: 5s
      proxy_send_timeout: 38s
      proxy_read_timeout: 39s
      ssl_protocols: [TLSv1.3, TLSv1.2]
      ssl_ciphers: ECDHE+AESGCM
      add_header: { X-Frame-Options: DENY, X-Empty: "" }
    limits: { max_sessions: 40, max_sessions_per_client: 41, handshakes_per_second: 42,
              handshakes_per_second_per_client: 43 }
)";

TEST(ConfigFile, EveryKeyReachesItsField) {
  const EdgeConfig config = good(kEverything);
  EdgeConfig e;
  e.listeners = {{.address = "0.0.0.0:80",
                  .handshake_timeout = 11s,
                  .proxy_protocol_from = {"10.0.0.0/8", "::1"},
                  .backlog = 99,
                  .h2c = true},
                 {.address = "[::]:443", .protocol = ListenerProtocol::https, .tls_records = TlsRecords::own},
                 {.address = "0.0.0.0:8443", .protocol = ListenerProtocol::tcp_ssl, .domain = "live.example.com"}};
  // The node's, where a listener says nothing.
  e.listeners[0].tls_records = e.listeners[2].tls_records = e.tls_records = TlsRecords::openssl;
  e.workers = 3;
  e.drain_time = 31s;
  e.admin_address = "unix:/run/fairlead/admin.sock";
  e.access_log = "/etc/fairlead/logs/access.log";
  e.log_level = "debug";
  e.resolvers = {"10.0.0.2", "10.0.0.3:5353", "[::1]:53"};
  e.geo = {"/etc/fairlead/geo/city.mmdb", "/var/geo/asn.mmdb", "/etc/fairlead/networks.yaml", GeoRegion::subdivision};
  e.limits = {1001, 1002, 1003, 1004, 1005, 65536, 51, 52s, {61, 65535, 62, 63, 64, 65, 66, 67, 68}};
  DomainPolicy d;
  d.name = "live.example.com";
  d.acceleration = Acceleration::static_;
  d.http2 = false;
  d.certificates = {{kChain, kKey}};
  d.origins = {{"app.internal", 8080, 8443, 7, OriginPriority::backup, true},
               {.host = "2001:db8::1", .http_port = 81, .https_port = 444}};
  d.origin_tls = {true, kChain, "origin.example.com"};
  d.origin_proxy_protocol = SendProxy::v2;
  d.origin_host_header = "app.internal:8080";
  d.load_balancing = {BalancePolicy::consistent_hash, HashKey::query, "room", Persistence::cookie, "stick", 1h};
  d.health_check.active = {"/healthz", "health.example.com", OriginScheme::https, 6s, 3s, 4, 5, 200, 204};
  d.health_check.passive = {false, 6, 7s, 8s, false, false, false};
  d.websocket.enabled = true;
  d.websocket.connection_timeout = 61s;
  d.websocket.heartbeat = {20s, HeartbeatTo::client, 9s};
  d.websocket.origin_scheme = OriginScheme::https;
  d.websocket.on_disable = OnDisable::drain;
  d.websocket.drain_time = 32s;
  d.websocket.max_session_age = 2h;
  d.websocket.validate = false;
  d.websocket.max_message_size = 1u << 20;
  d.websocket.client_interval = 33s;
  d.websocket.origin_timeout = 90s;
  d.origin_request_timeout = 34s;
  d.layer7.client_header_timeout = 35s;
  d.layer7.client_body_timeout = 36s;
  d.layer7.client_max_body_size = 37u << 20;
  d.layer7.keepalive_timeout = 0s;
  d.layer7.proxy_connect_timeout = 5s;
  d.layer7.proxy_send_timeout = 38s;
  d.layer7.proxy_read_timeout = 39s;
  d.layer7.ssl_ciphers = "ECDHE+AESGCM";
  d.layer7.add_header = {{"X-Frame-Options", "DENY"}, {"X-Empty", ""}};
  d.limits = {40, 41, 42, 43};
  e.domains = {d};
  ASSERT_EQ(config.domains.size(), 1u);
  EXPECT_EQ(config.domains[0], d);
  EXPECT_EQ(config, e);
}

DomainPolicy one_domain(std::string_view body, std::string_view top = "") {
  const auto text = fmt::format(
      "listeners: [ {{ address: \"0.0.0.0:80\", protocol: http }} ]\n{}\ndomains:\n  - {{ {} }}\n", top, body);
  const EdgeConfig config = good(text);
  return config.domains.empty() ? DomainPolicy{} : config.domains[0];
}

TEST(ConfigFile, TheSwitchFollowsAccelerationUnlessStated) {  // R2
  const auto enabled = [](std::string_view extra) {
    return one_domain(fmt::format("name: a.example, origins: [ {{ host: a }} ]{}", extra)).websocket.enabled;
  };
  EXPECT_TRUE(enabled(""));
  EXPECT_TRUE(enabled(", acceleration: whole-site"));
  EXPECT_FALSE(enabled(", acceleration: static"));
  EXPECT_FALSE(enabled(", acceleration: static, websocket: { connection_timeout: 5s }"));
  EXPECT_TRUE(enabled(", acceleration: static, websocket: { enabled: true }"));
  EXPECT_FALSE(enabled(", websocket: { enabled: off }"));
}

TEST(ConfigFile, DomainNamesAreStoredInOneForm) {
  const auto name = [](std::string_view written) {
    return one_domain(fmt::format("name: {}, origins: [ {{ host: a }} ]", written)).name;
  };
  EXPECT_EQ(name("Live.Example.COM."), "live.example.com");
  EXPECT_EQ(name(".Example.com"), ".example.com");
  EXPECT_EQ(name("\"*.example.com\""), ".example.com");
  EXPECT_EQ(name("10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(name("\"[0::1]\""), "::1");
  EXPECT_EQ(name("localhost"), "localhost");
}

TEST(ConfigFile, PortsCanBeOffAndTheHealthCheckFollows) {
  const auto domain = one_domain(
      "name: a.example, origins: [ { host: a, http_port: off } ], websocket: { origin_scheme: https }, health_check: { "
      "path: / }");
  EXPECT_EQ(domain.origins[0].http_port, std::nullopt);
  EXPECT_EQ(domain.origins[0].https_port, 443);
  EXPECT_EQ(domain.health_check.active.scheme, OriginScheme::https);
  const auto quick = one_domain("name: a.example, origins: [ { host: a } ], health_check: { path: /, interval: 1s }");
  EXPECT_EQ(quick.health_check.active.timeout, 1s) << "the default gives way";
}

TEST(ConfigFile, NamedLayer7ConfigurationsAreSharedAndOverridden) {  // R14
  const std::string_view named = "layer7_configs: { slow: { proxy_send_timeout: 100s, keepalive_timeout: 10s } }";
  EXPECT_EQ(one_domain("name: a.example, origins: [ { host: a } ], layer7: slow", named).layer7.proxy_send_timeout,
            100s);
  const auto both =
      one_domain("name: a.example, origins: [ { host: a } ], layer7: { use: slow, keepalive_timeout: 20s }", named);
  EXPECT_EQ(both.layer7.proxy_send_timeout, 100s);
  EXPECT_EQ(both.layer7.keepalive_timeout, 20s);
}

TEST(ConfigFile, AddHeaderAsAListMayRepeatAName) {
  const auto domain = one_domain(
      "name: a.example, origins: [ { host: a } ], layer7: { add_header: [ { name: Link, value: a }, { name: Link, "
      "value: b } ] }");
  EXPECT_THAT(domain.layer7.add_header, ElementsAre(HeaderField{"Link", "a"}, HeaderField{"Link", "b"}));
}

constexpr std::string_view kTls = R"(
listeners: [ { address: "0.0.0.0:443", protocol: https } ]
domains:
  - { name: a.example, origins: [ { host: a } ], certificates: [ { chain: live.pem, key: live.key } ] }
  - { name: .b.example, origins: [ { host: a } ], certificates: [ { chain: ./live.pem, key: /etc/fairlead/live.key } ] }
)";

TEST(ConfigFile, FilesAreReadOnceAndRelativeToTheConfiguration) {
  Disk disk;
  const auto reading = read_edge_config(kTls, "/etc/fairlead/fairlead.yaml", disk.reader());
  ASSERT_TRUE(reading.config);
  EXPECT_EQ(disk.reads, 2);
  EXPECT_EQ(reading.config->domains[1].certificates[0].chain_pem, kChain);
}

TEST(ConfigFile, TheCheckerSeesEveryPairWithItsDomain) {
  std::vector<std::string> asked;
  const auto reading =
      read(kTls, [&](std::string_view chain, std::string_view key, std::string_view domain) -> base::Result<void> {
        EXPECT_EQ(chain, kChain);
        EXPECT_EQ(key, kKey);
        asked.emplace_back(domain);
        return {};
      });
  EXPECT_THAT(asked, ElementsAre("a.example", ".b.example"));
  EXPECT_TRUE(reading.config);
  EXPECT_THAT(reading.problems, IsEmpty());
}

TEST(ConfigFile, InlinePemNeedsNoFile) {
  const auto text = fmt::format(
      "listeners: [ {{ address: \"0.0.0.0:443\", protocol: https }} ]\ndomains:\n  - name: a.example\n    origins: [ "
      "{{ host: a }} ]\n"
      "    certificates:\n      - chain: |\n          {}        key: |\n          {}",
      "-----BEGIN CERTIFICATE-----\n          MIIB\n          -----END CERTIFICATE-----\n",
      "-----BEGIN PRIVATE KEY-----\n          MHc=\n          -----END PRIVATE KEY-----\n");
  Disk disk;
  const auto reading = read_edge_config(text, "fairlead.yaml", disk.reader());
  ASSERT_TRUE(reading.config);
  EXPECT_EQ(disk.reads, 0);
  EXPECT_EQ(reading.config->domains[0].certificates[0], (Certificate{kChain, kKey}));
}

TEST(ConfigFile, AReferencedFileIsBounded) {
  Disk disk;
  disk.files["/etc/fairlead/live.pem"] = std::string(limits::kMaxReferencedFileBytes + 1, 'x');
  const auto reading = read_edge_config(kTls, "/etc/fairlead/fairlead.yaml", disk.reader());
  EXPECT_FALSE(reading.config);
  EXPECT_THAT(reading.problems,
              testing::Contains(testing::Field(&Problem::message, HasSubstr("larger than 1024 KiB"))));
}

TEST(ConfigFile, SharedFilesAreBoundedInAll) {
  Disk disk;
  disk.files["/etc/fairlead/live.pem"] =
      std::string(kChain) + std::string(limits::kMaxReferencedFileBytes - std::string_view(kChain).size(), '\n');
  std::string text =
      "listeners: [ { address: \"0.0.0.0:443\", protocol: https } ]\nx-a: &c [ { chain: live.pem, key: live.key } "
      "]\ndomains:\n";
  for (int i = 0; i < 1100; ++i) {
    text += fmt::format("  - {{ name: d{}.example, origins: [ {{ host: a }} ], certificates: *c }}\n", i);
  }
  // Refused certificates are counted and not kept, which spares the test the memory.
  const auto refuse = [](std::string_view, std::string_view, std::string_view) -> base::Result<void> {
    return base::fail(Code::malformed, Side::config, "no");
  };
  const auto reading = read_edge_config(text, "/etc/fairlead/fairlead.yaml", disk.reader(), refuse);
  EXPECT_FALSE(reading.config);
  const auto told = std::ranges::count(reading.problems, "too-large", &Problem::code);
  EXPECT_EQ(told, 2) << "once at each of the two shared values, chain and key";
}

TEST(ConfigFile, AWrongSharedValueIsToldOnceHoweverManyUseIt) {
  std::string text =
      "listeners: [ { address: \"0.0.0.0:80\", protocol: http } ]\nx-ws: &ws { connection_timeout: 5000s }\ndomains:\n";
  for (int i = 0; i < 2000; ++i) {
    text += fmt::format("  - {{ name: d{}.example, origins: [ {{ host: a }} ], websocket: *ws }}\n", i);
  }
  const auto reading = read(text);
  ASSERT_EQ(reading.problems.size(), 1u);
  EXPECT_EQ(reading.problems[0].location.line, 2u);
}

TEST(ConfigFile, AnUnreadableConfigurationIsAProblem) {
  Disk disk;
  const auto reading = read_edge_config_file("/nowhere.yaml", disk.reader());
  EXPECT_FALSE(reading.config);
  ASSERT_EQ(reading.problems.size(), 1u);
  EXPECT_EQ(describe(reading.problems[0]), "/nowhere.yaml: error: the file cannot be read: no such file");
}

// Whatever is cut or damaged: a configuration or an error, never both, never neither, never an exception; and what
// was read can be read again to the same value.
TEST(ConfigFile, CutAtEveryByte) {
  for (std::size_t cut = 0; cut < kEverything.size(); cut += 1) {
    const auto reading = read(kEverything.substr(0, cut));
    EXPECT_EQ(reading.config.has_value(), !has_errors(reading.problems)) << cut;
  }
}

TEST(ConfigFile, RandomDamage) {
  constexpr unsigned kSeed = 31;
  std::mt19937 random(kSeed);
  constexpr std::string_view kBytes = "{}[]:,&*#'\"-\n 09azoff.";
  for (int round = 0; round < 1500; ++round) {
    std::string text(kEverything);
    for (unsigned n = 1 + random() % 4; n > 0; --n) {
      const std::size_t at = random() % text.size();
      if (random() % 2) {
        text[at] = kBytes[random() % kBytes.size()];
      } else {
        text.erase(at, 1 + random() % 12);
      }
    }
    const auto reading = read(text);
    ASSERT_EQ(reading.config.has_value(), !has_errors(reading.problems)) << "seed " << kSeed << " round " << round;
    if (reading.config) {
      ASSERT_EQ(read(text).config, reading.config);
    }
    for (const Problem& problem : reading.problems) {
      ASSERT_FALSE(problem.message.empty());
      ASSERT_FALSE(problem.code.empty());
    }
  }
}

TEST(ConfigFile, TenThousandDomainsAreReadInReasonableTime) {
  std::string text =
      "listeners: [ { address: \"0.0.0.0:80\", protocol: http } ]\nx-ws: &ws { connection_timeout: 30s }\ndomains:\n";
  for (int i = 0; i < 10'000; ++i) {
    text += fmt::format(
        "  - name: customer-{}.example.com\n    origins: [ {{ host: 10.0.0.11, http_port: 8080, https_port: 8443 }}, "
        "{{ host: 10.0.0.12 }} ]\n"
        "    websocket: *ws\n    layer7: {{ client_max_body_size: 10MiB, proxy_connect_timeout: 5s }}\n",
        i);
  }
  const auto start = std::chrono::steady_clock::now();
  const EdgeConfig config = good(text);
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(config.domains.size(), 10'000u);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  RecordProperty("milliseconds", static_cast<int>(ms));
  EXPECT_LT(ms, 20'000) << "quadratic somewhere?";
}

}  // namespace
}  // namespace fairlead::model
