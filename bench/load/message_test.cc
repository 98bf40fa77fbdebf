#include "bench/load/message.h"

#include <gtest/gtest.h>

#include "bench/load/origin.h"

namespace fairlead::bench {
namespace {

constexpr MaskKey kKey{0x37, 0xa9, 0x5c, 0xe1};

// The payload of a frame, unmasked.
std::string payload_of(std::string_view frame, FrameHead* head = nullptr) {
  FrameReader reader;
  std::string payload;
  for (auto step = reader.next(frame); step.what != FrameReader::What::more; step = reader.next(frame)) {
    EXPECT_NE(step.what, FrameReader::What::broken);
    if (step.what != FrameReader::What::payload) continue;
    std::string piece(step.piece.size(), '\0');
    mask(piece.data(), step.piece.data(), piece.size(), reader.head().key, step.at);
    payload += piece;
  }
  if (head) *head = reader.head();
  return payload;
}

TEST(Message, is_a_masked_frame_of_the_size_asked_for) {
  for (const std::uint64_t size : {0u, 1u, 8u, 64u, 126u, 1024u, 65536u, 200'000u}) {
    Message message(size, Opcode::text, kKey);
    FrameHead head;
    const std::string payload = payload_of(message.stamped(make_stamp(0x0123abcd)), &head);
    ASSERT_EQ(payload.size(), size);
    EXPECT_TRUE(head.masked);
    EXPECT_TRUE(head.fin);
    EXPECT_EQ(head.opcode, Opcode::text);
    EXPECT_EQ(payload.substr(0, 8), std::string("0123abcd").substr(0, size));
    for (std::size_t i = 8; i < size; ++i) ASSERT_EQ(payload[i], pattern()[i % pattern().size()]) << i;
  }
}

TEST(Message, a_stamp_leaves_nothing_of_the_one_before) {
  Message message(20, Opcode::binary, kKey);
  const std::string first = payload_of(message.stamped(make_stamp(1)));
  const std::string second = payload_of(message.stamped(make_stamp(0xffffffff)));
  EXPECT_EQ(first.substr(0, 8), "00000001");
  EXPECT_EQ(second.substr(0, 8), "ffffffff");
  EXPECT_EQ(first.substr(8), second.substr(8));
}

}  // namespace
}  // namespace fairlead::bench
