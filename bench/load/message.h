#pragma once
// Message: what the sessions of a worker send, made once. A frame with its masked payload stands ready; only its stamp,
// the first 8 bytes of payload, is written anew for each message, so that an answer tells which message it is to. One
// masking key a run: frames of a load tool need not be unpredictable to anybody (RFC 6455 10.3 is about scripts).

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/load/frames.h"

namespace fairlead::bench {

inline constexpr std::size_t kStamp = 8;
using Stamp = std::array<char, kStamp>;

// Hexadecimal digits, so that a text message stays text.
Stamp make_stamp(std::uint32_t number);

class Message {
 public:
  Message(std::uint64_t size, Opcode opcode, const MaskKey& key);

  std::size_t frame_size() const { return frame_.size(); }
  // The frame with that stamp, valid until the next call. A payload of fewer than 8 bytes has as much of it as fits.
  std::string_view stamped(const Stamp& stamp);

 private:
  std::string frame_;
  std::size_t head_;
  MaskKey key_;
};

}  // namespace fairlead::bench
