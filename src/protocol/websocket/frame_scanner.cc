#include "protocol/websocket/frame_scanner.h"

#include <algorithm>

namespace fairlead::protocol {

enum class FrameScanner::Reason : std::uint8_t {
  none,
  after_close,
  reserved_bits,
  reserved_opcode,
  fragmented_control,
  stray_continuation,
  interleaved,
  unmasked,
  masked,
  long_control,
  short_close,
  not_minimal,
  too_long,
  message_too_big,
  close_code,
};

CloseCode FrameScanner::violation_code() const {
  if (!violated()) return CloseCode::none;
  return static_cast<Reason>(header_seen_) == Reason::message_too_big ? CloseCode::message_too_big
                                                                      : CloseCode::protocol_error;
}

std::string_view FrameScanner::violation_reason() const {
  if (!violated()) return "";
  switch (static_cast<Reason>(header_seen_)) {
    case Reason::none: break;
    case Reason::after_close: return "frame after Close";
    case Reason::reserved_bits: return "reserved bit without its extension";
    case Reason::reserved_opcode: return "reserved opcode";
    case Reason::fragmented_control: return "fragmented control frame";
    case Reason::stray_continuation: return "continuation without a message";
    case Reason::interleaved: return "new message inside a message";
    case Reason::unmasked: return "unmasked frame from the client";
    case Reason::masked: return "masked frame from the origin";
    case Reason::long_control: return "control frame longer than 125 bytes";
    case Reason::short_close: return "Close with a payload of 1 byte";
    case Reason::not_minimal: return "length not in its shortest form";
    case Reason::too_long: return "length of 2^63 or more";
    case Reason::message_too_big: return "message too big";
    case Reason::close_code: return "Close with a code that may not be sent";
  }
  return "";
}

// The checks run in the order in which their bytes arrive, each as soon as its byte is there, so that the verdict on a
// frame is the same however the stream was cut.

FrameScanner::Reason FrameScanner::check_first(unsigned b0) const {
  if ((flags_ & kValidate) == 0) return Reason::none;
  if ((flags_ & kClosed) != 0) return Reason::after_close;
  const unsigned opcode = b0 & 0x0f;
  const unsigned rsv = b0 & kRsv;
  const unsigned allowed = flags_ & kRsv;
  if (rsv != 0 && allowed != kRsv) {
    // RFC 7692 6: RSV1 marks a compressed message on its first frame; continuations and control frames never carry it.
    if ((rsv & ~allowed) != 0 || opcode == 0 || (opcode & kControlBit) != 0) return Reason::reserved_bits;
  }
  if ((opcode & 7) > 2) return Reason::reserved_opcode;
  if ((opcode & kControlBit) != 0) return (b0 & kFin) == 0 ? Reason::fragmented_control : Reason::none;
  const bool open = (flags_ & kInMessage) != 0;
  if (opcode == 0) return open ? Reason::none : Reason::stray_continuation;
  return open ? Reason::interleaved : Reason::none;
}

FrameScanner::Reason FrameScanner::check_second(unsigned b0, unsigned b1) const {
  if ((flags_ & kValidate) == 0) return Reason::none;
  if ((b1 & 0x80) != (flags_ & kMasked)) return (b1 & 0x80) != 0 ? Reason::masked : Reason::unmasked;
  if ((b0 & kControlBit) != 0) {
    if ((b1 & 0x7f) > kMaxControlPayload) return Reason::long_control;
    if ((b0 & 0x0f) == static_cast<unsigned>(Opcode::close) && (b1 & 0x7f) == 1) return Reason::short_close;
  }
  return Reason::none;
}

// Also keeps count of the message, because the length is what max_message is about.
FrameScanner::Reason FrameScanner::check_length(unsigned b0, unsigned length7, std::uint64_t length) {
  if ((flags_ & kValidate) != 0) {
    if (length7 == 126 && length < 126) return Reason::not_minimal;
    if (length7 == 127 && length < 65536) return Reason::not_minimal;
    if (length7 == 127 && (length >> 63) != 0) return Reason::too_long;
  }
  if ((b0 & kControlBit) != 0) return Reason::none;
  if ((b0 & 0x0f) != 0) message_bytes_ = static_cast<Opcode>(b0 & 0x0f) == Opcode::text ? kText : 0;
  const std::uint64_t before = message_bytes_ & ~kText;
  // Saturates: lengths that were not validated may add up to more.
  const std::uint64_t sum = length > kMostBytes - before ? kMostBytes : before + length;
  message_bytes_ = (message_bytes_ & kText) | sum;
  if (sum > max_message_) return Reason::message_too_big;
  return Reason::none;
}

// The header is complete: b0_, b1_ and payload_left_ hold it.
void FrameScanner::begin_payload() {
  header_seen_ = 0;
  if ((b0_ & kControlBit) != 0) return;
  if ((b0_ & kFin) != 0) {
    flags_ &= static_cast<std::uint8_t>(~kInMessage);
    message_bytes_ &= kText;
  } else {
    flags_ |= kInMessage;
  }
}

// One byte of a header that does not lie whole in one span.
FrameScanner::Reason FrameScanner::header_byte(unsigned char c, bool& complete) {
  const unsigned n = header_seen_++;
  complete = false;
  if (n == 0) {
    b0_ = c;
    b1_ = 0;
    return check_first(c);
  }
  if (n == 1) {
    b1_ = c;
    control_head_ = {};
    if (const Reason reason = check_second(b0_, c); reason != Reason::none) return reason;
  }
  const unsigned length7 = b1_ & 0x7f;
  const unsigned length_end = length7 < 126 ? 2 : length7 == 126 ? 4 : 10;
  const unsigned end = length_end + ((b1_ & 0x80) >> 5);
  if (n >= length_end) {
    control_head_[n - length_end] = control_head_[n - length_end + 4] = c;
  } else if (n >= 2) {
    payload_left_ = payload_left_ << 8 | c;
  } else {
    payload_left_ = length7 < 126 ? length7 : 0;
  }
  if (n + 1 == length_end) {
    if (const Reason reason = check_length(b0_, length7, payload_left_); reason != Reason::none) return reason;
  }
  complete = n + 1 == end;
  return Reason::none;
}

// Takes payload of the control frame under way; returns how much.
std::size_t FrameScanner::take_control(const unsigned char* data, std::size_t size, Reason& reason) {
  const std::size_t take = payload_left_ < size ? static_cast<std::size_t>(payload_left_) : size;
  const unsigned before = control_captured();
  if (short_length()) {
    for (std::size_t i = 0; i < take && before + i < 8; ++i) control_head_[before + i] ^= data[i];
  }
  payload_left_ -= take;
  const unsigned captured = control_captured();
  if (payload_left_ == 0) std::fill(control_head_.begin() + captured, control_head_.end(), 0);
  if ((flags_ & kValidate) != 0 && control_opcode() == Opcode::close && before < 2 && captured >= 2 &&
      !may_be_sent(close_code())) {
    reason = Reason::close_code;
  }
  return take;
}

FrameScanner::Step FrameScanner::violation(Reason reason, std::size_t frame_start) {
  flags_ |= kViolated;
  header_seen_ = static_cast<std::uint8_t>(reason);
  payload_left_ = 0;
  return {Event::violation, static_cast<std::uint32_t>(frame_start)};
}

FrameScanner::Step FrameScanner::scan_general(const unsigned char* data, std::size_t size, std::size_t at,
                                              FrameTally* tally) {
  if (violated()) return {Event::violation, 0};
  std::size_t frame_start = at;  // when a frame is under way, at is 0: it began earlier
  Reason reason = Reason::none;
  while (at < size) {
    if (header_seen_ != 0 || payload_left_ == 0) {
      if (header_seen_ == 0) frame_start = at;
      bool complete = false;
      if (header_seen_ == 0 && size - at >= 14) {
        // All of a header is there: the same steps as header_byte() takes, at once.
        const unsigned char* p = data + at;
        b0_ = p[0];
        b1_ = p[1];
        reason = check_first(b0_);
        if (reason == Reason::none) reason = check_second(b0_, b1_);
        if (reason != Reason::none) return violation(reason, frame_start);
        const unsigned length7 = b1_ & 0x7f;
        p += 2;
        std::uint64_t length = length7;
        if (length7 >= 126) {
          length = 0;
          for (const unsigned char* const end = p + (length7 == 126 ? 2 : 8); p != end; ++p) length = length << 8 | *p;
        }
        reason = check_length(b0_, length7, length);
        if (reason != Reason::none) return violation(reason, frame_start);
        payload_left_ = length;
        control_head_ = {};
        if ((b1_ & 0x80) != 0) {
          for (unsigned i = 0; i < 4; ++i) control_head_[i] = control_head_[i + 4] = p[i];
          p += 4;
        }
        at = static_cast<std::size_t>(p - data);
        complete = true;
      } else {
        while (at < size && !complete) {
          reason = header_byte(data[at++], complete);
          if (reason != Reason::none) return violation(reason, frame_start);
        }
      }
      if (!complete) break;
      begin_payload();
    }
    const bool control = (b0_ & kControlBit) != 0;
    if (control) {
      at += take_control(data + at, size - at, reason);
      if (reason != Reason::none) return violation(reason, frame_start);
    } else {
      const std::size_t take = payload_left_ < size - at ? static_cast<std::size_t>(payload_left_) : size - at;
      payload_left_ -= take;
      at += take;
    }
    if (payload_left_ != 0) break;  // the span is used up
    if (!control) {
      end_data_frame(at, tally);
      continue;
    }
    ++frames_;
    last_boundary_ = static_cast<std::uint32_t>(at);
    if ((flags_ & kValidate) != 0 && control_opcode() == Opcode::close) flags_ |= kClosed;
    return {Event::control, static_cast<std::uint32_t>(at)};
  }
  return {Event::more, static_cast<std::uint32_t>(size)};
}

}  // namespace fairlead::protocol
