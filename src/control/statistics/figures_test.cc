#include "control/statistics/figures.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "base/clock.h"
#include "control/api/operation.h"

namespace fairlead::control {
namespace {

using Numbers = std::vector<std::uint64_t>;
using model::Meter;

std::int64_t at(std::string_view text) { return parse_date(text).value() / 1000; }

TEST(Bandwidth, IsBitsByTheLengthOfTheInterval) {
  EXPECT_EQ(bits_per_second(300, 300), 8u);
  EXPECT_EQ(bits_per_second(299, 300), 7u);
  EXPECT_EQ(bits_per_second(0, 300), 0u);
  EXPECT_EQ(bits_per_second(UINT64_MAX, 8), UINT64_MAX);
  // A part of an hour is as long as it is.
  const PointGrid grid(at("2026-11-21T10:55:00Z"), at("2026-11-21T13:05:00Z"), 3600, nullptr);
  ASSERT_EQ(grid.size(), 4u);
  const auto out = bandwidth_of(grid, {300, 3600, 7200, 600});
  EXPECT_EQ(out.points, (Numbers{8, 8, 16, 16}));
  EXPECT_EQ(out.peak, 16u);
  EXPECT_EQ(out.peak_at_s, at("2026-11-21T12:00:00Z"));
  EXPECT_EQ(out.average, 11700u * 8 / 7800);
}

TEST(Bandwidth, PercentileIsTheNearestRank) {
  const PointGrid grid(0, 300 * 288, 300, nullptr);
  Numbers bytes(288);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = 300 * (bytes.size() - i);
  // 5 of 100 are above: 14 of 288.
  EXPECT_EQ(bandwidth_of(grid, bytes).percentile_95, 8 * 274u);
  EXPECT_EQ(bandwidth_of(PointGrid(0, 300, 300, nullptr), {300}).percentile_95, 8u);
  EXPECT_EQ(bandwidth_of(PointGrid(0, 600, 300, nullptr), {0, 0}).peak_at_s, 0);
}

TEST(Shares, AreTheWholeToTheLastPart) {
  EXPECT_EQ(shares_of({1, 1, 1}), (Numbers{3334, 3333, 3333}));
  EXPECT_EQ(shares_of({}), Numbers{});
  EXPECT_EQ(shares_of({0, 0}), (Numbers{0, 0}));
  EXPECT_EQ(shares_of({0, 7}), (Numbers{0, 10000}));
  EXPECT_EQ(shares_of({1, 2, 9997}), (Numbers{1, 2, 9997}));
  EXPECT_EQ(shares_of({UINT64_MAX / 2, UINT64_MAX / 2}), (Numbers{5000, 5000}));
  std::mt19937_64 random(7);
  for (int i = 0; i < 1000; ++i) {
    Numbers counts(random() % 30 + 1);
    for (auto& n : counts) n = random() >> (8 + random() % 50);
    const auto shares = shares_of(counts);
    const auto sum = std::accumulate(shares.begin(), shares.end(), std::uint64_t{0});
    EXPECT_EQ(sum, std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) == 0 ? 0 : kWhole);
  }
}

TEST(DurationsOf, AreTheBucketsBounds) {
  model::UsageValues values;
  EXPECT_EQ(durations_of(values, Meter::origin_seconds, Meter::origin_nanoseconds).count, 0u);
  values = {{Meter::handshake_seconds + 11, 5},  // another family
            {Meter::origin_seconds + 0, 50},    {Meter::origin_seconds + 3, 40},  {Meter::origin_seconds + 6, 9},
            {Meter::origin_seconds + 12, 1},    {Meter::origin_nanoseconds, 1000}};
  auto out = durations_of(values, Meter::origin_seconds, Meter::origin_nanoseconds);
  EXPECT_EQ(out.count, 100u);
  EXPECT_EQ(out.mean_ns, 10u);
  EXPECT_EQ(out.p50_ns, 1'000'000);
  EXPECT_EQ(out.p90_ns, 10'000'000);
  EXPECT_EQ(out.p99_ns, 100'000'000);
  values[4].second = 2;
  out = durations_of(values, Meter::origin_seconds, Meter::origin_nanoseconds);
  EXPECT_EQ(out.count, 101u);
  EXPECT_EQ(out.p99_ns, std::nullopt);
}

// How the points of a day begin.
std::vector<std::string> begins(const PointGrid& grid) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < grid.size(); ++i) {
    std::string text = base::format_utc_ms(grid.at(i) * 1000).substr(5, 11);
    out.push_back(text + "+" + std::to_string(grid.length(i) / 60));
  }
  return out;
}

TEST(Grid, DaysAndHoursOfAZone) {
  using Texts = std::vector<std::string>;
  const auto berlin = TimeZone::find("Europe/Berlin"), kolkata = TimeZone::find("Asia/Kolkata");
  ASSERT_TRUE(berlin && kolkata);
  // Clocks go forward on March 29th and back on October 25th.
  const PointGrid spring(at("2026-03-27T23:00:00Z"), at("2026-03-30T22:00:00Z"), 86400, &*berlin);
  EXPECT_EQ(begins(spring), (Texts{"03-27T23:00+1440", "03-28T23:00+1380", "03-29T22:00+1440"}));
  EXPECT_EQ(spring.read_step(), 3600);
  const PointGrid autumn(at("2026-10-24T12:00:00Z"), at("2026-10-26T12:00:00Z"), 86400, &*berlin);
  EXPECT_EQ(begins(autumn), (Texts{"10-24T12:00+600", "10-24T22:00+1500", "10-25T23:00+780"}));
  const PointGrid hours(at("2026-10-24T22:00:00Z"), at("2026-10-25T23:00:00Z"), 3600, &*berlin);
  EXPECT_EQ(hours.size(), 25u);
  const PointGrid india(at("2026-11-20T18:00:00Z"), at("2026-11-20T20:00:00Z"), 3600, &*kolkata);
  EXPECT_EQ(begins(india), (Texts{"11-20T18:00+30", "11-20T18:30+60", "11-20T19:30+30"}));
  EXPECT_EQ(india.read_step(), 300);
  const PointGrid utc(at("2026-11-20T18:00:00Z"), at("2026-11-22T06:00:00Z"), 86400, nullptr);
  EXPECT_EQ(begins(utc), (Texts{"11-20T18:00+360", "11-21T00:00+1440", "11-22T00:00+360"}));
  EXPECT_EQ(utc.read_step(), 86400);
}

TEST(Grid, FoldsCountsIntoItsPoints) {
  const auto berlin = TimeZone::find("Europe/Berlin");
  ASSERT_TRUE(berlin);
  const PointGrid days(at("2026-10-24T22:30:00Z"), at("2026-10-26T12:00:00Z"), 86400, &*berlin);
  std::vector<SeriesPoint> hours;
  for (std::int64_t t = at("2026-10-24T22:00:00Z"); t < days.to(); t += 3600) {
    hours.push_back({t, {{Meter::bytes_out, 1}}});
  }
  const auto folded = days.fold(hours);
  ASSERT_EQ(folded.size(), 2u);
  EXPECT_EQ(model::usage_of(folded[0], Meter::bytes_out), 25u);
  EXPECT_EQ(model::usage_of(folded[1], Meter::bytes_out), 13u);
}

}  // namespace
}  // namespace fairlead::control
