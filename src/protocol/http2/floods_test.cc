#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/http2/server_codec.h"
#include "protocol/http2/testing/codec_pair.h"

// What clients do to hurt: floods, of which some are stopped here and the others counted for the edge to judge, and
// bytes that are no HTTP/2.

namespace fairlead::protocol {
namespace {

using base::Code;
using testing::big_endian;
using ::testing::ElementsAre;
using testing::frame;
using testing::frames_of;
using testing::FrameType;
using testing::get;
using ::testing::HasSubstr;
using testing::http2_head;
using testing::Http2Pair;
using testing::kAckFlag;
using testing::kEndHeadersFlag;
using testing::kEndStreamFlag;
using testing::kPaddedFlag;
using testing::literal;
using testing::literals;
using testing::SeenEvent;
using Kind = Http2Event::Kind;

std::string request(std::uint32_t id, std::uint8_t flags = kEndHeadersFlag) {
  return frame(FrameType::headers, flags, id, literals(get("/")));
}
std::string rst(std::uint32_t id) { return frame(FrameType::rst_stream, 0, id, big_endian(8)); }
std::string ping(std::uint8_t flags = 0) { return frame(FrameType::ping, flags, 0, "12345678"); }

// The connection is over, by that error: receive() says so at once and from then on, the client is told, all streams
// are closed.
void expect_over(Http2Pair& pair, const base::Result<void>& done, Code code, Http2Error error, std::string_view why) {
  ASSERT_FALSE(done.has_value()) << why;
  EXPECT_EQ(done.error().code, code) << why;
  EXPECT_EQ(done.error().side, base::Side::client);
  EXPECT_THAT(done.error().context, HasSubstr(std::string(why)));
  EXPECT_EQ(pair.server.streams_open(), 0u);
  std::string out;
  pair.server.append_output(out, Http2Pair::kRoom);
  const auto frames = frames_of(out);
  ASSERT_FALSE(frames.empty()) << why;
  EXPECT_EQ(frames.back().type, FrameType::goaway);
  EXPECT_EQ(frames.back().payload.substr(4, 4), big_endian(static_cast<std::uint32_t>(error))) << why;
  EXPECT_TRUE(pair.server.finished());
  const auto again = pair.receive(ping());
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().context, done.error().context);
  EXPECT_FALSE(pair.server.has_output());
}

// --- counted

TEST(Http2Floods, OfResetsAreCounted) {
  Http2Pair pair;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    ASSERT_TRUE(pair.receive(request(2 * i + 1) + rst(2 * i + 1)).has_value());
    ASSERT_LE(pair.server.streams_open(), 1u);
  }
  EXPECT_EQ(pair.server.activity().streams, 5000u);
  EXPECT_EQ(pair.server.activity().resets, 5000u);
  EXPECT_FALSE(pair.server.has_output());
}

TEST(Http2Floods, OfErrorsThatForceResetsAreCountedAsResets) {  // "MadeYouReset", CVE-2025-8671
  Http2Pair pair;
  std::string out;
  for (std::uint32_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(pair.receive(request(2 * i + 1) + frame(FrameType::window_update, 0, 2 * i + 1, big_endian(0x7fffffff)))
                    .has_value());
    pair.server.append_output(out, Http2Pair::kRoom);
  }
  pair.note_events();
  EXPECT_EQ(pair.server.activity().resets, 100u);
  EXPECT_EQ(pair.server.streams_open(), 0u);
}

TEST(Http2Floods, AreCountedForStreamsThatAreGoneToo) {
  Http2Pair pair;
  ASSERT_TRUE(pair.receive(request(1) + rst(1)).has_value());
  const auto before = pair.server.activity();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(pair.receive(frame(FrameType::data, 0, 1, "") + frame(FrameType::window_update, 0, 1, big_endian(1)) +
                             frame(FrameType::data, kPaddedFlag, 1, std::string("\x01\0", 2)) + rst(1))
                    .has_value());
  }
  EXPECT_EQ(pair.server.activity().empty_frames - before.empty_frames, 200u);
  EXPECT_EQ(pair.server.activity().window_updates - before.window_updates, 100u);
  EXPECT_EQ(pair.server.activity().resets - before.resets, 100u);
}

