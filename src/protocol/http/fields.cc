#include "protocol/http/fields.h"

#include <algorithm>
#include <array>

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
  return std::all_of(text.begin(), text.end(), [](char ch) {
    const auto c = static_cast<unsigned char>(ch);
    return c == '\t' || (c >= 0x20 && c != 0x7f);
  });
}

void Fields::add(std::string_view name, std::string_view value) {
  // Room for what a browser sends: growing to that would move every field four times.
  constexpr std::size_t kUsual = 16;
  if (list_.capacity() == 0) list_.reserve(kUsual);
  list_.push_back({std::string(name), std::string(value)});
}

void Fields::set(std::string_view name, std::string_view value) {
  const auto same = [name](const Field& f) { return equal_nocase(f.name, name); };
  const auto first = std::find_if(list_.begin(), list_.end(), same);
  if (first == list_.end()) return add(name, value);
  // The views may point into the very field that is overwritten.
  Field field{std::string(name), std::string(value)};
  list_.erase(std::remove_if(first + 1, list_.end(), same), list_.end());
  *first = std::move(field);
}

std::size_t Fields::remove(std::string_view name) {
  const std::string wanted(name);  // may be a view of a name about to go
  return remove_if([&wanted](const Field& f) { return equal_nocase(f.name, wanted); });
}

std::optional<std::string_view> Fields::find(std::string_view name) const {
  for (const Field& f : list_) {
    if (equal_nocase(f.name, name)) return f.value;
  }
  return std::nullopt;
}

std::size_t Fields::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(list_.begin(), list_.end(), [name](const Field& f) { return equal_nocase(f.name, name); }));
}

std::vector<std::string_view> Fields::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const Field& f : list_) {
    if (equal_nocase(f.name, name)) values.emplace_back(f.value);
  }
  return values;
}

bool Fields::has_token(std::string_view name, std::string_view token) const {
  for (const Field& f : list_) {
    if (!equal_nocase(f.name, name)) continue;
    const bool absent =
        for_each_list_member(f.value, [token](std::string_view member) { return !equal_nocase(member, token); });
    if (!absent) return true;
  }
  return false;
}

std::size_t Fields::bytes() const {
  std::size_t sum = 0;
  for (const Field& f : list_) sum += f.name.size() + f.value.size() + 4;
  return sum;
}

}  // namespace fairlead::protocol
