#include "control/usage/keeper.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "control/usage/testing/usage_fixture.h"
#include "control/usage/usage_metrics.h"
#include "store/usage_points.h"

namespace fairlead::control {
namespace {

using model::Meter;

class KeeperTest : public testing::UsageTest {};

TEST_P(KeeperTest, PacksWhatIsOverAndLeavesWhatIsNot) {
  const auto domain = add_domain(add_account("acme"), "live.example.com");
  ASSERT_TRUE(take(set_of(domain, 1, kStart, {{Meter::bytes_out, 1}})));
  ASSERT_TRUE(take(set_of(domain, 2, kStart + 6 * kHour, {{Meter::bytes_out, 2}})));
  ASSERT_TRUE(take(set_of(domain, 2, kStart + 6 * kHour, {{Meter::bytes_out, 2}})));
  now_ms_ = (kStart + 6 * kHour + 600) * 1000;
  UsageKeeper keeper(*context_);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (keeper.status().open_rows != 1 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_EQ(keeper.status().open_rows, 1);
  EXPECT_EQ(keeper.status().days, 1u);
  EXPECT_EQ(keeper.status().failures, 0u);
  const std::string text = usage_metrics(ingestion_->counters(), keeper.status(), now_ms_);
  for (const char* line :
       {"fairlead_usage_sets_total{result=\"taken\"} 2\n", "fairlead_usage_sets_total{result=\"duplicate\"} 1\n",
        "fairlead_usage_open_rows 1\n", "fairlead_usage_lag_seconds{edge=\"edge-1\"} 590.000\n",
        "fairlead_usage_rolled_up_domain_days_total 1\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

FAIRLEAD_USAGE_ON_BOTH_ENGINES(KeeperTest);

}  // namespace
}  // namespace fairlead::control
