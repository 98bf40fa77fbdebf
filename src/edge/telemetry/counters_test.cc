#include "edge/telemetry/counters.h"

#include <climits>
#include <set>
#include <thread>

namespace fairlead::edge {
namespace {

using namespace std::chrono_literals;

// One thread counts, another reads meanwhile: under TSan this fails if any access is not atomic; on every build it
// fails if a reader ever sees a counter go back or the total come out wrong.
TEST(Counters, OneWriterAndManyReaders) {
  CounterRegistry registry(2);
  constexpr std::uint64_t kRounds = 20'000;
  std::atomic<int> running{2};
  const auto work = [&](unsigned worker) {
    for (std::uint64_t i = 0; i < kRounds; ++i) {
      auto domain = registry.domain(worker, i % 2 ? "odd.test" : "even.test");
      domain->bytes_in.add(3);
      domain->sessions_open.add();
      domain->handshakes.add(i % 3 ? 101 : 599);
      domain->handshake_seconds.observe(base::milliseconds(i % 50));
      domain->sessions_open.sub();
      registry.worker(worker).connections_accepted.add();
    }
    running.fetch_sub(1);
  };
  std::thread a(work, 0u), b(work, 1u);
  std::uint64_t last_bytes = 0, last_count = 0;
  while (running.load() > 0) {
    std::uint64_t bytes = 0, count = 0;
    for (const auto& d : registry.domains()) {
      bytes += d->bytes_in.get();
      count += d->handshake_seconds.count();
      ASSERT_LE(d->sessions_open.get(), 1u);
    }
    ASSERT_GE(bytes, last_bytes);
    ASSERT_GE(count, last_count);
    last_bytes = bytes;
    last_count = count;
  }
  a.join();
  b.join();
  ASSERT_EQ(registry.domains().size(), 4u);
  std::uint64_t bytes = 0, opened = 0;
  for (const auto& d : registry.domains()) {
    bytes += d->bytes_in.get();
    opened += d->handshakes.at(0);
    EXPECT_EQ(d->handshake_seconds.count(), kRounds / 2);
    EXPECT_EQ(d->handshakes.at(0) + d->handshakes.of_class(5), kRounds / 2);
  }
  EXPECT_EQ(bytes, 2 * 3 * kRounds);
  EXPECT_EQ(opened, 2 * (kRounds - (kRounds + 2) / 3));
  EXPECT_EQ(registry.worker(0).connections_accepted.get(), kRounds);
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
  for (const int status : StatusCounter::kStatuses) s.add(status);
  for (std::size_t i = 0; i < StatusCounter::kStatuses.size(); ++i) {
    EXPECT_EQ(s.at(i), 1u) << StatusCounter::kStatuses[i];
  }
  for (const int status : {100, 103, 226, 307, 418, 511, 599}) s.add(status);
  for (const int status : {0, 99, 600, 999, -1, INT_MIN, INT_MAX}) s.add(status);
  const std::array<std::uint64_t, 6> expected{7, 2, 1, 1, 1, 2};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(s.of_class(i), expected[i]) << i;
}

TEST(ClientProtocol, NamesGoBothWays) {
  for (std::size_t i = 0; i < kClientProtocols; ++i) {
    const auto protocol = static_cast<ClientProtocol>(i);
    EXPECT_EQ(client_protocol(to_string(protocol)), protocol) << i;
  }
  EXPECT_EQ(client_protocol("h2"), ClientProtocol::h2);
}

TEST(Http2Limit, EachHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kHttp2Limits; ++i) names.insert(to_string(static_cast<Http2Limit>(i)));
  EXPECT_EQ(names.size(), kHttp2Limits);
  EXPECT_EQ(to_string(static_cast<Http2Limit>(kHttp2Limits - 1)), "slow_client");  // the last one
}

}  // namespace
}  // namespace fairlead::edge
