#pragma once
// Statistics from the shell: `fairlead stats ...`. People get a line for each series, on a terminal with its curve, or
// with --points a line for each point; programs the API's JSON, or its CSV.

#include "cli/desk.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::cli {

struct StatsArgs {
  std::vector<std::string> domains;  // empty: all
  std::string account, region, isp, group, time_zone, meter;
  std::string since, until;  // RFC 3339
  std::string last;          // "90m", "24h", "7d": instead of both
  std::string interval;      // "5m", "1h", "1d"; empty: the span's
  bool wire = false;         // bytes on the wire
  bool points = false;       // every point
  bool sparse = false;       // CSV without points that are zero
  bool csv = false;
};

Told<void> stats_bandwidth(Desk& desk, const StatsArgs& args);
Told<void> stats_traffic(Desk& desk, const StatsArgs& args);
Told<void> stats_codes(Desk& desk, const StatsArgs& args);
Told<void> stats_regions(Desk& desk, const StatsArgs& args);
Told<void> stats_sessions(Desk& desk, const StatsArgs& args);

// A line a second, until it is interrupted or after `most` lines (0: no end). Programs get a JSON object a line.
Told<void> stats_live(Desk& desk, const StatsArgs& args, std::size_t most);

// "12.3 M": three digits and a power of a thousand; exact below one.
std::string short_number(std::uint64_t n);
// A character for each value, higher ones taller; of more than `width` values the highest of neighbours.
std::string sparkline(const std::vector<std::uint64_t>& values, std::size_t width);
// Filled blocks, `width` of them for `most`.
std::string bar(std::uint64_t value, std::uint64_t most, std::size_t width);

}  // namespace fairlead::cli
