#include "bench/load/pacer.h"

#include <gtest/gtest.h>

#include "net/epoll_poller.h"

namespace fairlead::bench {
namespace {

constexpr TimePoint kBegin{std::chrono::seconds(100)};

TEST(Schedule, gives_each_message_once_and_none_early) {
  using std::chrono::microseconds;
  Schedule schedule(kBegin, microseconds(50));
  EXPECT_EQ(schedule.due(kBegin - microseconds(1)), 0u);
  EXPECT_EQ(schedule.due(kBegin), 1u);
  EXPECT_EQ(schedule.due(kBegin + microseconds(49)), 0u);
  EXPECT_EQ(schedule.due(kBegin + microseconds(50)), 1u);
  EXPECT_EQ(schedule.due(kBegin + microseconds(50)), 0u);
  EXPECT_EQ(schedule.due(kBegin + microseconds(1000)), 19u);  // a late tick: all that was due
  EXPECT_EQ(schedule.given(), 21u);
}

TEST(Schedule, keeps_the_rate_however_it_is_asked) {
  Schedule schedule(kBegin, Nanoseconds(33'333));
  std::uint64_t n = 0;
  for (std::int64_t at = 0; at <= 1'000'000'000; at += 77'777) n += schedule.due(kBegin + Nanoseconds(at));
  n += schedule.due(kBegin + Nanoseconds(1'000'000'000));
  EXPECT_EQ(n, 1'000'000'000u / 33'333 + 1);
}

TEST(Pacer, sends_all_in_order_and_on_time) {
  net::EpollPoller poller;
  net::EventLoop loop(poller);
  std::vector<std::uint64_t> sent;
  const TimePoint from = base::monotonic_now();
  bool early = false;
  Pacer pacer(loop, [&](std::uint64_t m) {
    early = early || base::monotonic_now() < from + Nanoseconds(100'000) * static_cast<std::int64_t>(m);
    sent.push_back(m);
    if (sent.size() == 100) {
      pacer.stop();
      loop.quit();
    }
  });
  ASSERT_TRUE(pacer.start(from, Nanoseconds(100'000)));
  loop.run();
  ASSERT_EQ(sent.size(), 100u);
  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(sent[i], i);
  EXPECT_FALSE(early);
  EXPECT_GE(base::monotonic_now(), from + Nanoseconds(9'900'000));
}

}  // namespace
}  // namespace fairlead::bench
