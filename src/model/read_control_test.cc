#include <map>

#include "model/check_report.h"
#include "model/config_file.h"
#include "model/limits.h"

namespace fairlead::model {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr const char* kChain = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
constexpr const char* kKey = "-----BEGIN PRIVATE KEY-----\nMHc=\n-----END PRIVATE KEY-----\n";

base::Result<std::string> disk(const std::string& path) {
  static const std::map<std::string, std::string> files{
      {"/etc/f/a.pem", kChain},       {"/etc/f/a.key", kKey}, {"/etc/f/mail.pw", "pass word\r\n"},
      {"/etc/f/hook.secret", "s3cr"}, {"/etc/f/empty", "\n"}, {"/etc/f/two", "one\ntwo\n"},
      {"/etc/f/ca.pem", kChain}};
  const auto found = files.find(path);
  if (found == files.end()) return base::fail(base::Code::not_found, base::Side::config, "no such file");
  return found->second;
}

constexpr std::string_view kListener = "listeners: [ { address: \"0.0.0.0:80\", protocol: http } ]\n";

ConfigReading read(std::string_view text, ConfigPurpose purpose = ConfigPurpose::run,
                   const CertificateChecker& checker = {}) {
  return read_edge_config(fmt::format("{}{}", kListener, text), "/etc/f/fairlead.yaml", disk, checker, purpose);
}

std::string told(const std::vector<Problem>& problems) {
  std::string out;
  for (const Problem& p : problems) out += fmt::format("{} {} {}\n", to_string(p.severity), p.code, p.pointer);
  return out;
}

TEST(ReadControl, EveryKeyReachesItsValue) {
  const auto reading = read(R"(
admin: { address: "0.0.0.0:9443", tls: { chain: a.pem, key: a.key } }
control:
  database: "postgresql://user@host/db?sslmode=require"
  public_url: https://console.example.com:8443/
  mail: { server: "smtp://[::1]:587", from: fairlead@example.com, username: u, password_file: mail.pw,
          require_tls: false, ca_file: ca.pem }
  webhooks:
    - { url: "https://hooks.example.com/x?y=1", secret_file: hook.secret, ca_file: ca.pem }
    - { url: "http://127.0.0.1:8000/x", secret_file: hook.secret }
  resolvers: ["127.0.0.1:5300"]
  ownership_http_port: 8081
  ownership_allow_private: on
  login_time: 1h
  requests_per_second_per_client: off
)");
  ASSERT_TRUE(reading.config && reading.control) << told(reading.problems);
  EXPECT_EQ(told(reading.problems), "warning plain-password /control/mail/require_tls\n");
  ControlConfig expected;
  expected.database = "postgresql://user@host/db?sslmode=require";
  expected.public_url = "https://console.example.com:8443";
  expected.mail = {.server = "smtp://[::1]:587",
                   .from = "fairlead@example.com",
                   .username = "u",
                   .password = "pass word",
                   .require_tls = false,
                   .ca_pem = kChain};
  expected.webhooks = {{.url = "https://hooks.example.com/x?y=1", .secret = "s3cr", .ca_pem = kChain},
                       {.url = "http://127.0.0.1:8000/x", .secret = "s3cr", .ca_pem = ""}};
  expected.resolvers = {"127.0.0.1:5300"};
  expected.ownership_http_port = 8081;
  expected.ownership_allow_private = true;
  expected.login_time = 1h;
  expected.requests_per_second_per_client = 0;
  EXPECT_EQ(*reading.control, expected);
  EXPECT_EQ(reading.config->admin_address, "0.0.0.0:9443");
  EXPECT_EQ(reading.config->admin_tls, (AdminTls{kChain, kKey}));
  EXPECT_TRUE(reading.config->domains.empty());
}

TEST(ReadControl, WhatIsNotWrittenHasTheDefaultOfTheType) {
  for (const char* control : {"", "control:\n", "control: {}\n"}) {
    const auto reading = read(control);
    ASSERT_TRUE(reading.control) << told(reading.problems);
    EXPECT_EQ(*reading.control, ControlConfig{});
    EXPECT_EQ(reading.config->admin_address, "") << "the program's default";
    EXPECT_EQ(told(reading.problems), "") << "no domains is no news here";
  }
  const ControlConfig defaults;
  EXPECT_EQ(defaults.login_time, limits::kLoginTime.initial);
  EXPECT_EQ(defaults.requests_per_second_per_client, limits::kApiRate.initial);
  EXPECT_EQ(defaults.ownership_http_port, limits::kOwnershipPort.initial);
}

TEST(ReadControl, DatabasesArePlacedByTheFile) {
  const auto database = [](std::string_view written) {
    const auto reading =
        read(fmt::format("admin: {{ address: \"unix:/a\" }}\ncontrol: {{ database: \"{}\" }}\n", written));
    return reading.control ? reading.control->database + " " + told(reading.problems) : told(reading.problems);
  };
  EXPECT_EQ(database("sqlite:x/f.db"), "sqlite:/etc/f/x/f.db ");
  EXPECT_EQ(database("sqlite:/var/f.db"), "sqlite:/var/f.db ");
  EXPECT_EQ(database("sqlite::memory:"), "sqlite::memory: warning database-in-memory /control/database\n");
  EXPECT_EQ(database("sqlite:"), "error bad-value /control/database\n");
  EXPECT_EQ(database("mysql://x"), "error bad-value /control/database\n");
}

TEST(ReadControl, TellsWhatIsWrong) {
  const auto problems = [](std::string_view control) {
    return told(read(fmt::format("admin: {{ address: \"unix:/a\" }}\ncontrol: {}\n", control)).problems);
  };
  EXPECT_EQ(problems("{ public_url: \"console.example.com\" }"), "error bad-url /control/public_url\n");
  EXPECT_EQ(problems("{ public_url: \"https://a.test/console\" }"), "error bad-url /control/public_url\n");
  EXPECT_EQ(problems("{ public_url: \"https://u:p@a.test\" }"), "error bad-url /control/public_url\n");
  EXPECT_EQ(problems("{ public_url: \"http://a.test\" }"), "warning plain-url /control/public_url\n");
  EXPECT_EQ(problems("{ mail: {} }"), "error missing-key /control/mail\nerror missing-key /control/mail\n");
  EXPECT_EQ(problems("{ mail: { server: \"https://m.test\", from: \"A <a@b.test>\" } }"),
            "error bad-url /control/mail/server\nerror bad-address /control/mail/from\n");
  EXPECT_EQ(problems("{ mail: { server: \"smtps://m.test\", from: \"a@b.test\", username: u } }"),
            "error missing-key /control/mail/username\n");
  EXPECT_EQ(problems("{ mail: { server: \"smtps://m.test\", from: \"a@b.test\", username: u, password_file: none } }"),
            "error unreadable-file /control/mail/password_file\n");
  EXPECT_EQ(problems("{ webhooks: [ { url: \"http://hooks.test/x\", secret_file: empty }, {} ] }"),
            "error bad-url /control/webhooks/0/url\nerror bad-secret /control/webhooks/0/secret_file\n"
            "error missing-key /control/webhooks/1\nerror missing-key /control/webhooks/1\n")
      << "each told where it stands";
  EXPECT_EQ(problems("{ webhooks: [ { url: \"https://h.test\", secret_file: two } ] }"),
            "error bad-secret /control/webhooks/0/secret_file\n");
  EXPECT_EQ(problems("{ databse: x, login_time: 10s, resolvers: [ dns.test ], ownership_http_port: 0 }"),
            "error unknown-key /control/databse\nerror out-of-range /control/login_time\n"
            "error bad-address /control/resolvers/0\nerror out-of-range /control/ownership_http_port\n");
}

TEST(ReadControl, EachVerbHasItsFile) {
  constexpr std::string_view kDomains = "domains: [ { name: a.test, origins: [ { host: 10.0.0.1 } ] } ]\n";
  EXPECT_EQ(told(read(fmt::format("{}layer7_configs: {{}}\nadmin: {{ address: \"unix:/a\" }}\n", kDomains)).problems),
            "error in-the-store /domains\nerror in-the-store /layer7_configs\n");
  const auto edge = read(fmt::format("{}control: {{}}\n", kDomains), ConfigPurpose::edge);
  EXPECT_EQ(told(edge.problems), "error run-only /control\n");
  EXPECT_FALSE(edge.control);
  EXPECT_FALSE(read(kDomains, ConfigPurpose::edge).control);
  // `check` looks which of them it is.
  EXPECT_FALSE(read(kDomains, ConfigPurpose::by_key).control);
  EXPECT_TRUE(read("control: {}\nadmin: { address: \"unix:/a\" }\n", ConfigPurpose::by_key).control);
  const FileReader files = [](const std::string&) -> base::Result<std::string> {
    return fmt::format("{}control: {{}}\nadmin: {{ address: \"unix:/a\" }}\n", kListener);
  };
  EXPECT_EQ(check_edge_config("f.yaml", files, {}, ReportFormat::text).output,
            "f.yaml: valid, domains in the store, 1 listener\n");
}

// https needs no certificate in the file when certificates are in the store.
TEST(ReadControl, ListenersWaitForTheStore) {
  const auto reading = read_edge_config(
      "listeners: [ { address: \"0.0.0.0:443\", protocol: https },\n"
      "  { address: \"0.0.0.0:444\", protocol: tcp-ssl, domain: a.test } ]\nadmin: { address: \"unix:/a\" }\n",
      "f.yaml", disk, {}, ConfigPurpose::run);
  EXPECT_TRUE(reading.config) << told(reading.problems);
}

TEST(ReadControl, PasswordsDoNotTravelInClear) {
  const auto problems = [](std::string_view admin, ConfigPurpose purpose) {
    const char* domains =
        purpose == ConfigPurpose::edge ? "domains: [ { name: a.test, origins: [ { host: 10.0.0.1 } ] } ]\n" : "";
    return told(read(fmt::format("admin: {{ {} }}\n{}", admin, domains), purpose).problems);
  };
  constexpr const char* kTls = ", tls: { chain: a.pem, key: a.key }";
  for (const char* open : {"address: \"0.0.0.0:9443\"", "address: \"[::]:9443\"", "address: \"192.0.2.1:9443\""}) {
    EXPECT_EQ(problems(open, ConfigPurpose::run), "error public-admin /admin/address\n");
    EXPECT_EQ(problems(open, ConfigPurpose::edge), "warning public-admin /admin/address\n");
    EXPECT_EQ(problems(std::string(open) + kTls, ConfigPurpose::run), "");
  }
  for (const char* own : {"address: \"127.0.0.1:9443\"", "address: \"[::1]:9443\"", "address: \"unix:/a\""}) {
    EXPECT_EQ(problems(own, ConfigPurpose::run), "");
    EXPECT_EQ(problems(own, ConfigPurpose::edge), "");
  }
  EXPECT_EQ(problems("address: \"0.0.0.0:1\", tls: { chain: a.key, key: a.pem }", ConfigPurpose::run),
            "error bad-pem /admin/tls/chain\nerror bad-pem /admin/tls/key\n");
}

TEST(ReadControl, TheAdminCertificateIsJudgedForThePublicName) {
  std::string asked;
  const CertificateChecker checker = [&](std::string_view, std::string_view, std::string_view name) {
    asked = fmt::format("<{}>", name);
    return base::Result<void>();
  };
  const std::string admin = "admin: { address: \"unix:/a\", tls: { chain: a.pem, key: a.key } }\n";
  read(admin + "control: { public_url: \"https://Console.example.com:8443\" }\n", ConfigPurpose::run, checker);
  EXPECT_EQ(asked, "<console.example.com>");
  read(admin, ConfigPurpose::run, checker);
  EXPECT_EQ(asked, "<>");
}

}  // namespace
}  // namespace fairlead::model
