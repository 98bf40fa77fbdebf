#include "protocol/websocket/frame_scanner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/testing/cuts.h"
#include "protocol/testing/drive_scanner.h"

namespace fairlead::protocol {
namespace {

using testing::StreamSeen;
using Event = FrameScanner::Event;
using Options = FrameScanner::Options;

const unsigned char* raw(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// A frame with its length in `length_bytes` (0 = shortest form) and the given payload, masked when `key` is given.
std::string frame(unsigned b0, std::string_view payload, bool masked = true, unsigned length_bytes = 0) {
  std::string out(1, static_cast<char>(b0));
  const std::uint64_t n = payload.size();
  if (length_bytes == 0) length_bytes = n < 126 ? 1 : n < 65536 ? 2 : 8;
  const unsigned mask_bit = masked ? 0x80 : 0;
  out += static_cast<char>(mask_bit | (length_bytes == 1 ? n : length_bytes == 2 ? 126 : 127));
  if (length_bytes > 1) {
    for (int shift = static_cast<int>(length_bytes) * 8 - 8; shift >= 0; shift -= 8)
      out += static_cast<char>(n >> shift & 0xff);
  }
  constexpr std::string_view kKey = "\x37\xfa\x21\x3d";
  if (masked) out += kKey;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    out += masked ? static_cast<char>(payload[i] ^ kKey[i % 4]) : payload[i];
  }
  return out;
}

// Scans the stream whole, byte by byte and at random cuts; holds each against the slow model, returns the model's view.
StreamSeen scan(std::string_view stream, Options options) {
  const StreamSeen model = testing::scan_slowly(stream, options);
  const auto check = [&](const testing::Pieces& pieces) {
    std::string why;
    const StreamSeen seen = testing::drive(pieces, options, [](std::string_view text) { ADD_FAILURE() << text; });
    EXPECT_TRUE(testing::agrees(seen, model, why))
        << why << "; stream " << ::testing::PrintToString(stream.substr(0, 200)) << " in " << pieces.size()
        << " pieces";
    return 0;
  };
  testing::same_for_all_cuts(stream, check);
  return model;
}

void expect_violation(std::string_view stream, std::string_view reason, Options options = {}) {
  const StreamSeen seen = scan(stream, options);
  EXPECT_EQ(seen.reason, reason);
  EXPECT_EQ(seen.violation, CloseCode::protocol_error);
  options.validate = false;
  EXPECT_EQ(scan(stream, options).violation, CloseCode::none) << "passes without validation";
}

TEST(FrameScanner, WholeMessages) {
  const StreamSeen seen = scan(frame(0x81, "Hello") + frame(0x82, "") + frame(0x82, std::string(126, 'x')) +
                                   frame(0x81, std::string(65535, 'y')) + frame(0x82, std::string(70000, 'z')),
                               {});
  EXPECT_EQ(seen.frames, 5u);
  EXPECT_EQ(seen.messages, 5u);
  EXPECT_TRUE(seen.between_messages);
}

TEST(FrameScanner, FromTheOriginUnmasked) {
  const StreamSeen seen =
      scan(frame(0x81, "Hello", false) + frame(0x82, std::string(300, 'x'), false), {.from_client = false});
  EXPECT_EQ(seen.frames, 2u);
  EXPECT_EQ(seen.violation, CloseCode::none);
}

TEST(FrameScanner, FragmentsAndControlFramesBetweenThem) {
  const StreamSeen seen =
      scan(frame(0x01, "a") + frame(0x89, "ping") + frame(0x00, "b") + frame(0x8a, "pong") + frame(0x80, "c"), {});
  EXPECT_EQ(seen.frames, 5u);
  EXPECT_EQ(seen.messages, 1u);
  EXPECT_EQ(seen.texts, 1u);
  EXPECT_EQ(seen.kinds, (decltype(seen.kinds){2, 1, 0, 0, 1, 1, 0}));
  ASSERT_EQ(seen.controls.size(), 2u);
  EXPECT_EQ(seen.controls[0].opcode, 9u);
  EXPECT_EQ(seen.controls[0].length, 4u);
  EXPECT_TRUE(scan(frame(0x01, "a"), {}).at_boundary);
  EXPECT_FALSE(scan(frame(0x01, "a"), {}).between_messages);
}

TEST(FrameScanner, AControlFrameEndsTheStep) {
  const std::string ping = frame(0x89, "a ping of the edge"), text = frame(0x81, "text");
  const std::string stream = text + ping + text;
  FrameScanner scanner({});
  const auto step = scanner.scan(raw(stream), stream.size());
  ASSERT_EQ(step.event, Event::control);
  EXPECT_EQ(step.consumed, text.size() + ping.size());
  EXPECT_EQ(scanner.last_boundary(), step.consumed);
  EXPECT_EQ(scanner.control_opcode(), Opcode::ping);
  EXPECT_EQ(scanner.control_length(), 18);
  EXPECT_EQ(scanner.control_captured(), 8);
  EXPECT_EQ(scanner.control_frame_size(), ping.size());
  EXPECT_EQ(std::string(scanner.control_head().begin(), scanner.control_head().end()), "a ping o");
  EXPECT_EQ(scanner.frames(), 2u);
  const auto rest = scanner.scan(raw(stream) + step.consumed, stream.size() - step.consumed);
  EXPECT_EQ(rest.event, Event::more);
  EXPECT_EQ(rest.consumed, text.size());
  EXPECT_EQ(scanner.last_boundary(), text.size());
}

TEST(FrameScanner, AControlFrameUnderWay) {
  const std::string ping = frame(0x89, "0123456789");
  FrameScanner scanner({});
  for (std::size_t i = 0; i + 1 < ping.size(); ++i) {
    ASSERT_EQ(scanner.scan(raw(ping) + i, 1).event, Event::more);
    EXPECT_TRUE(scanner.in_control());
    EXPECT_EQ(scanner.control_opcode(), Opcode::ping);
    EXPECT_EQ(scanner.partial_header(), i < 5 ? i + 1 : 0u);
    EXPECT_EQ(scanner.control_captured(), i < 6 ? 0u : std::min<std::size_t>(i - 5, 8)) << i;
    EXPECT_EQ(scanner.last_boundary(), FrameScanner::kNoBoundary);
  }
  EXPECT_EQ(scanner.scan(raw(ping) + ping.size() - 1, 1).event, Event::control);
  EXPECT_FALSE(scanner.in_control());
  EXPECT_EQ(std::string(scanner.control_head().begin(), scanner.control_head().end()), "01234567");
}

TEST(FrameScanner, AnEmptyOrShortControlFrameLeavesZeros) {
  for (const std::string_view payload : {"", "abc"}) {
    const std::string pong = frame(0x8a, payload);
    FrameScanner scanner({});
    ASSERT_EQ(scanner.scan(raw(pong), pong.size()).event, Event::control);
    EXPECT_EQ(scanner.control_captured(), payload.size());
    std::string head(scanner.control_head().begin(), scanner.control_head().end());
    EXPECT_EQ(head, std::string(payload) + std::string(8 - payload.size(), '\0'));
  }
}

TEST(FrameScanner, CloseCodes) {
  FrameScanner scanner({});
  const std::string close = frame(0x88,
                                  "\x0f\xa1"
                                  "bye");
  ASSERT_EQ(scanner.scan(raw(close), close.size()).event, Event::control);
  EXPECT_EQ(scanner.close_code(), static_cast<CloseCode>(4001));
  FrameScanner empty({});
  const std::string none = frame(0x88, "");
  ASSERT_EQ(empty.scan(raw(none), none.size()).event, Event::control);
  EXPECT_EQ(empty.close_code(), CloseCode::no_status);
}

TEST(FrameScanner, BoundariesWithinASpan) {
  const std::string text = frame(0x81, "text");
  const std::string stream = text + text + text.substr(0, 3);
  FrameScanner scanner({});
  EXPECT_EQ(scanner.scan(raw(stream), stream.size()).event, Event::more);
  EXPECT_EQ(scanner.last_boundary(), 2 * text.size());
  EXPECT_EQ(scanner.partial_header(), 3u);
  EXPECT_FALSE(scanner.at_boundary());
  EXPECT_EQ(scanner.scan(raw(text) + 3, 4).event, Event::more);
  EXPECT_EQ(scanner.last_boundary(), FrameScanner::kNoBoundary);
  EXPECT_EQ(scanner.partial_header(), 0u);
  EXPECT_EQ(scanner.scan(raw(text) + 7, text.size() - 7).event, Event::more);
  EXPECT_EQ(scanner.last_boundary(), text.size() - 7);
  EXPECT_TRUE(scanner.between_messages());
  EXPECT_EQ(scanner.scan(nullptr, 0).event, Event::more);
}

TEST(FrameScanner, AnIncompleteHeaderIsUpTo13Bytes) {
  const std::string big = frame(0x82, std::string(70000, 'x'));
  for (std::size_t n = 1; n < 14; ++n) {
    FrameScanner scanner({});
    EXPECT_EQ(scanner.scan(raw(big), n).event, Event::more);
    EXPECT_EQ(scanner.partial_header(), n);
  }
  FrameScanner scanner({});
  scanner.scan(raw(big), 14);
  EXPECT_EQ(scanner.partial_header(), 0u);
}

TEST(FrameScanner, Violations) {
  const std::string good = frame(0x81, "good");
  for (const std::string& before :
       {std::string(), good, good + frame(0x89, "p"), good + frame(0x02, std::string(200, 'f')) + frame(0x80, "")}) {
    for (const unsigned bit : {0x40, 0x20, 0x10}) {
      expect_violation(before + frame(0x81 | bit, "x"), "reserved bit without its extension");
      expect_violation(before + frame(0x8a | bit, "x"), "reserved bit without its extension");
    }
    for (const unsigned opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
      expect_violation(before + frame(0x80 | opcode, "x"), "reserved opcode");
    }
    expect_violation(before + frame(0x09, "x"), "fragmented control frame");
    expect_violation(before + frame(0x80, "x"), "continuation without a message");
    expect_violation(before + frame(0x00, "x"), "continuation without a message");
    expect_violation(before + frame(0x01, "x") + frame(0x81, "y"), "new message inside a message");
    expect_violation(before + frame(0x81, "x", false), "unmasked frame from the client");
    expect_violation(before + frame(0x89, "x", false), "unmasked frame from the client");
    expect_violation(before + frame(0x89, std::string(126, 'x')), "control frame longer than 125 bytes");
    expect_violation(before + frame(0x89, std::string(70000, 'x')), "control frame longer than 125 bytes");
    expect_violation(before + frame(0x88, "x"), "Close with a payload of 1 byte");
    expect_violation(before + frame(0x81, std::string(125, 'x'), true, 2), "length not in its shortest form");
    expect_violation(before + frame(0x81, std::string(65535, 'x'), true, 8), "length not in its shortest form");
    expect_violation(before + frame(0x88, "") + good, "frame after Close");
    expect_violation(before + frame(0x88, "") + frame(0x88, ""), "frame after Close");
  }
  expect_violation(frame(0x81, "x", true), "masked frame from the origin", {.from_client = false});
}

TEST(FrameScanner, CloseWithACodeThatMayNotBeSent) {
  for (const unsigned code : {0u, 999u, 1004u, 1005u, 1006u, 1015u, 1016u, 2999u, 5000u, 65535u}) {
    const std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff), 'w', 'h', 'y'};
    expect_violation(frame(0x81, "x") + frame(0x88, payload), "Close with a code that may not be sent");
  }
}

