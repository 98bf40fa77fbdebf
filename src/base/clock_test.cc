#include "base/clock.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace fairlead::base {
namespace {

TEST(Clock, WritesCalendarTime) {
  EXPECT_EQ(format_utc_ms(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_utc_ms(1'772'366'400'123), "2026-03-01T12:00:00.123Z");
  EXPECT_EQ(format_utc_ms(1'709'251'199'999), "2024-02-29T23:59:59.999Z");
  EXPECT_EQ(format_utc_ms(4'107'542'399'000), "2100-02-28T23:59:59.000Z");
}

TEST(Clock, WritesWhatWasBefore1970) {
  EXPECT_EQ(format_utc_ms(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(format_utc_ms(-62'135'596'800'000), "0001-01-01T00:00:00.000Z");
}

TEST(Clock, KeepsToYearsOfFourDigits) {
  EXPECT_EQ(format_utc_ms(253'402'300'799'999), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(format_utc_ms(253'402'300'800'000), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(format_utc_ms(std::numeric_limits<std::int64_t>::max()), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(format_utc_ms(std::numeric_limits<std::int64_t>::min()), "0000-01-01T00:00:00.000Z");
}

}  // namespace
}  // namespace fairlead::base
