#pragma once
// FrameScanner finds where WebSocket frames begin and end in one direction of a session (RFC 6455 5.2) while the bytes
// pass by unchanged. It is the only thing that looks at every frame, so it is made for that: 56 bytes of state, no
// allocation, no copy, two bytes read per small frame. Payload is skipped unseen, except the first 8 bytes of a control
// frame, which tell the edge its own Pong and the code of a Close. A Relay owns one per direction and feeds it each
// chunk before writing the chunk on.
//
// With `validate` a frame that breaks RFC 6455 is a violation, reported before the frame's first byte need be relayed
// when it began in this span; without, everything passes and is counted as well as it can be. `max_message` holds
// always. What is found does not depend on how the stream was cut into spans.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "protocol/websocket/close_code.h"
#include "protocol/websocket/frame.h"
#include "protocol/websocket/frame_tally.h"

namespace fairlead::protocol {

class FrameScanner {
 public:
  struct Options {
    bool from_client = true;  // frames must be masked (5.1); else they must not be
    bool validate = true;
    std::uint8_t allowed_rsv = 0;   // as of allowed_rsv() in handshake.h: 0, 0x40, or 0x70 for "any"
    std::uint64_t max_message = 0;  // payload bytes of one data message as sent (compressed or not); 0 = no limit
  };

  enum class Event : std::uint8_t { more, control, violation };
  struct Step {
    Event event;
    std::uint32_t consumed;
  };

  static constexpr std::uint32_t kNoBoundary = UINT32_MAX;

  explicit FrameScanner(Options options)
      : max_message_(options.max_message == 0 || options.max_message > kMostBytes ? kMostBytes : options.max_message),
        flags_(static_cast<std::uint8_t>((options.from_client ? kMasked : 0) | (options.validate ? kValidate : 0) |
                                         (options.allowed_rsv & kRsv))) {}

  // Looks at the next `size` (< 2^32) bytes of the stream. Data frames and messages that end in them are added to
  // `tally` by kind, besides being counted here; control frames, of which some are nobody's business but the edge's,
  // are the caller's to add.
  //   more       everything was consumed.
  //   control    a control frame ended exactly at `consumed`; the control_*() accessors describe it; call again with
  //   the
  //              rest (if any).
  //   violation  the frame whose header was read last breaks the rules: violation_code(), violation_reason().
  //   `consumed`
  //              is the offset in this span of that frame's first byte, 0 when it began in an earlier one. Final: every
  //              later call says the same with 0.
  Step scan(const unsigned char* data, std::size_t size, FrameTally* tally = nullptr) {
    std::size_t at = 0;
    last_boundary_ = kNoBoundary;
    if (header_seen_ == 0 && payload_left_ != 0 && (b0_ & kControlBit) == 0) {  // inside a data frame
      if (payload_left_ > size) {
        payload_left_ -= size;
        return {Event::more, static_cast<std::uint32_t>(size)};
      }
      at = static_cast<std::size_t>(payload_left_);
      payload_left_ = 0;
      end_data_frame(at, tally);
    }
    if (at_boundary() && (flags_ & (kInMessage | kClosed)) == 0) at = scan_simple(data, size, at, tally);
    if (at == size) return {Event::more, static_cast<std::uint32_t>(size)};
    return scan_general(data, size, at, tally);
  }

  // Payload that is still to come of the data frame under way, its header having been seen; 0 outside of one.
  std::uint64_t data_left() const { return header_seen_ == 0 && (b0_ & kControlBit) == 0 ? payload_left_ : 0; }
  // As scan() of the next `size` bytes, which are payload: size <= data_left(). Nobody need have them at hand.
  void skip(std::uint64_t size, FrameTally* tally = nullptr) {
    last_boundary_ = kNoBoundary;
    payload_left_ -= size;
    if (payload_left_ == 0) end_data_frame(static_cast<std::size_t>(size), tally);
  }

  // Between two frames: the edge may write a frame of its own here.
  bool at_boundary() const { return payload_left_ == 0 && header_seen_ == 0; }
  // Between two messages: at_boundary() and no fragmented message open.
  bool between_messages() const { return at_boundary() && (flags_ & kInMessage) == 0; }

  // Bytes of an incomplete frame header seen at the end of the last span, 0..13. A relay that wants never to send half
  // a header holds these back.
  std::uint32_t partial_header() const { return violated() ? 0 : header_seen_; }

  // The offset in the last scanned span just after the last frame that ended in it, kNoBoundary if none did.
  std::uint32_t last_boundary() const { return last_boundary_; }

  // Of the control frame that just ended, or is under way. Without `validate` a control frame may be longer than 125
  // bytes: its control_length() reads 255, its size UINT32_MAX, and nothing of it is captured.
  Opcode control_opcode() const { return static_cast<Opcode>(b0_ & 0x0f); }
  std::uint8_t control_length() const { return short_length() ? (b1_ & 0x7f) : 255; }
  std::uint8_t control_captured() const {
    if (header_seen_ != 0 || !short_length()) return 0;
    const std::uint64_t seen = (b1_ & 0x7f) - payload_left_;
    return static_cast<std::uint8_t>(seen < 8 ? seen : 8);
  }
  // The first control_captured() bytes of the payload, unmasked; the others are 0 once the frame ended.
  std::span<const unsigned char, 8> control_head() const { return control_head_; }
  // Header and payload, in bytes.
  std::uint32_t control_frame_size() const {
    return short_length() ? 2u + ((b1_ & 0x80) >> 5) + (b1_ & 0x7f) : UINT32_MAX;
  }
  bool in_control() const { return !at_boundary() && !violated() && (b0_ & kControlBit) != 0; }

