#pragma once
// Variable-length integers, seven bits a byte, the lowest first, as in Protocol Buffers (LEB128): small numbers, which
// is most of what is counted, take one or two bytes. Shared by the formats of usage: journal, bus and store.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::base {

inline void append_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

// Takes one off the front of `in`. Nothing, and `in` is untouched, when it is cut off, does not fit into 64 bits, or is
// written longer than it need be: a value has one form, so that equal contents are equal bytes.
inline std::optional<std::uint64_t> take_varint(std::string_view& in) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < in.size() && i < 10; ++i) {
    const auto byte = static_cast<unsigned char>(in[i]);
    if (i == 9 && byte > 1) return std::nullopt;
    value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if (byte & 0x80) continue;
    if (byte == 0 && i > 0) return std::nullopt;
    in.remove_prefix(i + 1);
    return value;
  }
  return std::nullopt;
}

inline void append_text(std::string& out, std::string_view text) {
  append_varint(out, text.size());
  out += text;
}

// A view into `in`.
inline std::optional<std::string_view> take_text(std::string_view& in) {
  std::string_view rest = in;
  const auto size = take_varint(rest);
  if (!size || *size > rest.size()) return std::nullopt;
  const std::string_view text = rest.substr(0, static_cast<std::size_t>(*size));
  in = rest.substr(text.size());
  return text;
}

}  // namespace fairlead::base
