// The usage bus of one process: who takes sets in, and when nobody does.
#include "cluster/usage_bus.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

namespace fairlead::cluster {
namespace {

using base::Code;
using base::Result;
using base::Retry;

TEST(LocalUsageBus, SaysLaterWhileNobodyTakesIn) {
  LocalUsageBus bus;
  const auto nobody = bus.publish("set");
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Code::unreachable);
  EXPECT_EQ(nobody.error().retry, Retry::later);
  std::vector<std::string> taken;
  auto subscription = bus.subscribe([&](std::string_view set) -> Result<void> {
    taken.emplace_back(set);
    return {};
  });
  EXPECT_TRUE(bus.publish("one"));
  EXPECT_TRUE(bus.publish("two"));
  subscription.reset();
  EXPECT_FALSE(bus.publish("three"));
  EXPECT_EQ(taken, (std::vector<std::string>{"one", "two"}));
}

TEST(LocalUsageBus, GivesTheReceiversAnswerBack) {
  LocalUsageBus bus;
  const auto subscription = bus.subscribe(
      [](std::string_view) { return base::fail(Code::malformed, base::Side::none, "no set", Retry::never); });
  const auto answer = bus.publish("x");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::malformed);
  EXPECT_EQ(answer.error().retry, Retry::never);
  EXPECT_EQ(answer.error().context, "no set");
}

TEST(LocalUsageBus, TheNextReceiverTakesThePlaceOfTheLast) {
  LocalUsageBus bus;
  int first = 0, second = 0;
  auto one = bus.subscribe([&](std::string_view) -> Result<void> { return ++first, Result<void>(); });
  auto two = bus.subscribe([&](std::string_view) -> Result<void> { return ++second, Result<void>(); });
  EXPECT_TRUE(bus.publish("x"));
  one.reset();  // an end that comes late takes nothing from the other
  EXPECT_TRUE(bus.publish("y"));
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 2);
}

// When the subscription's end returns, no call is under way and none will come: what the receiver refers to may go.
TEST(LocalUsageBus, TheEndOfASubscriptionWaitsForTheCall) {
  LocalUsageBus bus;
  std::promise<void> entered, go_on;
  std::atomic<bool> left{false};
  auto subscription = bus.subscribe([&](std::string_view) -> Result<void> {
    entered.set_value();
    go_on.get_future().wait();
    left = true;
    return {};
  });
  std::thread publisher([&] { EXPECT_TRUE(bus.publish("x")); });
  entered.get_future().wait();
  std::atomic<bool> ended{false};
  std::thread ender([&] {
    subscription.reset();
    ended = true;
    EXPECT_TRUE(left);
  });
  EXPECT_FALSE(ended);  // it cannot be: the call waits for us
  go_on.set_value();
  ender.join();
  publisher.join();
  EXPECT_FALSE(bus.publish("y"));
}

}  // namespace
}  // namespace fairlead::cluster
