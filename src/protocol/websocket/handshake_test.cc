#include "protocol/websocket/handshake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace fairlead::protocol {
namespace {

using base::Code;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kKey = "dGhlIHNhbXBsZSBub25jZQ==";  // RFC 6455 1.3
constexpr const char* kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

RequestHead opening() {
  RequestHead head;
  head.method = "GET";
  head.target = "/chat";
  head.authority = "a";
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, const char*>>{{"Host", "a"},
                                                                  {"Upgrade", "WebSocket"},
                                                                  {"Connection", "keep-alive, Upgrade"},
                                                                  {"Sec-WebSocket-Key", kKey},
                                                                  {"Sec-WebSocket-Version", "13"}}) {
    head.fields.add(name, value);
  }
  return head;
}

void expect_refused(const RequestHead& head, std::string_view why, Code code = Code::malformed) {
  const auto parsed = parse_opening(head);
  ASSERT_FALSE(parsed.has_value()) << why;
  EXPECT_EQ(parsed.error().code, code);
  EXPECT_EQ(parsed.error().side, base::Side::client);
  EXPECT_THAT(parsed.error().context, HasSubstr(why));
}

TEST(Opening, WhatWantsUpgrade) {
  EXPECT_TRUE(wants_upgrade(opening()));
  RequestHead head = opening();
  head.fields.set("Upgrade", "h2c, websocket");
  EXPECT_TRUE(wants_upgrade(head));
  head.fields.set("Upgrade", "h2c");
  EXPECT_FALSE(wants_upgrade(head));
  head = opening();
  head.fields.set("Connection", "keep-alive");
  EXPECT_FALSE(wants_upgrade(head));
  expect_refused(head, "no Upgrade");
}

TEST(Opening, IsRead) {
  RequestHead head = opening();
  head.fields.add("Sec-WebSocket-Protocol", "graphql-ws, mqtt");
  head.fields.add("Sec-WebSocket-Protocol", "chat");
  head.fields.add("Sec-WebSocket-Extensions",
                  "permessage-deflate; client_max_window_bits; server_max_window_bits=\"10\"");
  head.fields.add("Sec-WebSocket-Extensions", "foo");
  const auto parsed = parse_opening(head);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().context;
  EXPECT_EQ(parsed->key, kKey);
  EXPECT_THAT(parsed->subprotocols, ElementsAre("graphql-ws", "mqtt", "chat"));
  EXPECT_EQ(parsed->extensions, "permessage-deflate; client_max_window_bits; server_max_window_bits=\"10\", foo");
}

TEST(Opening, NeedsGetOver11) {
  RequestHead head = opening();
  head.method = "POST";
  expect_refused(head, "GET");
  head = opening();
  head.version = HttpVersion::http10;
  expect_refused(head, "HTTP/1.0");
  head = opening();
  head.authority.clear();
  expect_refused(head, "Host");
}

TEST(Opening, HasNoBody) {
  RequestHead head = opening();
  head.fields.add("Content-Length", "0");
  EXPECT_TRUE(parse_opening(head).has_value());
  head.fields.set("Content-Length", "5");
  expect_refused(head, "body");
  head = opening();
  head.fields.add("Transfer-Encoding", "chunked");
  expect_refused(head, "body");
}

TEST(Opening, VersionIs13Once) {
  RequestHead head = opening();
  for (const char* version : {"8", "12", "14", "0", "255"}) {
    head.fields.set("Sec-WebSocket-Version", version);
    expect_refused(head, version, Code::unsupported);
  }
  for (const char* version : {"", "x", "13, 8", "+13", "1313"}) {
    head.fields.set("Sec-WebSocket-Version", version);
    expect_refused(head, "no version");
  }
  head.fields.set("Sec-WebSocket-Version", "13");
  head.fields.add("Sec-WebSocket-Version", "13");
  expect_refused(head, "one Sec-WebSocket-Version");
  head.fields.remove("Sec-WebSocket-Version");
  expect_refused(head, "one Sec-WebSocket-Version");
}

