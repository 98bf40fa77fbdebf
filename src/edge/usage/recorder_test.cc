// The recorder, over real counters, and over a real journal where that matters: intervals, what a journal that refuses
// leaves behind, cells that come and go under its eyes. Every test ends with the same sum: what was counted is what the
// sets say, plus what is lost by the recorder's own word.
#include "edge/usage/recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <thread>

#include "base/log.h"
#include "edge/usage/cell_values.h"
#include "edge/usage/journal.h"
#include "net/testing/scarce_memory.h"

namespace fairlead::edge {
namespace {

using base::Code;
using base::Side;
using model::Meter;
using model::UsageSet;
using model::UsageValues;
using net::testing::ScarceMemory;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// An interval's beginning, in milliseconds.
constexpr std::int64_t kStart = 1'700'000'100'000;
constexpr std::int64_t kIntervalMs = model::kUsageInterval * 1000;
static_assert(kStart % kIntervalMs == 0);
constexpr std::int64_t kStep = 10'000;

// A journal that takes what it is given, unless told otherwise, and remembers what it was offered.
class Tape {
 public:
  base::Result<void> append(std::string_view set) {
    offered_.emplace_back(set);
    if (refuse_after_ == 0) return base::fail(Code::resources, Side::config, "no room", base::Retry::later);
    if (refuse_after_ > 0) --refuse_after_;
    const auto decoded = model::decode_usage(set);
    EXPECT_TRUE(decoded);
    sets_.push_back(*decoded);
    return {};
  }
  void refuse_after(int sets) { refuse_after_ = sets; }
  void take_all() { refuse_after_ = -1; }

  const std::vector<std::string>& offered() const { return offered_; }
  const std::vector<UsageSet>& sets() const { return sets_; }
  std::uint64_t sum(Meter meter) const {
    std::uint64_t n = 0;
    for (const UsageSet& set : sets_) {
      for (const auto& record : set.records) n += model::usage_of(record.values, meter);
    }
    return n;
  }

 private:
  int refuse_after_ = -1;  // -1: never
  std::vector<std::string> offered_;
  std::vector<UsageSet> sets_;
};

// Both clocks go together here.
base::TimePoint time_of(std::int64_t at_ms) { return base::TimePoint(base::milliseconds(at_ms)); }
void record_at(UsageRecorder& recorder, std::int64_t at_ms) { recorder.record(at_ms, time_of(at_ms)); }

class UsageRecorderTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kEpoch = 7;

  UsageRecorderTest() { base::log_set_level(base::LogLevel::off); }
  ~UsageRecorderTest() override { base::log_set_level(base::LogLevel::info); }

  UsageRecorder recorder_from(std::int64_t now_ms) {
    return {registry_, places_, "edge-1", kEpoch, now_ms, time_of(now_ms), [this](std::string_view set) {
              return tape_.append(set);
            }};
  }
  std::shared_ptr<MeterCell> cell(const std::string& domain = "live.test", PlaceId place = {}) {
    return registry_.make_cell({.domain_id = "id of " + domain, .domain = domain, .place = place});
  }
  std::vector<std::shared_ptr<MeterCell>> many_cells(std::size_t n) {
    std::vector<std::shared_ptr<MeterCell>> cells;
    for (std::size_t i = 0; i < n; ++i) cells.push_back(cell("d" + std::to_string(i) + ".test"));
    return cells;
  }

