#include "base/clock.h"

#include <fmt/format.h>
#include <time.h>

namespace fairlead::base {

TimePoint monotonic_now() {
  timespec ts;
  ::clock_gettime(CLOCK_MONOTONIC, &ts);
  return TimePoint(Duration(ts.tv_sec * 1'000'000'000LL + ts.tv_nsec));
}

std::int64_t wall_clock_ms() {
  timespec ts;
  ::clock_gettime(CLOCK_REALTIME, &ts);
  return ts.tv_sec * 1000LL + ts.tv_nsec / 1'000'000;
}

std::string format_utc_ms(std::int64_t ms) {
  time_t s = ms / 1000;
  tm t;
  ::gmtime_r(&s, &t);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour,
                     t.tm_min, t.tm_sec, ms % 1000);
}

}  // namespace fairlead::base