TEST(Opening, KeyIs16BytesOnce) {
  RequestHead head = opening();
  for (const char* key : {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===",
                          "dGhlIHNhbXBsZSBub25jZVE=", "dGhlIHNhbXBsZSBub25j!Q==", "dGhlIHNhbXBsZSBub25j-Q=="}) {
    head.fields.set("Sec-WebSocket-Key", key);
    expect_refused(head, "16 bytes");
  }
  head.fields.set("Sec-WebSocket-Key", kKey);
  head.fields.add("Sec-WebSocket-Key", kKey);
  expect_refused(head, "one Sec-WebSocket-Key");
  head.fields.remove("Sec-WebSocket-Key");
  expect_refused(head, "one Sec-WebSocket-Key");
}

RequestHead opening_over_http2() {
  RequestHead head;
  head.method = "CONNECT";
  head.target = "/chat";
  head.scheme = "https";
  head.authority = "a";
  head.protocol = "websocket";
  head.version = HttpVersion::http2;
  return head;
}

TEST(OpeningOverHttp2, IsWhatProtocolSays) {
  RequestHead head = opening_over_http2();
  EXPECT_TRUE(wants_upgrade(head));
  for (const char* other : {"", "WebSocket", "connect-udp"}) {
    head.protocol = other;
    EXPECT_FALSE(wants_upgrade(head)) << other;
    expect_refused(head, "no Upgrade");
  }
  // Fields that mean nothing in HTTP/2 ask for nothing.
  head.fields.add("upgrade", "websocket");
  head.fields.add("connection", "upgrade");
  EXPECT_FALSE(wants_upgrade(head));
}

TEST(OpeningOverHttp2, NeedsNeitherKeyNorVersion) {
  RequestHead head = opening_over_http2();
  head.fields.add("sec-websocket-protocol", "graphql-ws, mqtt");
  head.fields.add("sec-websocket-extensions", "permessage-deflate");
  auto parsed = parse_opening(head);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().context;
  EXPECT_EQ(parsed->key, "");
  EXPECT_THAT(parsed->subprotocols, ElementsAre("graphql-ws", "mqtt"));
  EXPECT_EQ(parsed->extensions, "permessage-deflate");

  head.fields.add("sec-websocket-key", "no key at all");
  head.fields.add("sec-websocket-version", "13");
  parsed = parse_opening(head);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().context;
  EXPECT_EQ(parsed->key, "");

  head.fields.set("sec-websocket-version", "8");
  expect_refused(head, "8", Code::unsupported);
  head.fields.set("sec-websocket-version", "x");
  expect_refused(head, "no version");
  head.fields.set("sec-websocket-version", "13");
  head.fields.add("sec-websocket-version", "13");
  expect_refused(head, "one Sec-WebSocket-Version");
}

TEST(OpeningOverHttp2, KeepsTheOtherRules) {
  RequestHead head = opening_over_http2();
  head.method = "GET";
  expect_refused(head, "CONNECT");
  head = opening_over_http2();
  head.authority.clear();
  expect_refused(head, "Host");
  head = opening_over_http2();
  head.fields.add("content-length", "0");
  EXPECT_TRUE(parse_opening(head).has_value());
  head.fields.set("content-length", "1");
  expect_refused(head, "body");
  head = opening_over_http2();
  head.fields.add("sec-websocket-protocol", "a, a");
  expect_refused(head, "twice");
  head = opening_over_http2();
  head.fields.add("sec-websocket-extensions", "a;=");
  expect_refused(head, "malformed");
}

TEST(Opening, ListsFollowTheirGrammar) {
  RequestHead head = opening();
  head.fields.add("Sec-WebSocket-Protocol", "a b");
  expect_refused(head, "no token");
  head.fields.set("Sec-WebSocket-Protocol", "a, b, a");
  expect_refused(head, "twice");
  head.fields.set("Sec-WebSocket-Protocol", "a, A");
  EXPECT_TRUE(parse_opening(head).has_value());  // subprotocols have case
  for (const char* list : {"a b", "a;", "a; =b", "a; b=", "a; b=\"c d\"", "a; b=\"", "\"a\"", "a; b=c=d"}) {
    head.fields.set("Sec-WebSocket-Extensions", list);
    expect_refused(head, "Extensions");
  }
}

