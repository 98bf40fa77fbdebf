#pragma once
// FrameTally: frames and data messages by kind, of as many sessions as add to it: what a FrameScanner finds, counted
// while sessions are open. One thread adds, any may read.

#include <array>
#include <cstddef>

#include "base/counter.h"
#include "protocol/websocket/frame.h"

namespace fairlead::protocol {

enum class FrameKind : std::uint8_t { continuation, text, binary, close, ping, pong, other };
inline constexpr std::size_t kFrameKinds = 7;

constexpr FrameKind frame_kind(Opcode opcode) {
  switch (opcode) {
    case Opcode::continuation: return FrameKind::continuation;
    case Opcode::text: return FrameKind::text;
    case Opcode::binary: return FrameKind::binary;
    case Opcode::close: return FrameKind::close;
    case Opcode::ping: return FrameKind::ping;
    case Opcode::pong: return FrameKind::pong;
  }
  return FrameKind::other;  // reserved, RFC 6455 11.8
}

struct FrameTally {
  std::array<base::Counter, kFrameKinds> frames;  // by FrameKind
  // Data messages by the opcode of their first frame. What is neither (reserved opcodes) counts as binary.
  base::Counter text_messages, binary_messages;

  base::Counter& of(FrameKind kind) { return frames[static_cast<std::size_t>(kind)]; }
  const base::Counter& of(FrameKind kind) const { return frames[static_cast<std::size_t>(kind)]; }
};

}  // namespace fairlead::protocol