// --- stopped

TEST(Http2Floods, OfPingsAreAnsweredAsLongAsAnswersAreTaken) {
  Http2Pair pair;
  for (int i = 0; i < 10000; ++i) {
    pair.client.ping();
    ASSERT_TRUE(pair.to_server().has_value());
    pair.to_client();
  }
  EXPECT_EQ(pair.client.pings_answered(), 10000u);
  EXPECT_EQ(pair.server.activity().pings, 10000u);
}

TEST(Http2Floods, OfPingsEndAConnectionThatReadsNoAnswers) {
  {
    Http2Pair pair;
    std::string flood;
    for (int i = 0; i < 1001; ++i) flood += ping();
    expect_over(pair, pair.receive(flood), Code::overloaded, Http2Error::enhance_your_calm, "acknowledgements");
  }
  Http2Pair pair;
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(pair.receive(ping()).has_value()) << i;
  expect_over(pair, pair.receive(ping()), Code::overloaded, Http2Error::enhance_your_calm, "more answers");
}

TEST(Http2Floods, OfSettingsEndAConnectionThatReadsNoAnswers) {
  Http2Pair pair;
  const std::string settings = frame(FrameType::settings, 0, 0, "");
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(pair.receive(settings).has_value()) << i;
  expect_over(pair, pair.receive(settings), Code::overloaded, Http2Error::enhance_your_calm, "more answers");
}

TEST(Http2Floods, OfRefusedStreamsEndAConnectionThatReadsNoAnswers) {
  Http2Pair pair;
  base::Result<void> done;
  std::uint32_t id = 1;
  for (; id < 10000 && done.has_value(); id += 2) {
    done = pair.receive(request(id) + frame(FrameType::window_update, 0, id, big_endian(0x7fffffff)));
  }
  EXPECT_GT(id, 2000u);
  EXPECT_LT(id, 2010u);
  expect_over(pair, done, Code::overloaded, Http2Error::enhance_your_calm, "more answers");
}

TEST(Http2Floods, OfEntriesInOneSettingsFrame) {
  Http2Pair pair;
  std::string entries;
  for (int i = 0; i < 33; ++i) entries += std::string("\0\x04", 2) + big_endian(65535);
  expect_over(pair, pair.receive(frame(FrameType::settings, 0, 0, entries)), Code::overloaded,
              Http2Error::enhance_your_calm, "too many setting");
}

TEST(Http2Floods, OfContinuation) {
  std::string head = frame(FrameType::headers, kEndStreamFlag, 1, literals(get("/")));
  for (int i = 0; i < 7; ++i) head += frame(FrameType::continuation, 0, 1, literal("x", "y"));
  const std::string last = frame(FrameType::continuation, kEndHeadersFlag, 1, literal("x", "y"));
  {
    Http2Pair pair;
    for (const char byte : head + last) ASSERT_TRUE(pair.receive({&byte, 1}).has_value());
    EXPECT_EQ(pair.request().head.fields.size(), 8u);
  }
  Http2Pair pair;
  head += frame(FrameType::continuation, 0, 1, "");
  for (const char byte : head) ASSERT_TRUE(pair.receive({&byte, 1}).has_value());
  expect_over(pair, pair.receive(last), Code::too_large, Http2Error::enhance_your_calm, "CONTINUATION");
  EXPECT_THAT(pair.take(), ElementsAre());
}

// A head of a few bytes on the wire that means megabytes.
std::string bomb(std::uint32_t id, std::size_t references) {
  std::string block = literals(get("/"));
  block += '\x40';  // literal with incremental indexing, new name: RFC 7541 6.2.1
  block += literal("x-bomb", "").substr(1, 7);
  const std::size_t size = 3900;
  block += '\x7f';  // 127 + (3900 - 127), 7-bit prefix: RFC 7541 5.1
  block += static_cast<char>((size - 127) % 128 + 128);
  block += static_cast<char>((size - 127) / 128);
  block += std::string(size, 'x');
  block += std::string(references, '\xbe');  // index 62: the entry just made
  return frame(FrameType::headers, kEndHeadersFlag | kEndStreamFlag, id, block);
}

