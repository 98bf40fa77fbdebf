#pragma once
// Time as Fairlead counts it. Deadlines and durations use `TimePoint` and `Duration`, nanoseconds of a clock that
// never goes back (the event loop's; a simulated one in tests). Calendar time is only read for logs.

#include <chrono>
#include <cstdint>
#include <string>

namespace fairlead::base {

using Duration = std::chrono::nanoseconds;

// The tag of the loop's clock: it has no now(), because only an EventLoop can say what time it is.
struct LoopClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<LoopClock>;
  static constexpr bool is_steady = true;
};
using TimePoint = LoopClock::time_point;

inline constexpr TimePoint kNever = TimePoint::max();

using std::chrono::milliseconds;
using std::chrono::seconds;

// Saturating sum, so that "now + off" with a huge duration is kNever and not the past.
constexpr TimePoint later(TimePoint t, Duration d) { return d > kNever - t ? kNever : t + d; }

// CLOCK_MONOTONIC.
TimePoint monotonic_now();

// Milliseconds since 1970, UTC.
std::int64_t wall_clock_ms();

// "2026-03-01T12:00:00.123Z"
std::string format_utc_ms(std::int64_t ms);

}  // namespace fairlead::base
