#include "protocol/http2/request_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/http2/testing/codec_pair.h"

// Which heads are served and which are refused, seen through the codec, because nghttp2 has a say in it: it resets the
// stream for what RFC 9113 8.1.1 calls malformed, and those the edge never hears of.

namespace fairlead::protocol {
namespace {

using ::testing::ElementsAre;
using testing::fields;
using testing::get;
using ::testing::HasSubstr;
using testing::http2_head;
using testing::Http2Pair;
using testing::SeenEvent;
using testing::websocket;
using Kind = Http2Event::Kind;

Http2Request taken(const Fields& head, const Http2ServerOptions& options = {}) {
  Http2Pair pair(options);
  pair.ask(head, false);
  return pair.request();
}

void expect_refused(const Fields& head, int status, std::string_view why, const Http2ServerOptions& options = {}) {
  Http2Pair pair(options);
  const auto id = pair.ask(head);
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::request, id}));
  const Http2Request request = pair.request();
  EXPECT_EQ(request.refusal_status, status) << why;
  EXPECT_THAT(std::string(request.refusal), HasSubstr(std::string(why)));
  // It can be answered, and the connection goes on.
  EXPECT_TRUE(pair.server.send_head(id, testing::answer(status), true));
  pair.settle();
  EXPECT_EQ(pair.client.stream(id).head.status, status);
  pair.ask(get("/"));
  EXPECT_EQ(pair.request().refusal_status, 0);
}

// Malformed for nghttp2 already.
void expect_reset(const Fields& head) {
  Http2Pair pair;
  const auto id = pair.ask(head);
  EXPECT_THAT(pair.take(), ElementsAre()) << ::testing::PrintToString(*head.begin());
  EXPECT_EQ(pair.client.stream(id).error, Http2Error::protocol_error);
  EXPECT_EQ(pair.server.activity().resets, 1u);
  pair.ask(get("/"));
  EXPECT_EQ(pair.request().refusal_status, 0);
}

Fields with(Fields head, std::string_view name, std::string_view value) {
  head.add(name, value);
  return head;
}

Fields without_authority() { return fields({{":method", "GET"}, {":scheme", "https"}, {":path", "/"}}); }

TEST(Http2Request, AuthorityIsNormal) {
  EXPECT_EQ(taken(http2_head("GET", "/", "Live.Example.COM:8443")).head.authority, "live.example.com:8443");
  EXPECT_EQ(taken(http2_head("GET", "/", "[2001:DB8::1]")).head.authority, "[2001:db8::1]");
}

TEST(Http2Request, HostStandsInForAuthority) {
  const Http2Request request = taken(with(without_authority(), "host", "Live.example.com"));
  EXPECT_EQ(request.refusal_status, 0) << request.refusal;
  EXPECT_EQ(request.head.authority, "live.example.com");
  EXPECT_FALSE(request.head.fields.contains("host"));
}

TEST(Http2Request, HostAndAuthorityMustAgree) {
  for (const char* same : {"live.example.com", "LIVE.example.com", "live.example.com:443"}) {
    const Http2Request request = taken(with(get("/"), "host", same));
    EXPECT_EQ(request.refusal_status, 0) << same << ": " << request.refusal;
    EXPECT_EQ(request.head.authority, "live.example.com");
    EXPECT_FALSE(request.head.fields.contains("host"));
  }
  for (const char* other : {"evil.example.com", "live.example.com:80", "live.example.com.", "live.example.com:8443"}) {
    expect_refused(with(get("/"), "host", other), 400, "differ");
  }
  expect_refused(with(http2_head("GET", "/", "live.example.com", "http"), "host", "live.example.com:443"), 400,
                 "differ");
  expect_refused(with(get("/"), "host", "user@live.example.com"), 400, "Host is no host");
  expect_reset(with(with(get("/"), "host", "live.example.com"), "host", "live.example.com"));
}

TEST(Http2Request, MustSayWhoItIsFor) {
  expect_reset(without_authority());
  for (const char* wrong : {"user@live.example.com", "live.example.com:", "live.example.com:99999", "a..b", "1.2.3",
                            "[::1", "%6cive.example.com"}) {
    expect_refused(http2_head("GET", "/", wrong), 400, ":authority");
    expect_refused(with(without_authority(), "host", wrong), 400, "Host");
  }
}

TEST(Http2Request, SchemeIsHttpOrHttps) {
  EXPECT_EQ(taken(http2_head("GET", "/", "a.example", "HTTPS")).head.scheme, "https");
  EXPECT_EQ(taken(http2_head("GET", "/", "a.example", "http")).head.scheme, "http");
  for (const char* wrong : {"ws", "wss", "ftp", "httpss"}) {
    expect_refused(http2_head("GET", "/", "a.example", wrong), 400, "scheme");
  }
}

TEST(Http2Request, TargetHasTheRulesOfHttp1) {
  EXPECT_EQ(taken(http2_head("OPTIONS", "*")).head.target, "*");
  EXPECT_EQ(taken(get("//a/../b?c=%00;d")).head.target, "//a/../b?c=%00;d");
  expect_refused(get("/a#b"), 400, "fragment");
  expect_refused(get("/caf\xc3\xa9"), 400, "visible");
  expect_refused(get(std::string("/").append(16384, 'a')), 414, "too long");
  EXPECT_EQ(taken(get(std::string("/").append(16383, 'a'))).refusal_status, 0);
  for (const char* wrong : {"*", "a", "http://a.example/"}) expect_reset(get(wrong));
  for (const char* wrong : {"/a b", "/a\x01", "/a\x7f", "/a\tb"}) expect_reset(get(wrong));
  // nghttp2 does not look at the path of other schemes, but those are refused.
  expect_refused(http2_head("GET", "a", "a.example", "ws"), 400, "scheme");
}

