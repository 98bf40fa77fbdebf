#include "net/event_loop.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/testing/world.h"

namespace fairlead::net {
namespace {

using base::milliseconds;
using testing::Net;
using testing::net_name;
using testing::World;

class EventLoopTest : public ::testing::TestWithParam<Net> {
 protected:
  World world{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Net, EventLoopTest, ::testing::Values(Net::kernel, Net::sim_random), net_name);

Task<void> note_after(EventLoop& loop, Duration d, std::vector<int>& order, int n) {
  co_await loop.sleep_for(d);
  order.push_back(n);
}

TEST_P(EventLoopTest, sleepers_wake_in_order_and_not_early) {
  std::vector<int> order;
  const TimePoint start = world.loop().now();
  for (const int n : {30, 10, 20, 1, 15}) world.scope().spawn(note_after(world.loop(), milliseconds(n), order, n));
  world.finish();
  EXPECT_EQ(order, (std::vector<int>{1, 10, 15, 20, 30}));
  EXPECT_GE(world.loop().now() - start, milliseconds(30));
  if (world.sim()) {
    EXPECT_EQ(world.loop().now() - start, milliseconds(30));
  }
}

Task<bool> sleep(EventLoop& loop, Duration d, StopToken token) {
  const bool came = co_await loop.sleep_for(d, token);
  co_return came;
}

TEST_P(EventLoopTest, a_sleep_says_whether_its_time_came) {
  StopSource source;
  EXPECT_TRUE(world.run(sleep(world.loop(), milliseconds(2), source)));
  EXPECT_TRUE(world.run(sleep(world.loop(), Duration(0), source)));
  EXPECT_TRUE(world.run(sleep(world.loop(), milliseconds(-5), {})));
  auto stopper = [](EventLoop& loop, StopSource& s) -> Task<void> {
    co_await loop.sleep_for(milliseconds(2));
    s.request_stop();
  };
  world.scope().spawn(stopper(world.loop(), source));
  EXPECT_FALSE(world.run(sleep(world.loop(), base::seconds(3600), source)));
  // Asked before: at once.
  EXPECT_FALSE(world.run(sleep(world.loop(), base::seconds(3600), source)));
  EXPECT_EQ(world.loop().timers().size(), 0u);
}

TEST_P(EventLoopTest, time_stands_still_within_a_turn) {
  std::vector<TimePoint> seen;
  for (int i = 0; i < 3; ++i) {
    world.loop().post([&] { seen.push_back(world.loop().now()); });
  }
  world.run_until([&] { return seen.size() == 3; });
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(seen[1], seen[2]);
}

TEST_P(EventLoopTest, runs_what_is_posted_in_order_and_what_that_posts_later) {
  std::string order;
  auto& loop = world.loop();
  loop.post([&] {
    order += 'a';
    loop.post([&] { order += 'd'; });
  });
  loop.post([&] { order += 'b'; });
  loop.post([&, held = std::make_unique<char>('c')] { order += *held; });
  world.run_until([&] { return order.size() == 4; });
  EXPECT_EQ(order, "abcd");
}

TEST_P(EventLoopTest, sleeps_again_after_its_letters) {
  int turns = 0;
  bool over = false;
  for (int i = 0; i < 10; ++i) world.loop().post([] {});
  auto rest = [](EventLoop& loop, bool& flag) -> Task<void> {
    co_await loop.sleep_for(milliseconds(50));
    flag = true;
  };
  world.scope().spawn(rest(world.loop(), over));
  world.run_until([&] {
    ++turns;
    return over;
  });
  EXPECT_LE(turns, 8);
}

TEST_P(EventLoopTest, what_is_posted_and_not_run_is_destroyed_with_the_loop) {
  auto counted = std::make_shared<int>(0);
  {
    EventLoop loop(world.poller());
    loop.post([counted] { ++*counted; });
    EXPECT_EQ(counted.use_count(), 2);
  }
  EXPECT_EQ(counted.use_count(), 1);
  EXPECT_EQ(*counted, 0);
}

TEST_P(EventLoopTest, quit_ends_run_and_run_can_be_called_again) {
  auto& loop = world.loop();
  int ran = 0;
  loop.post([&] {
    ++ran;
    loop.quit();
  });
  loop.run();
  EXPECT_EQ(ran, 1);
  loop.post([&] {
    ++ran;
    loop.quit();
  });
  loop.run();
  EXPECT_EQ(ran, 2);
}

TEST(EventLoopThreads, takes_letters_from_many_threads_each_in_its_order) {
  World world(Net::kernel);
  constexpr int kThreads = 4, kEach = 20'000;
  std::vector<int> last(kThreads, -1);
  int received = 0, disorder = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        world.loop().post([&, t, i] {
          if (last[static_cast<std::size_t>(t)] != i - 1) ++disorder;
          last[static_cast<std::size_t>(t)] = i;
          ++received;
        });
      }
    });
  }
  world.run_until([&] { return received == kThreads * kEach; });
  for (auto& t : threads) t.join();
  EXPECT_EQ(disorder, 0);
}

// A letter wakes a loop that sleeps with nothing else to do: one round trip at a time, none may be lost.
TEST(EventLoopThreads, a_letter_wakes_a_sleeping_loop_every_time) {
  World here(Net::kernel);
  std::unique_ptr<World> there;
  std::atomic<bool> up{false};
  bool over = false;
  std::thread other([&] {
    there = std::make_unique<World>(Net::kernel);
    up.store(true);
    there->run_until([&] { return over; });
  });
  while (!up.load()) std::this_thread::yield();
  int rounds = 0;
  std::function<void()> ping = [&] {
    there->loop().post([&] {
      here.loop().post([&] {
        if (++rounds < 5000) ping();
      });
    });
  };
  ping();
  here.run_until([&] { return rounds == 5000; });
  there->loop().post([&] { over = true; });
  other.join();
}

// ready() from inside a coroutine: resumed in the same turn, later, from the loop's stack.
struct Gate {
  std::coroutine_handle<>& waiter;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> h) { waiter = h; }
  void await_resume() const {}
};

Task<void> wait_at_gate(EventLoop& loop, std::coroutine_handle<>& waiter, std::string& order, TimePoint& at) {
  co_await Gate{waiter};
  order += 'w';
  at = loop.now();
}

Task<void> open_gate(EventLoop& loop, std::coroutine_handle<>& waiter, std::string& order) {
  co_await loop.sleep_for(milliseconds(1));
  loop.ready(waiter);
  order += 'o';
}

TEST_P(EventLoopTest, ready_resumes_later_in_the_same_turn) {
  std::coroutine_handle<> waiter;
  std::string order;
  TimePoint at;
  world.scope().spawn(wait_at_gate(world.loop(), waiter, order, at));
  world.scope().spawn(open_gate(world.loop(), waiter, order));
  world.finish();
  EXPECT_EQ(order, "ow");
  EXPECT_EQ(at, world.loop().now());
}

}  // namespace
}  // namespace fairlead::net
