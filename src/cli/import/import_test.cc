// What the golden files do not show: bounds, patterns, and what the fuzzers found.

#include "cli/import/import.h"

#include "cli/import/findings.h"
#include "cli/import/haproxy_backend.h"
#include "cli/import/nginx_parser.h"
#include "cli/import/nginx_values.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairlead::cli {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

const ImportFiles kNoFiles{[](const std::string&) -> base::Result<std::string> {
                             return base::fail(base::Code::not_found, base::Side::config, "No such file or directory");
                           },
                           [](const std::string&) { return std::vector<std::string>(); }};

std::string server(const std::string& inside) {
  return "server { listen 80; server_name a.example.com; location / { proxy_pass http://10.0.0.1; "
         "proxy_set_header Upgrade $http_upgrade; proxy_set_header Host $host; } " +
         inside + " }";
}

TEST(ImportPatterns, MatchAsAShellDoes) {
  EXPECT_TRUE(matches_pattern("*.conf", "a.conf"));
  EXPECT_TRUE(matches_pattern("a*b*c", "aXbYbc"));
  EXPECT_TRUE(matches_pattern("[a-c]?.conf", "b1.conf"));
  EXPECT_TRUE(matches_pattern("[!a]x", "bx"));
  EXPECT_TRUE(matches_pattern("", ""));
  EXPECT_FALSE(matches_pattern("*.conf", "a.conf~"));
  EXPECT_FALSE(matches_pattern("*", "a/b"));
  EXPECT_FALSE(matches_pattern("?", "/"));
  EXPECT_FALSE(matches_pattern("[a-c]", "d"));
  EXPECT_TRUE(matches_pattern("[a", "[a"));  // never closed: a bracket
}

