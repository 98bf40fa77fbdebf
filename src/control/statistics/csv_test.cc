#include "control/statistics/csv.h"

#include <gtest/gtest.h>

namespace fairlead::control {
namespace {

TEST(Csv, CellsAreQuotedAndNoFormulas) {
  EXPECT_EQ(csv_cell("Frankfurt"), "Frankfurt");
  EXPECT_EQ(csv_cell("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_cell("say \"hi\""), "\"say \"\"hi\"\"\"");
  EXPECT_EQ(csv_cell("two\r\nlines"), "\"two\r\nlines\"");
  EXPECT_EQ(csv_cell("=1+1"), "'=1+1");
  EXPECT_EQ(csv_cell("@x"), "'@x");
  EXPECT_EQ(csv_cell("-2,5"), "\"'-2,5\"");
  EXPECT_EQ(csv_cell("\tx"), "'\tx");
  EXPECT_EQ(csv_cell(""), "");
}

TEST(Csv, LinesEndAsRfc4180Says) {
  Csv csv({"time", "count"});
  csv.add({"2026-11-21T10:00:00Z", "3"});
  EXPECT_EQ(csv.text(), "time,count\r\n2026-11-21T10:00:00Z,3\r\n");
}

}  // namespace
}  // namespace fairlead::control
