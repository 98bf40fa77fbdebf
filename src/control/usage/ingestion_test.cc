#include "control/usage/ingestion.h"

#include <gtest/gtest.h>

#include "control/usage/testing/usage_fixture.h"
#include "control/usage/traffic_points.h"
#include "store/metered_domains.h"
#include "store/usage_damaged.h"
#include "store/usage_sums.h"

namespace fairlead::control {
namespace {

using model::Meter;
using model::UsageSet;
using Values = model::UsageValues;

class IngestionTest : public testing::UsageTest {
 protected:
  std::string account_ = add_account("acme");
  store::Domain domain_ = add_domain(account_, "live.example.com");
  Values total(std::int64_t from_s = 0, std::int64_t to_s = kStart + 10 * kDay) {
    const auto all = series(everything(from_s, to_s, kDay));
    Values sum;
    for (const auto& s : all) {
      for (const auto& p : s.points) add_usage(sum, p.values);
    }
    return sum;
  }
};

TEST_P(IngestionTest, ASetCountsOnce) {
  const UsageSet set = set_of(domain_, 1, kStart, {{Meter::bytes_in, 5}, {Meter::bytes_out, 7}});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(take(set));
  EXPECT_EQ(total(), (Values{{Meter::bytes_in, 5}, {Meter::bytes_out, 7}}));
  EXPECT_EQ(ingestion_->counters().taken, 1u);
  EXPECT_EQ(ingestion_->counters().duplicates, 2u);
  EXPECT_EQ(ingestion_->counters().last_to_ms.at("edge-1"), set.to_ms);
}

// A control plane that starts again knows what the one before it took.
TEST_P(IngestionTest, AnotherIngestionKnowsWhatTheFirstTook) {
  const UsageSet set = set_of(domain_, 1, kStart, {{Meter::bytes_out, 7}});
  ASSERT_TRUE(take(set));
  UsageIngestion second(*context_);
  ASSERT_TRUE(second.take(model::encode_usage(set)));
  EXPECT_EQ(second.counters().duplicates, 1u);
  ASSERT_TRUE(second.take(model::encode_usage(set_of(domain_, 2, kStart, {{Meter::bytes_out, 1}}))));
  EXPECT_EQ(total(), (Values{{Meter::bytes_out, 8}}));
}

TEST_P(IngestionTest, WhatIsNoSetIsRefusedForEver) {
  const std::string good = model::encode_usage(set_of(domain_, 1, kStart, {{Meter::bytes_out, 7}}));
  for (const std::string& bad : {std::string(), good.substr(0, good.size() - 1), good + "x"}) {
    const auto done = ingestion_->take(bad);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().retry, base::Retry::never);
  }
  EXPECT_EQ(ingestion_->take("FLU\x02").error().retry, base::Retry::later) << "of a newer program";
  auto zero = set_of(domain_, 0, kStart, {{Meter::bytes_out, 7}});
  EXPECT_EQ(take(zero).error().retry, base::Retry::never);
  UsageSet sum = set_of(domain_, 1, kStart, {{Meter::bytes_out, 7}});
  sum.records[0].key.domain_id = store::usage_sum_id("");
  EXPECT_EQ(take(sum).error().retry, base::Retry::never) << "sums are nobody's but ours";
  EXPECT_EQ(ingestion_->counters().refused, 6u);
  EXPECT_TRUE(total().empty());
}

TEST_P(IngestionTest, WhileTheStoreIsAwayASetIsNotLost) {
  write([](store::Transaction& tx) { return tx.execute("alter table usage_open rename to hidden"); });
  const UsageSet set = set_of(domain_, 1, kStart, {{Meter::bytes_out, 7}});
  EXPECT_EQ(take(set).error().retry, base::Retry::later);
  write([](store::Transaction& tx) { return tx.execute("alter table hidden rename to usage_open"); });
  ASSERT_TRUE(take(set));
  EXPECT_EQ(total(), (Values{{Meter::bytes_out, 7}})) << "the sequence was not noted without its counts";
}

TEST_P(IngestionTest, ADamagedRowIsSetAside) {
  const store::Domain other = add_domain(account_, "other.example.com");
  ASSERT_TRUE(take(set_of(domain_, 1, kStart, {{Meter::bytes_out, 7}})));
  ASSERT_TRUE(take(set_of(other, 2, kStart, {{Meter::bytes_out, 100}})));
  const store::OpenUsage damaged{domain_.id, kStart, "no block", "no block"};
  write([&](store::Transaction& tx) { return store::put_open_usage(tx, {damaged}); });
  ++now_ms_;
  ASSERT_TRUE(take(set_of(domain_, 3, kStart, {{Meter::bytes_out, 20}})));
  ASSERT_TRUE(take(set_of(domain_, 4, kStart, {{Meter::bytes_out, 30}})));
  EXPECT_EQ(total(), (Values{{Meter::bytes_out, 150}}));
  EXPECT_EQ(ingestion_->counters().damaged_rows, 1u);
  const auto aside = read([](store::Transaction& tx) { return store::list_damaged_usage(tx); });
  EXPECT_EQ(aside, (std::vector{store::DamagedUsage{damaged, now_ms_}}));

  // A sum can be made again of what it is the sum of.
  auto rows = read([&](store::Transaction& tx) { return store::open_usage_at(tx, kStart, {domain_.id}); });
  ASSERT_EQ(rows.size(), 1u);
  rows[0].total = "no block";
  write([&](store::Transaction& tx) { return store::put_open_usage(tx, rows); });
  ASSERT_TRUE(take(set_of(domain_, 5, kStart, {{Meter::bytes_out, 1}})));
  EXPECT_EQ(total(), (Values{{Meter::bytes_out, 151}}));
  EXPECT_EQ(ingestion_->counters().damaged_rows, 1u);
}

TEST_P(IngestionTest, DomainsOfNobodyAreKeptApart) {
  UsageSet set = set_of(domain_, 1, kStart, {{Meter::bytes_out, 7}});
  set.records[0].key.domain_id.clear();
  ASSERT_TRUE(take(set));
  const auto stranger = read([&](store::Transaction& tx) {
    return store::find_metered_domain(tx, store::metered_id_of_name("live.example.com"));
  });
  EXPECT_EQ(stranger.account_id, "");
  EXPECT_EQ(stranger.name, "live.example.com");
  const auto of_account = read([&](store::Transaction& tx) { return traffic_points(tx, account_, 0, kStart + kDay); });
  EXPECT_TRUE(of_account.empty());
  EXPECT_EQ(total(), (Values{{Meter::bytes_out, 7}}));
}

TEST_P(IngestionTest, PlacesThatNoTextCanBeAreUnknown) {
  UsageSet set = set_of(domain_, 1, kStart, {{Meter::bytes_out, 7}});
  set.records[0].key.region = "\xff\xfe";
  set.records.push_back(set.records[0]);
  set.records[0].key.region = "unknown";
  set.records[0].key.isp = set.records[1].key.isp = "";
  ASSERT_TRUE(take(set));
  const auto all = series(everything(kStart, kStart + kDay, 300, SeriesGroup::region_and_isp));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].region + " " + all[0].isp, "unknown unknown");
  EXPECT_EQ(all[0].points.at(0).values, (Values{{Meter::bytes_out, 14}}));
}

