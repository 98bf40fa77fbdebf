#include "protocol/websocket/frame.h"

#include <algorithm>
#include <cstring>

namespace fairlead::protocol {
namespace {

ControlFrame encode(Opcode opcode, std::span<const unsigned char> payload, const std::optional<MaskKey>& mask) {
  ControlFrame frame;
  const std::size_t length = std::min(payload.size(), kMaxControlPayload);
  std::size_t at = 0;
  frame.bytes[at++] = static_cast<unsigned char>(0x80 | static_cast<unsigned>(opcode));
  frame.bytes[at++] = static_cast<unsigned char>((mask ? 0x80u : 0u) | length);
  if (mask) {
    for (const std::uint8_t k : *mask) frame.bytes[at++] = k;
  }
  for (std::size_t i = 0; i < length; ++i) {
    frame.bytes[at++] = mask ? static_cast<unsigned char>(payload[i] ^ (*mask)[i & 3]) : payload[i];
  }
  frame.size = static_cast<std::uint8_t>(at);
  return frame;
}

// At most `limit` bytes of the text, not ending inside a UTF-8 sequence.
std::string_view cut_utf8(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

std::string_view to_string(Opcode opcode) {
  switch (opcode) {
    case Opcode::continuation: return "continuation";
    case Opcode::text: return "text";
    case Opcode::binary: return "binary";
    case Opcode::close: return "close";
    case Opcode::ping: return "ping";
    case Opcode::pong: return "pong";
  }
  return "reserved";
}

ControlFrame encode_ping(std::span<const unsigned char> payload, std::optional<MaskKey> mask) {
  return encode(Opcode::ping, payload, mask);
}

ControlFrame encode_pong(std::span<const unsigned char> payload, std::optional<MaskKey> mask) {
  return encode(Opcode::pong, payload, mask);
}

ControlFrame encode_close(CloseCode code, std::string_view reason, std::optional<MaskKey> mask) {
  if (!may_be_sent(code)) return encode(Opcode::close, {}, mask);
  std::array<unsigned char, kMaxControlPayload> payload;
  const auto number = static_cast<std::uint16_t>(code);
  payload[0] = static_cast<unsigned char>(number >> 8);
  payload[1] = static_cast<unsigned char>(number & 0xff);
  const std::string_view text = cut_utf8(reason, kMaxCloseReason);
  if (!text.empty()) std::memcpy(payload.data() + 2, text.data(), text.size());
  return encode(Opcode::close, {payload.data(), text.size() + 2}, mask);
}

}  // namespace fairlead::protocol
