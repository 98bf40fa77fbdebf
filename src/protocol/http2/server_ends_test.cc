#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/http2/server_codec.h"
#include "protocol/http2/testing/codec_pair.h"

// How streams and connections end: resets, release, GOAWAY.

namespace fairlead::protocol {
namespace {

using testing::answer;
using ::testing::ElementsAre;
using testing::get;
using testing::http2_head;
using testing::Http2Pair;
using testing::open_tunnel;
using testing::SeenEvent;
using ::testing::UnorderedElementsAre;
using Kind = Http2Event::Kind;

// --- resets

TEST(Http2Reset, ByTheClient) {
  Http2Pair pair;
  const auto id = open_tunnel(pair);
  pair.client.reset(id, Http2Error::internal_error);
  pair.settle();
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::closed, id, Http2Error::internal_error}));
  EXPECT_EQ(pair.server.activity().resets, 1u);
  EXPECT_FALSE(pair.server.send_head(id, answer(200), false));
  EXPECT_FALSE(pair.server.send_end(id));
  EXPECT_TRUE(pair.send(id, "x").gone);
  EXPECT_EQ(pair.server.send_window(id), 0u);
  pair.server.consumed(id, 5);
  pair.server.reset(id, Http2Error::cancel);
  pair.server.release(id, Http2Error::cancel);
  EXPECT_FALSE(pair.server.has_output());
}

TEST(Http2Reset, WithNoErrorIsNoEndAllTheSame) {
  Http2Pair pair;
  const auto id = open_tunnel(pair);
  pair.client.reset(id, Http2Error::no_error);
  pair.settle();
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::closed, id, Http2Error::cancel}));
}

TEST(Http2Reset, ByUs) {
  Http2Pair pair;
  const auto id = open_tunnel(pair);
  pair.server.reset(id, Http2Error::internal_error);
  EXPECT_FALSE(pair.server.is_open(id));
  EXPECT_FALSE(pair.server.send_end(id));
  EXPECT_TRUE(pair.send(id, "x").gone);
  pair.client.data(id, "crossing");
  ASSERT_TRUE(pair.to_server().has_value());
  pair.settle();
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::closed, id, Http2Error::internal_error}));
  EXPECT_EQ(pair.client.stream(id).error, Http2Error::internal_error);
  EXPECT_EQ(pair.server.activity().resets, 0u);  // ours, for reasons of our own
}

TEST(Http2Reset, OfAStreamWhoseDataIsUnderWayGivesItsWindowBack) {
  Http2Pair pair({.connection_window = 65535});
  const auto other = open_tunnel(pair);
  for (int i = 0; i < 20; ++i) {
    const auto id = open_tunnel(pair);
    pair.client.data(id, std::string(16384, 'x'));
    pair.server.reset(id, Http2Error::cancel);
    pair.settle();
  }
  EXPECT_GT(pair.client.send_window(other), 30000);
}

// --- release

TEST(Http2Release, BeforeAnyAnswerResets) {
  Http2Pair pair;
  const auto id = pair.ask(get("/"), false);
  pair.take();
  pair.server.release(id, Http2Error::internal_error);
  pair.client.data(id, "crossing");
  pair.settle();
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::closed, id, Http2Error::internal_error}));
  EXPECT_EQ(pair.client.stream(id).error, Http2Error::internal_error);
}

TEST(Http2Release, InTheMiddleOfAnAnswerResets) {
  Http2Pair pair;
  const auto id = open_tunnel(pair);
  pair.send(id, "half");
  pair.server.release(id, Http2Error::cancel);
  pair.settle();
  EXPECT_EQ(pair.client.stream(id).body, "half");
  EXPECT_FALSE(pair.client.stream(id).ended);
  EXPECT_EQ(pair.client.stream(id).error, Http2Error::cancel);
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::closed, id, Http2Error::cancel}));
}

