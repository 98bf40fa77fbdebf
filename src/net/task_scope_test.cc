#include "net/task_scope.h"

#include <coroutine>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/log.h"
#include "net/testing/scarce_memory.h"
#include "net/testing/world.h"

namespace fairlead::net {
namespace {

using testing::Net;
using testing::ScarceMemory;
using testing::World;

class TaskScopeTest : public ::testing::Test {
 protected:
  World world{Net::sim_whole};
};

Task<void> sleeper(EventLoop& loop, Duration d, StopToken token, std::vector<std::string>& said, std::string name) {
  const bool slept = co_await loop.sleep_for(d, token);
  said.push_back(name + (slept ? " slept" : " stopped"));
}

Task<void> join(TaskScope& scope) { co_await scope.join(); }

TEST_F(TaskScopeTest, starts_at_once_and_joins_all) {
  TaskScope scope(world.loop());
  std::vector<std::string> said;
  scope.spawn(sleeper(world.loop(), base::milliseconds(20), scope.token(), said, "long"));
  scope.spawn(sleeper(world.loop(), base::milliseconds(10), scope.token(), said, "short"));
  scope.spawn(sleeper(world.loop(), Duration(0), scope.token(), said, "none"));
  EXPECT_EQ(said, std::vector<std::string>{"none slept"});
  EXPECT_EQ(scope.size(), 2u);
  const TimePoint start = world.loop().now();
  world.run(join(scope));
  EXPECT_EQ(said, (std::vector<std::string>{"none slept", "short slept", "long slept"}));
  EXPECT_EQ(world.loop().now() - start, base::milliseconds(20));
  world.run(join(scope));  // of an empty scope: at once
}

TEST_F(TaskScopeTest, asks_all_to_stop_and_waits_for_their_ends) {
  TaskScope scope(world.loop());
  std::vector<std::string> said;
  for (const char* name : {"a", "b", "c"}) {
    scope.spawn(sleeper(world.loop(), base::seconds(3600), scope.token(), said, name));
  }
  const TimePoint start = world.loop().now();
  scope.request_stop();
  EXPECT_TRUE(scope.stop_requested());
  EXPECT_TRUE(said.empty());  // asked, not resumed under our feet
  world.run(join(scope));
  EXPECT_EQ(said.size(), 3u);
  EXPECT_EQ(world.loop().now(), start);
}

Task<void> thrower(EventLoop& loop, Duration d, bool standard) {
  if (d > Duration(0)) co_await loop.sleep_for(d);
  if (standard) throw std::runtime_error("this one");
  throw 7;
}

TEST_F(TaskScopeTest, an_exception_ends_its_task_only_and_is_reported) {
  base::log_set_level(base::LogLevel::off);
  std::vector<std::string> reported;
  TaskScope scope(world.loop(), [&](const char* what) { reported.push_back(what); });
  std::vector<std::string> said;
  scope.spawn(sleeper(world.loop(), base::milliseconds(20), scope.token(), said, "other"));
  scope.spawn(thrower(world.loop(), Duration(0), true));
  scope.spawn(thrower(world.loop(), base::milliseconds(5), true));
  scope.spawn(thrower(world.loop(), base::milliseconds(6), false));
  world.run(join(scope));
  EXPECT_EQ(reported, (std::vector<std::string>{"this one", "this one", "unknown exception"}));
  EXPECT_EQ(said, std::vector<std::string>{"other slept"});
  base::log_set_level(base::LogLevel::info);
}

Task<void> spawns_more(TaskScope& scope, EventLoop& loop, int depth, int& ran) {
  ++ran;
  co_await loop.sleep_for(base::milliseconds(1));
  if (depth == 0) co_return;
  scope.spawn(spawns_more(scope, loop, depth - 1, ran));
  scope.spawn(spawns_more(scope, loop, depth - 1, ran));
}

TEST_F(TaskScopeTest, join_waits_for_tasks_spawned_by_tasks) {
  TaskScope scope(world.loop());
  int ran = 0;
  scope.spawn(spawns_more(scope, world.loop(), 8, ran));
  world.run(join(scope));
  EXPECT_EQ(ran, 511);
}

// The joiner may destroy the scope as soon as it goes on, although the last task's frame has only just ended.
Task<void> owns_a_scope(EventLoop& loop, std::vector<std::string>& said) {
  auto scope = std::make_unique<TaskScope>(loop);
  scope->spawn(sleeper(loop, base::milliseconds(3), scope->token(), said, "child"));
  co_await scope->join();
  scope.reset();
  said.push_back("owner done");
}

TEST_F(TaskScopeTest, may_be_destroyed_by_its_joiner) {
  std::vector<std::string> said;
  world.run(owns_a_scope(world.loop(), said));
  EXPECT_EQ(said, (std::vector<std::string>{"child slept", "owner done"}));
}

// Who ends the last task is still running then: the joiner comes later, from the loop.
struct Gate {
  std::coroutine_handle<>& waiter;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> h) { waiter = h; }
  void await_resume() const {}
};
Task<void> wait_at(std::coroutine_handle<>& waiter) { co_await Gate{waiter}; }
Task<void> join_and_say(TaskScope& scope, bool& joined) {
  co_await scope.join();
  joined = true;
}

TEST_F(TaskScopeTest, a_joiner_is_never_resumed_in_place) {
  TaskScope scope(world.loop());
  std::coroutine_handle<> waiter;
  bool joined = false;
  scope.spawn(wait_at(waiter));
  world.scope().spawn(join_and_say(scope, joined));
  waiter.resume();
  EXPECT_EQ(scope.size(), 0u);
  EXPECT_FALSE(joined);
  world.finish();
  EXPECT_TRUE(joined);
}

// No memory for the frame that drives a task: the task has ended by an exception, and nobody waits for it for ever.
TEST_F(TaskScopeTest, a_task_that_cannot_be_started_is_reported_and_not_counted) {
  base::log_set_level(base::LogLevel::off);
  int counted = 0;
  world.loop().on_exceptions([&] { ++counted; });
  std::vector<std::string> reported;
  TaskScope scope(world.loop(), [&](const char* what) { reported.push_back(what); });
  std::vector<std::string> said;
  auto held = std::make_shared<int>(1);
  auto holds = [](std::shared_ptr<int> mine) -> Task<void> {
    ADD_FAILURE() << "started " << *mine;
    co_return;
  };
  scope.spawn(sleeper(world.loop(), base::milliseconds(1), scope.token(), said, "other"));
  Task<void> task = holds(held);
  EXPECT_EQ(held.use_count(), 2);
  ScarceMemory::fail_nth(0);
  scope.spawn(std::move(task));
  EXPECT_TRUE(ScarceMemory::end());
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(scope.size(), 1u);
  EXPECT_EQ(counted, 1);
  EXPECT_EQ(reported, std::vector<std::string>{"std::bad_alloc"});
  world.run(join(scope));
  EXPECT_EQ(said, std::vector<std::string>{"other slept"});
  world.loop().on_exceptions({});
  base::log_set_level(base::LogLevel::info);
}

TEST_F(TaskScopeTest, the_loop_counts_and_a_handler_that_throws_is_no_harm) {
  base::log_set_level(base::LogLevel::off);
  int counted = 0;
  world.loop().on_exceptions([&] { ++counted; });
  TaskScope scope(world.loop(), [](const char*) { throw std::runtime_error("the handler"); });
  scope.spawn(thrower(world.loop(), base::milliseconds(1), true));
  scope.spawn(thrower(world.loop(), base::milliseconds(2), false));
  world.run(join(scope));
  EXPECT_EQ(counted, 4);  // each task, and the handler each time
  world.loop().on_exceptions({});
  base::log_set_level(base::LogLevel::info);
}

}  // namespace
}  // namespace fairlead::net
