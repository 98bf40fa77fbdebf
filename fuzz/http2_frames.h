#pragma once
// Http2Frames: bytes, cut anywhere, as HTTP/2 frames (RFC 9113 4.1). Written apart from the codec, for the fuzz targets
// to look at what one end says; it judges nothing and never fails.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace fairlead::fuzz {

struct Http2Frame {
  static constexpr unsigned kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kPing = 6, kContinuation = 9;
  static constexpr unsigned kEndStream = 1, kAck = 1, kEndHeaders = 4;

  std::size_t length = 0;
  unsigned type = 0, flags = 0;
  std::uint32_t stream = 0;
  std::string opening;  // the first bytes of the payload, at most 8: all of a PING
};

class Http2Frames {
 public:
  // Called for each frame: when its head is there, and again (`whole`) when its payload is.
  using OnFrame = std::function<void(const Http2Frame& frame, bool whole)>;
  explicit Http2Frames(OnFrame on_frame) : on_frame_(std::move(on_frame)) {}

  void feed(std::string_view bytes) {
    while (!bytes.empty()) {
      if (head_.size() < kHead) {
        const std::size_t n = std::min(kHead - head_.size(), bytes.size());
        head_ += bytes.substr(0, n);
        bytes.remove_prefix(n);
        if (head_.size() < kHead) return;
        read_head();
        on_frame_(frame_, false);
      }
      const std::size_t n = std::min(left_, bytes.size());
      frame_.opening += bytes.substr(0, std::min(n, 8 - frame_.opening.size()));
      bytes.remove_prefix(n);
      left_ -= n;
      if (left_ != 0) return;
      head_.clear();
      on_frame_(frame_, true);
    }
  }
  bool between_frames() const { return head_.empty(); }

 private:
  static constexpr std::size_t kHead = 9;

  void read_head() {
    const auto at = [this](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(head_[i])}; };
    frame_ = Http2Frame();
    frame_.length = left_ = at(0) << 16 | at(1) << 8 | at(2);
    frame_.type = at(3);
    frame_.flags = at(4);
    frame_.stream = (at(5) & 0x7f) << 24 | at(6) << 16 | at(7) << 8 | at(8);
  }

  OnFrame on_frame_;
  std::string head_;
  std::size_t left_ = 0;  // of the payload
  Http2Frame frame_;
};

// A frame as bytes. The payload is at most 2^24-1 bytes.
inline std::string http2_frame(unsigned type, unsigned flags, std::uint32_t stream, std::string_view payload) {
  std::string out;
  for (const int shift : {16, 8, 0}) out += static_cast<char>(payload.size() >> shift);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(stream >> shift);
  return out.append(payload);
}

}  // namespace fairlead::fuzz
