// What is written is read back as it was: for every domain of the golden files and of the documentation, for the
// defaults, and for random policies.

#include "model/write_domain.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <random>
#include <set>

#include "model/config_file.h"
#include "model/domain_settings.h"
#include "model/testing/random_policy.h"

namespace fairlead::model {
namespace {

namespace fs = std::filesystem;

void expect_round_trip(const DomainPolicy& policy, const std::string& what) {
  const std::string text = write_domain(policy, DomainText::whole);
  const auto read = read_domain_copy(text);
  ASSERT_TRUE(read) << what << ": " << base::describe(read.error()) << "\n" << text;
  EXPECT_EQ(*read, policy) << what << "\n" << text << "\n" << write_domain(*read, DomainText::whole);

  DomainPolicy unbound = policy;
  unbound.certificates.clear();
  SettingsRules rules;
  rules.schemes = {.plain = false, .tls = false};
  const auto settings =
      read_domain_settings(write_domain(policy, DomainText::settings), policy.name, &policy.layer7, {}, rules);
  ASSERT_TRUE(settings.policy) << what << ": " << describe(settings.problems.at(0));
  EXPECT_EQ(*settings.policy, unbound) << what;

  rules.customer_ranges = false;
  const auto layer7 = read_layer7_json(write_layer7(policy.layer7), rules);
  ASSERT_TRUE(layer7.layer7) << what << ": " << describe(layer7.problems.at(0));
  EXPECT_EQ(*layer7.layer7, policy.layer7) << what;
}

DomainPolicy small_policy() {
  DomainPolicy policy;
  policy.name = "live.example.com";
  policy.origins.push_back({.host = "10.0.0.11"});
  return policy;
}

TEST(WriteDomain, DefaultsComeBack) { expect_round_trip(small_policy(), "defaults"); }

TEST(WriteDomain, GoldenDomainsComeBack) {
  const fs::path folder = fs::path(FAIRLEAD_SOURCE_DIR) / "tests/golden/check";
  const FileReader files = [&](const std::string& path) { return read_file((folder / path).string()); };
  int domains = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".yaml") continue;
    const auto reading = read_edge_config_file(entry.path().filename().string(), files);
    if (!reading.config) continue;
    for (const DomainPolicy& domain : reading.config->domains) {
      expect_round_trip(domain, fmt::format("{} of {}", domain.name, entry.path().filename().string()));
      ++domains;
    }
  }
  EXPECT_GE(domains, 12);
}

TEST(WriteDomain, RandomPoliciesComeBack) {
  constexpr unsigned kSeed = 20261121;
  testing::RandomPolicies random(kSeed);
  for (int i = 0; i < 3000; ++i) {
    expect_round_trip(random.next(), fmt::format("seed {} policy {}", kSeed, i));
    if (::testing::Test::HasFailure()) return;
  }
}

// In range, and longer in digits than any other quantity.
TEST(WriteDomain, ALongSizeInBytesComesBack) {
  DomainPolicy policy = small_policy();
  policy.websocket.max_message_size = 1'065'771'230'597;
  expect_round_trip(policy, "a size of 13 digits");
}

TEST(WriteDomain, EveryKeyIsWrittenInItsForm) {
  DomainPolicy policy = small_policy();
  policy.certificates.push_back({"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
                                 "-----BEGIN PRIVATE KEY-----\nMHc=\n-----END PRIVATE KEY-----\n"});
  policy.origin_tls.ca_pem = policy.certificates[0].chain_pem;
  policy.origins[0].https_port.reset();
  const std::string whole = write_domain(policy, DomainText::whole);
  EXPECT_EQ(
      whole,
      R"({"name":"live.example.com","acceleration":"whole-site","http2":true,)"
      R"("certificates":[{"chain":"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",)"
      R"("key":"-----BEGIN PRIVATE KEY-----\nMHc=\n-----END PRIVATE KEY-----\n"}],)"
      R"("origins":[{"host":"10.0.0.11","http_port":80,"https_port":"off","weight":10,"priority":"primary","insecure":false}],)"
      R"("origin_tls":{"verify":true,"ca_file":"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"},)"
      R"("origin_proxy_protocol":"off",)"
      R"("load_balancing":{"policy":"round-robin","hash_key":"client-address","persistence":"none",)"
      R"("cookie_name":"fairlead-origin","cookie_max_age":"off"},)"
      R"("health_check":{"scheme":"http","interval":"5s","timeout":"2s","healthy_after":2,"unhealthy_after":3,)"
      R"("status":"200-399","passive":{"enabled":true,"failures":3,"window":"10s","eject":"10s",)"
      R"("count_5xx":true,"count_refused":true,"count_timeout":true}},)"
      R"("websocket":{"enabled":true,"connection_timeout":"60s","heartbeat":{"interval":"off","to":"both",)"
      R"("pong_timeout":"10s"},"origin_scheme":"follow","on_disable":"close","drain_time":"30s",)"
      R"("max_session_age":"off","validate":true,"max_message_size":"off"},)"
      R"("origin_request_timeout":"30s",)"
      R"("layer7":{"client_header_timeout":"60s","client_body_timeout":"60s","client_max_body_size":"60MiB",)"
      R"("keepalive_timeout":"75s","proxy_connect_timeout":"4s","proxy_send_timeout":"60s",)"
      R"("proxy_read_timeout":"60s","ssl_protocols":["TLSv1.2","TLSv1.3"],"add_header":[]},)"
      R"("limits":{"max_sessions":"off","max_sessions_per_client":"off","handshakes_per_second":"off",)"
      R"("handshakes_per_second_per_client":"off"}})");

  const std::string shown = write_domain(policy, DomainText::shown);
  EXPECT_EQ(shown.find("BEGIN"), std::string::npos) << shown;
  EXPECT_EQ(shown.find("MHc="), std::string::npos) << shown;
  const auto json = nlohmann::json::parse(shown);
  EXPECT_FALSE(json.contains("certificates"));
  EXPECT_EQ(json["origin_tls"]["ca_file"], "inline PEM");
  EXPECT_EQ(json["name"], "live.example.com");
  EXPECT_EQ(json["layer7"]["keepalive_timeout"], "75s");
}

