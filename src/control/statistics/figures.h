#pragma once
// Figures: what statistics say that is no plain sum: bandwidth with its peak and percentile, shares of a whole, and
// percentiles of durations. Pure integers, so that the same counts always give the same figures.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "control/statistics/point_grid.h"
#include "model/usage.h"

namespace fairlead::control {

// Bits per second of `bytes` in `seconds` (> 0), rounded down.
std::uint64_t bits_per_second(std::uint64_t bytes, std::int64_t seconds);

struct Bandwidth {
  std::vector<std::uint64_t> points;  // bits per second, one for each of the grid
  std::uint64_t peak = 0;             // the highest of them
  std::int64_t peak_at_s = 0;         // the beginning of the first that has it
  std::uint64_t percentile_95 = 0;    // nearest rank: 95 of 100 points are not above it, zeroes count
  std::uint64_t average = 0;          // bits of the whole range / its length
};
// `bytes`: one for each point of the grid.
Bandwidth bandwidth_of(const PointGrid& grid, const std::vector<std::uint64_t>& bytes);

// Parts of 10,000, by largest remainder (of equal ones the first): their sum is 10,000 exactly, or all are 0 when the
// counts are.
inline constexpr std::uint64_t kWhole = 10'000;
std::vector<std::uint64_t> shares_of(const std::vector<std::uint64_t>& counts);

// Durations from the buckets of Meter::handshake_seconds or origin_seconds.
struct Durations {
  std::uint64_t count = 0;
  std::uint64_t mean_ns = 0;
  // Upper bounds of the buckets that hold them; none: longer than the last bound, or there are none.
  std::optional<std::int64_t> p50_ns, p90_ns, p99_ns;
};
Durations durations_of(const model::UsageValues& values, model::Meter buckets, model::Meter nanoseconds);

// What is counted under a family's number + place, ascending by place; `places`: how many there are.
struct FamilyCount {
  unsigned place = 0;
  std::uint64_t count = 0;
};
std::vector<FamilyCount> family_of(const model::UsageValues& values, model::Meter family, unsigned places);

}  // namespace fairlead::control
