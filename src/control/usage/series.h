#pragma once
// Series: usage over time, as statistics, bills and forecasts ask for it: sums of counts by intervals of equal length,
// of some domains together or one by one, of one region or ISP or of all. Reads inside the caller's transaction; what
// was taken in last is in it, whether rolled up or not.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/usage.h"
#include "store/transaction.h"
#include "store/usage_points.h"

namespace fairlead::control {

// What a sum may be split by.
enum class SeriesGroup : std::uint8_t { none, domain, region, isp, region_and_isp };

struct SeriesQuery {
  std::vector<std::string> domain_ids;     // of store::Domain, also of domains that are gone; empty: of none
  bool every_domain = false;               // of all there are and were; domain_ids is not looked at then
  std::optional<std::string> region, isp;  // only of these
  std::int64_t from_s = 0, to_s = 0;       // [from_s, to_s), seconds since 1970 UTC, multiples of kUsageInterval
  std::int64_t step_s = 300;               // 300, 3600 or 86400: points begin at multiples of it since 1970 UTC, so the
                                           // first and the last may be parts of theirs
  // All of the time is one point, which begins at from_s; step_s then says how fine the counts must be that it is made
  // of.
  bool one_point = false;
  SeriesGroup group = SeriesGroup::none;
  std::vector<model::Meter> meters;  // only these; a family's first number stands for the whole family; empty: all
  std::size_t most_series = SIZE_MAX;
};

struct SeriesPoint {
  std::int64_t at_s = 0;  // where it begins, a multiple of step_s
  model::UsageValues values;
  bool operator==(const SeriesPoint&) const = default;
};

struct Series {
  std::string domain_id, region, isp;  // of the group; empty: of all
  std::vector<SeriesPoint> points;     // ascending; points without any count are left out
  bool operator==(const Series&) const = default;
};

// By group, ascending; groups without any count are left out. Errors: of the store; overloaded (never): there are more
// than most_series, found out as soon as there are, so that what is refused costs no memory; too_large (never): points
// of that step and time are no longer kept (R22), the context says since when they are. A first or last point that is a
// part of its step needs finer points, which are kept for a shorter time: ask for whole steps of what is long ago.
base::Result<std::vector<Series>> read_series(store::Transaction& tx, const SeriesQuery& query);
// The same of domains chosen otherwise: all that an account has or had. The query's own choice is not looked at.
base::Result<std::vector<Series>> read_series(store::Transaction& tx, const store::UsageDomains& domains,
                                              const SeriesQuery& query);

}  // namespace fairlead::control
