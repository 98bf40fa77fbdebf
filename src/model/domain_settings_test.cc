#include "model/domain_settings.h"

#include "model/config_file.h"
#include "model/write_domain.h"

namespace fairlead::model {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

std::string told(const std::vector<Problem>& problems) {
  std::string out;
  for (const Problem& p : problems) out += fmt::format("{} {} {}\n", to_string(p.severity), p.code, p.pointer);
  return out;
}

SettingsReading read(std::string_view json) { return read_domain_settings(json, "live.example.com", nullptr, {}, {}); }

// JSON is YAML too (but for "off", which is bare there), so the same settings can go both ways.
TEST(DomainSettings, MakeWhatTheFileMakesOfThem) {
  constexpr std::string_view kSettings = R"("acceleration": "static", "http2": false,
    "origins": [ { "host": "10.0.0.11", "http_port": 8080, "https_port": 8443, "weight": 7 },
                 { "host": "B.Internal", "priority": "backup", "insecure": true } ],
    "origin_tls": { "server_name": "App.Internal", "ca_file": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----" },
    "origin_proxy_protocol": "v2", "origin_host_header": "app.internal:81",
    "load_balancing": { "policy": "consistent-hash", "hash_key": "query", "hash_name": "room" },
    "health_check": { "path": "/up", "interval": "1s", "status": "204", "passive": { "failures": 9, "count_5xx": false } },
    "websocket": { "connection_timeout": "120s", "heartbeat": { "interval": "30s", "to": "client" },
                   "on_disable": "drain", "max_message_size": "1MiB", "client_interval": "100s" },
    "origin_request_timeout": "15s", "limits": { "max_sessions": 9 })";
  const auto settings = read(fmt::format("{{{}}}", kSettings));
  ASSERT_TRUE(settings.policy) << told(settings.problems);
  const auto file = read_edge_config(
      fmt::format("listeners: [ {{ address: \"0.0.0.0:80\", protocol: http }} ]\n"
                  "domains: [ {{ \"name\": \"live.example.com\", {} }} ]\n",
                  kSettings),
      "f.yaml", [](const std::string&) -> base::Result<std::string> { return std::unexpected(base::Error()); });
  ASSERT_TRUE(file.config) << told(file.problems);
  EXPECT_EQ(*settings.policy, file.config->domains.at(0));
  EXPECT_FALSE(settings.policy->websocket.enabled) << "R2: static";
}

TEST(DomainSettings, TheSwitchsDefaultMayBeTheAccounts) {
  const auto enabled = [](std::string_view json, std::optional<bool> account) {
    const auto reading = read_domain_settings(json, "a.test", nullptr, account, {});
    EXPECT_TRUE(reading.policy) << told(reading.problems);
    return reading.policy && reading.policy->websocket.enabled;
  };
  const char* whole_site = R"({"origins":[{"host":"10.0.0.1"}]})";
  const char* static_ = R"({"acceleration":"static","origins":[{"host":"10.0.0.1"}],"websocket":{}})";
  const char* stated = R"({"acceleration":"static","origins":[{"host":"10.0.0.1"}],"websocket":{"enabled":false}})";
  EXPECT_TRUE(enabled(whole_site, {}));
  EXPECT_FALSE(enabled(whole_site, false));
  EXPECT_FALSE(enabled(static_, {}));
  EXPECT_TRUE(enabled(static_, true));
  EXPECT_FALSE(enabled(stated, true)) << "what the settings say goes first";
}

TEST(DomainSettings, TellAllProblemsAtOnceWithTheirPointers) {
  const auto reading = read(R"({
    "name": "other.example.com", "certificates": [], "layer7": "uploads", "colour": 1,
    "origins": [ { "host": "10.0.0.1" }, { "host": "http://x", "weight": 0 } ],
    "websocket": { "connection_timeout": "61m", "enabled": "yes", "client_intervall": "5s" },
    "origin_tls": { "ca_file": "/etc/ssl/private/key.pem" } })");
  EXPECT_FALSE(reading.policy);
  EXPECT_EQ(told(reading.problems),
            "error unknown-key /name\nerror unknown-key /certificates\nerror unknown-key /layer7\n"
            "error unknown-key /colour\nerror bad-host /origins/1/host\nerror out-of-range /origins/1/weight\n"
            "error out-of-range /websocket/connection_timeout\nerror wrong-type /websocket/enabled\n"
            "error unknown-key /websocket/client_intervall\nerror bad-pem /origin_tls/ca_file\n");
  EXPECT_THAT(reading.problems[1].hint, HasSubstr("bound to the domain"));
  EXPECT_THAT(reading.problems[8].hint, HasSubstr("client_interval"));
  EXPECT_THAT(reading.problems[9].hint, HasSubstr("no file is read"));
}

TEST(DomainSettings, WarningsRefuseNothing) {
  const auto reading = read(R"({ "origins": [ { "host": "10.0.0.1", "insecure": true } ],
    "websocket": { "connection_timeout": "60s", "client_interval": "90s", "origin_timeout": "30s" } })");
  ASSERT_TRUE(reading.policy);
  EXPECT_EQ(told(reading.problems),
            "warning insecure-origin /origins/0/insecure\nwarning timeouts-out-of-order /websocket/client_interval\n"
            "warning timeouts-out-of-order /websocket/origin_timeout\n");
}

