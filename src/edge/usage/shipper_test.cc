// The shipper, over a real journal and a real bus: order, retries, what is refused for ever, its end.
#include "edge/usage/shipper.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>

#include "base/log.h"

namespace fairlead::edge {
namespace {

using base::Code;
using base::Result;
using base::Retry;
using base::Side;
using namespace std::chrono_literals;

// Who takes sets in: answers each as it was told to, and remembers.
class Receiver {
 public:
  Result<void> take(std::string_view set) {
    std::unique_lock lock(mutex_);
    ++calls_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
    if (away_) return base::fail(Code::unreachable, Side::none, "away", Retry::later);
    if (set.starts_with("poison")) return base::fail(Code::malformed, Side::none, "no set", Retry::never);
    taken_.emplace_back(set);
    changed_.notify_all();
    return {};
  }
  void set_away(bool away) {
    const std::lock_guard lock(mutex_);
    away_ = away;
  }
  void hold(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }
  // Waits until so many calls came, or sets were taken; fails after a minute.
  void wait_for_calls(std::size_t n) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, 60s, [&] { return calls_ >= n; }));
  }
  std::vector<std::string> wait_for_sets(std::size_t n) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 60s, [&] { return taken_.size() >= n; }));
    return taken_;
  }
  std::size_t calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool away_ = false, held_ = false;
  std::size_t calls_ = 0;
  std::vector<std::string> taken_;
};

class UsageShipperTest : public ::testing::Test {
 protected:
  void SetUp() override {
    base::log_set_level(base::LogLevel::off);
    std::string name = ::testing::TempDir() + "usage_shipper_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    journal_ = std::move(*UsageJournal::open(folder_, {}));
    subscribe();
  }
  void TearDown() override {
    subscription_.reset();
    journal_.reset();
    std::filesystem::remove_all(folder_);
    base::log_set_level(base::LogLevel::info);
  }
  void subscribe() {
    subscription_ = bus_.subscribe([this](std::string_view set) { return receiver_.take(set); });
  }
  void append(std::string_view set) { ASSERT_TRUE(journal_->append(set)); }

  using Texts = std::vector<std::string>;
  std::string folder_;
  std::unique_ptr<UsageJournal> journal_;
  cluster::LocalUsageBus bus_;
  Receiver receiver_;
  cluster::LocalUsageBus::Subscription subscription_;
};

TEST_F(UsageShipperTest, CarriesWhatIsThereAndWhatComes) {
  append("one");
  append("two");
  UsageShipper shipper(*journal_, bus_);
  EXPECT_EQ(receiver_.wait_for_sets(2), (Texts{"one", "two"}));
  append("three");
  shipper.notify();
  EXPECT_EQ(receiver_.wait_for_sets(3), (Texts{"one", "two", "three"}));
  EXPECT_TRUE(shipper.end(60s));
  EXPECT_EQ(shipper.stats().shipped, 3u);
  EXPECT_EQ(shipper.stats().retries, 0u);
  EXPECT_EQ(journal_->stats().waiting, 0u);
  // The position is on disk: nothing comes twice after an orderly end.
  journal_.reset();
  journal_ = std::move(*UsageJournal::open(folder_, {}));
  EXPECT_EQ(journal_->stats().waiting, 0u);
}

TEST_F(UsageShipperTest, TriesAgainInOrderUntilTheOtherSideIsThere) {
  receiver_.set_away(true);
  for (const char* set : {"one", "two", "three"}) append(set);
  UsageShipper shipper(*journal_, bus_);
  const auto begun = std::chrono::steady_clock::now();
  receiver_.wait_for_calls(4);
  // Pauses of 100, 200 and 400 ms lie between four tries.
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 690ms);
  EXPECT_TRUE(shipper.stats().waiting);
  EXPECT_NE(shipper.stats().trouble.find("away"), std::string::npos);
  subscription_.reset();  // nobody at all
  receiver_.set_away(false);
  subscribe();
  EXPECT_EQ(receiver_.wait_for_sets(3), (Texts{"one", "two", "three"}));
  EXPECT_TRUE(shipper.end(60s));
  EXPECT_FALSE(shipper.stats().waiting);
  EXPECT_EQ(shipper.stats().trouble, "");
  EXPECT_GE(shipper.stats().retries, 3u);
}

