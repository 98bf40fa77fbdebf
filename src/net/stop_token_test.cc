#include "net/stop_token.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <stdexcept>
#include <vector>

#include "base/log.h"

namespace fairlead::net {
namespace {

using Callback = StopCallback<std::function<void()>>;

TEST(StopToken, default_one_never_stops) {
  StopToken token;
  EXPECT_FALSE(token.stop_requested());
  int calls = 0;
  {
    Callback c(token, [&] { ++calls; });
  }
  EXPECT_EQ(calls, 0);
}

TEST(StopToken, calls_each_callback_once_however_often_it_is_asked) {
  StopSource source;
  int calls = 0;
  Callback a(source, [&] { ++calls; });
  Callback b(source, [&] { ++calls; });
  EXPECT_FALSE(StopToken(source).stop_requested());
  source.request_stop();
  source.request_stop();
  EXPECT_TRUE(StopToken(source).stop_requested());
  EXPECT_EQ(calls, 2);
}

TEST(StopToken, calls_at_once_when_stop_was_asked_for_before) {
  StopSource source;
  source.request_stop();
  int calls = 0;
  Callback c(source, [&] { ++calls; });
  EXPECT_EQ(calls, 1);
}

TEST(StopToken, a_callback_that_is_gone_is_not_called) {
  StopSource source;
  std::vector<int> called;
  std::optional<Callback> first, second, third;
  first.emplace(source, [&] { called.push_back(1); });
  second.emplace(source, [&] { called.push_back(2); });
  third.emplace(source, [&] { called.push_back(3); });
  second.reset();  // from the middle of the list
  third.reset();   // its head
  source.request_stop();
  EXPECT_EQ(called, std::vector<int>{1});
}

TEST(StopToken, a_callback_may_unregister_itself_and_others) {
  StopSource source;
  std::vector<int> called;
  std::optional<Callback> callbacks[3];
  for (int i = 0; i < 3; ++i) {
    callbacks[i].emplace(source, [&, i] {
      called.push_back(i);
      for (auto& c : callbacks) c.reset();  // the one that runs among them
    });
  }
  source.request_stop();
  EXPECT_EQ(called.size(), 1u);
}

TEST(StopToken, a_callback_may_ask_again_and_register_more) {
  StopSource source;
  int inner = 0;
  std::optional<Callback> added;
  Callback c(source, [&] {
    source.request_stop();
    added.emplace(source, [&] { ++inner; });
  });
  source.request_stop();
  EXPECT_EQ(inner, 1);
  added.reset();
  EXPECT_EQ(inner, 1);
}

// A callback left out would be a task that never ends.
TEST(StopToken, one_that_throws_does_not_keep_the_others_from_being_called) {
  base::log_set_level(base::LogLevel::off);
  for (int bad = 0; bad < 4; ++bad) {
    StopSource source;
    int calls = 0;
    std::optional<Callback> callbacks[4];
    for (int i = 0; i < 4; ++i) {
      callbacks[i].emplace(source, [&, i] {
        ++calls;
        if (i == bad) throw std::runtime_error("a callback");
      });
    }
    source.request_stop();
    EXPECT_EQ(calls, 4) << bad;
    source.request_stop();
    EXPECT_EQ(calls, 4) << bad;
  }
  base::log_set_level(base::LogLevel::info);
}

}  // namespace
}  // namespace fairlead::net
