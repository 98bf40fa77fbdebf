#include "edge/http2/flood_guard.h"

#include <gtest/gtest.h>

namespace fairlead::edge {
namespace {

using base::milliseconds;
using base::seconds;
using protocol::Http2Activity;

constexpr base::TimePoint kStart{};

struct Kind {
  Http2Limit limit;
  std::uint64_t Http2Activity::* count;
  std::uint32_t model::Http2Limits::* rate;
};

const Kind kKinds[] = {
    {Http2Limit::resets, &Http2Activity::resets, &model::Http2Limits::resets_per_second},
    {Http2Limit::settings, &Http2Activity::settings, &model::Http2Limits::settings_per_second},
    {Http2Limit::pings, &Http2Activity::pings, &model::Http2Limits::pings_per_second},
    {Http2Limit::empty_frames, &Http2Activity::empty_frames, &model::Http2Limits::empty_frames_per_second},
    {Http2Limit::priorities, &Http2Activity::priorities, &model::Http2Limits::priorities_per_second},
    {Http2Limit::window_updates, &Http2Activity::window_updates, &model::Http2Limits::window_updates_per_second},
    {Http2Limit::unknown_frames, &Http2Activity::unknown_frames, &model::Http2Limits::unknown_frames_per_second},
};

TEST(FloodGuard, each_limit_takes_ten_seconds_worth_at_once_and_one_more_is_too_many) {
  for (const Kind& kind : kKinds) {
    model::Http2Limits limits;
    limits.*kind.rate = 3;
    FloodGuard guard(limits, kStart);
    Http2Activity seen;
    seen.*kind.count = 30;
    EXPECT_EQ(guard.judge(seen, kStart), std::nullopt) << to_string(kind.limit);
    seen.*kind.count = 31;
    EXPECT_EQ(guard.judge(seen, kStart), kind.limit) << to_string(kind.limit);
  }
}

TEST(FloodGuard, a_rate_that_is_kept_is_taken_for_ever) {
  for (const Kind& kind : kKinds) {
    model::Http2Limits limits;
    limits.*kind.rate = 10;
    FloodGuard guard(limits, kStart);
    Http2Activity seen;
    for (int i = 1; i <= 3600; ++i) {
      seen.*kind.count += 1;
      ASSERT_EQ(guard.judge(seen, kStart + milliseconds(100) * i), std::nullopt) << to_string(kind.limit) << i;
    }
    // Twice the rate is found out once the ten seconds' worth is used up: after ten seconds.
    int passed = 0;
    base::TimePoint now = kStart + seconds(360);
    for (;; ++passed) {
      seen.*kind.count += 2;
      if (guard.judge(seen, now += milliseconds(100))) break;
      ASSERT_LT(passed, 200);
    }
    EXPECT_NEAR(passed, 100, 2) << to_string(kind.limit);
  }
}

TEST(FloodGuard, windows_given_back_for_what_was_sent_are_no_flood) {
  FloodGuard guard({}, kStart);
  Http2Activity seen;
  for (int i = 0; i < 100'000; ++i) {
    seen.data_frames_sent += 10;
    seen.window_updates += 20;  // one for the stream and one for the connection
    ASSERT_EQ(guard.judge(seen, kStart), std::nullopt);
  }
  // Beyond what was sent paid for, and the ten seconds' worth.
  seen.window_updates += 2'000'001 + 5'000;
  EXPECT_EQ(guard.judge(seen, kStart), Http2Limit::window_updates);
}

}  // namespace
}  // namespace fairlead::edge
