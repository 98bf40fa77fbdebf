#pragma once
// Calendar time as text, without a string: for who writes many lines of a log.

#include <array>
#include <cstdint>

namespace fairlead::base {

// format_utc_ms() (clock.h) in an array. What is before the year 0 or after 9999 is written as the first or last
// millisecond of those.
std::array<char, 24> utc_ms_text(std::int64_t ms);

}  // namespace fairlead::base
