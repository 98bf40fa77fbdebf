#include "control/statistics/figures.h"

#include <algorithm>
#include <iterator>
#include <numeric>

namespace fairlead::control {

using model::Meter;
using model::UsageValues;

std::uint64_t bits_per_second(std::uint64_t bytes, std::int64_t seconds) {
  const auto s = static_cast<std::uint64_t>(seconds);
  return bytes / s * 8 + bytes % s * 8 / s;  // bytes * 8 might not fit
}

Bandwidth bandwidth_of(const PointGrid& grid, const std::vector<std::uint64_t>& bytes) {
  Bandwidth out;
  out.peak_at_s = grid.from();
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < grid.size(); ++i) {
    const std::uint64_t bps = bits_per_second(bytes[i], grid.length(i));
    if (bps > out.peak) {
      out.peak = bps;
      out.peak_at_s = grid.at(i);
    }
    out.points.push_back(bps);
    all += bytes[i];
  }
  std::vector<std::uint64_t> sorted = out.points;
  const std::size_t rank = (sorted.size() * 95 + 99) / 100 - 1;
  std::ranges::nth_element(sorted, sorted.begin() + static_cast<std::ptrdiff_t>(rank));
  out.percentile_95 = sorted[rank];
  out.average = bits_per_second(all, grid.to() - grid.from());
  return out;
}

std::vector<std::uint64_t> shares_of(const std::vector<std::uint64_t>& counts) {
  std::vector<std::uint64_t> out(counts.size());
  std::uint64_t all = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  if (all == 0) return out;
  // So that a count times 10,000 fits: what is cut off is less than a share can show.
  unsigned shift = 0;
  while (all >> shift > UINT64_MAX / kWhole) ++shift;
  std::vector<std::uint64_t> parts;
  for (const std::uint64_t n : counts) parts.push_back(n >> shift);
  all = std::accumulate(parts.begin(), parts.end(), std::uint64_t{0});
  std::vector<std::size_t> by_remainder(counts.size());
  std::iota(by_remainder.begin(), by_remainder.end(), std::size_t{0});
  std::uint64_t given = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) given += out[i] = parts[i] * kWhole / all;
  std::ranges::stable_sort(by_remainder, std::greater(), [&](std::size_t i) { return parts[i] * kWhole % all; });
  for (std::size_t i = 0; given < kWhole; ++i, ++given) ++out[by_remainder[i]];
  return out;
}

Durations durations_of(const UsageValues& values, Meter buckets, Meter nanoseconds) {
  constexpr unsigned kBuckets = std::size(model::kUsageDurations) + 1;
  Durations out;
  const auto counts = family_of(values, buckets, kBuckets);
  for (const FamilyCount& c : counts) out.count += c.count;
  if (out.count == 0) return out;
  out.mean_ns = model::usage_of(values, nanoseconds) / out.count;
  const auto at = [&](std::uint64_t percent) -> std::optional<std::int64_t> {
    // Nearest rank, written so that it fits.
    const std::uint64_t rank = out.count / 100 * percent + (out.count % 100 * percent + 99) / 100;
    std::uint64_t seen = 0;
    for (const FamilyCount& c : counts) {
      seen += c.count;
      if (seen < rank) continue;
      return c.place < std::size(model::kUsageDurations) ? std::optional(model::kUsageDurations[c.place])
                                                         : std::nullopt;
    }
    return std::nullopt;
  };
  out.p50_ns = at(50);
  out.p90_ns = at(90);
  out.p99_ns = at(99);
  return out;
}

std::vector<FamilyCount> family_of(const UsageValues& values, Meter family, unsigned places) {
  std::vector<FamilyCount> out;
  const auto first = std::ranges::lower_bound(values, family, {}, &UsageValues::value_type::first);
  for (auto it = first; it != values.end() && it->first < family + places; ++it) {
    out.push_back({static_cast<unsigned>(it->first) - static_cast<unsigned>(family), it->second});
  }
  return out;
}

}  // namespace fairlead::control