TEST(Http2Release, OfAWholeAnswerSendsItsEndFirst) {
  Http2Pair pair;
  for (const bool end_goes_before : {false, true}) {
    const auto id = pair.ask(http2_head("POST", "/"), false);
    EXPECT_TRUE(pair.server.send_head(id, answer(413), false));
    pair.send(id, "too much");
    EXPECT_TRUE(pair.server.send_end(id));
    if (end_goes_before) pair.settle();
    pair.take();
    pair.server.release(id, Http2Error::cancel);
    pair.client.data(id, "crossing");
    pair.settle();
    EXPECT_EQ(pair.client.stream(id).body, "too much");
    EXPECT_TRUE(pair.client.stream(id).ended);
    EXPECT_FALSE(pair.client.stream(id).closed);  // not on the heels of the end
    EXPECT_TRUE(pair.server.end_sent(id));
    pair.server.reset(id, Http2Error::no_error);
    pair.settle();
    EXPECT_EQ(pair.client.stream(id).error, Http2Error::no_error);  // RFC 9113 8.1
    EXPECT_TRUE(pair.client.stream(id).closed);
    EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::closed, id}));
  }
}

TEST(Http2Release, OfAHeadThatIsAll) {
  Http2Pair pair;
  const auto id = pair.ask(http2_head("POST", "/"), false);
  EXPECT_TRUE(pair.server.send_head(id, answer(404), true));
  pair.server.release(id, Http2Error::cancel);
  pair.settle();
  EXPECT_EQ(pair.client.stream(id).head.status, 404);
  EXPECT_TRUE(pair.client.stream(id).ended);
  EXPECT_TRUE(pair.server.end_sent(id));
  pair.client.data(id, {}, true);  // the client's turn
  pair.settle();
  EXPECT_FALSE(pair.server.end_sent(id));
  EXPECT_EQ(pair.server.streams_open(), 0u);
  EXPECT_TRUE(pair.client.stream(id).closed);
  EXPECT_EQ(pair.client.stream(id).error, Http2Error::no_error);
}

TEST(Http2Release, WhenTheClientHasEndedNeedsNoReset) {
  Http2Pair pair;
  const auto id = pair.ask(get("/"));
  EXPECT_TRUE(pair.server.send_head(id, answer(200), true));
  pair.server.release(id, Http2Error::cancel);
  std::string out;
  pair.server.append_output(out, Http2Pair::kRoom);
  const auto frames = testing::frames_of(out);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].type, testing::FrameType::headers);
  EXPECT_EQ(pair.server.streams_open(), 0u);
}

TEST(Http2Release, WaitsForAWindowAndCanBeCutShort) {
  Http2Pair pair({}, {.stream_window = 4});
  const auto patient = open_tunnel(pair), cut = open_tunnel(pair);
  for (const auto id : {patient, cut}) {
    EXPECT_EQ(pair.send(id, "full").bytes, 4u);
    EXPECT_TRUE(pair.server.send_end(id));
    pair.server.release(id, Http2Error::cancel);
  }
  pair.settle();
  EXPECT_FALSE(pair.client.stream(patient).ended);  // nghttp2 sends not even an empty DATA frame without a window
  EXPECT_FALSE(pair.server.end_sent(patient));
  pair.server.reset(cut, Http2Error::cancel);
  pair.client.consume(patient, 4);
  pair.settle();
  EXPECT_TRUE(pair.client.stream(patient).ended);
  EXPECT_TRUE(pair.server.end_sent(patient));
  pair.server.reset(patient, Http2Error::no_error);
  pair.settle();
  EXPECT_EQ(pair.client.stream(patient).error, Http2Error::no_error);
  EXPECT_EQ(pair.client.stream(cut).error, Http2Error::cancel);
  EXPECT_THAT(pair.take(),
              UnorderedElementsAre(SeenEvent{Kind::closed, patient}, SeenEvent{Kind::closed, cut, Http2Error::cancel}));
}

TEST(Http2Release, KeepsTheStreamsWindowShut) {
  Http2Pair pair({.stream_window = 1000}, {.stream_window = 4});
  const auto id = open_tunnel(pair);
  pair.send(id, "full");
  EXPECT_TRUE(pair.server.send_end(id));
  pair.server.release(id, Http2Error::cancel);
  pair.client.data(id, std::string(5000, 'x'));
  pair.settle();
  pair.server.consumed(id, 1000);
  pair.settle();
  EXPECT_EQ(pair.client.unsent(id), 4000u);
  EXPECT_THAT(pair.take(), ElementsAre());
}

