#include "protocol/http2/frame_meter.h"

#include <gtest/gtest.h>

#include <array>

#include "protocol/http2/server_codec.h"
#include "protocol/http2/testing/client_codec.h"
#include "protocol/testing/cuts.h"

namespace fairlead::protocol {
namespace {

using testing::big_endian;
using testing::frame;
using testing::FrameType;
using testing::get;
using testing::kAckFlag;
using testing::kEndHeadersFlag;
using testing::kEndStreamFlag;
using testing::kPaddedFlag;
using testing::literal;
using testing::literals;

constexpr std::uint8_t kPriorityFlag = 0x20;

std::string request(std::uint32_t id) { return frame(FrameType::headers, kEndHeadersFlag, id, literals(get("/"))); }
std::string rst(std::uint32_t id) { return frame(FrameType::rst_stream, 0, id, big_endian(8)); }
std::string ping(std::uint8_t flags = 0) { return frame(FrameType::ping, flags, 0, "12345678"); }

Http2Activity counted(std::string_view bytes) {
  const auto count = [](const testing::Pieces& pieces) {
    Http2Activity activity;
    detail::FrameMeter meter;
    for (const std::string_view piece : pieces) meter.feed(piece, activity, [](std::string_view) { return true; });
    return std::array{activity.streams,      activity.resets,     activity.settings,       activity.pings,
                      activity.empty_frames, activity.priorities, activity.window_updates, activity.unknown_frames};
  };
  const std::string all = std::string(kHttp2Preface) + std::string(bytes);
  const auto n = testing::same_for_all_cuts(all, count);
  return {.streams = n[0],
          .resets = n[1],
          .settings = n[2],
          .pings = n[3],
          .empty_frames = n[4],
          .priorities = n[5],
          .window_updates = n[6],
          .data_frames_sent = 0,
          .unknown_frames = n[7]};
}

TEST(Http2Meter, CountsFrames) {
  const std::string settings = frame(FrameType::settings, 0, 0, "");
  EXPECT_EQ(counted(settings + settings + frame(FrameType::settings, kAckFlag, 0, "")).settings, 2u);
  EXPECT_EQ(counted(settings).empty_frames, 0u);
  EXPECT_EQ(counted(ping() + ping(kAckFlag) + ping()).pings, 2u);
  EXPECT_EQ(counted(rst(1) + rst(1)).resets, 2u);
  EXPECT_EQ(counted(frame(FrameType::window_update, 0, 0, big_endian(1))).window_updates, 1u);
  EXPECT_EQ(counted(frame(FrameType::priority, 0, 1, "12345") +
                    frame(static_cast<FrameType>(0x10), 0, 0, big_endian(1) + "u=1"))
                .priorities,
            2u);
  EXPECT_EQ(counted(frame(static_cast<FrameType>(0x77), 0, 0, "x") + frame(static_cast<FrameType>(0xff), 0, 9, ""))
                .unknown_frames,
            2u);
  // A stream's trailers open no stream.
  EXPECT_EQ(counted(request(1) + request(3) + request(1) + request(7)).streams, 3u);
}

TEST(Http2Meter, CountsEmptyFrames) {
  EXPECT_EQ(counted(frame(FrameType::data, 0, 1, "")).empty_frames, 1u);
  EXPECT_EQ(counted(frame(FrameType::data, 0, 1, "x")).empty_frames, 0u);
  EXPECT_EQ(counted(frame(FrameType::data, kEndStreamFlag, 1, "")).empty_frames, 0u);
  EXPECT_EQ(counted(frame(FrameType::data, kPaddedFlag, 1, std::string("\x02\0\0", 3))).empty_frames, 1u);
  EXPECT_EQ(counted(frame(FrameType::data, kPaddedFlag, 1, std::string("\0", 1))).empty_frames, 1u);
  EXPECT_EQ(counted(frame(FrameType::data, kPaddedFlag, 1, std::string("\x01x\0", 3))).empty_frames, 0u);
  EXPECT_EQ(counted(frame(FrameType::headers, 0, 1, "")).empty_frames, 1u);
  EXPECT_EQ(counted(frame(FrameType::headers, kPriorityFlag, 1, "12345")).empty_frames, 1u);
  EXPECT_EQ(counted(frame(FrameType::headers, kPriorityFlag, 1, "12345x")).empty_frames, 0u);
  EXPECT_EQ(counted(frame(FrameType::headers, kPriorityFlag | kPaddedFlag, 1,
                          std::string("\x01"
                                      "12345\0",
                                      7)))
                .empty_frames,
            1u);
  EXPECT_EQ(counted(frame(FrameType::continuation, 0, 1, "") + frame(FrameType::continuation, 0, 1, "")).empty_frames,
            2u);
}

TEST(Http2Meter, KeepsAnAcknowledgementTooManyToItself) {
  const std::string ack = frame(FrameType::settings, kAckFlag, 0, "");
  const std::string before = std::string(kHttp2Preface) + frame(FrameType::settings, 0, 0, "") + ack + request(1);
  const std::string odd = frame(FrameType::settings, kAckFlag, 0, "x") + frame(FrameType::settings, kAckFlag, 1, "");
  const std::string after = ping() + odd + rst(1);
  const auto passed = [](const testing::Pieces& pieces) {
    std::string out;
    Http2Activity activity;
    detail::FrameMeter meter;
    for (const std::string_view piece : pieces) {
      meter.feed(piece, activity, [&out](std::string_view bytes) {
        out += bytes;
        return true;
      });
    }
    EXPECT_EQ(activity.settings, 3u);
    EXPECT_EQ(activity.resets, 1u);
    return out;
  };
  EXPECT_EQ(testing::same_for_all_cuts(before + ack + ack + after, passed), before + after);
}

TEST(Http2Meter, StopsWhereItIsToldTo) {
  Http2Activity activity;
  detail::FrameMeter meter;
  int passed = 0;
  meter.feed(std::string(kHttp2Preface) + frame(FrameType::settings, kAckFlag, 0, "") +
                 frame(FrameType::settings, kAckFlag, 0, "") + ping(),
             activity, [&passed](std::string_view) {
               ++passed;
               return false;
             });
  EXPECT_EQ(passed, 1);
  EXPECT_EQ(activity.pings, 0u);
}

TEST(Http2Meter, KnowsThatAHeadIsOwed) {
  Http2ServerCodec server({});
  const auto feed = [&server](std::string_view bytes) { ASSERT_TRUE(server.receive(bytes).has_value()); };
  feed(std::string(kHttp2Preface) + frame(FrameType::settings, 0, 0, ""));
  EXPECT_FALSE(server.head_under_way());
  const std::string block = literals(get("/")) + literal("x-a", "b");
  const std::string first = frame(FrameType::headers, kEndStreamFlag, 1, block.substr(0, 20));
  const std::string second = frame(FrameType::continuation, 0, 1, block.substr(20, 10));
  const std::string third = frame(FrameType::continuation, kEndHeadersFlag, 1, block.substr(30));
  feed(first.substr(0, 3));
  EXPECT_FALSE(server.head_under_way());  // it could be anything
  feed(first.substr(3, 10));
  EXPECT_TRUE(server.head_under_way());
  feed(first.substr(13));
  EXPECT_TRUE(server.head_under_way());
  feed(second);
  EXPECT_TRUE(server.head_under_way());
  feed(third.substr(0, third.size() - 1));
  EXPECT_TRUE(server.head_under_way());
  feed(third.substr(third.size() - 1));
  EXPECT_FALSE(server.head_under_way());
  EXPECT_EQ(server.take_request(1).head.target, "/");
  feed(frame(FrameType::data, 0, 1, "").substr(0, 4));
  EXPECT_FALSE(server.head_under_way());
}

}  // namespace
}  // namespace fairlead::protocol
