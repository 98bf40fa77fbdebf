#include "control/console/console_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <map>
#include <set>
#include <string>

namespace fairlead::control {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ApiResponse get(std::string path, ApiFields fields = {}) {
  ApiRequest request;
  request.method = "GET";
  request.path = std::move(path);
  request.fields = std::move(fields);
  return console_page(request);
}

std::string field(const ApiResponse& response, std::string_view name) {
  std::string all;
  for (const auto& [n, value] : response.fields) {
    if (n == name) all += value;
  }
  return all;
}

const ConsoleFile& a_script() {
  for (const ConsoleFile& file : console_files()) {
    if (file.path.starts_with("/assets/") && file.path.ends_with(".js")) return file;
  }
  throw std::logic_error("the console has no script");
}

std::string gunzip(std::string_view bytes) {
  std::string text(64 << 20, 0);
  z_stream stream{};
  inflateInit2(&stream, 16 + MAX_WBITS);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return text;
}

TEST(ConsolePages, RoutesOfTheBrowserAreThePage) {
  for (const char* path : {"/", "/index.html", "/domains", "/domains/live.example.com/websocket", "/bills/7"}) {
    const ApiResponse page = get(path);
    EXPECT_EQ(page.status, 200) << path;
    EXPECT_EQ(field(page, "content-type"), "text/html; charset=utf-8") << path;
    EXPECT_EQ(field(page, "cache-control"), "no-store") << path;
    EXPECT_THAT(page.body, HasSubstr("<div id=\"root\">")) << path;
  }
}

TEST(ConsolePages, WhatIsNotThereIsNoPage) {
  for (const char* path : {"/assets/old.js", "/assets/", "/robots.txt", "/assets/../index.html", "/.git/config"}) {
    EXPECT_EQ(get(path).status, 404) << path;
    EXPECT_EQ(field(get(path), "content-type"), "application/problem+json") << path;
  }
}

TEST(ConsolePages, ThePageRunsNothingInline) {
  const ApiResponse page = get("/");
  const std::string policy = field(page, "content-security-policy");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'; script-src 'self'; style-src 'self' 'nonce-"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(page.body, Not(HasSubstr("%CSP_NONCE%")));
  const auto at = policy.find("nonce-") + 6;
  const std::string nonce = policy.substr(at, policy.find('\'', at) - at);
  EXPECT_GE(nonce.size(), 22u) << "16 bytes";
  EXPECT_THAT(page.body, HasSubstr(nonce));
  std::set<std::string> policies;
  for (int i = 0; i < 100; ++i) policies.insert(field(get("/"), "content-security-policy"));
  EXPECT_EQ(policies.size(), 100u);
  // No other host is named in it.
  EXPECT_THAT(page.body, Not(HasSubstr("http")));
}

TEST(ConsolePages, FilesAreKeptAndCompressed) {
  const ConsoleFile& file = a_script();
  const std::string path(file.path);
  const ApiResponse packed = get(path, {{"accept-encoding", "br, gzip"}});
  const ApiResponse plain = get(path);
  EXPECT_EQ(field(packed, "content-encoding"), "gzip");
  EXPECT_EQ(field(plain, "content-encoding"), "");
  EXPECT_EQ(gunzip(packed.body), plain.body);
  EXPECT_GT(plain.body.size(), packed.body.size());
  for (const ApiResponse& one : {packed, plain}) {
    EXPECT_EQ(field(one, "vary"), "accept-encoding");
    EXPECT_EQ(field(one, "cache-control"), "public, max-age=31536000, immutable");
    EXPECT_EQ(field(one, "x-content-type-options"), "nosniff");
  }
  const ApiResponse known = get(path, {{"if-none-match", field(plain, "etag")}});
  EXPECT_EQ(known.status, 304);
  EXPECT_TRUE(known.body.empty());
  EXPECT_EQ(get(path, {{"if-none-match", "\"other\""}}).status, 200);
}

TEST(ConsolePages, GzipIsForWhoTakesIt) {
  const std::map<std::string, bool> takes = {{"gzip", true},          {"GZIP;q=0.5", true}, {"*", true},
                                             {"gzip;q=0", false},     {"br", false},        {"", false},
                                             {"deflate, gzip", true}, {"xgzip", false},     {"gzip;q=0.000", false}};
  for (const auto& [codings, wanted] : takes) {
    EXPECT_EQ(field(get(std::string(a_script().path), {{"accept-encoding", codings}}), "content-encoding") == "gzip",
              wanted)
        << codings;
  }
}

}  // namespace
}  // namespace fairlead::control