TEST_P(IngestionTest, WhatIsOutOfRangeIsSummedUpApart) {
  ASSERT_TRUE(take(set_of(domain_, 1, kStart + kDay + 300, {{Meter::bytes_out, 1}})));
  ASSERT_TRUE(take(set_of(domain_, 2, kStart - 93 * kDay - 300, {{Meter::bytes_in, 9}, {Meter::bytes_out, 2}})));
  ASSERT_TRUE(take(set_of(domain_, 3, kStart - 200 * kDay, {{Meter::bytes_out, 4}})));
  ASSERT_TRUE(take(set_of(domain_, 3, kStart - 200 * kDay, {{Meter::bytes_out, 4}})));
  EXPECT_TRUE(total().empty());
  ASSERT_TRUE(take(set_of(domain_, 4, kStart + kDay, {{Meter::bytes_out, 10}})));
  ASSERT_TRUE(take(set_of(domain_, 5, kStart - 93 * kDay, {{Meter::bytes_out, 20}})));
  EXPECT_EQ(total(), (Values{{Meter::bytes_out, 30}}));
  EXPECT_EQ(ingestion_->counters().out_of_range, 3u);
  const auto rows = read([](store::Transaction& tx) { return store::list_usage_out_of_range(tx); });
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].reason, "early");
  EXPECT_EQ(total_of(must(decode_point(rows[0].total))), (Values{{Meter::bytes_out, 1}}));
  EXPECT_EQ(rows[1].sets, 2);
  EXPECT_EQ(total_of(must(decode_point(rows[1].total))), (Values{{Meter::bytes_in, 9}, {Meter::bytes_out, 6}}));

  // A note that is damaged holds no edge up.
  write([](store::Transaction& tx) { return tx.execute("update usage_out_of_range set total = 'no block'"); });
  ASSERT_TRUE(take(set_of(domain_, 6, kStart - 200 * kDay, {{Meter::bytes_out, 4}})));
  const auto anew = read([](store::Transaction& tx) { return store::list_usage_out_of_range(tx); });
  EXPECT_EQ(anew.at(1).sets, 3);
  EXPECT_EQ(total_of(must(decode_point(anew.at(1).total))), (Values{{Meter::bytes_out, 4}}));
}

TEST_P(IngestionTest, ANameThatChangesHandsIsAnotherMeter) {
  ASSERT_TRUE(take(set_of(domain_, 1, kStart, {{Meter::bytes_out, 7}, {Meter::wire_bytes_out, 8}})));
  write([&](store::Transaction& tx) { return store::delete_domain(tx, domain_.id, 1, now_ms_); });
  const std::string other = add_account("other");
  const store::Domain again = add_domain(other, "live.example.com");
  ASSERT_TRUE(take(set_of(again, 2, kStart, {{Meter::bytes_out, 100}})));
  ASSERT_TRUE(take(set_of(again, 3, kStart + 600, {{Meter::bytes_in, 100}})));
  const auto points = [&](const std::string& account) {
    return read([&](store::Transaction& tx) { return traffic_points(tx, account, kStart, kStart + kDay); });
  };
  EXPECT_EQ(points(account_), (std::vector{TrafficPoint{kStart, 7, 8}}));
  EXPECT_EQ(points(other), (std::vector{TrafficPoint{kStart, 100, 0}}));
}

FAIRLEAD_USAGE_ON_BOTH_ENGINES(IngestionTest);

}  // namespace
}  // namespace fairlead::control