TEST(Keys, AreMadeAndAccepted) {
  EXPECT_EQ(accept_key(kKey), kAccept);
  std::array<std::uint8_t, 16> bytes{};
  std::copy_n("the sample nonce", 16, bytes.begin());
  EXPECT_EQ(make_key(bytes), kKey);
}

ResponseHead answer() {
  ResponseHead head;
  head.status = 101;
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, const char*>>{
           {"Upgrade", "WebSocket"}, {"Connection", "upgrade"}, {"Sec-WebSocket-Accept", kAccept}}) {
    head.fields.add(name, value);
  }
  return head;
}

const OpeningHandshake kOffered{kKey, {"chat", "mqtt"}, "permessage-deflate; client_max_window_bits, Foo"};

void expect_bad(const ResponseHead& head, std::string_view why) {
  const auto checked = check_answer(head, kKey, kOffered);
  ASSERT_FALSE(checked.has_value()) << why;
  EXPECT_EQ(checked.error().code, Code::protocol);
  EXPECT_EQ(checked.error().side, base::Side::origin);
  EXPECT_EQ(checked.error().retry, base::Retry::elsewhere);
  EXPECT_THAT(checked.error().context, HasSubstr(why));
}

TEST(Answer, IsAccepted) {
  EXPECT_TRUE(check_answer(answer(), kKey, kOffered).has_value());
  ResponseHead head = answer();
  head.fields.add("Sec-WebSocket-Protocol", "mqtt");
  head.fields.add("Sec-WebSocket-Extensions", "permessage-deflate; server_no_context_takeover");
  head.fields.add("Sec-WebSocket-Extensions", "foo");
  EXPECT_TRUE(check_answer(head, kKey, kOffered).has_value());
}

TEST(Answer, MustAcceptThisVeryHandshake) {
  ResponseHead head = answer();
  head.fields.set("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOp=");
  expect_bad(head, "Accept");
  head.fields.set("Sec-WebSocket-Accept", kAccept);
  head.fields.add("Sec-WebSocket-Accept", kAccept);
  expect_bad(head, "Accept");
  head.fields.remove("Sec-WebSocket-Accept");
  expect_bad(head, "Accept");
}

TEST(Answer, MustSwitchToWebSocket) {
  ResponseHead head = answer();
  head.status = 200;
  expect_bad(head, "status 200");
  head = answer();
  head.fields.set("Upgrade", "h2c");
  expect_bad(head, "Upgrade");
  head.fields.remove("Upgrade");
  expect_bad(head, "Upgrade");
  head = answer();
  head.fields.set("Connection", "close");
  expect_bad(head, "Connection");
  head = answer();
  head.version = HttpVersion::http10;
  expect_bad(head, "HTTP/1.0");
}

TEST(Answer, MayOnlyChooseFromTheOffer) {
  ResponseHead head = answer();
  for (const char* name : {"CHAT", "other", "", "chat, mqtt"}) {
    head.fields.set("Sec-WebSocket-Protocol", name);
    expect_bad(head, "not offered");
  }
  head.fields.set("Sec-WebSocket-Protocol", "chat");
  head.fields.add("Sec-WebSocket-Protocol", "chat");
  expect_bad(head, "more than one");
  head = answer();
  head.fields.add("Sec-WebSocket-Extensions", "bar");
  expect_bad(head, "not offered");
  head.fields.set("Sec-WebSocket-Extensions", "foo;;");
  expect_bad(head, "malformed");
}

TEST(Answer, ReservedBitsFollowFromExtensions) {
  ResponseHead head = answer();
  EXPECT_EQ(allowed_rsv(head), 0);
  head.fields.set("Sec-WebSocket-Extensions", "Permessage-Deflate; client_max_window_bits=12");
  EXPECT_EQ(allowed_rsv(head), 0x40);
  head.fields.set("Sec-WebSocket-Extensions", "x-webkit-deflate-frame");
  EXPECT_EQ(allowed_rsv(head), 0x70);
  head.fields.set("Sec-WebSocket-Extensions", "permessage-deflate, foo");
  EXPECT_EQ(allowed_rsv(head), 0x70);
}

}  // namespace
}  // namespace fairlead::protocol
