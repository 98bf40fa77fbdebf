#include "control/statistics/interval_rules.h"

#include <gtest/gtest.h>

#include "control/api/operation.h"

namespace fairlead::control {
namespace {

std::int64_t ms(std::string_view text) { return parse_date(text).value(); }

// "FROM TO INTERVAL NOTES" or "422 POINTER CODE".
std::string told(const Outcome<StatisticsRange>& range) {
  if (!range) {
    return std::to_string(range.error().status) + " " + range.error().errors.at(0).pointer + " " +
           range.error().errors.at(0).code;
  }
  std::string out = to_iso(range->from_s) + " " + to_iso(range->to_s) + " " + std::to_string(range->interval_s);
  for (const auto& n : range->notes) out += " " + n.code;
  return out;
}

struct Row {
  std::string_view what, start, end;  // empty: not given
  std::int64_t interval;              // 0: not given
  std::string_view answer;
};

class Rules : public ::testing::Test {
 protected:
  void golden(std::string_view now, std::initializer_list<Row> rows, const TimeZone* zone = nullptr) {
    for (const Row& row : rows) {
      RangeAsked asked;
      if (!row.start.empty()) asked.start_time = row.start;
      if (!row.end.empty()) asked.end_time = row.end;
      if (row.interval != 0) asked.interval = row.interval;
      EXPECT_EQ(told(statistics_range(asked, zone, ms(now))), row.answer) << row.what;
    }
  }
};

TEST_F(Rules, SpansAndTheirIntervals) {
  golden(
      "2026-11-21T10:02:03.456Z",
      {{"neither", "", "", 0, "2026-11-20T10:05:00Z 2026-11-21T10:05:00Z 300 running"},
       {"neither, hours", "", "", 3600, "2026-11-20T10:05:00Z 2026-11-21T10:05:00Z 3600 running"},
       {"neither, days", "", "", 86400, "2026-11-20T10:05:00Z 2026-11-21T10:05:00Z 86400 running"},
       {"2 d 23:59", "2026-11-01T00:00:00Z", "2026-11-03T23:59:00Z", 0,
        "2026-11-01T00:00:00Z 2026-11-04T00:00:00Z 300 rounded"},
       {"3 d", "2026-11-01T00:00:00Z", "2026-11-04T00:00:00Z", 0, "2026-11-01T00:00:00Z 2026-11-04T00:00:00Z 3600"},
       {"3 d, five minutes", "2026-11-01T00:00:00Z", "2026-11-04T00:00:00Z", 300,
        "2026-11-01T00:00:00Z 2026-11-04T00:00:00Z 3600 interval"},
       {"3 d less a millisecond", "2026-11-01T00:00:00.001Z", "2026-11-04T00:00:00Z", 300,
        "2026-11-01T00:00:00Z 2026-11-04T00:00:00Z 300 rounded"},
       {"3 d, days", "2026-11-01T00:00:00Z", "2026-11-04T00:00:00Z", 86400,
        "2026-11-01T00:00:00Z 2026-11-04T00:00:00Z 86400"},
       {"30 d 23:59", "2026-10-01T00:00:00Z", "2026-10-31T23:59:00Z", 0,
        "2026-10-01T00:00:00Z 2026-11-01T00:00:00Z 3600 rounded"},
       {"31 d", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", 0, "2026-10-01T00:00:00Z 2026-11-01T00:00:00Z 86400"},
       {"31 d, hours", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", 3600,
        "2026-10-01T00:00:00Z 2026-11-01T00:00:00Z 86400 interval"},
       {"93 d", "2026-08-01T00:00:00Z", "2026-11-02T00:00:00Z", 0, "2026-08-01T00:00:00Z 2026-11-02T00:00:00Z 86400"},
       {"93 d + 1 s", "2026-08-01T00:00:00Z", "2026-11-02T00:00:01Z", 0, "422 ?end_time span-too-long"},
       {"no interval there is", "2026-11-01T00:00:00Z", "2026-11-01T01:00:00Z", 60,
        "2026-11-01T00:00:00Z 2026-11-01T01:00:00Z 300 interval"},
       {"a month's end", "2026-09-30T23:55:00Z", "2026-10-01T00:05:00Z", 0,
        "2026-09-30T23:55:00Z 2026-10-01T00:05:00Z 300"}});
  golden("2028-03-05T00:00:00Z",
         {{"over a leap day, 31 d", "2028-02-01T00:00:00Z", "2028-03-03T00:00:00Z", 0,
           "2028-02-01T00:00:00Z 2028-03-03T00:00:00Z 86400"},
          {"over a leap day, 30 d", "2028-02-01T00:00:00Z", "2028-03-02T00:00:00Z", 0,
           "2028-02-01T00:00:00Z 2028-03-02T00:00:00Z 3600"},
          {"the leap day", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z", 0,
           "2028-02-29T00:00:00Z 2028-03-01T00:00:00Z 300"},
          {"no leap day", "2027-02-29T00:00:00Z", "2028-03-01T00:00:00Z", 0, "422 ?start_time bad-value"}});
}

TEST_F(Rules, WrongAndOddTimes) {
  golden("2026-11-21T10:02:03.456Z",
         {{"only the start", "2026-11-01T00:00:00Z", "", 0, "422 ?end_time missing-parameter"},
          {"only the end", "", "2026-11-01T00:00:00Z", 0, "422 ?start_time missing-parameter"},
          {"end before start", "2026-11-02T00:00:00Z", "2026-11-01T00:00:00Z", 0, "422 ?end_time out-of-range"},
          {"equal", "2026-11-02T00:00:00Z", "2026-11-02T00:00:00Z", 0, "422 ?end_time out-of-range"},
          {"no date", "yesterday", "2026-11-02T00:00:00Z", 0, "422 ?start_time bad-value"},
          {"in the future", "2026-11-21T10:02:04Z", "2026-11-22T00:00:00Z", 0, "422 ?start_time out-of-range"},
          {"this very moment", "2026-11-21T10:02:03.456Z", "2026-11-21T10:02:04Z", 0,
           "2026-11-21T10:00:00Z 2026-11-21T10:05:00Z 300 rounded running"},
          {"until midnight", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z", 0,
           "2026-11-21T00:00:00Z 2026-11-21T10:05:00Z 300 future running"},
          {"until the last whole interval", "2026-11-21T09:00:00Z", "2026-11-21T10:00:00Z", 0,
           "2026-11-21T09:00:00Z 2026-11-21T10:00:00Z 300"},
          {"rounded outward", "2026-11-20T09:04:59Z", "2026-11-20T09:05:01Z", 0,
           "2026-11-20T09:00:00Z 2026-11-20T09:10:00Z 300 rounded"},
          {"of another offset", "2026-11-20T17:00:00+08:00", "2026-11-20T10:00:00Z", 0,
           "2026-11-20T09:00:00Z 2026-11-20T10:00:00Z 300"},
          {"before 1970", "1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z", 0, "422 ?end_time removed"}});
}

// Ranges that share a boundary share no point when it is one of five minutes: sums over them are the whole's.
TEST_F(Rules, AdjacentRangesCountNothingTwice) {
  const std::int64_t now = ms("2026-11-21T10:00:00Z");
  RangeAsked first{"2026-11-20T00:00:00Z", "2026-11-20T07:35:00Z", {}},
      second{"2026-11-20T07:35:00Z", "2026-11-20T12:00:00Z", {}};
  EXPECT_EQ(statistics_range(first, nullptr, now)->to_s, statistics_range(second, nullptr, now)->from_s);
}

TEST_F(Rules, WhatIsRemovedIsSaid) {
  // Five-minute points since 2026-08-20, hours since 2026-05-19, days since 2025-11-20.
  golden("2026-11-21T10:02:00Z",
         {{"the first day of five minutes", "2026-08-20T00:00:00Z", "2026-08-21T00:00:00Z", 300,
           "2026-08-20T00:00:00Z 2026-08-21T00:00:00Z 300"},
          {"half of it", "2026-08-19T00:00:00Z", "2026-08-21T00:00:00Z", 300,
           "2026-08-20T00:00:00Z 2026-08-21T00:00:00Z 300 removed"},
          {"half of it, no interval", "2026-08-19T00:00:00Z", "2026-08-21T00:00:00Z", 0,
           "2026-08-19T00:00:00Z 2026-08-21T00:00:00Z 3600 coarser"},
          {"none of it", "2026-08-18T00:00:00Z", "2026-08-20T00:00:00Z", 300, "422 ?end_time removed"},
          {"hours, within one", "2026-08-18T10:20:00Z", "2026-08-18T12:20:00Z", 0,
           "2026-08-18T10:00:00Z 2026-08-18T13:00:00Z 3600 rounded coarser"},
          {"days alone", "2026-05-17T10:20:00Z", "2026-05-18T12:20:00Z", 0,
           "2026-05-17T00:00:00Z 2026-05-19T00:00:00Z 86400 rounded coarser"},
          {"the first of days", "2025-11-19T00:00:00Z", "2026-01-01T00:00:00Z", 0,
           "2025-11-20T00:00:00Z 2026-01-01T00:00:00Z 86400 removed"},
          {"before everything", "2025-10-19T00:00:00Z", "2025-11-20T00:00:00Z", 0, "422 ?end_time removed"}});
  EXPECT_EQ(to_iso(statistics_range({}, nullptr, ms("2026-11-21T10:02:00Z"))->data_since_s), "2026-08-20T00:00:00Z");
  // Days of a zone are made of hours, which are gone sooner.
  const auto zone = TimeZone::find("Asia/Shanghai");
  ASSERT_TRUE(zone);
  golden("2026-11-21T10:02:00Z",
         {{"days of Shanghai", "2026-05-17T16:00:00Z", "2026-06-30T16:00:00Z", 0,
           "2026-05-19T00:00:00Z 2026-06-30T16:00:00Z 86400 rounded removed"}},
         &*zone);
}

}  // namespace
}  // namespace fairlead::control
