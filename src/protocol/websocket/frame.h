#pragma once
// Frames the edge itself writes: Ping, Pong and Close (RFC 6455 5.5). Control frames are at most 125 bytes of payload,
// so the whole frame fits a small value that needs no memory of its own. A frame to the origin is masked with a key the
// caller drew (RFC 6455 5.3); one to the client is not.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "protocol/websocket/close_code.h"

namespace fairlead::protocol {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

constexpr bool is_control(Opcode opcode) { return (static_cast<std::uint8_t>(opcode) & 8) != 0; }

// "text", "ping", …; "reserved" for the others.
std::string_view to_string(Opcode opcode);

using MaskKey = std::array<std::uint8_t, 4>;

inline constexpr std::size_t kMaxControlPayload = 125;
inline constexpr std::size_t kMaxCloseReason = 123;

struct ControlFrame {
  std::array<unsigned char, 131> bytes;  // 2 header, 4 key, 125 payload
  std::uint8_t size = 0;

  std::span<const unsigned char> view() const { return {bytes.data(), size}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(bytes.data()), size}; }
};

// The payload is cut at 125 bytes.
ControlFrame encode_ping(std::span<const unsigned char> payload, std::optional<MaskKey> mask = std::nullopt);
ControlFrame encode_pong(std::span<const unsigned char> payload, std::optional<MaskKey> mask = std::nullopt);

// A Close with a code and a reason, which is cut at 123 bytes on a boundary of UTF-8. With a code that may not be sent
// (none, no_status, …) the payload is empty, which is how RFC 6455 7.1.5 writes "no status".
ControlFrame encode_close(CloseCode code, std::string_view reason = {}, std::optional<MaskKey> mask = std::nullopt);

}  // namespace fairlead::protocol