TEST(Http2Request, PlainConnectIsNotDone) {
  expect_refused(fields({{":method", "CONNECT"}, {":authority", "a.example:443"}}), 501, "CONNECT");
  const Http2Request request = taken(fields({{":method", "CONNECT"}, {":authority", "A.example:443"}}));
  EXPECT_EQ(request.head.authority, "a.example:443");  // for the log
}

TEST(Http2Request, ProtocolIsKeptAsItIs) {
  Fields head = http2_head("CONNECT", "/");
  head.add(":protocol", "Connect-UDP");
  const Http2Request request = taken(head);
  EXPECT_EQ(request.refusal_status, 0);
  EXPECT_EQ(request.head.protocol, "Connect-UDP");
  expect_reset(with(http2_head("GET", "/"), ":protocol", "websocket"));
}

TEST(Http2Request, ExpectationsAreThoseOfHttp1) {
  const Http2Request request = taken(with(http2_head("POST", "/"), "expect", "100-Continue"));
  EXPECT_EQ(request.refusal_status, 0);
  EXPECT_EQ(request.head.fields, fields({{"expect", "100-Continue"}}));
  expect_refused(with(http2_head("POST", "/"), "expect", "200-ok"), 417, "expectation");
}

TEST(Http2Request, CookiesAreJoined) {
  Fields head = get("/");
  head.add("cookie", "a=1");
  head.add("accept", "*/*");
  head.add("cookie", "b=2");
  head.add("cookie", "c=3; d=4");
  EXPECT_EQ(taken(head).head.fields, fields({{"accept", "*/*"}, {"cookie", "a=1; b=2; c=3; d=4"}}));
}

TEST(Http2Request, CrumbsOfACookieAreOneField) {
  Fields head = get("/");
  for (int i = 0; i < 200; ++i) head.add("cookie", "c" + std::to_string(i) + "=x");
  const Http2Request request = taken(head, {.head = {.max_fields = 10}});
  EXPECT_EQ(request.refusal_status, 0) << request.refusal;
  EXPECT_EQ(request.head.fields.size(), 1u);
}

TEST(Http2Request, FieldsThatBreakTheGrammarAreRefusedAndNotLeftOut) {
  // Each of these nghttp2 would leave out and let the rest pass.
  for (const auto& [name, value] : std::initializer_list<Field>{{"x-a", "a\x01"},
                                                                {"x-a", "a\rb"},
                                                                {"x-a", "a\nb"},
                                                                {"x-a", std::string_view("a\0b", 3)},
                                                                {"x-a", " a"},
                                                                {"x-a", "a\t"},
                                                                {"x a", "a"},
                                                                {"x(a)", "a"},
                                                                {"", "a"}}) {
    expect_refused(with(get("/"), name, value), 400, "field");
  }
}

TEST(Http2Request, FieldsOfAnHttp1ConnectionAreMalformed) {
  expect_reset(with(get("/"), "connection", "close"));
  expect_reset(with(get("/"), "transfer-encoding", "chunked"));
  expect_reset(with(get("/"), "upgrade", "websocket"));
  expect_reset(with(get("/"), "keep-alive", "timeout=5"));
  expect_reset(with(get("/"), "proxy-connection", "close"));
  expect_reset(with(get("/"), "te", "gzip"));
  EXPECT_EQ(taken(with(get("/"), "te", "trailers")).refusal_status, 0);
  expect_reset(with(get("/"), ":path", "/other"));
  expect_reset(with(get("/"), ":unknown", "x"));
  expect_reset(with(with(get("/"), "content-length", "1"), "content-length", "1"));
  expect_reset(with(get("/"), "content-length", "-1"));
}

TEST(Http2Request, NamesInUpperCaseAreMalformed) {
  using namespace testing;
  Http2Pair pair;
  const std::string head = literals(get("/")) + literal("X-A", "1");
  ASSERT_TRUE(pair.receive(frame(FrameType::headers, kEndHeadersFlag | kEndStreamFlag, 1, head)).has_value());
  EXPECT_THAT(pair.take(), ElementsAre());
  EXPECT_EQ(pair.server.streams_open(), 0u);
  EXPECT_EQ(pair.server.activity().resets, 1u);
}

TEST(Http2Request, HeadsOverTheLimitsAreRefused) {
  const Http2ServerOptions options{.head = {.max_bytes = 2000, .max_fields = 20}};
  // :method GET 42, :scheme https 44, :authority live.example.com 58, :path / 38: 182 bytes as RFC 9113 6.5.2 counts.
  Fields head = get("/");
  head.add("x-big", std::string(2000 - 182 - 37, 'x'));
  EXPECT_EQ(taken(head, options).refusal_status, 0);
  head.set("x-big", std::string(2000 - 182 - 36, 'x'));
  expect_refused(head, 431, "too large", options);
  EXPECT_FALSE(taken(head, options).head.fields.contains("x-big"));  // not kept
  EXPECT_EQ(taken(head, options).head.authority, "live.example.com");

  head = get("/");
  for (int i = 0; i < 20; ++i) head.add("x", "");
  EXPECT_EQ(taken(head, options).refusal_status, 0);
  head.add("x", "");
  expect_refused(head, 431, "too large", options);
}

}  // namespace
}  // namespace fairlead::protocol
