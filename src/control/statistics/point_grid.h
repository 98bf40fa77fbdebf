#pragma once
// PointGrid: the points of an answer: where each begins and how long it is. In UTC they begin at multiples of the
// interval since 1970; with a time zone days begin at its midnight, and hours are counted from there, so that a day on
// which the clocks change has 23 or 25. The first and the last are parts of theirs when the range begins or ends within
// them. Pure values.

#include <cstdint>
#include <optional>
#include <vector>

#include "control/calendar.h"
#include "control/usage/series.h"

namespace fairlead::control {

class PointGrid {
 public:
  // [from_s, to_s), multiples of 300, not empty. `interval_s`: 300, 3600 or 86400. `zone`: null: UTC.
  PointGrid(std::int64_t from_s, std::int64_t to_s, std::int64_t interval_s, const TimeZone* zone);

  std::size_t size() const { return begins_.size(); }
  // Where point `i` begins, the range's beginning included.
  std::int64_t at(std::size_t i) const { return begins_[i]; }
  // How much of it lies in the range, seconds.
  std::int64_t length(std::size_t i) const { return (i + 1 < size() ? begins_[i + 1] : to_s_) - begins_[i]; }
  std::int64_t from() const { return begins_.front(); }
  std::int64_t to() const { return to_s_; }
  // The step in which counts must be read to be put together to these points: the interval, or what divides it where a
  // zone's midnight is not one of UTC.
  std::int64_t read_step() const { return read_step_; }

  // The point that holds that time, which is in the range or in the same step of UTC as its beginning.
  std::size_t index_of(std::int64_t at_s) const;
  // Counts by point, zeroes (no values) included.
  std::vector<model::UsageValues> fold(const std::vector<SeriesPoint>& points) const;

 private:
  std::vector<std::int64_t> begins_;
  std::int64_t to_s_;
  std::int64_t read_step_;
};

}  // namespace fairlead::control
