#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/http2/server_codec.h"
#include "protocol/http2/testing/codec_pair.h"

// Flow control both ways: who is stopped by which window, and who is not.

namespace fairlead::protocol {
namespace {

using ::testing::ElementsAre;
using testing::frame;
using testing::FrameType;
using testing::Http2Pair;
using testing::open_tunnel;
using testing::SeenEvent;
using Kind = Http2Event::Kind;

TEST(Http2Windows, StopAStreamAndNoOther) {
  Http2Pair pair({}, {.stream_window = 1000, .connection_window = 1 << 20});
  const auto stalled = open_tunnel(pair);
  auto sent = pair.send(stalled, std::string(3000, 'a'));
  EXPECT_EQ(sent.bytes, 1000u);
  EXPECT_TRUE(sent.blocked_by_window);
  EXPECT_EQ(pair.server.send_window(stalled), 0u);
  sent = pair.send(stalled, "more");
  EXPECT_EQ(sent.bytes, 0u);
  EXPECT_TRUE(sent.blocked_by_window);
  EXPECT_FALSE(sent.gone);
  EXPECT_FALSE(pair.server.has_output());

  for (int i = 0; i < 100; ++i) {
    const auto other = open_tunnel(pair);
    sent = pair.send(other, std::string(900, 'b'));
    EXPECT_EQ(sent.bytes, 900u);
    EXPECT_FALSE(sent.blocked_by_window);
    EXPECT_EQ(pair.client.stream(other).body.size(), 900u);
    pair.server.reset(other, Http2Error::cancel);
  }
  pair.settle();
  pair.take();
  pair.client.consume(stalled, 1000);
  pair.settle();
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::window, stalled}));
  EXPECT_EQ(pair.send(stalled, std::string(2000, 'c')).bytes, 1000u);
}

TEST(Http2Windows, OfTheConnectionStopAll) {
  Http2Pair pair({}, {.stream_window = 1 << 20});
  const auto a = open_tunnel(pair), b = open_tunnel(pair);
  EXPECT_EQ(pair.send(a, std::string(65000, 'a')).bytes, 65000u);
  EXPECT_EQ(pair.server.send_window(b), 535u);
  const auto sent = pair.send(b, std::string(1000, 'b'));
  EXPECT_EQ(sent.bytes, 535u);
  EXPECT_TRUE(sent.blocked_by_window);
  pair.client.consume(a, 65000);
  pair.settle();
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::window, 0}));
  EXPECT_EQ(pair.send(b, std::string(1000, 'b')).bytes, 1000u);
}

TEST(Http2Windows, MayChangeForAllStreams) {
  Http2Pair pair({}, {.stream_window = 100, .connection_window = 1 << 20});
  const auto id = open_tunnel(pair);
  EXPECT_TRUE(pair.send(id, std::string(200, 'a')).blocked_by_window);
  pair.client.setting(4, 150);
  pair.settle();
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::window, 0}));
  EXPECT_EQ(pair.server.send_window(id), 50u);
  // ... below nothing, too (RFC 9113 6.9.2).
  pair.client.setting(4, 20);
  pair.settle();
  EXPECT_EQ(pair.server.send_window(id), 0u);
  const auto sent = pair.send(id, "x");
  EXPECT_EQ(sent.bytes, 0u);
  EXPECT_TRUE(sent.blocked_by_window);
  EXPECT_EQ(pair.client.stream(id).body.size(), 100u);
}

TEST(Http2Windows, RoomStopsDataToo) {
  Http2Pair pair({}, {.stream_window = 1 << 20, .connection_window = 1 << 20});
  const auto id = open_tunnel(pair);
  const std::string body(100000, 'a');
  std::string out(50, '-');
  auto sent = pair.server.send_data(id, body, {}, out, 50);
  EXPECT_EQ(sent.bytes, 0u);
  EXPECT_FALSE(sent.blocked_by_window);
  EXPECT_FALSE(sent.gone);
  EXPECT_EQ(out.size(), 50u);

  sent = pair.server.send_data(id, body, {}, out, 20000);
  EXPECT_EQ(sent.bytes, 2 * 16384u);  // past the room by one frame at most
  EXPECT_FALSE(sent.blocked_by_window);
  EXPECT_EQ(out.size(), 50 + 2 * (9 + 16384u));
  pair.deliver(std::string_view(out).substr(50));
  // What is left can go on although no window changed.
  sent = pair.send(id, std::string_view(body).substr(sent.bytes));
  EXPECT_EQ(sent.bytes, 100000 - 2 * 16384u);
  EXPECT_EQ(pair.client.stream(id).body, body);
  EXPECT_EQ(pair.server.activity().data_frames_sent, 7u);
}

TEST(Http2Windows, OtherFramesComeFirstAndCountAsRoom) {
  Http2Pair pair;
  const auto id = open_tunnel(pair);
  pair.client.ping();
  ASSERT_TRUE(pair.to_server().has_value());
  std::string out;
  auto sent = pair.server.send_data(id, "hello", {}, out, 10);  // not even all of the ack
  EXPECT_EQ(sent.bytes, 0u);
  EXPECT_FALSE(sent.blocked_by_window);
  EXPECT_EQ(out.size(), 10u);
  EXPECT_TRUE(pair.server.has_output());
  sent = pair.server.send_data(id, "hello", {}, out, 1000);
  EXPECT_EQ(sent.bytes, 5u);
  const auto frames = testing::frames_of(out);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].type, testing::FrameType::ping);
  EXPECT_EQ(frames[1].type, testing::FrameType::data);
}

TEST(Http2Windows, OfAReaderThatStallsHoldNobodyElseUp) {
  Http2Pair pair({.stream_window = 1000, .connection_window = 65535});
  const auto stalled = open_tunnel(pair), other = open_tunnel(pair);
  for (int round = 0; round < 200; ++round) {  // together far more than the connection's window
    pair.client.data(stalled, std::string(500, 's'));
    pair.client.data(other, std::string(800, 'o'));
    pair.settle();
    std::size_t got = 0;
    for (const SeenEvent& e : pair.take()) {
      if (e.kind == Kind::data && e.stream == other) got += e.data.size();
      if (e.kind == Kind::data && e.stream == stalled) {
        ASSERT_LT(round, 2);
      }
    }
    EXPECT_EQ(got, 800u);
    pair.server.consumed(other, 800);
    pair.settle();
  }
  EXPECT_EQ(pair.client.unsent(stalled), 200 * 500 - 1000u);
  EXPECT_EQ(pair.client.send_window(stalled), 0);
  pair.server.consumed(stalled, 1000);
  pair.settle();
  EXPECT_EQ(pair.client.unsent(stalled), 200 * 500 - 2000u);
}

TEST(Http2Windows, ThatAreOverrunEndTheStream) {
  Http2Pair pair({.stream_window = 1000});
  const auto id = open_tunnel(pair), other = open_tunnel(pair);
  pair.client.raw(frame(FrameType::data, 0, id, std::string(1001, 'x')));
  ASSERT_TRUE(pair.to_server().has_value());
  pair.to_client();
  EXPECT_THAT(pair.take(), ::testing::Contains(SeenEvent{Kind::closed, id, Http2Error::flow_control_error}));
  EXPECT_TRUE(pair.server.is_open(other));
}

}  // namespace
}  // namespace fairlead::protocol
