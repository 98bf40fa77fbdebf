#include "edge/telemetry/counters.h"

#include <climits>
#include <map>
#include <set>
#include <thread>

namespace fairlead::edge {
namespace {

using namespace std::chrono_literals;

constexpr auto kAll = CounterRegistry::Cells::all;

// One thread counts, another reads meanwhile: under TSan this fails if any access is not atomic; on every build it
// fails if a reader ever sees a counter go back or the total come out wrong. Cells come, go and are retired all the
// time.
TEST(Counters, OneWriterAndManyReaders) {
  CounterRegistry registry(2);
  constexpr std::uint64_t kRounds = 20'000;
  constexpr std::uint64_t kLife = 1'000;  // rounds of a cell
  std::atomic<int> running{2};
  const auto work = [&](unsigned worker) {
    std::shared_ptr<MeterCell> cell;
    for (std::uint64_t i = 0; i < kRounds; ++i) {
      if (i % kLife == 0) {
        if (cell) cell->abandoned = true;
        cell = registry.make_cell({.domain_id = "", .domain = i / kLife % 2 ? "odd.test" : "even.test", .place = {}});
      }
      WebSocketMeter& ws = cell->websocket;
      ws.in.bytes.add(3);
      ws.sessions_open.add();
      ws.handshakes.add(i % 3 ? 101 : 599);
      ws.handshake_seconds.observe(base::milliseconds(i % 50));
      ws.sessions_open.sub();
      registry.worker(worker).connections_accepted.add();
    }
    cell->abandoned = true;
    cell.reset();
    running.fetch_sub(1);
  };
  std::thread a(work, 0u), b(work, 1u);
  const auto retire = [&] {
    for (const auto& cell : registry.cells(CounterRegistry::Cells::written)) {
      if (cell->abandoned && cell.use_count() == 2) registry.retire(cell);
    }
  };
  std::uint64_t last_bytes = 0, last_count = 0;
  while (running.load() > 0) {
    std::uint64_t bytes = 0, count = 0;
    for (const auto& c : registry.cells(kAll)) {
      bytes += c->websocket.in.bytes.get();
      count += c->websocket.handshake_seconds.count();
      ASSERT_LE(c->websocket.sessions_open.get(), 1u);
    }
    ASSERT_GE(bytes, last_bytes);
    ASSERT_GE(count, last_count);
    last_bytes = bytes;
    last_count = count;
    retire();
  }
  a.join();
  b.join();
  retire();
  EXPECT_EQ(registry.cells_written(), 0u);
  ASSERT_EQ(registry.cells(kAll).size(), 2u);  // one of the past for each domain
  std::uint64_t bytes = 0, opened = 0;
  for (const auto& c : registry.cells(kAll)) {
    bytes += c->websocket.in.bytes.get();
    opened += c->websocket.handshakes.of(101);
    EXPECT_EQ(c->websocket.handshake_seconds.count(), kRounds);
    EXPECT_EQ(c->websocket.handshakes.of(101) + c->websocket.handshakes.of(599), kRounds);
  }
  EXPECT_EQ(bytes, 2 * 3 * kRounds);
  EXPECT_EQ(registry.cells_of("odd.test").size(), 1u);
  EXPECT_EQ(registry.cells_of("none.test").size(), 0u);
  EXPECT_EQ(registry.worker(0).connections_accepted.get(), kRounds);
  EXPECT_EQ(opened, 2 * (kRounds - (kRounds + 2) / 3));
}

TEST(Counters, ADomainIsMadeOnceForEachWorkerAndKeepsItsOrder) {
  CounterRegistry registry(2);
  const auto b = registry.domain(1, "b.test");
  const auto a = registry.domain(0, "a.test");
  const auto b0 = registry.domain(0, "b.test");
  EXPECT_EQ(registry.domain(1, "b.test"), b);
  EXPECT_NE(b, b0);
  const auto all = registry.domains();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0], b);
  EXPECT_EQ(all[1], a);
  EXPECT_EQ(all[2], b0);
  EXPECT_EQ(all[2]->domain, "b.test");
}

TEST(DurationHistogram, ABoundBelongsToItsBucket) {
  DurationHistogram h;
  h.observe(0ns);
  h.observe(1ms);        // <= 1 ms
  h.observe(1ms + 1ns);  // the next one
  h.observe(30s);        // the last
  h.observe(30s + 1ns);  // beyond
  h.observe(24h);
  h.observe(-5s);  // a clock that went back counts as nothing
  EXPECT_EQ(h.bucket(0), 3u);
  EXPECT_EQ(h.bucket(1), 1u);
  EXPECT_EQ(h.bucket(DurationHistogram::kBounds.size() - 1), 1u);
  EXPECT_EQ(h.bucket(DurationHistogram::kBounds.size()), 2u);
  EXPECT_EQ(h.count(), 7u);
  EXPECT_NEAR(h.sum_seconds(), 0.002 + 60 + 86400, 1e-6);
}

TEST(StatusCounter, EveryIntHasAPlace) {
  StatusCounter s;
  std::map<int, std::uint64_t> seen;
  const auto slots = [&] {
    seen.clear();
    s.for_each([&](int status, std::uint64_t n) { seen[status] += n; });
    return seen;
  };
  for (const int status : {101, 101, 403, 101, 599, 100}) s.add(status);
  EXPECT_EQ(slots(), (std::map<int, std::uint64_t>{{100, 1}, {101, 3}, {403, 1}, {599, 1}}));
  EXPECT_EQ(s.of(101), 3u);
  EXPECT_EQ(s.of(102), 0u);
  for (const int status : {0, 99, 600, 999, -1, INT_MIN, INT_MAX}) s.add(status);
  EXPECT_EQ(s.of_class(0), 7u);
  // More different ones than there are slots: nothing is lost, what had a slot keeps it.
  for (int status = 200; status < 300; ++status) s.add(status);
  s.add(101);
  EXPECT_EQ(s.of(101), 4u);
  EXPECT_EQ(slots().size(), StatusCounter::kSlots);
  std::uint64_t total = 0;
  for (const auto& [status, n] : seen) total += n;
  EXPECT_EQ(total + s.of_class(2), 6u + 100u + 1u);
  EXPECT_EQ(s.of_class(2), 100u - (StatusCounter::kSlots - 4));
}

TEST(Http2Limit, EachHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kHttp2Limits; ++i) names.insert(to_string(static_cast<Http2Limit>(i)));
  EXPECT_EQ(names.size(), kHttp2Limits);
  EXPECT_EQ(to_string(static_cast<Http2Limit>(kHttp2Limits - 1)), "slow_client");  // the last one
}

}  // namespace
}  // namespace fairlead::edge
