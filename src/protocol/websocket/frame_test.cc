#include "protocol/websocket/frame.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairlead::protocol {
namespace {

std::span<const unsigned char> bytes(std::string_view text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

// n times 'x' and a tail.
std::string xs(std::size_t n, std::string_view tail) {
  std::string text(n, 'x');
  text += tail;
  return text;
}

TEST(ControlFrame, PingAndPong) {
  EXPECT_EQ(encode_ping(bytes("Hello")).text(), std::string_view("\x89\x05Hello"));  // RFC 6455 5.7
  EXPECT_EQ(encode_pong(bytes("Hello"), MaskKey{0x37, 0xfa, 0x21, 0x3d}).text(),
            std::string_view("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"));
  EXPECT_EQ(encode_ping({}).text(), std::string_view("\x89\x00", 2));
}

TEST(ControlFrame, PayloadIsCutAt125) {
  const std::string text(200, 'x');
  const ControlFrame frame = encode_ping(bytes(text), MaskKey{1, 2, 3, 4});
  EXPECT_EQ(frame.size, 131);
  EXPECT_EQ(frame.bytes[1], 0x80 | 125);
  EXPECT_EQ(encode_ping(bytes(text)).size, 127);
}

TEST(ControlFrame, Close) {
  EXPECT_EQ(encode_close(CloseCode::going_away, "bye").text(), std::string_view("\x88\x05\x03\xe9"
                                                                                "bye"));
  EXPECT_EQ(encode_close(CloseCode::normal).text(), std::string_view("\x88\x02\x03\xe8"));
  EXPECT_EQ(encode_close(CloseCode::normal, "", MaskKey{1, 0, 0, 0}).text(),
            std::string_view("\x88\x82\x01\0\0\0\x02\xe8", 8));
}

TEST(ControlFrame, CloseWithoutACodeThatMayBeSentIsEmpty) {
  for (const CloseCode code : {CloseCode::none, CloseCode::no_status, CloseCode::abnormal, CloseCode::tls_handshake,
                               static_cast<CloseCode>(1004), static_cast<CloseCode>(5000)}) {
    EXPECT_EQ(encode_close(code, "reason").text(), std::string_view("\x88\x00", 2));
  }
}

TEST(ControlFrame, AReasonIsCutBetweenCharacters) {
  const std::string fits(123, 'x');
  EXPECT_EQ(encode_close(CloseCode::normal, fits).size, 127);
  // 122 bytes and a character of two, three, four bytes: it goes as a whole.
  for (const std::string character : {"\xc3\xa4", "\xe4\xbd\xa0", "\xf0\x9f\x98\x80"}) {
    const ControlFrame frame = encode_close(CloseCode::normal, xs(122, character + "tail"));
    EXPECT_EQ(frame.text().substr(4), std::string(122, 'x'));
  }
  const ControlFrame frame = encode_close(CloseCode::normal, xs(121, "\xc3\xa4y"));
  EXPECT_EQ(frame.text().substr(4), xs(121, "\xc3\xa4"));
  // What is no UTF-8 has no boundary to cut at, and nothing is sent of it.
  EXPECT_EQ(encode_close(CloseCode::normal, std::string(200, '\x80')).size, 4);
}

TEST(CloseCode, WhatMayBeSent) {
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 3999, 4000, 4999}) {
    EXPECT_TRUE(may_be_sent(static_cast<std::uint16_t>(code))) << code;
  }
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535}) {
    EXPECT_FALSE(may_be_sent(static_cast<std::uint16_t>(code))) << code;
  }
  EXPECT_EQ(to_string(CloseCode::going_away), "going away");
  EXPECT_EQ(to_string(static_cast<CloseCode>(4001)), "private");
  EXPECT_EQ(to_string(static_cast<CloseCode>(3001)), "registered");
  EXPECT_EQ(to_string(static_cast<CloseCode>(2000)), "unknown");
  EXPECT_EQ(to_string(Opcode::ping), "ping");
  EXPECT_EQ(to_string(static_cast<Opcode>(3)), "reserved");
}

}  // namespace
}  // namespace fairlead::protocol
