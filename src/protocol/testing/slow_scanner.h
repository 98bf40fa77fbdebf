#pragma once
// SlowScanner: the rules of RFC 6455 5 written down once more, as plainly as they can be: it is given the whole stream
// at once and walks over it frame by frame. The model against which FrameScanner is tested and fuzzed; nothing here is
// shared with it.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/websocket/frame_scanner.h"

namespace fairlead::protocol::testing {

struct ControlSeen {
  std::uint64_t end = 0;  // offset in the stream just after the frame
  unsigned opcode = 0;
  unsigned length = 0;  // 255 for 126 and more
  unsigned captured = 0;
  std::array<unsigned char, 8> head{};
  bool operator==(const ControlSeen&) const = default;
};

struct StreamSeen {
  std::vector<std::uint64_t> ends;  // offsets just after each complete frame
  std::vector<ControlSeen> controls;
  std::uint64_t frames = 0, messages = 0;
  std::array<std::uint64_t, kFrameKinds> kinds{};  // frames by FrameKind
  std::uint64_t texts = 0;                         // of the messages
  bool at_boundary = true, between_messages = true;
  unsigned partial_header = 0;
  bool in_control = false;
  CloseCode violation = CloseCode::none;
  std::string reason;
  std::uint64_t violation_start = 0;  // offset of the offending frame
  bool operator==(const StreamSeen&) const = default;
};

inline StreamSeen scan_slowly(std::string_view stream, const FrameScanner::Options& options) {
  StreamSeen seen;
  const auto byte = [stream](std::uint64_t i) { return static_cast<unsigned char>(stream[i]); };
  bool message_open = false, message_text = false, closed = false;
  std::uint64_t message_bytes = 0;
  std::uint64_t start = 0;

  const auto violate = [&](std::string_view reason, CloseCode code = CloseCode::protocol_error) {
    seen.violation = code;
    seen.reason = reason;
    seen.violation_start = start;
    seen.at_boundary = seen.between_messages = false;
    return seen;
  };

  while (start < stream.size()) {
    const std::uint64_t have = stream.size() - start;
    const unsigned b0 = byte(start);
    const unsigned opcode = b0 & 15;
    const bool fin = b0 >= 128, control = opcode >= 8;
    seen.at_boundary = seen.between_messages = false;
    seen.in_control = control;
    seen.partial_header = static_cast<unsigned>(have);

    if (options.validate) {
      if (closed) return violate("frame after Close");
      const unsigned rsv = b0 & 0x70;
      const bool any = options.allowed_rsv == 0x70;
      if (!any && (rsv & ~options.allowed_rsv) != 0) return violate("reserved bit without its extension");
      if (!any && rsv != 0 && opcode != 1 && opcode != 2 && (opcode == 0 || control)) {
        return violate("reserved bit without its extension");
      }
      if (opcode != 0 && opcode != 1 && opcode != 2 && opcode != 8 && opcode != 9 && opcode != 10) {
        return violate("reserved opcode");
      }
      if (control && !fin) return violate("fragmented control frame");
      if (opcode == 0 && !message_open) return violate("continuation without a message");
      if ((opcode == 1 || opcode == 2) && message_open) return violate("new message inside a message");
    }
    if (have < 2) return seen;

    const unsigned b1 = byte(start + 1);
    const bool masked = b1 >= 128;
    const unsigned length7 = b1 & 127;
    if (options.validate) {
      if (options.from_client && !masked) return violate("unmasked frame from the client");
      if (!options.from_client && masked) return violate("masked frame from the origin");
      if (control && length7 > 125) return violate("control frame longer than 125 bytes");
      if (opcode == 8 && length7 == 1) return violate("Close with a payload of 1 byte");
    }
    const unsigned extra = length7 == 126 ? 2 : length7 == 127 ? 8 : 0;
    if (have < 2 + extra) return seen;
    std::uint64_t length = length7;
    if (extra != 0) {
      length = 0;
      for (unsigned i = 0; i < extra; ++i) length = length * 256 + byte(start + 2 + i);
    }
    if (options.validate) {
      if (extra == 2 && length < 126) return violate("length not in its shortest form");
      if (extra == 8 && length < 65536) return violate("length not in its shortest form");
      if (extra == 8 && length > INT64_MAX) return violate("length of 2^63 or more");
    }
    if (!control) {
      if (opcode != 0) message_bytes = 0;
      const bool overflow = length > UINT64_MAX - message_bytes;
      message_bytes = overflow ? UINT64_MAX : message_bytes + length;
      // No limit can be 2^63 or more.
      const bool limited = options.max_message != 0 && options.max_message <= INT64_MAX;
      if (limited && (overflow || message_bytes > options.max_message)) {
        return violate("message too big", CloseCode::message_too_big);
      }
    }
    const unsigned header = 2 + extra + (masked ? 4 : 0);
    if (have < header) return seen;
    seen.partial_header = 0;
    if (!control) {
      message_open = !fin;
      if (opcode != 0) message_text = opcode == 1;
      if (fin) message_bytes = 0;
    }

    std::array<unsigned char, 8> head{};
    unsigned captured = 0;
    if (control && length7 < 126) {
      for (; captured < 8 && captured < length && header + captured < have; ++captured) {
        head[captured] = byte(start + header + captured);
        if (masked) head[captured] ^= byte(start + header - 4 + captured % 4);
      }
      if (options.validate && opcode == 8 && captured >= 2) {
        if (!may_be_sent(static_cast<std::uint16_t>(head[0] * 256 + head[1]))) {
          return violate("Close with a code that may not be sent");
        }
      }
    }
    if (length > have - header) return seen;

    start += header + length;
    seen.ends.push_back(start);
    ++seen.frames;
    constexpr FrameKind kKinds[] = {FrameKind::continuation, FrameKind::text,  FrameKind::binary, FrameKind::other,
                                    FrameKind::other,        FrameKind::other, FrameKind::other,  FrameKind::other,
                                    FrameKind::close,        FrameKind::ping,  FrameKind::pong,   FrameKind::other,
                                    FrameKind::other,        FrameKind::other, FrameKind::other,  FrameKind::other};
    ++seen.kinds[static_cast<std::size_t>(kKinds[opcode])];
    if (control) {
      seen.controls.push_back({start, opcode, length7 < 126 ? length7 : 255, captured, head});
      if (opcode == 8) closed = true;
    } else if (fin) {
      ++seen.messages;
      seen.texts += message_text;
      message_text = false;
    }
    seen.at_boundary = true;
    seen.in_control = false;
    seen.between_messages = !message_open;
  }
  return seen;
}

}  // namespace fairlead::protocol::testing
