#include "bench/load/message.h"

#include <algorithm>

#include "bench/load/origin.h"

namespace fairlead::bench {

Stamp make_stamp(std::uint32_t number) {
  Stamp stamp;
  for (std::size_t i = 0; i < kStamp; ++i) stamp[i] = "0123456789abcdef"[number >> (28 - 4 * i) & 15];
  return stamp;
}

Message::Message(std::uint64_t size, Opcode opcode, const MaskKey& key) : key_(key) {
  append_head(frame_, opcode, true, size, &key_);
  head_ = frame_.size();
  frame_.resize(head_ + static_cast<std::size_t>(size));
  const std::string& content = pattern();
  for (std::uint64_t at = 0; at < size; at += content.size()) {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(content.size(), size - at));
    mask(frame_.data() + head_ + at, content.data(), n, key_, at);
  }
}

std::string_view Message::stamped(const Stamp& stamp) {
  mask(frame_.data() + head_, stamp.data(), std::min(kStamp, frame_.size() - head_), key_, 0);
  return frame_;
}

}  // namespace fairlead::bench