TEST(ImportValues, NginxTimesAndSizes) {
  EXPECT_EQ(parse_nginx_time("60"), milliseconds(60'000));
  EXPECT_EQ(parse_nginx_time("1h 30m"), milliseconds(5'400'000));
  EXPECT_EQ(parse_nginx_time("500ms"), milliseconds(500));
  EXPECT_EQ(parse_nginx_time("1y"), milliseconds(31'536'000'000));
  for (const char* bad : {"", "x", "5 x", "-1", "99999999999999999999", "1000000y", "5mm"}) {
    EXPECT_FALSE(parse_nginx_time(bad)) << bad;
  }
  EXPECT_EQ(parse_nginx_size("8k"), 8192u);
  EXPECT_EQ(parse_nginx_size("1G"), 1ull << 30);
  for (const char* bad : {"", "k", "1t", "99999999999999g"}) EXPECT_FALSE(parse_nginx_size(bad)) << bad;
}

TEST(ImportValues, HaproxyTimesAreMilliseconds) {
  EXPECT_EQ(parse_haproxy_time("5000"), milliseconds(5000));
  EXPECT_EQ(parse_haproxy_time("1d"), milliseconds(86'400'000));
  EXPECT_EQ(parse_haproxy_time("2500us"), milliseconds(2));
  for (const char* bad : {"", "s", "1w", "1.5s"}) EXPECT_FALSE(parse_haproxy_time(bad)) << bad;
}

TEST(ImportBounds, BlocksNestOnlySoDeep) {
  std::string text;
  for (std::size_t i = 0; i < kMaxImportDepth + 2; ++i) text += "a {\n";
  const auto result = import_nginx(text, "deep.conf", kNoFiles);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("too deep"));
  EXPECT_EQ(result.error().line, kMaxImportDepth + 1);
}

TEST(ImportBounds, AFileThatIncludesItselfEnds) {
  ImportFiles files = kNoFiles;
  files.read = [](const std::string&) -> base::Result<std::string> { return "include again.conf;"; };
  const auto result = import_nginx("include again.conf;", "a.conf", files);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("include each other"));
}

TEST(ImportBounds, FindingsAreKeptUpToAPointAndCounted) {
  std::string inside;
  for (std::size_t i = 0; i < kMaxFindings + 10; ++i) inside += "frobnicate on;\n";
  const auto result = import_nginx(server(inside), "a.conf", kNoFiles);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->findings.size(), kMaxFindings + 1);
  EXPECT_THAT(result->findings.back().why, HasSubstr("10 more"));
}

TEST(ImportBounds, ManyNamesOfOneServerStayBounded) {
  std::string servers;
  for (int i = 0; i < 200; ++i) servers += fmt::format("server 10.0.{}.{};", i / 250, i % 250);
  std::string names;
  for (int i = 0; i < 2000; ++i) names += fmt::format(" n{}.example.com", i);
  const auto result =
      import_nginx(std::string(kNginxGroup) + " u {" + servers + "} server { listen 80; server_name" + names +
                       "; location / { proxy_pass http://u; proxy_set_header Upgrade $http_upgrade; } }",
                   "a.conf", kNoFiles);
  ASSERT_TRUE(result);
  EXPECT_EQ(import_status(result->findings), 2);  // 2000 x 200 origins are more than are kept
  EXPECT_THAT(result->yaml, HasSubstr("n0.example.com"));
  EXPECT_THAT(result->yaml, Not(HasSubstr("n1999.example.com")));
}

TEST(ImportNginx, NothingIsDroppedInSilence) {
  // Each directive on a line of its own, none of them with an effect in the result: each has a finding at its line.
  const std::vector<std::string> lines = {
      "rewrite ^/a /b;",           "gzip on;",       "allow 10.0.0.0/8;", "made_up 1;", "if ($a) { return 403; }",
      "error_page 404 /404.html;", "access_log off;"};
  std::string inside = "\n";
  for (const std::string& line : lines) inside += line + "\n";
  const auto result = import_nginx(server(inside), "a.conf", kNoFiles);
  ASSERT_TRUE(result);
  for (std::uint32_t line = 2; line < 2 + lines.size(); ++line) {
    EXPECT_TRUE(std::ranges::any_of(result->findings, [&](const Finding& finding) { return finding.line == line; }))
        << lines[line - 2];
  }
}

// A port with a zero in front is one for nginx and none for the document (found by fuzz_import_nginx).
TEST(ImportNginx, TheHostFieldIsWrittenAsTheDocumentTakesIt) {
  for (const auto& [target, field] :
       {std::pair{"127.0.0.1:0003", "origin_host_header: \"127.0.0.1:3\""},
        std::pair{"App.internal:080", "origin_host_header: \"app.internal:80\""},
        std::pair{"[::1]:08", "origin_host_header: \"[::1]:8\""}, std::pair{"app", "origin_host_header: app"}}) {
    const auto result =
        import_nginx(fmt::format("server {{ listen 80; server_name a.example.com; location / {{ proxy_pass "
                                 "http://{}; proxy_set_header Upgrade $http_upgrade; }} }}",
                                 target),
                     "a.conf", kNoFiles);
    ASSERT_TRUE(result);
    EXPECT_THAT(result->yaml, HasSubstr(field));
  }
}

// What looks like PEM to the reader of the result is no file name (found by fuzz_import_haproxy).
TEST(ImportHaproxy, ACertificateFileIsNotCalledLikePem) {
  const auto result = import_haproxy(
      "frontend f\n mode http\n bind *:80\n bind *:443 ssl crt -----BEGIN/a.pem\n use_backend b if { hdr(host) "
      "a.example.com }\n"
      "backend b\n server s 10.0.0.1:80\n",
      "a.cfg", kNoFiles);
  ASSERT_TRUE(result);
  EXPECT_THAT(result->yaml, Not(HasSubstr("BEGIN")));
  EXPECT_EQ(import_status(result->findings), 2);
}

TEST(ImportFindings, CannotDriveATerminal) {
  const auto result = import_nginx(server("bad \"\x01\\t\";"), "a.conf", kNoFiles);
  EXPECT_FALSE(result);  // a control character in the file itself
  const auto escaped = import_haproxy("frontend f\n mode http\n odd \\x1b[31m\n", "a.cfg", kNoFiles);
  ASSERT_TRUE(escaped);
  EXPECT_THAT(render_findings(escaped->findings), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace fairlead::cli
