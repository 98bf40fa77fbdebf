// The reporter over a real edge's counters, a real journal and a real bus: its end, and the start after it.
#include "edge/usage/reporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "base/clock.h"
#include "base/log.h"

namespace fairlead::edge {
namespace {

using namespace std::chrono_literals;
using model::Meter;
using ::testing::HasSubstr;

class UsageReporterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    base::log_set_level(base::LogLevel::off);
    folder_ = ::testing::TempDir() + "usage_reporter_XXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    model::EdgeConfig config;
    config.workers = 1;
    config.access_log = "off";
    config.listeners.push_back({.address = "127.0.0.1:0"});
    edge_ = std::make_unique<Edge>(config, [] {});
    ASSERT_TRUE(edge_->start());
  }
  void TearDown() override {
    edge_->stop();
    edge_->wait();
    std::filesystem::remove_all(folder_);
    base::log_set_level(base::LogLevel::info);
  }
  std::unique_ptr<UsageReporter> start() {
    auto reporter = UsageReporter::start(*edge_, bus_, "edge-1", folder_ + "/usage", {});
    EXPECT_TRUE(reporter);
    return std::move(*reporter);
  }
  void subscribe() {
    subscription_ = bus_.subscribe([this](std::string_view set) -> base::Result<void> {
      sets_.push_back(model::decode_usage(set).value());
      return {};
    });
  }
  std::uint64_t bytes() const {
    std::uint64_t n = 0;
    for (const auto& set : sets_) {
      for (const auto& record : set.records) n += model::usage_of(record.values, Meter::bytes_out);
    }
    return n;
  }

  std::string folder_;
  std::unique_ptr<Edge> edge_;
  cluster::LocalUsageBus bus_;
  std::vector<model::UsageSet> sets_;  // by the shipper's thread, until it has ended
  cluster::LocalUsageBus::Subscription subscription_;
};

TEST_F(UsageReporterTest, AnOrderlyEndLeavesNothing) {
  subscribe();
  const auto reporter = start();
  const auto cell = edge_->counters().make_cell({.domain_id = "id", .domain = "live.test", .place = {}});
  cell->websocket.out.bytes.add(5);
  const std::int64_t before = base::wall_clock_ms();
  EXPECT_TRUE(reporter->end(60s));
  EXPECT_EQ(bytes(), 5u);
  ASSERT_FALSE(sets_.empty());
  EXPECT_EQ(sets_.back().edge, "edge-1");
  EXPECT_GE(sets_.back().to_ms, before);
  EXPECT_THAT(reporter->metrics(), HasSubstr("\nfairlead_usage_journal_waiting 0\n"));
  EXPECT_THAT(reporter->metrics(), HasSubstr("\nfairlead_usage_held_records 0\n"));
  EXPECT_TRUE(reporter->end(60s)) << "once more changes nothing";
  EXPECT_EQ(bytes(), 5u);
}

TEST_F(UsageReporterTest, WhatNobodyTookIsShippedByTheNextOne) {
  const auto cell = edge_->counters().make_cell({.domain_id = "id", .domain = "live.test", .place = {}});
  {
    const auto reporter = start();
    cell->websocket.out.bytes.add(5);
    EXPECT_FALSE(reporter->end(0ms)) << "there is nobody";
    EXPECT_THAT(reporter->metrics(), ::testing::Not(HasSubstr("\nfairlead_usage_journal_waiting 0\n")));
  }
  subscribe();
  EXPECT_TRUE(start()->end(60s));
  // The first process's, and this one's, which began to count from nothing.
  std::map<std::uint64_t, std::uint64_t> by_epoch;
  for (const auto& set : sets_) {
    for (const auto& record : set.records) by_epoch[set.epoch] += model::usage_of(record.values, Meter::bytes_out);
  }
  ASSERT_EQ(by_epoch.size(), 2u);
  EXPECT_EQ(by_epoch.begin()->second, 5u);
  EXPECT_EQ(by_epoch.rbegin()->second, 5u);
  sets_.clear();
  EXPECT_TRUE(start()->end(60s));
  EXPECT_EQ(bytes(), 5u) << "only its own: what was shipped is not shipped again";
}

// No file of this process may grow, as on a disk that is full.
class FullDisk {
 public:
  FullDisk() : handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  sighandler_t handler_;
  rlimit before_{};
};

TEST_F(UsageReporterTest, AtItsEndWhatTheJournalDoesNotTakeIsHandedOver) {
  subscribe();
  const auto reporter = start();
  edge_->counters().make_cell({.domain_id = "id", .domain = "live.test", .place = {}})->websocket.out.bytes.add(5);
  const FullDisk full;
  EXPECT_TRUE(reporter->end(60s));
  EXPECT_EQ(bytes(), 5u);
  EXPECT_THAT(reporter->metrics(), HasSubstr("\nfairlead_usage_held_records 0\n"));
}

TEST_F(UsageReporterTest, AtItsEndWhatNobodyTakesIsTold) {
  const auto reporter = start();
  const auto cell = edge_->counters().make_cell({.domain_id = "id", .domain = "live.test", .place = {}});
  cell->websocket.out.bytes.add(5);
  const FullDisk full;
  EXPECT_FALSE(reporter->end(0ms));
  EXPECT_THAT(reporter->metrics(), HasSubstr("\nfairlead_usage_lost_records_total 1\n"));
  EXPECT_THAT(reporter->metrics(), HasSubstr("\nfairlead_usage_lost_bytes_total 5\n"));
  EXPECT_THAT(reporter->metrics(), HasSubstr("\nfairlead_usage_held_records 0\n"));
}

TEST_F(UsageReporterTest, OneProcessHasTheJournal) {
  const auto first = start();
  const auto second = UsageReporter::start(*edge_, bus_, "edge-1", folder_ + "/usage", {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, base::Code::conflict);
}

}  // namespace
}  // namespace fairlead::edge
