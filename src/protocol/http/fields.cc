#include "protocol/http/fields.h"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

#include "protocol/http/text_run.h"

namespace fairlead::protocol {
namespace {

constexpr unsigned char lower(unsigned char c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; }

constexpr std::array<bool, 256> make_tchar() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[c] = table[c - 0x20] = true;
  for (const char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}
constexpr std::array<bool, 256> kTchar = make_tchar();

constexpr std::size_t kMostText = std::numeric_limits<std::uint32_t>::max();

}  // namespace

bool detail::equal_bytes_nocase(const char* a, const char* b, std::size_t size) {
  return std::equal(a, a + size, b, [](char x, char y) {
    return x == y || lower(static_cast<unsigned char>(x)) == lower(static_cast<unsigned char>(y));
  });
}

std::string_view trim_ows(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_token(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return kTchar[static_cast<unsigned char>(c)]; });
}

bool is_field_value(std::string_view text) {
  const std::string_view rest = text.substr(text_run(text, 0));
  return std::all_of(rest.begin(), rest.end(), [](char ch) {
    const auto c = static_cast<unsigned char>(ch);
    return c == '\t' || (c >= 0x20 && c != 0x7f);
  });
}

Fields::Place Fields::append(std::string_view name, std::string_view value) {
  const std::size_t at = text_.size();
  const std::size_t more = name.size() + value.size();
  if (at + more > kMostText) throw std::length_error("more text than a message's fields may have");
  if (text_.capacity() - at < more) {
    // Beside the old text, which name and value may point into.
    constexpr std::size_t kLeast = 512;  // what a browser sends
    std::string grown;
    grown.reserve(std::max({kLeast, 2 * text_.capacity(), at + more}));
    grown.append(text_).append(name).append(value);
    text_.swap(grown);
  } else {
    text_.append(name).append(value);
  }
  return {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(name.size()),
          static_cast<std::uint32_t>(value.size())};
}

void Fields::add(std::string_view name, std::string_view value) {
  constexpr std::size_t kUsual = 16;
  if (list_.capacity() == 0) list_.reserve(kUsual);
  list_.push_back(append(name, value));
}

void Fields::set(std::string_view name, std::string_view value) {
  const Place place = append(name, value);
  const std::string_view wanted = field(place).name;
  const auto same = [this, wanted](const Place& p) { return equal_nocase(field(p).name, wanted); };
  const auto first = std::find_if(list_.begin(), list_.end(), same);
  if (first == list_.end()) {
    list_.push_back(place);
    return;
  }
  list_.erase(std::remove_if(first + 1, list_.end(), same), list_.end());
  *first = place;
}

std::size_t Fields::remove(std::string_view name) {
  return remove_if([name](const Field& f) { return equal_nocase(f.name, name); });
}

std::optional<std::string_view> Fields::find(std::string_view name) const {
  for (const Field f : *this) {
    if (equal_nocase(f.name, name)) return f.value;
  }
  return std::nullopt;
}

std::size_t Fields::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(begin(), end(), [name](const Field& f) { return equal_nocase(f.name, name); }));
}

Fields::Only Fields::only(std::string_view name) const {
  Only found;
  for (const Field f : *this) {
    if (equal_nocase(f.name, name) && found.count++ == 0) found.value = f.value;
  }
  return found;
}

std::vector<std::string_view> Fields::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const Field f : *this) {
    if (equal_nocase(f.name, name)) values.push_back(f.value);
  }
  return values;
}

void Fields::clear() {
  list_.clear();
  text_.clear();
}

void Fields::reserve(std::size_t fields, std::size_t text) {
  list_.reserve(fields);
  text_.reserve(text);
}

bool Fields::operator==(const Fields& other) const { return std::equal(begin(), end(), other.begin(), other.end()); }

bool Fields::has_token(std::string_view name, std::string_view token) const {
  for (const Field f : *this) {
    if (!equal_nocase(f.name, name)) continue;
    const bool absent =
        for_each_list_member(f.value, [token](std::string_view member) { return !equal_nocase(member, token); });
    if (!absent) return true;
  }
  return false;
}

std::size_t Fields::bytes() const {
  std::size_t sum = 0;
  for (const Field f : *this) sum += f.name.size() + f.value.size() + 4;
  return sum;
}

}  // namespace fairlead::protocol
