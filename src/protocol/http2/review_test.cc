#include <gtest/gtest.h>

#include "protocol/http2/server_codec.h"
#include "protocol/http2/testing/codec_pair.h"

// Clients that keep to the letter and take all the same: what the codec has to hold for them is bounded.

namespace fairlead::protocol {
namespace {

using base::Code;
using testing::answer;
using testing::big_endian;
using testing::frame;
using testing::FrameType;
using testing::get;
using testing::http2_head;
using testing::Http2Pair;
using testing::kEndHeadersFlag;
using testing::kEndStreamFlag;
using testing::kPaddedFlag;
using testing::literals;

std::string head_request(std::uint32_t id) {
  return frame(FrameType::headers, kEndHeadersFlag | kEndStreamFlag, id, literals(http2_head("HEAD", "/")));
}

// An answer without a body ends its stream, so the number of streams does not bound how many of them wait.
TEST(Http2Bounds, AnswersThatNobodyTakesEndTheConnection) {
  Http2Pair pair;
  std::size_t answered = 0;
  base::Result<void> good;
  for (std::uint32_t id = 1; good && answered < 20'000; id += 2, ++answered) {
    good = pair.server.receive(head_request(id));
    pair.note_events();
    if (good) {
      EXPECT_TRUE(
          pair.server.send_head(id, answer(200, {{"x-value", std::to_string(id) + std::string(1000, 'v')}}), true));
    }
  }
  ASSERT_FALSE(good.has_value()) << answered << " answers are held";
  EXPECT_EQ(good.error().code, Code::overloaded);
  EXPECT_EQ(good.error().side, base::Side::client);
}

// A client may ask for as many as its streams allow before it reads the first, whatever the heads weigh.
TEST(Http2Bounds, AsManyAnswersAsStreamsMayWait) {
  Http2Pair pair;
  for (std::uint32_t id = 1; id < 2 * 128; id += 2) {
    ASSERT_TRUE(pair.receive(head_request(id)).has_value());
    const std::string value = std::to_string(id) + std::string(20'000, 'v');  // no use for HPACK's table
    ASSERT_TRUE(pair.server.send_head(id, answer(200, {{"x-value", value}}), true));
  }
  EXPECT_TRUE(pair.receive(frame(FrameType::ping, 0, 0, "12345678")).has_value());
}

// Padding and data of streams that are gone count against the connection's window, too, and have no reader.
TEST(Http2Bounds, TheConnectionsWindowOutlivesPaddingAndDataThatNobodyWants) {
  Http2Pair pair;
  ASSERT_TRUE(pair.receive(frame(FrameType::headers, kEndHeadersFlag, 1, literals(http2_head("POST", "/")))));
  const std::string padded = frame(FrameType::data, kPaddedFlag, 1, std::string(1, '\xff') + "x" + std::string(255, 0));
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_TRUE(pair.receive(padded).has_value()) << i;
    pair.server.consumed(1, 1);
    std::string out;
    pair.server.append_output(out, Http2Pair::kRoom);
    ASSERT_TRUE(pair.server.is_open(1)) << i;
  }
  pair.server.reset(1, Http2Error::cancel);
  const std::string data = frame(FrameType::data, 0, 1, std::string(16'000, 'x'));
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(pair.receive(data).has_value()) << i;
    std::string out;
    pair.server.append_output(out, Http2Pair::kRoom);
  }
}

}  // namespace
}  // namespace fairlead::protocol