// A file with a certificate may have anything between the blocks, in any character set; a text that came over a
// network may not, and a snapshot that could not be written would be lost.
TEST(WriteDomain, TextAroundCertificatesIsLeftAside) {
  const std::string block = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
  const std::string key = "-----BEGIN PRIVATE KEY-----\nMHc=\n-----END PRIVATE KEY-----\n";
  const FileReader files = [&](const std::string& path) -> base::Result<std::string> {
    if (path == "key.pem") return key;
    return "subject=CN = M\xfcller\n" + block + "\nissuer=\x01\n" + block;
  };
  const auto reading = read_edge_config(
      "listeners: [ { address: \"0.0.0.0:443\", protocol: https } ]\n"
      "domains: [ { name: a.test, origins: [ { host: 10.0.0.1 } ], certificates: [ { chain: c.pem, key: key.pem } ],\n"
      "  origin_tls: { ca_file: ca.pem } } ]\n",
      "f.yaml", files);
  ASSERT_TRUE(reading.config);
  const DomainPolicy& domain = reading.config->domains.at(0);
  EXPECT_EQ(domain.certificates.at(0).chain_pem, block + "\n" + block + "\n");
  EXPECT_EQ(domain.certificates.at(0).key_pem, key);
  EXPECT_EQ(domain.origin_tls.ca_pem, block + "\n" + block + "\n");
  expect_round_trip(domain, "certificates with text around");
}

TEST(Fingerprint, TellsPoliciesApart) {
  const DomainPolicy first = small_policy();
  EXPECT_EQ(fingerprint(first), fingerprint(DomainPolicy(first)));
  // Of what is not shown to people, too.
  DomainPolicy certified = first;
  certified.certificates.push_back({"chain", "key"});
  DomainPolicy rekeyed = certified;
  rekeyed.certificates.front().key_pem = "another key";
  DomainPolicy switched = first;
  switched.websocket.enabled = !switched.websocket.enabled;
  DomainPolicy renamed = first;
  renamed.name += "x";
  DomainPolicy taken = first;  // the same name, another customer's
  taken.id = "d2";
  const std::set<std::uint64_t> prints = {fingerprint(first),    fingerprint(certified), fingerprint(rekeyed),
                                          fingerprint(switched), fingerprint(renamed),   fingerprint(taken)};
  EXPECT_EQ(prints.size(), 6u);
}

TEST(WriteDomain, TheIdTravelsWithTheCopyAlone) {
  DomainPolicy domain = small_policy();
  domain.id = "d1";
  const auto read = read_domain_copy(write_domain(domain, DomainText::whole));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, domain);
  EXPECT_EQ(write_domain(domain, DomainText::shown).find("\"id\""), std::string::npos);
  EXPECT_EQ(write_domain(domain, DomainText::settings).find("\"id\""), std::string::npos);
}

TEST(WriteDomain, WhatIsNoPolicyOfOursIsRefused) {
  const std::string good = write_domain(small_policy(), DomainText::whole);
  EXPECT_TRUE(read_domain_copy(good));
  const auto error_of = [](const std::string& text) {
    const auto read = read_domain_copy(text);
    return read ? std::string("read") : base::describe(read.error());
  };
  EXPECT_EQ(error_of(good.substr(0, good.size() - 1)).substr(0, 18), "config: malformed:")
      << error_of(good.substr(0, 9));
  EXPECT_EQ(error_of("{}").substr(0, 18), "config: malformed:");
  EXPECT_EQ(error_of("null").substr(0, 18), "config: malformed:");
  std::string file = good;
  file.replace(file.find("\"verify\":true"), 13, "\"verify\":true,\"ca_file\":\"/etc/passwd\"");
  EXPECT_NE(error_of(file).find("at \"/origin_tls/ca_file\""), std::string::npos) << error_of(file);
}

}  // namespace
}  // namespace fairlead::model