TEST(DomainSettings, NeedTheirOriginsAndAnObject) {
  EXPECT_EQ(told(read("{}").problems), "error missing-key \n");
  EXPECT_EQ(told(read("null").problems), "error wrong-type \n");
  EXPECT_EQ(told(read("[]").problems), "error wrong-type \n");
  EXPECT_EQ(told(read("{").problems), "error syntax \n");
  EXPECT_EQ(told(read(R"({"origins":[],"origins":[]})").problems), "error duplicate-key /origins\n");
  EXPECT_EQ(told(read(R"({"origins":null})").problems), "error no-origins /origins\n");
}

// R6: refused when configured. Which ports "follow" needs depends on how clients can come.
TEST(DomainSettings, ASchemeWithoutItsPortIsRefused) {
  constexpr std::string_view kPlain = R"({"origins":[{"host":"10.0.0.1","https_port":"off"}]})";
  EXPECT_EQ(told(read(kPlain).problems), "error no-port /origins/0/https_port\n");
  SettingsRules rules;
  rules.schemes = {.plain = true, .tls = false};
  EXPECT_TRUE(read_domain_settings(kPlain, "a.test", nullptr, {}, rules).policy);
  EXPECT_EQ(told(read(R"({"origins":[{"host":"10.0.0.1","https_port":"off"}],"websocket":{"origin_scheme":"https"}})")
                     .problems),
            "error no-port /origins/0/https_port\n");
}

TEST(DomainSettings, TheBoundLayer7ConfigurationIsThePolicys) {
  Layer7 bound;
  bound.keepalive_timeout = 0ms;
  bound.proxy_connect_timeout = 100s;
  const auto reading = read_domain_settings(R"({"origins":[{"host":"10.0.0.1"}],"origin_request_timeout":"20s"})",
                                            "a.test", &bound, {}, {});
  ASSERT_TRUE(reading.policy);
  EXPECT_EQ(reading.policy->layer7, bound);
  EXPECT_EQ(told(reading.problems), "warning timeout-never-reached /origin_request_timeout\n");
}

// R14's ranges, both ends of each: refused outside for a customer, told to an operator.
TEST(Layer7Json, HoldsCustomersToTheirRanges) {
  const auto code = [](std::string_view key, std::string_view value, bool customer) {
    SettingsRules rules;
    rules.customer_ranges = customer;
    const auto reading = read_layer7_json(fmt::format("{{\"{}\":\"{}\"}}", key, value), rules);
    EXPECT_EQ(reading.layer7.has_value(), !has_errors(reading.problems));
    if (reading.problems.empty()) return std::string("good");
    EXPECT_EQ(reading.problems[0].pointer, fmt::format("/{}", key));
    return reading.problems[0].code;
  };
  struct Case {
    const char *key, *min, *max, *below, *above;
  };
  for (const Case& c :
       {Case{"client_header_timeout", "30s", "120s", "29s", "121s"},
        Case{"client_body_timeout", "30s", "120s", "29999ms", "120001ms"},
        Case{"client_max_body_size", "1MiB", "10240MiB", "1048575", "10241MiB"},
        Case{"keepalive_timeout", "off", "900s", "", "901s"}, Case{"proxy_connect_timeout", "4s", "120s", "3s", "121s"},
        Case{"proxy_send_timeout", "30s", "3600s", "29s", ""}, Case{"proxy_read_timeout", "1s", "3600s", "", ""}}) {
    EXPECT_EQ(code(c.key, c.min, true), "good") << c.key;
    EXPECT_EQ(code(c.key, c.max, true), "good") << c.key;
    for (const char* outside : {c.below, c.above}) {
      if (*outside == 0) continue;
      EXPECT_EQ(code(c.key, outside, true), "out-of-range") << c.key << " " << outside;
      EXPECT_EQ(code(c.key, outside, false), "customer-range") << c.key << " " << outside;
    }
  }
  EXPECT_EQ(code("proxy_send_timeout", "3601s", false), "out-of-range") << "the edge's own range";
}

TEST(Layer7Json, TellsEveryProblem) {
  const auto reading = read_layer7_json(
      R"({"ssl_protocols":["TLSv1.1"],"add_header":[{"name":"Connection","value":"x"}],"keepalive":"1s","use":"x"})",
      {});
  EXPECT_EQ(told(reading.problems),
            "error bad-value /ssl_protocols/0\nerror bad-header /add_header/0/name\nerror unknown-key /keepalive\n"
            "error unknown-key /use\n");
  EXPECT_EQ(told(read_layer7_json("7", {}).problems), "error wrong-type \n");
  EXPECT_EQ(read_layer7_json("{}", {}).layer7, Layer7{});
}

TEST(CanonicalDomainName, IsThatOfPolicies) {
  EXPECT_EQ(canonical_domain_name("*.Example.com."), ".example.com");
  EXPECT_EQ(canonical_domain_name("[2001:DB8::0:1]"), "2001:db8::1");
  const auto wrong = canonical_domain_name("https://a.test/");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, "bad-domain-name");
  EXPECT_EQ(canonical_domain_name("").error().code, "bad-domain-name");
}

}  // namespace
}  // namespace fairlead::model
