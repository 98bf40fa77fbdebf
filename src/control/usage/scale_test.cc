// What usage costs at scale, in small: bench/usage_scale.cc says what it does cost, this fails when it has become
// several times that. In CPU time of the thread, so that a busy machine changes nothing.
#include <gtest/gtest.h>
#include <time.h>

#include "control/usage/block.h"
#include "control/usage/rollup.h"
#include "control/usage/sums.h"
#include "control/usage/testing/usage_fixture.h"
#include "store/usage_points.h"
#include "store/usage_sums.h"

namespace fairlead::control {
namespace {

using model::Meter;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kTimed = false;
#else
constexpr bool kTimed = true;
#endif

double cpu_s() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

class ScaleTest : public testing::UsageTest {
 protected:
  static constexpr std::uint32_t kDomains = 16, kRegions = 20, kIsps = 10;
  static constexpr Meter kMeters[] = {Meter::bytes_in, Meter::bytes_out, Meter::wire_bytes_in, Meter::wire_bytes_out};
  static constexpr std::int64_t kTo = kStart + (kTimed ? 6 : 1) * kHour;

  // A quarter of a day (where it is not timed, an hour) of 200 keys in every interval, taken in as edges hand it over,
  // but in one set each.
  void take_quarter() {
    std::uint64_t sequence = 0;
    for (std::int64_t at_s = kStart; at_s < kTo; at_s += 300) {
      model::UsageSet set{.edge = "edge-1",
                          .epoch = 1,
                          .sequence = ++sequence,
                          .interval_s = at_s,
                          .from_ms = 0,
                          .to_ms = 0,
                          .records = {}};
      for (const auto& domain : domains_) {
        for (std::uint32_t key = 0; key < kRegions * kIsps; ++key) {
          model::UsageRecord record{
              {domain.id, domain.name, fmt::format("r{:02}", key / kIsps), fmt::format("i{:02}", key % kIsps), {}, {}},
              {}};
          for (const Meter meter : kMeters) record.values.emplace_back(meter, 100'000 + random_() % 4'000'000);
          add_usage(sum_, record.values);
          set.records.push_back(std::move(record));
        }
      }
      std::ranges::sort(set.records, {}, &model::UsageRecord::key);
      const double begun = cpu_s();
      ASSERT_TRUE(take(set));
      ingestion_cpu_s_ += cpu_s() - begun;
    }
  }

  // A question's answer, which must be the sum, and what it took.
  double ask(std::int64_t step_s, SeriesGroup group) {
    const double begun = cpu_s();
    const auto all = series(everything(kStart, kTo, step_s, group));
    const double took = cpu_s() - begun;
    model::UsageValues sum;
    for (const Series& s : all) {
      for (const SeriesPoint& p : s.points) add_usage(sum, p.values);
    }
    EXPECT_EQ(sum, sum_);
    return took;
  }

  std::vector<store::Domain> domains_;
  std::mt19937_64 random_{1};
  model::UsageValues sum_;
  double ingestion_cpu_s_ = 0;
};

TEST_P(ScaleTest, StaysCheap) {
  const std::string account = add_account("acme");
  for (std::uint32_t i = 0; i < kDomains; ++i)
    domains_.push_back(add_domain(account, fmt::format("d{}.example.com", i)));
  ASSERT_EQ(must(begin_usage_sums(*database_)), 2);
  take_quarter();
  const double begun = cpu_s();
  ASSERT_EQ(must(roll_up_usage(*database_, {.before_s = kTo})).days, std::int64_t{kDomains});
  const double rolled_up = cpu_s() - begun;
  double asked = 0;
  for (const std::int64_t step_s : {300, 3600}) {
    for (const auto group : {SeriesGroup::none, SeriesGroup::region, SeriesGroup::isp, SeriesGroup::region_and_isp})
      asked = std::max(asked, ask(step_s, group));
  }
  RecordProperty("roll_up_cpu_ms", static_cast<int>(rolled_up * 1000));
  RecordProperty("widest_question_cpu_ms", static_cast<int>(asked * 1000));
  if (!kTimed) return;
  // 18 x 57,600 counts. Optimised it takes a twentieth of a second, in a debug build a few times that.
  EXPECT_LT(rolled_up, 1.0);
  // Of the sum's 57,600 counts, however many domains there are: a few milliseconds.
  EXPECT_LT(asked, 0.15);
  EXPECT_LT(ingestion_cpu_s_ / 72, 0.5) << "3,200 records and their sums";
}

INSTANTIATE_TEST_SUITE_P(Engines, ScaleTest, ::testing::Values("SQLite"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace fairlead::control
