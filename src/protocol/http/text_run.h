#pragma once
// How far text goes on without a control character, looked at by words: what a field's value (RFC 9110 5.5), a reason
// and a target are made of, most of the time.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace fairlead::protocol {

// The number of bytes from `at` on that are certainly neither below 0x20 nor 0x7f: a multiple of eight. What comes then
// must be looked at byte by byte; it may be harmless.
inline std::size_t text_run(std::string_view text, std::size_t at) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  std::size_t i = at;
  for (; i + sizeof(std::uint64_t) <= text.size(); i += sizeof(std::uint64_t)) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + i, sizeof word);
    const std::uint64_t del = word ^ (kOnes * 0x7f);
    // The highest bit of each byte that is one of them; a borrow may set that of the byte above, too.
    if ((((word - kOnes * 0x20) & ~word) | ((del - kOnes) & ~del)) & kHigh) break;
  }
  return i - at;
}

}  // namespace fairlead::protocol
