#include "protocol/http2/server_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/http2/testing/codec_pair.h"
#include "protocol/testing/cuts.h"

// Requests and answers as they should be: whole messages both ways, windows, the end of a connection. What clients do
// wrong is in refusals_test.cc and floods_test.cc.

namespace fairlead::protocol {
namespace {

using testing::answer;
using ::testing::ElementsAre;
using testing::fields;
using testing::get;
using testing::http2_head;
using testing::Http2Client;
using testing::Http2Pair;
using testing::SeenEvent;
using testing::websocket;
using Kind = Http2Event::Kind;

constexpr std::uint16_t kMaxStreams = 3, kInitialWindow = 4, kMaxHeaderList = 6, kConnectProtocol = 8,
                        kNoPriorities = 9;

TEST(Http2Codec, GreetsWithItsSettings) {
  Http2ServerCodec server({.max_concurrent_streams = 7, .stream_window = 1000, .head = {.max_bytes = 5000}});
  EXPECT_TRUE(server.has_output());
  std::string out;
  server.append_output(out, 1 << 20);
  EXPECT_FALSE(server.has_output());
  EXPECT_FALSE(server.finished());

  Http2Client client;
  ASSERT_TRUE(client.receive(out).has_value());
  EXPECT_EQ(client.server_setting(kMaxStreams), 7u);
  EXPECT_EQ(client.server_setting(kInitialWindow), 1000u);
  EXPECT_EQ(client.server_setting(kMaxHeaderList), 5000u);
  EXPECT_EQ(client.server_setting(kConnectProtocol), 1u);
  EXPECT_EQ(client.server_setting(kNoPriorities), 1u);
  ASSERT_TRUE(server.receive(client.output()).has_value());
  out.clear();
  server.append_output(out, 1 << 20);
  ASSERT_TRUE(client.receive(out).has_value());
  EXPECT_EQ(client.settings_acked(), 1u);
}

TEST(Http2Codec, TakesARequestAndAnswers) {
  Http2Pair pair;
  Fields head = get("/room/7?a=b");
  head.add("accept", "*/*");
  head.add("x-empty", "");
  const auto id = pair.ask(head);
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::request, id}));
  const Http2Request request = pair.request();
  EXPECT_EQ(request.refusal_status, 0) << request.refusal;
  EXPECT_TRUE(request.ended);
  EXPECT_EQ(request.content_length, std::nullopt);
  EXPECT_EQ(request.head.version, HttpVersion::http2);
  EXPECT_EQ(request.head.method, "GET");
  EXPECT_EQ(request.head.scheme, "https");
  EXPECT_EQ(request.head.authority, "live.example.com");
  EXPECT_EQ(request.head.target, "/room/7?a=b");
  EXPECT_EQ(request.head.protocol, "");
  EXPECT_EQ(request.head.fields, fields({{"accept", "*/*"}, {"x-empty", ""}}));
  EXPECT_EQ(pair.server.streams_open(), 1u);

  EXPECT_TRUE(pair.server.send_head(id, answer(200, {{"Content-Type", "text/plain"}}), false));
  EXPECT_EQ(pair.send(id, "hello").bytes, 5u);
  EXPECT_TRUE(pair.server.send_end(id));
  pair.settle();
  const auto& stream = pair.client.stream(id);
  EXPECT_EQ(stream.head.status, 200);
  EXPECT_EQ(stream.head.fields, fields({{"content-type", "text/plain"}}));  // lower case
  EXPECT_EQ(stream.body, "hello");
  EXPECT_TRUE(stream.closed);
  EXPECT_EQ(stream.error, Http2Error::no_error);
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::closed, id}));
  EXPECT_EQ(pair.server.streams_open(), 0u);
}

}  // namespace
}  // namespace fairlead::protocol
