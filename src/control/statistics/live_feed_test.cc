#include "control/statistics/live_feed.h"

#include <gtest/gtest.h>

namespace fairlead::control {
namespace {

using cluster::DomainRef;
using cluster::EdgeUsage;
using cluster::LiveUsage;
using model::Meter;
using Answers = std::vector<base::Result<EdgeUsage>>;

LiveUsage usage(std::uint64_t bytes, std::uint64_t open) {
  LiveUsage out;
  if (bytes > 0) out.values = {{Meter::bytes_out, bytes}};
  out.sessions_open = open;
  return out;
}

EdgeUsage edge(std::string id, std::int64_t started_ms, std::vector<LiveUsage> of) {
  return {std::move(id), started_ms, std::move(of)};
}

base::Result<EdgeUsage> silent() { return base::fail(base::Code::timeout, base::Side::edge, "silent"); }

class LiveMeterTest : public ::testing::Test {
 protected:
  // "BYTES/OPEN" of each domain.
  std::string take(Answers answers) {
    meter_.take(answers, ++now_ms_);
    std::string out;
    for (const LiveFigures& f : meter_.change()) {
      out += (out.empty() ? "" : " ") + std::to_string(model::usage_of(f.values, Meter::bytes_out)) + "/" +
             std::to_string(f.sessions_open);
    }
    return out;
  }

  LiveMeter meter_;
  std::int64_t now_ms_ = 1000;
};

TEST_F(LiveMeterTest, DifferencesOfAllEdges) {
  meter_.watch({{"1", "a.test"}, {"2", "b.test"}});
  EXPECT_EQ(take({edge("x", 1, {usage(100, 1), usage(0, 0)}), edge("y", 1, {usage(7, 2), usage(5, 1)})}), "0/3 0/1");
  EXPECT_EQ(take({edge("x", 1, {usage(110, 1), usage(0, 0)}), edge("y", 1, {usage(9, 1), usage(5, 1)})}), "12/2 0/1");
  EXPECT_EQ(take({edge("y", 1, {usage(9, 1), usage(6, 0)}), edge("x", 1, {usage(110, 0), usage(3, 4)})}), "0/1 4/4");
  EXPECT_EQ(meter_.edges(), 2u);
}

TEST_F(LiveMeterTest, ARestartedEdgeCountsFromNothing) {
  meter_.watch({{"1", "a.test"}});
  EXPECT_EQ(take({edge("x", 1, {usage(100, 5)})}), "0/5");
  EXPECT_EQ(take({edge("x", 1001, {usage(30, 1)})}), "30/1");
  EXPECT_EQ(take({edge("x", 1001, {usage(31, 1)})}), "1/1");
  // One that started after the last take is new; one that was there before and is heard of now is not.
  EXPECT_EQ(take({edge("x", 1001, {usage(31, 1)}), edge("new", now_ms_, {usage(4, 0)})}), "4/1");
  EXPECT_EQ(take({edge("x", 1001, {usage(31, 1)}), edge("old", 5, {usage(400, 0)})}), "0/1");
}

TEST_F(LiveMeterTest, WhatASilentEdgeCountedComesLater) {
  meter_.watch({{"1", "a.test"}});
  EXPECT_EQ(take({silent(), edge("y", 1, {usage(1, 1)})}), "0/1");
  EXPECT_EQ(take({edge("x", 1, {usage(100, 5)}), edge("y", 1, {usage(1, 1)})}), "0/6");
  EXPECT_EQ(take({silent(), edge("y", 1, {usage(2, 1)})}), "1/6");
  EXPECT_EQ(meter_.silent_edges(), 1u);
  EXPECT_EQ(take({edge("x", 1, {usage(150, 4)}), edge("y", 1, {usage(2, 1)})}), "50/5");
  // One that nobody names any more has no sessions.
  EXPECT_EQ(take({edge("y", 1, {usage(2, 1)})}), "0/1");
}

TEST_F(LiveMeterTest, OtherDomainsFromNowOn) {
  meter_.watch({{"1", "a.test"}, {"2", "b.test"}});
  EXPECT_EQ(take({edge("x", 1, {usage(100, 1), usage(50, 1)})}), "0/1 0/1");
  meter_.watch({{"2", "b.test"}, {"3", "c.test"}});
  EXPECT_EQ(take({edge("x", 1, {usage(60, 1), usage(900, 2)})}), "10/1 0/2");
  EXPECT_EQ(take({edge("x", 1, {usage(60, 1), usage(901, 2)})}), "0/1 1/2");
  // Another owner's domain of the same name is another domain.
  meter_.watch({{"4", "b.test"}, {"3", "c.test"}});
  EXPECT_EQ(take({edge("x", 1, {usage(60, 1), usage(903, 2)})}), "0/1 2/2");
  // Added while an edge is silent.
  meter_.watch({{"3", "c.test"}, {"5", "d.test"}});
  EXPECT_EQ(take({silent()}), "0/2 0/0");
  EXPECT_EQ(take({edge("x", 1, {usage(903, 2), usage(700, 1)})}), "0/2 0/1");
}

}  // namespace
}  // namespace fairlead::control