  // The code in the Close that just ended, CloseCode::no_status for one without.
  CloseCode close_code() const {
    return control_captured() < 2 ? CloseCode::no_status
                                  : static_cast<CloseCode>(control_head_[0] << 8 | control_head_[1]);
  }

  // Frames and data messages that ended so far.
  std::uint64_t frames() const { return frames_; }
  void forget_control() { --frames_; }  // the control frame that just ended is not to count
  std::uint64_t messages() const { return messages_; }

  // After a violation: the code to close with (1002 or 1009) and why, static text. CloseCode::none and "" before.
  bool violated() const { return (flags_ & kViolated) != 0; }
  CloseCode violation_code() const;
  std::string_view violation_reason() const;

 private:
  // flags_: the options and the state of the stream in one byte. kMasked is the mask bit's place in b1, kRsv the
  // reserved bits' in b0, so that they serve as masks.
  static constexpr std::uint8_t kViolated = 0x01, kValidate = 0x02, kInMessage = 0x04, kClosed = 0x08, kRsv = 0x70,
                                kMasked = 0x80, kControlBit = 0x08, kFin = 0x80;
  enum class Reason : std::uint8_t;

  bool short_length() const { return (b1_ & 0x7f) < 126; }

  void end_data_frame(std::size_t at, FrameTally* tally) {
    ++frames_;
    messages_ += b0_ >> 7;
    last_boundary_ = static_cast<std::uint32_t>(at);
    const auto opcode = static_cast<Opcode>(b0_ & 0x0f);
    if (tally) tally->of(frame_kind(opcode)).add();
    if ((b0_ & kFin) == 0) return;
    const bool text = opcode == Opcode::continuation ? (message_bytes_ & kText) != 0 : opcode == Opcode::text;
    message_bytes_ = 0;
    if (tally) (text ? tally->text_messages : tally->binary_messages).add();
  }

  // The frames that make up nearly all traffic, whole text or binary messages of up to 64 KiB outside a fragmented
  // message, one after the other: for each, two bytes (four) are read and four tests made. Returns where it met
  // anything else, which is not judged here. Needs: at a boundary, no message open, no Close before.
  std::size_t scan_simple(const unsigned char* data, const std::size_t size, std::size_t at, FrameTally* tally) {
    const unsigned rsv = flags_ & kRsv;  // only when allowed; RSV1 is, on a first frame
    const unsigned masked = flags_ & kMasked;
    const std::size_t key = masked >> 5;
    const std::uint64_t longest = max_message_;
    const std::size_t begin = at;
    std::uint64_t count = 0, binary = 0;
    const auto note = [&] {
      frames_ += count;
      messages_ += count;
      if (!tally) return;
      if (const std::uint64_t text = count - binary; text != 0) {
        tally->of(FrameKind::text).add(text);
        tally->text_messages.add(text);
      }
      if (binary != 0) {
        tally->of(FrameKind::binary).add(binary);
        tally->binary_messages.add(binary);
      }
    };
    while (size - at >= 2) {
      if (((data[at] & ~rsv) - 0x81u) > 1u) break;  // FIN, text or binary, no reserved bit
      std::size_t length = data[at + 1] ^ masked;   // a wrong mask bit makes it > 127
      std::size_t header = 2 + key;
      if (length >= 126) {
        if (length != 126 || size - at < 4) break;
        length = static_cast<std::size_t>(data[at + 2]) << 8 | data[at + 3];
        if (length < 126) break;
        header += 2;
      }
      if (length > longest) break;
      const std::size_t next = at + header + length;
      if (next > size) {
        if (at + header > size) break;  // the header itself is incomplete
        b0_ = data[at];
        b1_ = data[at + 1];
        payload_left_ = next - size;
        if (at != begin) last_boundary_ = static_cast<std::uint32_t>(at);
        note();
        return size;
      }
      ++count;
      binary += (data[at] & 0x0fu) >> 1;
      at = next;
    }
    if (at != begin) last_boundary_ = static_cast<std::uint32_t>(at);
    note();
    return at;
  }

  Step scan_general(const unsigned char* data, std::size_t size, std::size_t at, FrameTally* tally);
  Reason header_byte(unsigned char c, bool& complete);
  Reason check_first(unsigned b0) const;
  Reason check_second(unsigned b0, unsigned b1) const;
  Reason check_length(unsigned b0, unsigned length7, std::uint64_t length);
  void begin_payload();
  std::size_t take_control(const unsigned char* data, std::size_t size, Reason& reason);
  Step violation(Reason reason, std::size_t frame_start);

  std::uint64_t payload_left_ = 0;  // of the frame under way; while its header is read, the length so far
  std::uint64_t frames_ = 0;
  std::uint64_t messages_ = 0;
  // Payload of the fragmented message under way, up to the frame at hand; its highest bit: it is (or was) text.
  static constexpr std::uint64_t kText = std::uint64_t{1} << 63, kMostBytes = kText - 1;
  std::uint64_t message_bytes_ = 0;
  std::uint64_t max_message_;
  // The key twice over before the payload comes, so that payload bytes are unmasked by xor as they are captured and the
  // key needs no place of its own.
  std::array<unsigned char, 8> control_head_{};
  std::uint32_t last_boundary_ = kNoBoundary;
  std::uint8_t b0_ = 0;  // first and second byte of the last header seen
  std::uint8_t b1_ = 0;
  std::uint8_t header_seen_ = 0;  // bytes of an incomplete header; after a violation its Reason
  std::uint8_t flags_;
};

static_assert(sizeof(FrameScanner) <= 56, "two of these sit in every idle session");

}  // namespace fairlead::protocol
