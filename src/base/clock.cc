#include "base/clock.h"

#include <time.h>

#include <algorithm>
#include <array>

#include "base/utc_text.h"

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

std::array<char, 24> utc_ms_text(std::int64_t ms) {
  using namespace std::chrono;
  constexpr auto kFirst = sys_days(year(0) / January / 1).time_since_epoch() / milliseconds(1);
  constexpr auto kLast = sys_days(year(10000) / January / 1).time_since_epoch() / milliseconds(1) - 1;
  const sys_time<std::chrono::milliseconds> at(std::chrono::milliseconds(std::clamp<std::int64_t>(ms, kFirst, kLast)));
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss time(at - day);
  std::array<char, 24> text;
  char* out = text.data();
  // With as many digits as said, and what stands behind them.
  const auto put = [&out](unsigned value, int digits, char behind) {
    for (int i = digits; i-- > 0; value /= 10) out[i] = static_cast<char>('0' + value % 10);
    out[digits] = behind;
    out += digits + 1;
  };
  put(static_cast<unsigned>(static_cast<int>(date.year())), 4, '-');
  put(static_cast<unsigned>(date.month()), 2, '-');
  put(static_cast<unsigned>(date.day()), 2, 'T');
  put(static_cast<unsigned>(time.hours().count()), 2, ':');
  put(static_cast<unsigned>(time.minutes().count()), 2, ':');
  put(static_cast<unsigned>(time.seconds().count()), 2, '.');
  put(static_cast<unsigned>(time.subseconds().count()), 3, 'Z');
  return text;
}

std::string format_utc_ms(std::int64_t ms) {
  const std::array<char, 24> text = utc_ms_text(ms);
  return {text.data(), text.size()};
}

}  // namespace fairlead::base