TEST(FrameScanner, LengthsFrom2To63) {
  std::string header("\x82\xff\x80\0\0\0\0\0\0\0abcd", 14);
  expect_violation(header + "payload", "length of 2^63 or more");
  header[2] = '\x7f';
  EXPECT_EQ(scan(header + "payload", {}).violation, CloseCode::none);
  const std::string all(
      "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff"
      "abcd",
      14);
  EXPECT_EQ(scan(all + "payload", {.validate = false, .max_message = 5}).violation, CloseCode::message_too_big);
}

TEST(FrameScanner, AViolationPointsAtItsFrame) {
  const std::string good = frame(0x81, "good"), bad = frame(0x83, "bad");
  FrameScanner scanner({});
  const std::string stream = good + good + bad;
  auto step = scanner.scan(raw(stream), stream.size());
  EXPECT_EQ(step.event, Event::violation);
  EXPECT_EQ(step.consumed, 2 * good.size());
  EXPECT_EQ(scanner.frames(), 2u);
  EXPECT_EQ(scanner.last_boundary(), 2 * good.size());
  EXPECT_EQ(scanner.violation_code(), CloseCode::protocol_error);
  EXPECT_FALSE(scanner.at_boundary());
  EXPECT_EQ(scanner.partial_header(), 0u);

  // One that shows only in a later span, at the second byte of its header.
  FrameScanner late({});
  const std::string unmasked = frame(0x81, "x", false);
  EXPECT_EQ(late.scan(raw(unmasked), 1).event, Event::more);
  step = late.scan(raw(unmasked) + 1, unmasked.size() - 1);
  EXPECT_EQ(step.event, Event::violation);
  EXPECT_EQ(step.consumed, 0u);
}