TEST(Http2Floods, OfHpack) {
  const Http2ServerOptions options{.head = {.max_bytes = 32768}};
  {
    Http2Pair pair(options);
    ASSERT_TRUE(pair.receive(bomb(1, 5)).has_value());
    EXPECT_EQ(pair.request().refusal_status, 0);
    ASSERT_TRUE(pair.receive(bomb(3, 10)).has_value());
    const Http2Request refused = pair.request();
    EXPECT_EQ(refused.refusal_status, 431);
    EXPECT_LE(refused.head.fields.bytes(), 32768u);
    EXPECT_EQ(pair.server.streams_open(), 2u);
  }
  Http2Pair pair(options);
  ASSERT_TRUE(pair.receive(request(1)).has_value());
  pair.take();
  expect_over(pair, pair.receive(bomb(3, 10000)), Code::too_large, Http2Error::enhance_your_calm, "beyond all measure");
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::closed, 1, Http2Error::enhance_your_calm}));
}

TEST(Http2Floods, OfTrailers) {
  const Http2ServerOptions options{.head = {.max_bytes = 1000, .max_fields = 5}};
  const auto trailers = [](const std::string& block) {
    return frame(FrameType::headers, kEndHeadersFlag | kEndStreamFlag, 1, block);
  };
  std::string many, large, invalid = literal("x", "\x01");
  for (int i = 0; i < 6; ++i) many += literal("x", "");
  for (int i = 0; i < 10; ++i) large += literal("x", std::string(100, 'x'));
  for (const auto& [block, error] :
       {std::pair(many, Http2Error::enhance_your_calm), std::pair(large, Http2Error::enhance_your_calm),
        std::pair(invalid, Http2Error::protocol_error)}) {
    Http2Pair pair(options);
    ASSERT_TRUE(pair.receive(request(1)).has_value());
    pair.take();
    ASSERT_TRUE(pair.receive(trailers(block)).has_value());
    EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::closed, 1, error}));
    EXPECT_EQ(pair.server.activity().resets, 1u);
  }
  // Beyond all measure: no other end, and no more kept, for nghttp2 tells no more of it.
  for (int i = 0; i < 60; ++i) large += literal("x", std::string(100, 'x'));
  Http2Pair pair(options);
  ASSERT_TRUE(pair.receive(request(1)).has_value());
  ASSERT_TRUE(pair.receive(trailers(large)).has_value());
  EXPECT_EQ(pair.server.streams_open(), 0u);
}

TEST(Http2Floods, OfStreams) {
  // Before our SETTINGS were acknowledged, the client may not have known.
  Http2ServerCodec server({.max_concurrent_streams = 2});
  std::string bytes = std::string(kHttp2Preface) + frame(FrameType::settings, 0, 0, "");
  for (std::uint32_t id = 1; id < 7; id += 2) bytes += request(id);
  ASSERT_TRUE(server.receive(bytes).has_value());
  EXPECT_EQ(server.streams_open(), 2u);
  EXPECT_EQ(server.activity().streams, 3u);
  EXPECT_EQ(server.activity().resets, 1u);
  EXPECT_EQ(server.activity().streams_refused, 1u);
  std::string out;
  server.append_output(out, Http2Pair::kRoom);
  const auto frames = frames_of(out);
  EXPECT_EQ(frames.back().type, FrameType::rst_stream);
  EXPECT_EQ(frames.back().payload, big_endian(static_cast<std::uint32_t>(Http2Error::refused_stream)));
  // Afterwards it knows.
  Http2Pair pair({.max_concurrent_streams = 2});
  expect_over(pair, pair.receive(request(1) + request(3) + request(5)), Code::malformed, Http2Error::protocol_error,
              "max concurrent");
  EXPECT_EQ(pair.server.activity().streams_refused, 1u);
}

// --- what is no HTTP/2

