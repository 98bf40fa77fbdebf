#include "store/value.h"

#include <charconv>
#include <cstring>
#include <stdexcept>

namespace fairlead::store {
namespace {

std::int64_t to_integer(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  // SQLite gives no type for the column of an expression (count(*), max(x)), so it arrives as text.
  if (const auto* text = std::get_if<std::string>(&value)) {
    std::int64_t parsed = 0;
    const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), parsed);
    if (failed == std::errc() && end == text->data() + text->size()) return parsed;
  }
  throw std::logic_error("store: the column is not an integer");
}

// The length of the well-formed sequence at `at`, 0 when there is none. RFC 3629 section 4: no overlong form, no
// surrogate, nothing above U+10FFFF.
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u; };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
  const unsigned first = byte(0), second = byte(1);
  if (first < 0x80) return first == 0 ? 0 : 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

const Value& Columns::next() {
  if (at_ == row_.size()) throw std::logic_error("store: the row has fewer columns than are read");
  return row_[at_++];
}

std::int64_t Columns::integer() { return to_integer(next()); }

std::string Columns::text() {
  const auto* text = std::get_if<std::string>(&next());
  if (text == nullptr) throw std::logic_error("store: the column is not a text");
  return *text;
}

std::optional<std::int64_t> Columns::optional_integer() {
  const Value& value = next();
  if (std::holds_alternative<std::monostate>(value)) return std::nullopt;
  return to_integer(value);
}

std::optional<std::string> Columns::optional_text() {
  const Value& value = next();
  if (std::holds_alternative<std::monostate>(value)) return std::nullopt;
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) throw std::logic_error("store: the column is not a text");
  return *text;
}

bool is_storable(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    // Eight characters at a time while all of them are ASCII and none is NUL: texts may be as long as a megabyte.
    if (std::uint64_t eight; text.size() - at >= sizeof eight) {
      constexpr std::uint64_t kHigh = 0x8080808080808080, kOnes = 0x0101010101010101;
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if (((eight | (eight - kOnes)) & kHigh) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    const std::size_t length = sequence_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

}  // namespace fairlead::store
