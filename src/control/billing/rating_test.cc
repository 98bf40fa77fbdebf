#include "control/billing/rating.h"

#include <gtest/gtest.h>

#include <random>

namespace fairlead::control {
namespace {

constexpr std::int64_t kGB = 1'000'000'000;

Tariff graduated(std::vector<Tier> tiers) { return {TierMode::graduated, std::move(tiers)}; }

std::int64_t cost(const Tariff& t, std::uint64_t quantity, std::int64_t unit = kGB, std::int64_t share = 1) {
  return amount_of(rate(t, quantity, unit, share).value()).value();
}

// Worked by hand: 10 GB at 0.24, the next 40 at 0.23, the rest at 0.21.
TEST(RatingTest, GoldenExamples) {
  const Tariff t = graduated({{10, 240'000}, {50, 230'000}, {{}, 210'000}});
  EXPECT_TRUE(rate(t, 0, kGB).value().empty());
  EXPECT_EQ(cost(t, kGB), 240'000);
  EXPECT_EQ(cost(t, 10 * kGB), 2'400'000);
  const auto lines = rate(t, 120 * kGB + kGB / 2, kGB).value();
  EXPECT_EQ(lines, (std::vector<RatedLine>{{0, 10 * kGB, 240'000, 2'400'000},
                                           {1, 40 * kGB, 230'000, 9'200'000},
                                           {2, 70 * kGB + kGB / 2, 210'000, 14'805'000}}));
  EXPECT_EQ(cost(t, 120 * kGB + kGB / 2), 26'405'000);

  const Tariff volume{TierMode::volume, t.tiers};
  EXPECT_EQ(rate(volume, 10 * kGB, kGB).value(), (std::vector<RatedLine>{{0, 10 * kGB, 240'000, 2'400'000}}));
  EXPECT_EQ(rate(volume, 10 * kGB + 1, kGB).value(),
            (std::vector<RatedLine>{{1, 10 * kGB + 1, 230'000, 2'300'000}}));  // a byte costs 0.00023 micro-units
  EXPECT_EQ(rate(volume, 100 * kGB, kGB).value(), (std::vector<RatedLine>{{2, 100 * kGB, 210'000, 21'000'000}}));
}

TEST(RatingTest, HalfAMicroUnitIsRoundedUp) {
  const Tariff t = graduated({{{}, 1}});
  EXPECT_EQ(cost(t, kGB / 2 - 1), 0);
  EXPECT_EQ(cost(t, kGB / 2), 1);
  EXPECT_EQ(cost(t, kGB + kGB / 2 - 1), 1);
  EXPECT_EQ(cost(graduated({{{}, 1}}), 3, 2), 2);  // 1.5
  // Each line by itself: 0.5 + 0.5 is 2, not 1.
  EXPECT_EQ(cost(graduated({{1, 1}, {{}, 1}}), 3, 2), 2);
  EXPECT_EQ(cost(graduated({{1, 3}, {{}, 3}}), 3, 2), 5);  // 3 + 1.5
}

// A month of 30 days at 1,000 units a Mbit/s: three days' peaks of 10 Mbit/s are a mean of 1.
TEST(RatingTest, SharesDivide) {
  const Tariff t = graduated({{1, 1'000'000'000}, {{}, 500'000'000}});
  EXPECT_EQ(cost(t, 3LL * 10 * 37'500'000, 37'500'000, 30), 1'000'000'000);
  EXPECT_EQ(cost(t, 6LL * 10 * 37'500'000, 37'500'000, 30), 1'500'000'000);
}

TEST(RatingTest, FreeIsAPrice) {
  const auto lines = rate(graduated({{5, 0}, {{}, 100}}), 7, 1).value();
  EXPECT_EQ(lines, (std::vector<RatedLine>{{0, 5, 0, 0}, {1, 2, 100, 200}}));
}

TEST(RatingTest, WhatIsTooMuchIsAnError) {
  const Tariff t = graduated({{{}, kMaxPrice}});
  EXPECT_EQ(rate(t, ~0ull, 1).error().code, base::Code::too_large);
  EXPECT_TRUE(rate(t, 9'000, 1));
  EXPECT_EQ(amount_of({{0, 1, 1, INT64_MAX}, {1, 1, 1, 1}}).error().code, base::Code::too_large);
}

TEST(RatingTest, TiersAreChecked) {
  const auto wrong = [](std::vector<Tier> tiers) {
    const auto p = check_tiers(tiers);
    return p ? static_cast<int>(p->tier) : -1;
  };
  EXPECT_EQ(wrong({{{}, 0}}), -1);
  EXPECT_EQ(wrong({{1, 5}, {2, 4}, {{}, 3}}), -1);
  EXPECT_EQ(wrong({}), 0);
  EXPECT_EQ(wrong({{5, 1}}), 0);
  EXPECT_EQ(wrong({{{}, 1}, {{}, 1}}), 0);
  EXPECT_EQ(wrong({{5, 1}, {5, 1}, {{}, 1}}), 1);
  EXPECT_EQ(wrong({{0, 1}, {{}, 1}}), 0);
  EXPECT_EQ(wrong({{5, 1}, {{}, -1}}), 1);
  EXPECT_EQ(wrong({{5, 1}, {{}, kMaxPrice + 1}}), 1);
  EXPECT_EQ(wrong(std::vector<Tier>(kMaxTiers + 1)), static_cast<int>(kMaxTiers));
}

class RatingProperties : public ::testing::Test {
 protected:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  Tariff some(TierMode mode) {
    Tariff t{mode, {}};
    std::int64_t end = 0;
    for (auto n = below(5); n > 0; --n) {
      end += 1 + static_cast<std::int64_t>(below(50));
      t.tiers.push_back({end, static_cast<std::int64_t>(below(1'000'000))});
    }
    t.tiers.push_back({{}, static_cast<std::int64_t>(below(1'000'000))});
    EXPECT_FALSE(check_tiers(t.tiers));
    return t;
  }
  std::mt19937_64 random_{20260311};
};

TEST_F(RatingProperties, GraduatedIsMonotoneAndAddsUpOverTiers) {
  for (int i = 0; i < 20'000; ++i) {
    const Tariff t = some(TierMode::graduated);
    const std::int64_t unit = 1 + static_cast<std::int64_t>(below(2000)),
                       share = 1 + static_cast<std::int64_t>(below(31));
    const std::uint64_t a = below(300'000), b = a + below(100'000);
    const auto lines = rate(t, b, unit, share).value();
    ASSERT_LE(cost(t, a, unit, share), cost(t, b, unit, share));
    std::uint64_t all = 0;
    for (const RatedLine& line : lines) {
      all += line.quantity;
      ASSERT_GE(line.amount_micro, 0);
      ASSERT_GT(line.quantity, 0u);
      // Of the exact amount, q x p / (u x s), it is half a micro-unit away at most.
      const auto exact2 = 2 * static_cast<std::int64_t>(line.quantity) * line.price_micro;
      const auto d = unit * share;
      ASSERT_LE(2 * line.amount_micro * d - d, exact2);
      ASSERT_LT(exact2, 2 * line.amount_micro * d + d);
      // A tier alone costs the same as within the whole.
      ASSERT_EQ(line.amount_micro, cost(graduated({{{}, line.price_micro}}), line.quantity, unit, share));
      if (t.tiers[line.tier].up_to) {
        ASSERT_LE(all, static_cast<std::uint64_t>(*t.tiers[line.tier].up_to * d));
      }
    }
    ASSERT_EQ(all, b);
  }
}

TEST_F(RatingProperties, VolumeIsOnePriceForAll) {
  for (int i = 0; i < 20'000; ++i) {
    const Tariff t = some(TierMode::volume);
    const std::uint64_t q = 1 + below(300'000);
    const auto lines = rate(t, q, 1000).value();
    ASSERT_EQ(lines.size(), 1u);
    ASSERT_EQ(lines[0].quantity, q);
    const Tier& tier = t.tiers[lines[0].tier];
    ASSERT_TRUE(!tier.up_to || q <= static_cast<std::uint64_t>(*tier.up_to) * 1000);
    ASSERT_TRUE(lines[0].tier == 0 || q > static_cast<std::uint64_t>(*t.tiers[lines[0].tier - 1].up_to) * 1000);
  }
}

}  // namespace
}  // namespace fairlead::control
