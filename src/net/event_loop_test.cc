#include "net/event_loop.h"

#include <atomic>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "net/testing/scarce_memory.h"
#include "net/testing/world.h"

namespace fairlead::net {
namespace {

using base::milliseconds;
using testing::Net;
using testing::net_name;
using testing::ScarceMemory;
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

// Suspends until the end of the turn.
struct AtEnd {
  EventLoop& loop;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> h) { loop.ready_at_end(h); }
  void await_resume() const {}
};

Task<void> gather(EventLoop& loop, std::vector<int>& order) {
  co_await AtEnd{loop};
  order.push_back(100);
  co_await AtEnd{loop};
  order.push_back(200);
}

TEST_P(EventLoopTest, what_waits_for_the_end_of_a_turn_comes_after_all_of_the_turn) {
  std::vector<int> order;
  world.scope().spawn(gather(world.loop(), order));
  for (int i = 0; i < 3; ++i) world.loop().post([&order, i] { order.push_back(i); });
  world.finish();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 100, 200}));
}

TEST_P(EventLoopTest, a_kept_read_buffer_is_nobody_elses) {
  char* const first = world.loop().read_buffer();
  std::strcpy(first, "kept");
  char* second = nullptr;
  {
    const EventLoop::KeepReadBuffer keep(world.loop());
    second = world.loop().read_buffer();
    EXPECT_NE(second, first);
    std::strcpy(second, "other");
    EXPECT_STREQ(first, "kept");
  }
  {
    const EventLoop::KeepReadBuffer keep(world.loop());
    EXPECT_EQ(world.loop().read_buffer(), first) << "two buffers are enough";
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

// What a callback throws costs that callback: the turn's other work is done, and the loop counts.
class EventLoopExceptions : public EventLoopTest {
 protected:
  void SetUp() override {
    base::log_set_level(base::LogLevel::off);
    world.loop().on_exceptions([this] { ++counted; });
  }
  void TearDown() override {
    world.loop().on_exceptions({});
    base::log_set_level(base::LogLevel::info);
  }
  int counted = 0;
};
INSTANTIATE_TEST_SUITE_P(Net, EventLoopExceptions, ::testing::Values(Net::kernel, Net::sim_random), net_name);

TEST_P(EventLoopExceptions, a_letter_that_throws_does_not_take_the_next_with_it) {
  std::string order;
  auto& loop = world.loop();
  loop.post([&] { order += 'a'; });
  loop.post([&] {
    order += 'b';
    throw std::runtime_error("a letter");
  });
  loop.post([&] {
    order += 'c';
    throw 7;
  });
  loop.post([&] { order += 'd'; });
  world.run_until([&] { return order.size() == 4; });
  EXPECT_EQ(order, "abcd");
  EXPECT_EQ(counted, 2);
}

class Throwing final : public Timer {
 public:
  explicit Throwing(int& fired)
      : Timer([](Timer& t) {
          ++static_cast<Throwing&>(t).fired_;
          throw std::runtime_error("a timer");
        }),
        fired_(fired) {}

 private:
  int& fired_;
};

TEST_P(EventLoopExceptions, a_timer_that_throws_does_not_take_its_tick_with_it) {
  std::vector<int> order;
  int fired = 0;
  Throwing first(fired), last(fired);
  const TimePoint when = world.loop().now() + milliseconds(5);
  world.loop().timers().set(first, when);
  for (int n = 0; n < 3; ++n) world.scope().spawn(note_after(world.loop(), milliseconds(5), order, n));
  world.loop().timers().set(last, when);
  world.finish();
  EXPECT_EQ(order.size(), 3u);
  EXPECT_EQ(fired, 2);
  EXPECT_EQ(counted, 2);
}

// Reads nothing and throws: the handle stays readable, and the loop comes again.
class ThrowingOwner final : public Pollable {
 public:
  ThrowingOwner(Poller& poller, int handle) : poller_(poller), handle_(handle) {
    EXPECT_GE(poller_.watch(handle_, this, Poller::kNotWatched, kReadable), 0);
  }
  ~ThrowingOwner() {
    poller_.forget(this);
    poller_.watch(handle_, this, kReadable, Poller::kNotWatched);
    poller_.close(handle_);
  }
  void on_ready(Events) override {
    ++calls;
    throw std::runtime_error("an owner");
  }
  int calls = 0;

 private:
  Poller& poller_;
  int handle_;
};

Task<void> read_bytes(ByteStream& stream, std::size_t size, std::size_t& got) {
  while (got < size) {
    const Chunk c = co_await stream.read();
    if (c.ended()) co_return;
    got += c.size;
  }
}
Task<void> write_bytes(ByteStream& stream, std::string bytes) { EXPECT_EQ(co_await stream.write(bytes), 0); }

TEST_P(EventLoopExceptions, an_owner_that_throws_does_not_keep_its_neighbours_from_reading) {
  // Two neighbours, one made before and one after, so that one comes later in the batch.
  testing::TcpPair before = world.pair(), bad = world.pair(), after = world.pair();
  ThrowingOwner owner(world.poller(), bad.far->release());
  std::size_t got_before = 0, got_after = 0;
  world.scope().spawn(read_bytes(*before.far, 1000, got_before));
  world.scope().spawn(read_bytes(*after.far, 1000, got_after));
  for (auto* pair : {&before, &bad, &after}) {
    world.scope().spawn(write_bytes(*pair->near, std::string(1000, 'x')));
  }
  world.run_until([&] { return got_before == 1000 && got_after == 1000 && owner.calls >= 2; });
  EXPECT_EQ(counted, owner.calls);
}

TEST_P(EventLoopExceptions, quit_holds_although_the_same_turn_throws) {
  auto& loop = world.loop();
  int ran = 0;
  loop.post([&] {
    ++ran;
    loop.quit();
    throw std::runtime_error("after quit");
  });
  loop.run();
  EXPECT_EQ(ran, 1);
  // Asked for between two runs: the next does nothing.
  loop.quit();
  loop.post([&] { ++ran; });
  loop.run();
  EXPECT_EQ(ran, 1);
  loop.post([&] { loop.quit(); });
  loop.run();
  EXPECT_EQ(ran, 2);
}

TEST_P(EventLoopExceptions, waking_needs_no_memory) {
  std::coroutine_handle<> waiters[1000];
  int woken = 0;
  auto wait = [](std::coroutine_handle<>& waiter, int& n) -> Task<void> {
    co_await Gate{waiter};
    ++n;
  };
  for (auto& w : waiters) world.scope().spawn(wait(w, woken));
  ScarceMemory::fail_nth(0);
  for (auto& w : waiters) world.loop().ready(w);
  EXPECT_FALSE(ScarceMemory::end());
  world.finish();
  EXPECT_EQ(woken, 1000);
  EXPECT_EQ(counted, 0);
}

TEST_P(EventLoopExceptions, a_letter_there_is_no_memory_for_was_not_posted) {
  int ran = 0;
  auto& loop = world.loop();
  std::move_only_function<void()> first = [&] { ++ran; }, second = [&] { ran += 10; };
  ScarceMemory::fail_nth(0);
  EXPECT_THROW(loop.post(std::move(first)), std::bad_alloc);
  EXPECT_TRUE(ScarceMemory::end());
  loop.post(std::move(second));
  world.run_until([&] { return ran != 0; });
  EXPECT_EQ(ran, 10);
}

// A poller whose wait fails a given number of times, over the one under test.
class FailingPoller final : public Poller {
 public:
  explicit FailingPoller(Poller& below) : below_(below) {}
  int failures = 0;  // to come
  int waits = 0;

  std::span<Ready> wait(TimePoint until, bool* stuck) override {
    ++waits;
    if (failures > 0) {
      --failures;
      throw std::bad_alloc();
    }
    return below_.wait(until, stuck);
  }
  int listen(const SocketAddress& a, const ListenOptions& o, SocketAddress* b) override {
    return below_.listen(a, o, b);
  }
  int accept(int h, SocketAddress* p) override { return below_.accept(h, p); }
  int connect(const SocketAddress& to) override { return below_.connect(to); }
  int connect_result(int h) override { return below_.connect_result(h); }
  ssize_t read(int h, char* b, std::size_t n) override { return below_.read(h, b, n); }
  ssize_t write(int h, const iovec* p, int n) override { return below_.write(h, p, n); }
  int shutdown_write(int h) override { return below_.shutdown_write(h); }
  void close(int h) override { below_.close(h); }
  SocketAddress local_address(int h) override { return below_.local_address(h); }
  void reset_on_close(int h) override { below_.reset_on_close(h); }
  int watch(int h, Pollable* who, Events before, Events after) override { return below_.watch(h, who, before, after); }
  void forget(Pollable* who) override { below_.forget(who); }
  TimePoint now() override { return below_.now(); }
  void wake() override { below_.wake(); }

 private:
  Poller& below_;
};

TEST_P(EventLoopExceptions, a_wait_that_fails_is_tried_again_and_given_up_in_the_end) {
  FailingPoller poller(world.poller());
  EventLoop loop(poller);
  int ran = 0, caught_here = 0;
  loop.on_exceptions([&] { ++caught_here; });
  loop.post([&] {
    ++ran;
    loop.quit();
  });
  poller.failures = EventLoop::kMostFailures - 1;
  loop.run();
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(caught_here, EventLoop::kMostFailures - 1);

  loop.post([&] { ++ran; });
  poller.failures = EventLoop::kMostFailures;
  poller.waits = 0;
  EXPECT_THROW(loop.run(), std::bad_alloc);
  EXPECT_EQ(poller.waits, EventLoop::kMostFailures);
  EXPECT_EQ(ran, 1);
  // The letter is still there.
  loop.post([&] { loop.quit(); });
  loop.run();
  EXPECT_EQ(ran, 2);
}

}  // namespace
}  // namespace fairlead::net
