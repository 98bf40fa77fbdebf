#pragma once
// The words in which durations and sizes are written and problems are told: units, formatting for people, "did you
// mean", and values of a document made fit to stand in a message. Pure functions over text.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::model {

// The units that documents may use, smallest first, and what they multiply by (milliseconds, bytes).
struct Unit {
  std::string_view word;
  std::uint64_t factor;
};
inline constexpr Unit kDurationUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
inline constexpr Unit kSizeUnits[] = {{"", 1}, {"KiB", 1ull << 10}, {"MiB", 1ull << 20}, {"GiB", 1ull << 30}};

// "500ms", "60s", "2m", "1h", "off" (zero): what a duration key of a document would be written as.
std::string format_duration(std::chrono::milliseconds duration);
// "64KiB", "60MiB", "1500".
std::string format_size(std::uint64_t bytes);

// The candidate that `word` most likely was meant to be, empty when none is near (case and "-" for "_" aside, at most a
// third of the letters wrong). Not looked for among more than 1000 candidates: each comparison is quadratic.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

// A value of the document as it may be shown in a message: shortened, control characters replaced.
std::string shown(std::string_view text);

}  // namespace fairlead::model
