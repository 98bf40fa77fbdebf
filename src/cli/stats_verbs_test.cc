#include "cli/stats_verbs.h"

#include <gtest/gtest.h>

namespace fairlead::cli {
namespace {

TEST(ShortNumber, ThreeDigitsAndAPowerOfAThousand) {
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(999), "999");
  EXPECT_EQ(short_number(1000), "1.00 k");
  EXPECT_EQ(short_number(1999), "1.99 k");
  EXPECT_EQ(short_number(12'345), "12.3 k");
  EXPECT_EQ(short_number(999'999), "999 k");
  EXPECT_EQ(short_number(1'234'567'890), "1.23 G");
  EXPECT_EQ(short_number(UINT64_MAX), "18.4 E");
}

TEST(Sparkline, AsHighAsTheValues) {
  EXPECT_EQ(sparkline({}, 8), "");
  EXPECT_EQ(sparkline({0, 0}, 8), "  ");
  EXPECT_EQ(sparkline({0, 1, 7, 14}, 8), " ▁▄█");
  // Of neighbours in one cell the highest is seen.
  EXPECT_EQ(sparkline({1, 8, 0, 0, 4, 1}, 3), "█ ▄");
  EXPECT_EQ(sparkline({UINT64_MAX, UINT64_MAX}, 1), "█");
}

TEST(Bar, IsAtLeastABlock) {
  EXPECT_EQ(bar(0, 10, 4), " ");
  EXPECT_EQ(bar(10, 10, 4), "████");
  EXPECT_EQ(bar(1, 1000, 4), "█");
  EXPECT_EQ(bar(5, 10, 4), "██");
}

}  // namespace
}  // namespace fairlead::cli
