#include "net/task.h"

#include <memory>
#include <stdexcept>
#include <string>

#include "net/testing/world.h"

namespace fairlead::net {
namespace {

using testing::Net;
using testing::World;

class TaskTest : public ::testing::Test {
 protected:
  World world{Net::sim_whole};
};

Task<int> give(int n) { co_return n; }
Task<int> give_later(EventLoop& loop, int n) {
  co_await loop.sleep_for(base::milliseconds(5));
  co_return n;
}
Task<std::unique_ptr<std::string>> give_unique() { co_return std::make_unique<std::string>("owned"); }
Task<int> fail_now() {
  throw std::runtime_error("now");
  co_return 0;
}
Task<int> fail_later(EventLoop& loop) {
  co_await loop.sleep_for(base::milliseconds(1));
  throw std::runtime_error("later");
}

TEST_F(TaskTest, gives_its_value_at_once_or_later) {
  EXPECT_EQ(world.run(give(7)), 7);
  EXPECT_EQ(world.run(give_later(world.loop(), 8)), 8);
  EXPECT_EQ(*world.run(give_unique()), "owned");
}

Task<std::string> catches(EventLoop& loop) {
  std::string said;
  try {
    co_await fail_now();
  } catch (const std::exception& e) {
    said += e.what();
  }
  try {
    co_await fail_later(loop);
  } catch (const std::exception& e) {
    said += std::string(" ") + e.what();
  }
  co_return said;
}

TEST_F(TaskTest, rethrows_in_the_one_who_awaits) {
  EXPECT_EQ(world.run(catches(world.loop())), "now later");
  EXPECT_THROW(world.run(fail_later(world.loop())), std::runtime_error);
}

struct Witness {
  int& alive;
  explicit Witness(int& n) : alive(n) { ++alive; }
  Witness(const Witness& o) : alive(o.alive) { ++alive; }
  ~Witness() { --alive; }
};

Task<void> hold(Witness w) {
  (void)w;
  co_return;
}

TEST_F(TaskTest, is_lazy_and_frees_its_frame_started_or_not) {
  int alive = 0;
  bool ran = false;
  {
    auto never = [](bool& flag, Witness) -> Task<void> {
      flag = true;
      co_return;
    }(ran, Witness(alive));
    EXPECT_EQ(alive, 1);
  }
  EXPECT_FALSE(ran);
  EXPECT_EQ(alive, 0);
  world.run(hold(Witness(alive)));
  EXPECT_EQ(alive, 0);
}

// The address of a local tells how deep the stack is.
std::uintptr_t here() { return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)); }

Task<std::uintptr_t> where() { co_return here(); }

Task<std::uint64_t> many_awaits(int count, std::uintptr_t* lowest, std::uintptr_t* highest) {
  std::uint64_t sum = 0;
  for (int i = 0; i < count; ++i) {
    sum += static_cast<std::uint64_t>(co_await give(1));
    const std::uintptr_t at = co_await where();
    *lowest = std::min(*lowest, at);
    *highest = std::max(*highest, at);
  }
  co_return sum;
}

TEST_F(TaskTest, three_million_awaits_that_complete_at_once_do_not_grow_the_stack) {
  std::uintptr_t lowest = UINTPTR_MAX, highest = 0;
  EXPECT_EQ(world.run(many_awaits(3'000'000, &lowest, &highest)), 3'000'000u);
  EXPECT_EQ(lowest, highest);
}

// A child that waited resumes its parent from the loop; the next child starts on that parent's stack.
Task<int> many_waits(EventLoop& loop, int count, std::uintptr_t* lowest, std::uintptr_t* highest) {
  struct Yield {
    EventLoop& loop;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> h) { loop.ready(h); }
    void await_resume() const {}
  };
  auto once = [](EventLoop& l, std::uintptr_t* low, std::uintptr_t* high) -> Task<int> {
    co_await Yield{l};
    *low = std::min(*low, here());
    *high = std::max(*high, here());
    co_return 1;
  };
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await once(loop, lowest, highest);
  co_return sum;
}

TEST_F(TaskTest, a_hundred_thousand_real_waits_do_not_grow_the_stack) {
  std::uintptr_t lowest = UINTPTR_MAX, highest = 0;
  EXPECT_EQ(world.run(many_waits(world.loop(), 100'000, &lowest, &highest)), 100'000);
  // The first starts on the test's own stack, all others on the loop's.
  EXPECT_LT(highest - lowest, 4096u);
}

Task<int> nest(EventLoop& loop, int depth) {
  if (depth == 0) {
    const int n = co_await give_later(loop, 1);
    co_return n;
  }
  const int below = co_await nest(loop, depth - 1);
  co_return below + 1;
}

Task<int> nest_and_throw(EventLoop& loop, int depth) {
  if (depth == 0) {
    const int n = co_await fail_later(loop);
    co_return n;
  }
  const int n = co_await nest_and_throw(loop, depth - 1);
  co_return n;
}

TEST_F(TaskTest, nests_a_thousand_deep_and_unwinds_by_value_and_by_exception) {
  EXPECT_EQ(world.run(nest(world.loop(), 1000)), 1001);
  EXPECT_THROW(world.run(nest_and_throw(world.loop(), 1000)), std::runtime_error);
}

Task<void> relay_loop(ByteStream& from, ByteStream& to) {
  for (;;) {
    const Chunk c = co_await from.read();
    if (c.ended()) co_return;
    if (co_await to.write(c) != 0) co_return;
  }
}

// An idle session is two of these: what they hold is what a million sessions hold two million times.
TEST_F(TaskTest, the_frame_of_a_relay_loop_stays_below_256_bytes) {
  auto pair = world.pair();
  auto task = relay_loop(*pair.near, *pair.far);
  EXPECT_GT(last_frame_bytes, 64u);
  EXPECT_LT(last_frame_bytes, 256u);
  RecordProperty("frame_bytes", static_cast<int>(last_frame_bytes));
}

}  // namespace
}  // namespace fairlead::net