TEST(FrameScanner, Rsv1IsForTheFirstFrameOfAMessage) {
  const Options deflate{.allowed_rsv = 0x40};
  const StreamSeen seen =
      scan(frame(0xc1, "x") + frame(0x41, "x") + frame(0x89, "") + frame(0x80, "y") + frame(0x82, "z"), deflate);
  EXPECT_EQ(seen.violation, CloseCode::none);
  EXPECT_EQ(seen.messages, 3u);
  expect_violation(frame(0x41, "x") + frame(0xc0, "y"), "reserved bit without its extension", deflate);
  expect_violation(frame(0xc9, "x"), "reserved bit without its extension", deflate);
  expect_violation(frame(0xe1, "x"), "reserved bit without its extension", deflate);
  EXPECT_EQ(scan(frame(0x71, "x") + frame(0xf0, "y") + frame(0xb9, ""), {.allowed_rsv = 0x70}).violation,
            CloseCode::none);
}

TEST(FrameScanner, MaxMessage) {
  for (const bool validate : {true, false}) {
    const Options ten{.validate = validate, .max_message = 10};
    EXPECT_EQ(scan(frame(0x81, "0123456789") + frame(0x82, "0123456789"), ten).messages, 2u);
    StreamSeen seen = scan(frame(0x81, "0123456789") + frame(0x82, "0123456789x"), ten);
    EXPECT_EQ(seen.violation, CloseCode::message_too_big);
    EXPECT_EQ(seen.reason, "message too big");
    EXPECT_EQ(seen.frames, 1u);
    seen = scan(
        frame(0x01, "01234") + frame(0x89, "a long ping does not count") + frame(0x00, "5678") + frame(0x80, "9"), ten);
    EXPECT_EQ(seen.violation, CloseCode::none);
    seen = scan(frame(0x01, "01234") + frame(0x00, "56789") + frame(0x80, "x"), ten);
    EXPECT_EQ(seen.violation, CloseCode::message_too_big);
    // The count starts again with each message, wherever the frames before ended.
    seen = scan(frame(0x01, "01234") + frame(0x80, "56789") + frame(0x01, "01234") + frame(0x80, "56789") +
                    frame(0x81, "0123456789"),
                ten);
    EXPECT_EQ(seen.violation, CloseCode::none);
    EXPECT_EQ(seen.messages, 3u);
  }
}

