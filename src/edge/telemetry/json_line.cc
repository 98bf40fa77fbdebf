#include "edge/telemetry/json_line.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace fairlead::edge {
namespace {

// What a byte of a string is to JSON.
enum class Byte : std::uint8_t { plain, escape, high };
constexpr auto kBytes = [] {
  std::array<Byte, 256> kind{};
  for (std::size_t i = 0; i < 256; ++i) kind[i] = i < 0x20 ? Byte::escape : i < 0x80 ? Byte::plain : Byte::high;
  kind['"'] = kind['\\'] = Byte::escape;
  return kind;
}();

// How many bytes from `at` on are plain for certain: eight at a time. Each test sets the highest bit of a byte that is
// not; a byte above another that is not may be taken for one, which costs a look at it and no more.
std::size_t plain_run(std::string_view s, std::size_t at) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  std::size_t i = at;
  for (; i + 8 <= s.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, s.data() + i, sizeof word);
    const std::uint64_t quote = word ^ (kOnes * '"'), backslash = word ^ (kOnes * '\\');
    if ((((word - kOnes * 0x20) | (quote - kOnes) | (backslash - kOnes) | word) & kHigh) != 0) break;
  }
  return i - at;
}

void append_escape(std::string& out, unsigned char c) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default:
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 0xf];
  }
}

// One multi-byte sequence at the head of `s` (whose first byte is >= 0x80). `length` is what to step over: the sequence
// if it is well-formed, else its longest part that could have begun one (at least a byte). Table 3-7 of Unicode 15:
// only the second byte's range depends on the first, which keeps out overlong forms, surrogates and > U+10FFFF.
struct Sequence {
  std::size_t length;
  bool valid;
};
Sequence scan_sequence(std::string_view s) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char lead = at(0);
  std::size_t length = 0;
  unsigned char low = 0x80, high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
  } else {
    return {1, false};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (i == s.size() || at(i) < low || at(i) > high) return {i, false};
    low = 0x80;
    high = 0xbf;
  }
  return {length, true};
}

}  // namespace

void append_json_string(std::string& out, std::string_view s) {
  out += '"';
  std::size_t run = 0;  // where the bytes not yet copied begin
  for (std::size_t i = plain_run(s, 0); i < s.size();) {
    switch (kBytes[static_cast<unsigned char>(s[i])]) {
      case Byte::plain: ++i; continue;
      case Byte::escape:
        out += s.substr(run, i - run);
        append_escape(out, static_cast<unsigned char>(s[i]));
        run = ++i;
        continue;
      case Byte::high: {
        const Sequence seq = scan_sequence(s.substr(i));
        if (!seq.valid) {
          out += s.substr(run, i - run);
          out += "\xef\xbf\xbd";
          run = i + seq.length;
        }
        i += seq.length;
      }
    }
  }
  out += s.substr(run);
  out += '"';
}

}  // namespace fairlead::edge
