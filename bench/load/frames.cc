#include "bench/load/frames.h"

#include <algorithm>
#include <cstring>

namespace fairlead::bench {
namespace {

// How many bytes a head has, by its first two.
std::size_t size_of_head(unsigned char second) {
  const unsigned length = second & 0x7f;
  return 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + ((second & 0x80) != 0 ? 4 : 0);
}

}  // namespace

FrameReader::Step FrameReader::next(std::string_view& rest) {
  if (broken_) return {What::broken};
  if (in_payload_) {
    const std::uint64_t left = head_.length - at_;
    if (rest.empty() && left != 0) return {What::more};
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left, rest.size()));
    const Step step{What::payload, rest.substr(0, n), at_, n == left};
    rest.remove_prefix(n);
    at_ += n;
    if (step.last) in_payload_ = false;
    return step;
  }
  while (!rest.empty()) {
    const std::size_t want = have_ < 2 ? 2 : size_of_head(seen_[1]);
    const std::size_t n = std::min(want - have_, rest.size());
    std::memcpy(seen_.data() + have_, rest.data(), n);
    have_ = static_cast<std::uint8_t>(have_ + n);
    rest.remove_prefix(n);
    if (have_ >= 2 && have_ == size_of_head(seen_[1])) return begin();
  }
  return {What::more};
}

FrameReader::Step FrameReader::begin() {
  have_ = 0;
  head_.fin = (seen_[0] & 0x80) != 0;
  head_.rsv = seen_[0] & 0x70;
  head_.opcode = static_cast<Opcode>(seen_[0] & 0x0f);
  head_.masked = (seen_[1] & 0x80) != 0;
  head_.length = seen_[1] & 0x7f;
  std::size_t at = 2;
  if (head_.length >= 126) {
    const std::size_t bytes = head_.length == 126 ? 2 : 8;
    head_.length = 0;
    for (std::size_t i = 0; i < bytes; ++i) head_.length = head_.length << 8 | seen_[at++];
    if (head_.length < (bytes == 2 ? 126u : 65536u) || head_.length >> 63 != 0) {
      broken_ = true;
      return {What::broken};
    }
  }
  if (head_.masked) std::memcpy(head_.key.data(), seen_.data() + at, 4);
  in_payload_ = true;
  at_ = 0;
  return {What::head};
}

void append_head(std::string& out, Opcode opcode, bool fin, std::uint64_t length, const MaskKey* key) {
  const char masked = key ? static_cast<char>(0x80) : 0;
  out += static_cast<char>((fin ? 0x80 : 0) | static_cast<unsigned>(opcode));
  if (length < 126) {
    out += static_cast<char>(masked | static_cast<char>(length));
  } else {
    const int bytes = length < 65536 ? 2 : 8;
    out += static_cast<char>(masked | (bytes == 2 ? 126 : 127));
    for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(length >> (8 * i) & 0xff);
  }
  if (key) out.append(reinterpret_cast<const char*>(key->data()), 4);
}

std::size_t head_size(std::uint64_t length, bool masked) {
  return 2 + (length < 126 ? 0 : length < 65536 ? 2 : 8) + (masked ? 4 : 0);
}

void mask(char* to, const char* from, std::size_t size, const MaskKey& key, std::uint64_t at) {
  unsigned char turned[8];
  for (std::size_t i = 0; i < 8; ++i) turned[i] = key[(at + i) & 3];
  std::uint64_t word;
  std::memcpy(&word, turned, 8);
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    std::uint64_t v;
    std::memcpy(&v, from + i, 8);
    v ^= word;
    std::memcpy(to + i, &v, 8);
  }
  for (; i < size; ++i) to[i] = static_cast<char>(from[i] ^ static_cast<char>(turned[i & 7]));
}

}  // namespace fairlead::bench