TEST(Http2Garbage, InPlaceOfThePreface) {
  for (const char* bytes : {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\rX", "\x16\x03\x01"}) {
    Http2ServerCodec server({});
    const auto done = server.receive(bytes);
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, Code::malformed);
    EXPECT_EQ(done.error().side, base::Side::client);
    std::string out;
    server.append_output(out, Http2Pair::kRoom);
    const auto frames = frames_of(out);
    ASSERT_EQ(frames.size(), 2u);  // the preface of ours comes first whatever the client's is
    EXPECT_EQ(frames[0].type, FrameType::settings);
    EXPECT_EQ(frames[1].type, FrameType::goaway);
    EXPECT_EQ(frames[1].payload.substr(4, 4), big_endian(1));
    EXPECT_TRUE(server.finished());
  }
}

TEST(Http2Garbage, EndsTheConnectionAndSaysWhy) {
  struct Case {
    std::string bytes;
    Http2Error error;
    const char* why;
  };
  const Case cases[] = {
      {frame(FrameType::data, 0, 0, "x"), Http2Error::protocol_error, "stream_id"},
      {frame(FrameType::data, 0, 1, "x"), Http2Error::protocol_error, "DATA"},
      {frame(FrameType::headers, kEndHeadersFlag, 2, "\x82"), Http2Error::protocol_error, "HEADERS"},
      {frame(FrameType::headers, kEndHeadersFlag, 1, "\xff\xff\xff\xff\xff\xff\xff"), Http2Error::compression_error,
       ""},
      {frame(FrameType::headers, kEndHeadersFlag | kPaddedFlag, 1, "\xff"), Http2Error::protocol_error, "padding"},
      {frame(FrameType::headers, 0, 1, "\x82") + ping(), Http2Error::protocol_error, "CONTINUATION"},
      {frame(FrameType::continuation, 0, 1, ""), Http2Error::protocol_error, "CONTINUATION"},
      {frame(FrameType::ping, 0, 0, "short"), Http2Error::frame_size_error, ""},
      {frame(FrameType::ping, 0, 1, "12345678"), Http2Error::protocol_error, "PING"},
      {frame(FrameType::settings, 0, 0, "x"), Http2Error::frame_size_error, ""},
      {frame(FrameType::settings, kAckFlag, 0, "123456"), Http2Error::frame_size_error, ""},
      {frame(FrameType::push_promise, 0, 1, big_endian(2)), Http2Error::protocol_error, "PUSH_PROMISE"},
      {frame(FrameType::window_update, 0, 0, big_endian(0)), Http2Error::protocol_error, "WINDOW_UPDATE"},
      {frame(FrameType::window_update, 0, 0, big_endian(0x7fffffff)), Http2Error::flow_control_error, ""},
      {frame(FrameType::data, 0, 1, std::string(16385, 'x')), Http2Error::frame_size_error, "too large"},
  };
  for (const Case& c : cases) {
    Http2Pair pair;
    SCOPED_TRACE(::testing::PrintToString(c.bytes.substr(0, 20)));
    expect_over(pair, pair.receive(c.bytes), Code::malformed, c.error, c.why);
    // ... however it is cut.
    Http2Pair other;
    base::Result<void> done;
    for (std::size_t i = 0; i < c.bytes.size() && done.has_value(); ++i) done = other.receive(c.bytes.substr(i, 1));
    expect_over(other, done, Code::malformed, c.error, c.why);
  }
}

TEST(Http2Garbage, InPlaceOfTheFirstSettings) {
  Http2ServerCodec server({});
  const auto done = server.receive(std::string(kHttp2Preface) + ping());
  ASSERT_FALSE(done.has_value());
  EXPECT_THAT(done.error().context, HasSubstr("SETTINGS expected"));
}

TEST(Http2Garbage, TellsOfWhatWasGoodBeforeIt) {
  Http2Pair pair;
  EXPECT_FALSE(pair.receive(request(1) + frame(FrameType::data, 0, 1, "good") + frame(FrameType::data, 0, 0, "bad"))
                   .has_value());
  EXPECT_THAT(pair.take(),
              ElementsAre(SeenEvent{Kind::request, 1}, SeenEvent{Kind::data, 1, Http2Error::no_error, "good"},
                          SeenEvent{Kind::closed, 1, Http2Error::protocol_error}));
}

}  // namespace
}  // namespace fairlead::protocol
