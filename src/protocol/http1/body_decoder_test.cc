#include "protocol/http1/body_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/http1/serialize.h"
#include "protocol/testing/cuts.h"

namespace fairlead::protocol {
namespace {

using base::Code;
using Kind = BodyFraming::Kind;
using ::testing::HasSubstr;
using testing::Pieces;
using testing::same_for_all_cuts;

constexpr BodyFraming kChunked{Kind::chunked, 0};

struct Outcome {
  bool done = false;
  Code code = Code::ok;
  std::string why;
  std::string data;
  std::size_t consumed = 0;
  std::uint64_t total = 0;
  Fields trailers;
  bool operator==(const Outcome&) const = default;
};
void PrintTo(const Outcome& o, std::ostream* out) {
  *out << (o.done ? "done" : "not done") << " '" << o.why << "' data '" << o.data << "' consumed " << o.consumed;
}

Outcome run(const Pieces& pieces, BodyFraming framing, BodyLimits limits) {
  BodyDecoder decoder(framing, base::Side::origin, limits);
  Outcome out;
  for (std::string_view piece : pieces) {
    while (!piece.empty() && !decoder.done()) {
      const auto step = decoder.feed(piece);
      if (!step) {
        EXPECT_EQ(step.error().side, base::Side::origin);
        EXPECT_FALSE(decoder.feed("0\r\n\r\n").has_value()) << "an error is final";
        EXPECT_FALSE(decoder.finish().has_value());
        out.code = step.error().code;
        out.why = step.error().context;
        // What was passed on before the error depends on the cuts only in where the error's own step began.
        out.consumed = 0;
        return out;
      }
      EXPECT_TRUE(step->consumed > 0) << "no step without progress";
      EXPECT_EQ(step->done, decoder.done());
      out.data += step->data;
      out.consumed += step->consumed;
      piece.remove_prefix(step->consumed);
    }
    if (decoder.done()) break;
  }
  out.done = decoder.done();
  out.trailers = decoder.trailers();
  out.total = decoder.total();
  return out;
}

Outcome decode(std::string_view text, BodyFraming framing = kChunked, BodyLimits limits = {}) {
  return same_for_all_cuts(text, [&](const Pieces& pieces) { return run(pieces, framing, limits); });
}

void expect_refused(std::string_view text, std::string_view why, Code code = Code::malformed, BodyLimits limits = {}) {
  const Outcome out = decode(text, kChunked, limits);
  EXPECT_EQ(out.code, code) << text;
  EXPECT_THAT(out.why, HasSubstr(why)) << text;
}

TEST(Body, NoneIsDoneAtOnce) {
  BodyDecoder decoder({});
  EXPECT_TRUE(decoder.done());
  const auto step = decoder.feed("GET");
  ASSERT_TRUE(step.has_value());
  EXPECT_EQ(step->consumed, 0u);
  EXPECT_TRUE(step->done);
  EXPECT_TRUE(decoder.finish().has_value());
}

TEST(Body, LengthEndsWhereItSays) {
  const Outcome out = decode("helloGET / HTTP/1.1", {Kind::length, 5});
  EXPECT_TRUE(out.done);
  EXPECT_EQ(out.data, "hello");
  EXPECT_EQ(out.consumed, 5u);
  EXPECT_EQ(out.total, 5u);
  EXPECT_FALSE(decode("hell", {Kind::length, 5}).done);
}

TEST(Body, ContentPointsIntoTheInput) {
  const std::string_view input = "5\r\nhello\r\n0\r\n\r\n";
  BodyDecoder decoder(kChunked);
  const auto step = decoder.feed(input);
  ASSERT_TRUE(step.has_value());
  EXPECT_EQ(step->data.data(), input.data() + 3);
  EXPECT_EQ(step->consumed, 8u);
}

TEST(Body, UntilCloseIsEndedByTheStream) {
  EXPECT_EQ(decode("hello", {Kind::until_close, 0}).data, "hello");
  BodyDecoder decoder({Kind::until_close, 0});
  ASSERT_TRUE(decoder.feed("hello").has_value());
  EXPECT_FALSE(decoder.done());
  EXPECT_TRUE(decoder.finish().has_value());
  EXPECT_TRUE(decoder.done());
}

TEST(Body, AnEndOfStreamInsideIsAnError) {
  for (const std::string_view text : {"", "5", "5\r\nhel", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n", "0\r\nA: b\r\n"}) {
    BodyDecoder decoder(kChunked, base::Side::origin);
    for (std::string_view rest = text; !rest.empty();) {
      const auto step = decoder.feed(rest);
      ASSERT_TRUE(step.has_value());
      rest.remove_prefix(step->consumed);
    }
    const auto end = decoder.finish();
    ASSERT_FALSE(end.has_value()) << text;
    EXPECT_EQ(end.error().code, Code::closed);
    EXPECT_EQ(end.error().side, base::Side::origin);
  }
  BodyDecoder decoder({Kind::length, 1});
  EXPECT_FALSE(decoder.finish().has_value());
}

TEST(Chunked, ChunksAndTrailers) {
  const std::string text = "5\r\nhello\r\n00A\r\n, wor\r\nld!\r\n0\r\nX-Sum: 1\r\nx-b:  c \r\n\r\n";
  const Outcome out = decode(text + "GET /");
  ASSERT_TRUE(out.done) << out.why;
  EXPECT_EQ(out.data, "hello, wor\r\nld!");
  EXPECT_EQ(out.consumed, text.size());
  ASSERT_EQ(out.trailers.size(), 2u);
  EXPECT_EQ(out.trailers.find("x-b"), "c");
}

TEST(Chunked, TheDigitsOfASizeAreCountedPerChunk) {
  std::string text;
  for (int i = 0; i < 10; ++i) text += "001\r\nx\r\n";
  EXPECT_EQ(decode(text + "0000000000000000\r\n\r\n").data, "xxxxxxxxxx");
}

TEST(Chunked, ExtensionsAreParsedAndDropped) {
  for (const char* line :
       {"5;a", "5;a=b", "5;a=\"b c\\\"\\\\;\r\"", "5 ;a", "5\t; a = b ;c", "5;a;b;c=d", "5;a=\"\"", "5;a=b ;c=\"d\""}) {
    const std::string text = std::string(line) + "\r\nhello\r\n0;last\r\n\r\n";
    const Outcome out = decode(text);
    if (std::string_view(line).find('\r') != std::string_view::npos) {
      EXPECT_FALSE(out.done) << line;  // CR has no place in a quoted string
    } else {
      EXPECT_TRUE(out.done) << line << ": " << out.why;
      EXPECT_EQ(out.data, "hello");
    }
  }
}

TEST(Chunked, MalformedExtensions) {
  for (const char* line : {"5;", "5 ", "5 a", "5;=b", "5;a=", "5;a=;", "5;a b", "5;a=\"b", "5;a=\"b\"c", "5;a ",
                           "5;a=b c", "5;a=b,", "5;a=\"\x01\"", "5;(", "5;a=\"\\\x7f\""}) {
    expect_refused(std::string(line) + "\r\nhello\r\n0\r\n\r\n", "malformed chunk");
  }
}

TEST(Chunked, ExtensionsAreBoundedOverTheBody) {
  std::string text;
  for (int i = 0; i < 10; ++i) text += "1;aaaaaaaaa\r\nx\r\n";  // 10 bytes each
  const std::string all = text + "0\r\n\r\n";
  EXPECT_TRUE(decode(all, kChunked, {.max_extension_bytes = 100}).done);
  expect_refused(all, "extensions too long", Code::too_large, {.max_extension_bytes = 99});
}

TEST(Chunked, Sizes) {
  expect_refused("\r\n", "without a size");
  expect_refused("x\r\n", "without a size");
  expect_refused(" 5\r\nhello", "without a size");
  expect_refused("-5\r\nhello", "without a size");
  expect_refused("+5\r\nhello", "without a size");
  expect_refused("0x5\r\nhello", "malformed chunk-size");
  expect_refused("5g\r\nhello", "malformed chunk-size");
  expect_refused("8000000000000000\r\n", "too large");
  expect_refused("10000000000000000\r\n", "too large");
  expect_refused("00000000000000005\r\nhello", "too large");
  EXPECT_EQ(decode("7fffffffffffffff\r\nab").data, "ab");
}

TEST(Chunked, OnlyCrlfEndsALine) {
  expect_refused("5\nhello\r\n0\r\n\r\n", "malformed chunk-size");
  expect_refused("5\rhello\r\n0\r\n\r\n", "without LF");
  expect_refused("5;a\nhello\r\n", "malformed chunk");
  expect_refused("5\r\nhello\n0\r\n\r\n", "longer than its size");
  expect_refused("5\r\nhello\r0\r\n\r\n", "longer than its size");
  expect_refused("5\r\nhello0\r\n\r\n", "longer than its size");
  expect_refused("0\r\n\n", "bare LF");
  expect_refused("0\r\nA: b\n\r\n", "bare LF");
  expect_refused("0\r\nA: b\rc\r\n\r\n", "bare CR");
}

TEST(Chunked, TrailersAreHeldToTheRulesOfFields) {
  expect_refused("0\r\nA : b\r\n\r\n", "white space before the colon");
  expect_refused("0\r\nA: b\r\n c\r\n\r\n", "folded");
  expect_refused("0\r\nA\r\n\r\n", "without a colon");
  expect_refused(std::string_view("0\r\nA: b\0\r\n\r\n", 12), "control character");
  expect_refused("0\r\nGET / HTTP/1.1\r\n\r\n", "without a colon");
}

TEST(Chunked, TrailersAreBounded) {
  const std::string text = "0\r\nA: b\r\nA: c\r\n\r\n";  // 14 bytes of trailer section
  EXPECT_TRUE(decode(text, kChunked, {.max_trailer_bytes = 14}).done);
  expect_refused(text, "too long", Code::too_large, {.max_trailer_bytes = 13});
  EXPECT_TRUE(decode(text, kChunked, {.max_trailer_fields = 2}).done);
  expect_refused(text, "too many", Code::too_large, {.max_trailer_fields = 1});
}

TEST(Chunked, ForbiddenTrailersAreDropped) {
  const Outcome out = decode(
      "0\r\nContent-Length: 5\r\ntransfer-encoding: chunked\r\nHOST: b\r\nAuthorization: c\r\nSet-Cookie: d\r\n"
      "X-Forwarded-For: e\r\nSec-WebSocket-Accept: f\r\nContent-Encoding: g\r\nConnection: h\r\nX-Ok: i\r\n\r\n");
  ASSERT_TRUE(out.done) << out.why;
  ASSERT_EQ(out.trailers.size(), 1u);
  EXPECT_EQ(out.trailers.begin()->name, "X-Ok");
}

TEST(Chunked, ReadsBackWhatIsWritten) {
  std::string text;
  append_chunk_header(text, 255);
  EXPECT_EQ(text, "ff\r\n");
  text += std::string(255, 'x');
  text += kChunkEnd;
  Fields trailers;
  trailers.add("X-A", "b");
  ASSERT_TRUE(append_last_chunk(text, trailers));
  const Outcome out = decode(text);
  EXPECT_TRUE(out.done);
  EXPECT_EQ(out.data, std::string(255, 'x'));
  EXPECT_EQ(out.trailers, trailers);
}

}  // namespace
}  // namespace fairlead::protocol