TEST_F(UsageShipperTest, WhatIsAppendedMeanwhileDoesNotHurryIt) {
  receiver_.set_away(true);
  append("one");
  UsageShipper shipper(*journal_, bus_);
  const auto begun = std::chrono::steady_clock::now();
  receiver_.wait_for_calls(1);
  for (int i = 0; i < 50; ++i) {
    append("more");
    shipper.notify();
  }
  receiver_.wait_for_calls(3);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 290ms);
}

TEST_F(UsageShipperTest, CatchesUpAtFullSpeed) {
  constexpr std::size_t kSets = 500;
  receiver_.set_away(true);
  for (std::size_t i = 0; i < kSets; ++i) append(std::to_string(i));
  UsageShipper shipper(*journal_, bus_);
  receiver_.wait_for_calls(1);
  receiver_.set_away(false);
  const Texts taken = receiver_.wait_for_sets(kSets);
  ASSERT_EQ(taken.size(), kSets);
  for (std::size_t i = 0; i < kSets; ++i) EXPECT_EQ(taken[i], std::to_string(i));
  EXPECT_LE(receiver_.calls(), kSets + 3);
  EXPECT_TRUE(shipper.end(60s));
}

TEST_F(UsageShipperTest, SetsAsideWhatIsRefusedForEver) {
  for (const char* set : {"one", "poison 1", "two", "poison 2", "three"}) append(set);
  UsageShipper shipper(*journal_, bus_);
  EXPECT_EQ(receiver_.wait_for_sets(3), (Texts{"one", "two", "three"}));
  EXPECT_TRUE(shipper.end(60s));
  EXPECT_EQ(shipper.stats().shipped, 3u);
  EXPECT_EQ(shipper.stats().rejected, 2u);
  EXPECT_EQ(shipper.stats().lost, 0u);
  std::ifstream in(folder_ + "/rejected", std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  usage_format::RecordReader reader(bytes, 0, 0);
  for (const char* set : {"poison 1", "poison 2"}) {
    const auto record = reader.next();
    ASSERT_TRUE(record);
    EXPECT_EQ(record->body, set);
  }
  EXPECT_EQ(reader.at(), bytes.size());
}

TEST_F(UsageShipperTest, WhatCannotBeSetAsideIsCountedAsLostAndHoldsUpNobody) {
  std::ofstream(folder_ + "/rejected").close();
  std::filesystem::resize_file(folder_ + "/rejected", UsageShipper::kMaxRejectedBytes - 10);
  for (const char* set : {"poison 1", "one"}) append(set);
  UsageShipper shipper(*journal_, bus_);
  EXPECT_EQ(receiver_.wait_for_sets(1), Texts{"one"});
  EXPECT_TRUE(shipper.end(60s));
  EXPECT_EQ(shipper.stats().rejected, 1u);
  EXPECT_EQ(shipper.stats().lost, 1u);
  EXPECT_EQ(std::filesystem::file_size(folder_ + "/rejected"), UsageShipper::kMaxRejectedBytes - 10);
}

TEST_F(UsageShipperTest, EndsInItsTimeAndLeavesTheRest) {
  receiver_.set_away(true);
  append("one");
  {
    UsageShipper shipper(*journal_, bus_);
    receiver_.wait_for_calls(2);
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_FALSE(shipper.end(50ms));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 20s);
    EXPECT_FALSE(shipper.end(60s));  // it has ended
  }
  EXPECT_EQ(journal_->stats().waiting, 1u);
  journal_->rewind();
  EXPECT_EQ((*journal_->next())->set, "one");
}

TEST_F(UsageShipperTest, ItsEndWaitsForTheCallUnderWayAndCountsIt) {
  receiver_.hold(true);
  append("one");
  UsageShipper shipper(*journal_, bus_);
  receiver_.wait_for_calls(1);
  std::thread ending([&] { EXPECT_TRUE(shipper.end(0ms)); });
  receiver_.hold(false);
  ending.join();
  EXPECT_EQ(journal_->stats().waiting, 0u);
}

}  // namespace
}  // namespace fairlead::edge