// A continuation that continues nothing passes without validation and counts as a message of its own.
TEST(FrameScanner, MaxMessageOfAStrayContinuation) {
  const Options ten{.validate = false, .max_message = 10};
  const std::string message = frame(0x01, "0123") + frame(0x80, "4567");
  EXPECT_EQ(scan(message + frame(0x80, "01234"), ten).violation, CloseCode::none);
  EXPECT_EQ(scan(message + frame(0x80, "0123456789x"), ten).violation, CloseCode::message_too_big);
}

// Found by fuzzing: without a limit, lengths that add up to more than 2^64 were taken for a message too big.
TEST(FrameScanner, LengthsThatOverflow64BitsAreNoMessageTooBigWithoutALimit) {
  const std::string huge(
      "\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff"
      "abcd",
      14);
  const std::string stream = frame(0x01, "some bytes") + huge + "more";
  EXPECT_EQ(scan(stream, {.validate = false}).violation, CloseCode::none);
  EXPECT_EQ(scan(stream, {.validate = false, .max_message = INT64_MAX - 1}).violation, CloseCode::message_too_big);
  // A limit of 2^63 or more is none.
  EXPECT_EQ(scan(stream, {.validate = false, .max_message = UINT64_MAX - 1}).violation, CloseCode::none);
}

TEST(FrameScanner, AnOversizedControlFramePassesUnvalidated) {
  const std::string ping = frame(0x89, std::string(300, 'x'));
  FrameScanner scanner({.validate = false});
  ASSERT_EQ(scanner.scan(raw(ping), ping.size()).event, Event::control);
  EXPECT_EQ(scanner.control_length(), 255);
  EXPECT_EQ(scanner.control_captured(), 0);
  EXPECT_EQ(scanner.control_frame_size(), UINT32_MAX);
}