  CounterRegistry registry_{1};
  Places places_;
  Tape tape_;
};

TEST_F(UsageRecorderTest, ASetSaysWhoseAndWhen) {
  const auto c =
      registry_.make_cell({.domain_id = "id",
                           .domain = "live.test",
                           .place = {.region = places_.region_number("CN"), .isp = places_.isp_number("AS1")},
                           .scheme = model::UsageScheme::wss,
                           .protocol = model::UsageProtocol::h2});
  UsageRecorder recorder = recorder_from(kStart + kStep);
  c->websocket.out.bytes.add(5);
  c->websocket.sessions_opened.add(2);
  c->websocket.sessions_open.add(2);
  record_at(recorder, kStart + 2 * kStep + 3);
  const UsageSet wanted{.edge = "edge-1",
                        .epoch = kEpoch,
                        .sequence = 1,
                        .interval_s = kStart / 1000,
                        .from_ms = kStart + kStep,
                        .to_ms = kStart + 2 * kStep + 3,
                        .records = {{.key = {.domain_id = "id",
                                             .domain = "live.test",
                                             .region = "CN",
                                             .isp = "AS1",
                                             .scheme = model::UsageScheme::wss,
                                             .protocol = model::UsageProtocol::h2},
                                     .values = {{Meter::sessions_opened, 2},
                                                {Meter::session_milliseconds, 2 * (kStep + 3)},
                                                {Meter::bytes_out, 5}}}}};
  EXPECT_THAT(tape_.sets(), ElementsAre(wanted));
  // Two cells of one key (of two workers, say) are one record.
  c->websocket.sessions_open.sub(2);
  const auto other = registry_.make_cell(c->key);
  c->websocket.out.bytes.add(1);
  other->websocket.out.bytes.add(10);
  record_at(recorder, kStart + 3 * kStep);
  ASSERT_EQ(tape_.sets().size(), 2u);
  ASSERT_EQ(tape_.sets()[1].records.size(), 1u);
  EXPECT_EQ(tape_.sets()[1].sequence, 2u);
  EXPECT_EQ(tape_.sets()[1].records[0].values, (UsageValues{{Meter::bytes_out, 11}}));
  // Nothing counted, no set.
  record_at(recorder, kStart + 4 * kStep);
  EXPECT_EQ(tape_.sets().size(), 2u);
  const UsageRecorder::Stats stats = recorder.stats();
  EXPECT_EQ(stats.sets, 2u);
  EXPECT_EQ(stats.records, 2u);
  EXPECT_EQ(stats.held, 0u);
  EXPECT_EQ(stats.last_ms, kStart + 4 * kStep);
}

TEST_F(UsageRecorderTest, AStretchBelongsToTheIntervalInWhichItBegan) {
  const auto c = cell();
  UsageRecorder recorder = recorder_from(kStart - kStep);
  std::vector<std::int64_t> intervals;
  for (const std::int64_t at : {kStart, kStart + kStep, kStart + kIntervalMs - 1, kStart + kIntervalMs + kStep,
                                kStart + 4 * kIntervalMs, kStart + 4 * kIntervalMs + 1}) {
    c->websocket.out.bytes.add(1);
    record_at(recorder, at);
    intervals.push_back(tape_.sets().back().interval_s * 1000 - kStart);
    EXPECT_EQ(tape_.sets().back().to_ms, at);
  }
  EXPECT_THAT(intervals, ElementsAre(-kIntervalMs, 0, 0, 0, kIntervalMs, 4 * kIntervalMs));
}

TEST_F(UsageRecorderTest, AClockThatGoesBackCountsFromWhereItIs) {
  const auto c = cell();
  c->websocket.sessions_open.add(3);
  UsageRecorder recorder = recorder_from(kStart + kStep);
  const auto record = [&](std::int64_t at) {
    c->websocket.out.bytes.add(1);
    record_at(recorder, at);
    return tape_.sets().back();
  };
  UsageSet set = record(kStart - 5 * kStep);  // into the interval before
  EXPECT_EQ(set.interval_s, (kStart - kIntervalMs) / 1000);
  EXPECT_EQ(set.from_ms, kStart - 5 * kStep);
  EXPECT_EQ(set.to_ms, kStart - 5 * kStep);
  EXPECT_EQ(set.records[0].values, (UsageValues{{Meter::bytes_out, 1}})) << "no time has passed for what is open";
  set = record(kStart - 4 * kStep);
  EXPECT_EQ(set.records[0].values, (UsageValues{{Meter::session_milliseconds, 3 * kStep}, {Meter::bytes_out, 1}}));
  EXPECT_EQ(tape_.sum(Meter::bytes_out), 2u);
}

TEST_F(UsageRecorderTest, WhatIsRefusedIsOfferedAgainByteForByteAndInOrder) {
  const auto c = cell();
  UsageRecorder recorder = recorder_from(kStart);
  tape_.refuse_after(0);
  std::int64_t at = kStart;
  const auto record = [&](std::uint64_t bytes) {
    c->websocket.out.bytes.add(bytes);
    record_at(recorder, at += kStep);
  };
  record(1);
  ASSERT_EQ(tape_.offered().size(), 1u);
  const std::string first = tape_.offered()[0];
  for (const std::uint64_t bytes : {10, 100, 1000}) record(bytes);
  EXPECT_EQ(tape_.offered(), std::vector<std::string>(4, first));
  EXPECT_EQ(recorder.stats().held, 2u) << "the set that was refused, and what came since";
  at = kStart + kIntervalMs;
  record(10'000);  // still of the first interval
  record(100'000);
  EXPECT_EQ(recorder.stats().held, 3u);
  EXPECT_EQ(recorder.stats().failures, 6u);

  tape_.take_all();
  record(1'000'000);
  std::vector<std::pair<std::int64_t, std::uint64_t>> taken;  // interval, bytes
  for (const UsageSet& set : tape_.sets()) {
    EXPECT_EQ(set.sequence, taken.size() + 1);
    taken.emplace_back(set.interval_s * 1000 - kStart, model::usage_of(set.records.at(0).values, Meter::bytes_out));
  }
  EXPECT_THAT(taken, ElementsAre(std::pair(0, 1), std::pair(0, 11'110), std::pair(kIntervalMs, 1'100'000)));
  EXPECT_EQ(recorder.stats().held, 0u);
  EXPECT_EQ(recorder.stats().sets, 3u);
  EXPECT_EQ(recorder.stats().lost_records, 0u);
}

TEST_F(UsageRecorderTest, ALargeSetIsSplit) {
  constexpr std::size_t kCells = 2 * UsageRecorder::kMaxSetRecords + 1;
  const auto cells = many_cells(kCells);
  UsageRecorder recorder = recorder_from(kStart);
  for (const auto& c : cells) c->websocket.out.bytes.add(1);
  tape_.refuse_after(1);
  record_at(recorder, kStart + kStep);
  EXPECT_EQ(tape_.sets().size(), 1u);
  EXPECT_EQ(recorder.stats().held, kCells - UsageRecorder::kMaxSetRecords);
  tape_.take_all();
  record_at(recorder, kStart + 2 * kStep);
  std::vector<std::size_t> sizes;
  std::set<model::UsageKey> keys;
  for (const UsageSet& set : tape_.sets()) {
    sizes.push_back(set.records.size());
    EXPECT_EQ(set.sequence, sizes.size());
    EXPECT_EQ(set.interval_s, kStart / 1000);
    for (const auto& record : set.records) {
      EXPECT_TRUE(keys.insert(record.key).second);
      EXPECT_EQ(record.values, (UsageValues{{Meter::bytes_out, 1}}));
    }
  }
  EXPECT_THAT(sizes, ElementsAre(UsageRecorder::kMaxSetRecords, UsageRecorder::kMaxSetRecords, 1u));
  EXPECT_EQ(keys.size(), kCells);
}

// The bound on what is held: the oldest interval goes, and every byte of it is told.
TEST_F(UsageRecorderTest, WhatFindsNoRoomAnywhereIsCountedAsLost) {
  constexpr std::size_t kCells = 2'000;
  static_assert(UsageRecorder::kMaxHeld % kCells == 0 && kCells <= UsageRecorder::kMaxSetRecords);
  constexpr std::size_t kRoom = UsageRecorder::kMaxHeld / kCells;  // intervals
  const auto cells = many_cells(kCells);
  UsageRecorder recorder = recorder_from(kStart);
  tape_.refuse_after(0);
  std::uint64_t counted = 0;
  const auto record = [&](std::size_t interval) {
    for (const auto& c : cells) c->websocket.out.bytes.add(interval + 1);
    counted += kCells * (interval + 1);
    record_at(recorder, kStart + static_cast<std::int64_t>(interval + 1) * kIntervalMs);
  };
  for (std::size_t i = 0; i < kRoom; ++i) record(i);
  EXPECT_EQ(recorder.stats().held, UsageRecorder::kMaxHeld);
  EXPECT_EQ(recorder.stats().lost_records, 0u);
  for (std::size_t i = kRoom; i < kRoom + 3; ++i) record(i);
  const UsageRecorder::Stats stats = recorder.stats();
  EXPECT_EQ(stats.held, UsageRecorder::kMaxHeld);
  EXPECT_EQ(stats.lost_records, 3 * kCells);
  EXPECT_EQ(stats.lost_bytes, kCells * (2 + 3 + 4)) << "of the oldest that no set was made of yet";
  tape_.take_all();
  record_at(recorder, kStart + 1000 * kIntervalMs);
  EXPECT_EQ(tape_.sum(Meter::bytes_out) + stats.lost_bytes, counted);
  EXPECT_EQ(recorder.stats().held, 0u);
  EXPECT_EQ(recorder.stats().lost_bytes, stats.lost_bytes);
  for (std::size_t i = 0; i < tape_.sets().size(); ++i) EXPECT_EQ(tape_.sets()[i].sequence, i + 1) << "no gaps";
}

TEST_F(UsageRecorderTest, ACellIsRetiredWhenNobodyElseHasIt) {
  auto c = cell();
  c->websocket.out.bytes.add(1);
  UsageRecorder recorder = recorder_from(kStart);
  std::int64_t at = kStart;
  record_at(recorder, at += kStep);
  // Its worker has forgotten it; a session has it still, and somebody reads.
  c->abandoned = true;
  auto reader = registry_.cells(CounterRegistry::Cells::all);
  record_at(recorder, at += kStep);
  EXPECT_EQ(registry_.cells_written(), 1u);
  c->websocket.out.bytes.add(10);
  record_at(recorder, at += kStep);
  c->websocket.out.bytes.add(100);
  c.reset();
  record_at(recorder, at += kStep);
  EXPECT_EQ(registry_.cells_written(), 1u) << "the reader";
  reader.clear();
  record_at(recorder, at += kStep);
  EXPECT_EQ(registry_.cells_written(), 0u);
  EXPECT_EQ(tape_.sum(Meter::bytes_out), 111u);
  // What metrics say never goes back, and a new cell begins from nothing.
  ASSERT_EQ(registry_.cells(CounterRegistry::Cells::all).size(), 1u);
  EXPECT_EQ(registry_.cells(CounterRegistry::Cells::all)[0]->websocket.out.bytes.get(), 111u);
  cell()->websocket.out.bytes.add(1000);
  record_at(recorder, at += kStep);
  EXPECT_EQ(tape_.sum(Meter::bytes_out), 1111u);
}

// Two workers whose cells come and go, a reader who holds them now and then, and the recorder, all at once.
TEST_F(UsageRecorderTest, CountsEverythingWhileCellsComeAndGo) {
  constexpr std::uint64_t kRounds = 20'000, kLife = 100;
  std::atomic<int> running{2};
  const auto work = [&](std::string domain) {
    std::shared_ptr<MeterCell> mine;
    for (std::uint64_t i = 0; i < kRounds; ++i) {
      if (i % kLife == 0) {
        if (mine) mine->abandoned = true;
        mine = cell(domain);
      }
      mine->websocket.out.bytes.add(3);
      mine->http.requests.add(i % 2 ? 200 : 404);
    }
    mine->abandoned = true;
    mine.reset();
    running.fetch_sub(1);
  };
  UsageRecorder recorder = recorder_from(kStart);
  std::thread a(work, "a.test"), b(work, "b.test");
  std::thread reader([&] {
    while (running > 0) {
      for (const auto& c : registry_.cells(CounterRegistry::Cells::all))
        EXPECT_LE(c->websocket.out.bytes.get(), 3 * kRounds);
    }
  });
  std::int64_t at = kStart;
  while (running > 0) record_at(recorder, at += kStep);
  a.join();
  b.join();
  reader.join();
  record_at(recorder, at += kStep);
  EXPECT_EQ(registry_.cells_written(), 0u);
  EXPECT_EQ(tape_.sum(Meter::bytes_out), 2 * 3 * kRounds);
  EXPECT_EQ(tape_.sum(Meter::requests + 200), kRounds);
  EXPECT_EQ(tape_.sum(Meter::requests + 404), kRounds);
}

// Memory runs out at every place once. Whatever that call did, nothing is lost by it, nothing counted twice.
TEST_F(UsageRecorderTest, OutOfMemoryLosesAndDoublesNothing) {
  std::uint64_t bytes = 0, messages = 0;
  std::int64_t at = kStart;
  UsageRecorder recorder = recorder_from(at);
  auto first = cell("a.test"), second = cell("b.test");
  first->websocket.sessions_open.add();
  const std::int64_t since = at;
  bool failed = true;
  for (long n = 0; failed; ++n) {
    ASSERT_LT(n, 1000);
    // One cell goes on, with a meter that was zero before; one is new, and over at once.
    first->websocket.out.bytes.add(1);
    first->websocket.handshakes.add(static_cast<int>(200 + n % 15));
    first->websocket.out.tally.text_messages.add(2);
    auto brief = cell("c.test");
    brief->websocket.out.bytes.add(10);
    brief->abandoned = true;
    brief.reset();
    bytes += 11;
    messages += 2;
    at += kStep;
    ScarceMemory::fail_nth(n);
    try {
      record_at(recorder, at);
    } catch (const std::bad_alloc&) {
    }
    failed = ScarceMemory::end();
    record_at(recorder, at += kStep);
    ASSERT_EQ(tape_.sum(Meter::bytes_out), bytes) << n;
    ASSERT_EQ(tape_.sum(Meter::messages_text_out), messages) << n;
    ASSERT_EQ(tape_.sum(Meter::session_milliseconds), static_cast<std::uint64_t>(at - since)) << n;
    ASSERT_EQ(registry_.cells_written(), 2u) << n;
    ASSERT_EQ(recorder.stats().held, 0u) << n;
  }
  EXPECT_EQ(recorder.stats().lost_records, 0u);
  for (std::size_t i = 0; i < tape_.sets().size(); ++i) EXPECT_EQ(tape_.sets()[i].sequence, i + 1);
}

// The journal's own bound: what it refuses waits here, and once the shipper has made room all of it goes in.
TEST_F(UsageRecorderTest, AFullJournalIsGoneOnWith) {
  std::string folder = ::testing::TempDir() + "usage_recorder_XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  {
    const auto journal = std::move(*UsageJournal::open(folder, {.max_bytes = 2'000, .segment_bytes = 500}));
    UsageRecorder recorder(registry_, places_, "edge-1", kEpoch, kStart, time_of(kStart),
                           [&](std::string_view set) { return journal->append(set); });
    const auto c = cell();
    std::int64_t at = kStart;
    std::uint64_t counted = 0, taken = 0, sequence = 0;
    const auto record = [&] {
      c->websocket.out.bytes.add(1);
      ++counted;
      record_at(recorder, at += kStep);
    };
    for (int i = 0; i < 100; ++i) record();
    EXPECT_GT(recorder.stats().held, 0u);
    EXPECT_GT(journal->stats().refused_full, 0u);
    for (int i = 0; i < 100 && recorder.stats().held > 0; ++i) {
      while (const auto entry = journal->next().value()) {
        const UsageSet set = model::decode_usage(entry->set).value();
        EXPECT_EQ(set.sequence, ++sequence);
        taken += model::usage_of(set.records.at(0).values, Meter::bytes_out);
        journal->acknowledge(entry->number);
      }
      record();
    }
    EXPECT_EQ(recorder.stats().held, 0u);
    while (const auto entry = journal->next().value()) {
      taken += model::usage_of(model::decode_usage(entry->set).value().records.at(0).values, Meter::bytes_out);
    }
    EXPECT_EQ(taken, counted);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace fairlead::edge