// --- the end of the connection

TEST(Http2Goaway, ComesInTwoSteps) {
  Http2Pair pair;
  const auto before = open_tunnel(pair);
  pair.server.announce_shutdown();
  pair.settle();
  ASSERT_EQ(pair.client.goaways().size(), 1u);
  EXPECT_EQ(pair.client.goaways()[0].last_stream, 0x7fffffffu);
  EXPECT_EQ(pair.client.goaways()[0].error, Http2Error::no_error);
  // A request that crossed the first GOAWAY is served.
  using namespace testing;
  const std::uint32_t crossing = before + 2, late = before + 4;
  const std::string head = literals(get("/"));
  ASSERT_TRUE(pair.receive(frame(FrameType::headers, kEndHeadersFlag | kEndStreamFlag, crossing, head)).has_value());
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::request, crossing}));

  pair.server.shut_down();
  std::string out;
  pair.server.append_output(out, Http2Pair::kRoom);
  const auto frames = frames_of(out);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].type, FrameType::goaway);
  EXPECT_EQ(frames[0].payload, big_endian(crossing) + big_endian(0));
  EXPECT_FALSE(pair.server.finished());
  // ... one that comes after the second is not.
  ASSERT_TRUE(pair.receive(frame(FrameType::headers, kEndHeadersFlag | kEndStreamFlag, late, head)).has_value());
  EXPECT_THAT(pair.take(), ElementsAre());
  EXPECT_EQ(pair.server.streams_open(), 2u);

  EXPECT_TRUE(pair.server.send_head(crossing, answer(200), true));
  pair.server.reset(before, Http2Error::cancel);
  out.clear();
  pair.server.append_output(out, Http2Pair::kRoom);
  EXPECT_EQ(pair.server.streams_open(), 0u);
  EXPECT_TRUE(pair.server.finished());
  EXPECT_FALSE(pair.server.has_output());
}

TEST(Http2Goaway, WithAnErrorClosesAllStreams) {
  Http2Pair pair;
  const auto a = open_tunnel(pair), b = pair.ask(get("/"), false);
  pair.take();
  pair.server.fail(Http2Error::enhance_your_calm);
  pair.note_events();
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::closed, a, Http2Error::enhance_your_calm},
                                       SeenEvent{Kind::closed, b, Http2Error::enhance_your_calm}));
  EXPECT_FALSE(pair.server.send_head(b, answer(200), true));
  EXPECT_FALSE(pair.server.finished());
  pair.to_client();
  EXPECT_TRUE(pair.server.finished());
  ASSERT_EQ(pair.client.goaways().size(), 1u);
  EXPECT_EQ(pair.client.goaways()[0].error, Http2Error::enhance_your_calm);
  EXPECT_EQ(pair.client.goaways()[0].last_stream, b);
  EXPECT_FALSE(pair.receive("whatever").has_value());
  EXPECT_THAT(pair.take(), ElementsAre());
}

TEST(Http2Goaway, OfTheClientFinishesAnIdleConnection) {
  Http2Pair pair;
  const auto id = open_tunnel(pair);
  pair.client.go_away();
  pair.settle();
  EXPECT_FALSE(pair.server.finished());
  EXPECT_EQ(pair.send(id, "on").bytes, 2u);
  pair.client.reset(id);
  ASSERT_TRUE(pair.to_server().has_value());
  EXPECT_TRUE(pair.server.finished());
}

TEST(Http2Ping, IsAnsweredOnce) {
  Http2Pair pair;
  pair.server.ping();
  pair.settle();
  EXPECT_EQ(pair.client.pings_seen(), 1u);
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::ping_answered, 0}));
  // An answer nobody asked for is none.
  using namespace testing;
  ASSERT_TRUE(pair.receive(frame(FrameType::ping, kAckFlag, 0, std::string(8, '\0'))).has_value());
  EXPECT_THAT(pair.take(), ElementsAre());
  pair.client.ping();
  pair.settle();
  EXPECT_EQ(pair.client.pings_answered(), 1u);
}

}  // namespace
}  // namespace fairlead::protocol
