#include "control/identity/time_zones.h"

#include <algorithm>
#include <array>
#include <fstream>

namespace fairlead::control {
namespace {

constexpr std::size_t kMaxName = 64;  // the contract's; the longest there is has 32

bool is_safe(std::string_view name) {
  if (name.empty() || name.size() > kMaxName) return false;
  while (true) {
    const auto end = std::min(name.find('/'), name.size());
    const std::string_view part = name.substr(0, end);
    const bool good = !part.empty() && std::ranges::all_of(part, [](char c) {
      return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
             c == '-';
    });
    if (!good) return false;
    if (end == name.size()) return true;
    name.remove_prefix(end + 1);
  }
}

}  // namespace

bool is_time_zone(std::string_view name, const std::string& folder) {
  // Other views of the database, and what the machine itself is set to.
  for (const std::string_view other : {"posix/", "right/", "localtime", "posixrules", "Factory"}) {
    if (name.starts_with(other)) return false;
  }
  if (!is_safe(name)) return false;
  std::ifstream file(folder + "/" + std::string(name), std::ios::binary);
  std::array<char, 4> magic{};  // RFC 8536 section 3.1
  return file.read(magic.data(), magic.size()) && std::string_view(magic.data(), magic.size()) == "TZif";
}

}  // namespace fairlead::control
