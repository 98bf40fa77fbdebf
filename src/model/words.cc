#include "model/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "model/syntax.h"

namespace fairlead::model {
namespace {

using std::chrono::milliseconds;

// Damerau-Levenshtein (optimal string alignment) with a bound on the length, for words of a schema.
std::size_t distance(std::string_view a, std::string_view b) {
  constexpr std::size_t kMax = 40;
  if (a.size() > kMax || b.size() > kMax) return kMax;
  std::array<std::array<std::size_t, kMax + 1>, kMax + 1> d{};
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

// "Drain-Time" and "drain_time" are no distance apart.
std::string one_spelling(std::string_view word) {
  std::string out = lower_case(word);
  std::ranges::replace(out, '-', '_');
  return out;
}

}  // namespace

std::string format_duration(milliseconds duration) {
  const auto ms = static_cast<std::uint64_t>(duration.count());
  if (ms == 0) return "off";
  std::string out = fmt::format("{}ms", ms);
  for (const Unit& unit : kDurationUnits) {
    // 60s reads better than 1m and is what the documents write; hours and days only when they are whole.
    if (unit.word == "m" && ms / unit.factor < 2) continue;
    if (ms % unit.factor == 0) out = fmt::format("{}{}", ms / unit.factor, unit.word);
  }
  return out;
}

std::string format_size(std::uint64_t bytes) {
  std::string out = std::to_string(bytes);
  for (const Unit& unit : kSizeUnits) {
    if (bytes != 0 && bytes % unit.factor == 0) out = fmt::format("{}{}", bytes / unit.factor, unit.word);
  }
  return out;
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  constexpr std::size_t kMostCandidates = 1000;
  if (candidates.size() > kMostCandidates) return {};
  const std::string asked = one_spelling(word);
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t d = distance(asked, one_spelling(candidate));
    if (d < best_distance) {
      best_distance = d;
      best = candidate;
    }
  }
  return best;
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 60;
  std::string out;
  for (const char c : text.substr(0, kMost)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  // A cut may fall inside a character of several bytes: its beginning goes too.
  if (text.size() > kMost) {
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xc0) == 0x80) out.pop_back();
    if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0xc0) out.pop_back();
    out += "...";
  }
  return out;
}

}  // namespace fairlead::model
