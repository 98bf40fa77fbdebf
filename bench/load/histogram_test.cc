#include "bench/load/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

namespace fairlead::bench {
namespace {

std::uint64_t exact(std::vector<std::uint64_t> values, double percent) {
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(values.size())));
  return values[std::max<std::size_t>(rank, 1) - 1];
}

constexpr double kPercents[] = {0, 1, 50, 90, 99, 99.9, 99.99, 100};

TEST(Histogram, is_empty_at_first) {
  const auto h = std::make_unique<Histogram>();
  EXPECT_EQ(h->count(), 0u);
  EXPECT_EQ(h->min(), 0u);
  EXPECT_EQ(h->max(), 0u);
  EXPECT_EQ(h->mean(), 0);
  EXPECT_EQ(h->percentile(99), 0u);
}

TEST(Histogram, every_bucket_ends_where_the_next_begins) {
  EXPECT_EQ(Histogram::bucket_of(0), 0u);
  for (std::size_t i = 0; i + 1 < Histogram::bucket_of(Histogram::kMost); ++i) {
    ASSERT_EQ(Histogram::bucket_of(Histogram::last_of(i)), i);
    ASSERT_EQ(Histogram::bucket_of(Histogram::last_of(i) + 1), i + 1);
  }
}

TEST(Histogram, small_values_are_exact) {
  const auto h = std::make_unique<Histogram>();
  std::vector<std::uint64_t> values;
  for (std::uint64_t v = 0; v < 256; ++v) {
    h->add(v);
    values.push_back(v);
  }
  for (const double p : kPercents) EXPECT_EQ(h->percentile(p), exact(values, p)) << p;
}

TEST(Histogram, percentiles_are_right_to_one_in_128) {
  std::mt19937_64 random(20260301);
  for (int shape = 0; shape < 3; ++shape) {
    const auto h = std::make_unique<Histogram>();
    std::vector<std::uint64_t> values;
    std::lognormal_distribution<double> lognormal(11, 1.5);
    std::uniform_int_distribution<std::uint64_t> uniform(1, 5'000'000'000);
    for (int i = 0; i < 50'000; ++i) {
      const std::uint64_t v = shape == 0 ? uniform(random)
                              : shape == 1
                                  ? static_cast<std::uint64_t>(lognormal(random))
                                  : (i % 1000 == 0 ? 90'000'000 + uniform(random) : 40'000 + uniform(random) % 9000);
      h->add(v);
      values.push_back(v);
    }
    for (const double p : kPercents) {
      const auto right = static_cast<double>(exact(values, p));
      const auto said = static_cast<double>(h->percentile(p));
      EXPECT_GE(said, right) << shape << " " << p;
      EXPECT_LE(said, right * (1 + 1.0 / 128)) << shape << " " << p;
    }
    EXPECT_EQ(h->max(), *std::max_element(values.begin(), values.end()));
    EXPECT_EQ(h->min(), *std::min_element(values.begin(), values.end()));
  }
}

TEST(Histogram, merged_ones_say_what_one_would_have) {
  const auto all = std::make_unique<Histogram>(), odd = std::make_unique<Histogram>(),
             even = std::make_unique<Histogram>();
  std::mt19937_64 random(7);
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t v = random() % 1'000'000'000;
    all->add(v);
    (i % 2 ? odd : even)->add(v);
  }
  odd->merge(*even);
  for (const double p : kPercents) EXPECT_EQ(odd->percentile(p), all->percentile(p));
  EXPECT_EQ(odd->count(), all->count());
  EXPECT_EQ(odd->mean(), all->mean());
  EXPECT_EQ(odd->min(), all->min());
  odd->clear();
  EXPECT_EQ(odd->count(), 0u);
  EXPECT_EQ(odd->percentile(50), 0u);
}

TEST(Histogram, what_is_beyond_all_bounds_counts_as_the_most) {
  const auto h = std::make_unique<Histogram>();
  h->add(~std::uint64_t{0});
  EXPECT_EQ(h->percentile(50), Histogram::kMost);
}

}  // namespace
}  // namespace fairlead::bench
