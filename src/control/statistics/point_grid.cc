#include "control/statistics/point_grid.h"

#include <algorithm>

namespace fairlead::control {
namespace {

constexpr std::int64_t kHour = 3600, kDay = 86400;

std::int64_t floor_to(std::int64_t at, std::int64_t step) { return at - ((at % step) + step) % step; }

}  // namespace

PointGrid::PointGrid(std::int64_t from_s, std::int64_t to_s, std::int64_t interval_s, const TimeZone* zone)
    : to_s_(to_s), read_step_(interval_s) {
  if (!zone || interval_s < kHour) {
    for (std::int64_t at = floor_to(from_s, interval_s); at < to_s; at += interval_s) {
      begins_.push_back(std::max(at, from_s));
    }
    return;
  }
  for (std::int64_t day = zone->begin_of(zone->date_of(from_s)); day < to_s;) {
    const std::int64_t next = zone->next_midnight(day);
    for (const std::int64_t midnight : {day, next}) {
      const std::int64_t fits = midnight % kDay == 0 ? kDay : midnight % kHour == 0 ? kHour : model::kUsageInterval;
      read_step_ = std::min(read_step_, fits);
    }
    const std::int64_t step = interval_s == kHour ? kHour : next - day;
    for (std::int64_t at = day; at < std::min(next, to_s); at += step) {
      if (std::min(at + step, next) > from_s) begins_.push_back(std::max(at, from_s));
    }
    day = next;
  }
}

std::size_t PointGrid::index_of(std::int64_t at_s) const {
  const auto behind = std::ranges::upper_bound(begins_, at_s);
  return behind == begins_.begin() ? 0 : static_cast<std::size_t>(behind - begins_.begin()) - 1;
}

std::vector<model::UsageValues> PointGrid::fold(const std::vector<SeriesPoint>& points) const {
  std::vector<model::UsageValues> out(size());
  for (const SeriesPoint& p : points) model::add_usage(out[index_of(p.at_s)], p.values);
  return out;
}

}  // namespace fairlead::control
