#pragma once
// WebSocket frames for a peer that makes and looks into them (RFC 6455 5.2): FrameReader finds heads and payload in a
// stream cut anywhere, append_head() and mask() write. The edge's own scanner tells neither heads nor payload of data
// frames, because it only passes them on. Pure: bytes in, values out.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/websocket/frame.h"

namespace fairlead::bench {

using protocol::MaskKey;
using protocol::Opcode;

struct FrameHead {
  bool fin = false, masked = false;
  std::uint8_t rsv = 0;  // in the place the bits have in a frame's first byte
  Opcode opcode = Opcode::continuation;
  std::uint64_t length = 0;
  MaskKey key{};
};

class FrameReader {
 public:
  enum class What : std::uint8_t {
    more,     // all was read, and the next piece has not begun
    head,     // head() is that of the frame that begins
    payload,  // piece: the next bytes of payload, as sent. Every frame has at least one, of no bytes if it is empty
    broken,   // a length with its highest bit set (5.2), or in more bytes than it needs; final
  };
  struct Step {
    What what;
    std::string_view piece{};
    std::uint64_t at = 0;  // where in the frame's payload it begins
    bool last = false;     // the frame ends with it
  };

  // The next thing in `rest`, which is moved on behind it.
  Step next(std::string_view& rest);
  const FrameHead& head() const { return head_; }

 private:
  Step begin();
  std::array<unsigned char, 14> seen_{};  // of a head that is not complete
  std::uint8_t have_ = 0;
  bool in_payload_ = false;
  bool broken_ = false;
  std::uint64_t at_ = 0;
  FrameHead head_;
};

// A data frame's head; `key` null: not masked.
void append_head(std::string& out, Opcode opcode, bool fin, std::uint64_t length, const MaskKey* key = nullptr);
std::size_t head_size(std::uint64_t length, bool masked);

// Copies `size` bytes that stand `at` bytes into a frame's payload, masked, or unmasked, which is the same.
void mask(char* to, const char* from, std::size_t size, const MaskKey& key, std::uint64_t at);

}  // namespace fairlead::bench