// Payload that nobody looks at: the same counts, tallies and boundaries as if it had been scanned.
TEST(FrameScanner, SkippingIsScanning) {
  std::mt19937 random(testing::kCutSeed);
  std::string stream;
  for (const unsigned b0 : {0x82u, 0x01u, 0x00u, 0x80u, 0x81u, 0x89u, 0x02u, 0x80u}) {
    stream += frame(b0, std::string((b0 & 8) != 0 ? 100 : random() % 300, 'p'));
  }
  for (int round = 0; round < 500; ++round) {
    FrameScanner scanned({}), skipped({});
    FrameTally scanned_tally, skipped_tally;
    for (std::size_t at = 0; at < stream.size();) {
      std::size_t size = std::min<std::size_t>(1 + random() % 40, stream.size() - at);
      const std::uint64_t left = skipped.data_left();
      if (left != 0) size = static_cast<std::size_t>(std::min<std::uint64_t>(size, left));
      const FrameScanner::Step step = scanned.scan(raw(stream) + at, size, &scanned_tally);
      if (left != 0 && random() % 2 == 0) {
        skipped.skip(size, &skipped_tally);
      } else {
        EXPECT_EQ(skipped.scan(raw(stream) + at, size, &skipped_tally).consumed, step.consumed);
      }
      EXPECT_EQ(skipped.last_boundary(), scanned.last_boundary());
      EXPECT_EQ(skipped.at_boundary(), scanned.at_boundary());
      EXPECT_EQ(skipped.between_messages(), scanned.between_messages());
      EXPECT_EQ(skipped.data_left(), scanned.data_left());
      EXPECT_EQ(skipped.frames(), scanned.frames());
      EXPECT_EQ(skipped.messages(), scanned.messages());
      at += step.consumed;
    }
    for (const FrameKind kind : {FrameKind::text, FrameKind::binary, FrameKind::continuation}) {
      EXPECT_EQ(skipped_tally.of(kind).get(), scanned_tally.of(kind).get());
    }
    EXPECT_EQ(skipped_tally.text_messages.get(), scanned_tally.text_messages.get());
    EXPECT_EQ(skipped_tally.binary_messages.get(), scanned_tally.binary_messages.get());
    EXPECT_EQ(skipped.data_left(), 0u);
    EXPECT_EQ(skipped.frames(), 8u);
    ASSERT_FALSE(::testing::Test::HasFailure()) << "round " << round;
  }
}

TEST(FrameScanner, NoPayloadIsLeftOutsideOfADataFrame) {
  FrameScanner scanner({});
  EXPECT_EQ(scanner.data_left(), 0u);
  const std::string data = frame(0x82, std::string(70000, 'p')), ping = frame(0x89, "ping");
  scanner.scan(raw(data), 13);
  EXPECT_EQ(scanner.data_left(), 0u) << "half a header";
  scanner.scan(raw(data) + 13, 1);
  EXPECT_EQ(scanner.data_left(), 70000u);
  scanner.skip(70000);
  EXPECT_EQ(scanner.last_boundary(), 70000u);
  scanner.scan(raw(ping), 7);
  EXPECT_EQ(scanner.data_left(), 0u) << "a control frame";
}

// Streams of frames that are mostly right, with bytes spoilt here and there, against the slow model.
TEST(FrameScanner, RandomStreamsAgainstTheSlowModel) {
  std::mt19937 random(testing::kCutSeed);
  const auto pick = [&random](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 3000; ++round) {
    Options options{.from_client = pick(2) == 0, .validate = pick(3) != 0};
    constexpr std::uint8_t kRsv[] = {0, 0, 0x40, 0x70};
    options.allowed_rsv = kRsv[pick(4)];
    if (pick(4) == 0) options.max_message = static_cast<std::uint64_t>(pick(400));
    std::string stream;
    bool open = false;
    for (int i = pick(12); i >= 0; --i) {
      const std::string payload(static_cast<std::size_t>(pick(10) == 0 ? 120 + pick(200) : pick(20)), 'p');
      unsigned b0 = 0x80;
      if (pick(4) == 0) {
        b0 = pick(10) == 0 ? 0x88 : 0x89 + static_cast<unsigned>(pick(2));
      } else {
        const bool fin = pick(3) != 0;
        b0 = (fin ? 0x80u : 0u) | (open ? 0u : 1u + static_cast<unsigned>(pick(2))) |
             (!open && pick(5) == 0 ? 0x40u : 0u);
        open = !fin;
      }
      const std::string_view body =
          b0 == 0x88 ? std::string_view("\x03\xe8", 2) : std::string_view(payload).substr(0, (b0 & 8) != 0 ? 125 : 400);
      stream += frame(b0, body, options.from_client, pick(30) == 0 ? 2 : 0);
    }
    for (int spoil = pick(3); spoil > 1; --spoil)
      stream[static_cast<std::size_t>(pick(static_cast<int>(stream.size())))] ^= static_cast<char>(1 << pick(8));
    stream.resize(stream.size() - static_cast<std::size_t>(pick(3)));
    scan(stream, options);
    if (::testing::Test::HasFailure()) {
      FAIL() << "seed " << testing::kCutSeed << ", round " << round;
    }
  }
}

}  // namespace
}  // namespace fairlead::protocol
