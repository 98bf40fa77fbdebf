#pragma once
// Interval rules: from the time and the interval that a caller asked for to those that are answered (R21, R22). Pure:
// what the time is, is given in.
//
//   span asked                   intervals allowed        without one
//   below 3 days                 300, 3600, 86400         300
//   below 31 days                3600, 86400              3600
//   31 to 93 days                86400                    86400
//   above                        an error
//
// Where the answer is about another time or interval than was asked, a note says so: nobody has to guess. The span that
// decides is the one that was asked for, to the millisecond, before anything is rounded.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/calendar.h"
#include "control/failure.h"

namespace fairlead::control {

// Something a reader of an answer must know.
struct StatisticsNote {
  std::string code;     // stable, see docs/statistics.md
  std::string message;  // a sentence without a full stop
  bool operator==(const StatisticsNote&) const = default;
};

struct RangeAsked {
  std::optional<std::string> start_time, end_time;  // RFC 3339
  std::optional<std::int64_t> interval;             // seconds
};

// What is answered. Times are seconds since 1970 UTC.
struct StatisticsRange {
  std::int64_t from_s = 0, to_s = 0;  // [from_s, to_s), whole five-minute intervals
  std::int64_t interval_s = 300;      // 300, 3600 or 86400
  std::int64_t data_since_s = 0;      // R22: since when there are points to make it of
  std::vector<StatisticsNote> notes;
};

// Neither time: the last 24 hours up to the end of the five-minute interval that is under way. Notes:
//   interval   the interval asked for is not allowed for the span; its default was taken
//   coarser    points so fine are gone; a longer interval was taken
//   rounded    widened to whole five-minute intervals, so that ranges that share a boundary of these share no data
//   future     what has not begun yet is left out
//   removed    what is older than data_since_s is left out
//   running    the last interval is not over
// Errors (422 invalid): bad-value, missing-parameter (one time alone), out-of-range (the end is not behind the start,
// or the start is in the future), span-too-long, removed (nothing of that time is kept). `zone`: whose days and hours
// are asked for; null: UTC.
Outcome<StatisticsRange> statistics_range(const RangeAsked& asked, const TimeZone* zone, std::int64_t now_ms);

// R22: since when points of 300, 3600 or 86400 seconds are kept, 93, 186 and 366 days back by UTC days.
std::int64_t points_kept_since(std::int64_t step_s, std::int64_t now_ms);

// "2026-11-21T10:00:00Z"
std::string to_iso(std::int64_t at_s);

}  // namespace fairlead::control
