#include "net/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <stdexcept>
#include <vector>

#include "base/log.h"
#include "net/sim_poller.h"

namespace fairlead::net {
namespace {

using base::milliseconds;
using base::seconds;

constexpr TimePoint kStart = TimePoint(seconds(1000) + Duration(123'457));
constexpr Duration kTick = TimerWheel::kTick;

class Probe final : public Timer {
 public:
  explicit Probe(std::function<void()> then = {})
      : Timer([](Timer& t) {
          auto& self = static_cast<Probe&>(t);
          ++self.fired;
          if (self.then_) self.then_();
        }),
        then_(std::move(then)) {}
  int fired = 0;

 private:
  std::function<void()> then_;
};

TEST(TimerWheel, fires_once_never_early_at_most_a_tick_late) {
  for (const Duration d : std::initializer_list<Duration>{
           Duration(1), Duration(999'999), milliseconds(1), milliseconds(1) + Duration(1), milliseconds(63),
           milliseconds(64), milliseconds(65), milliseconds(4096), seconds(60)}) {
    TimerWheel wheel(kStart);
    Probe probe;
    wheel.set(probe, kStart + d);
    EXPECT_TRUE(probe.armed());
    EXPECT_EQ(probe.when(), kStart + d);
    wheel.advance(kStart + d - Duration(1));
    EXPECT_EQ(probe.fired, 0) << d.count();
    wheel.advance(kStart + d + kTick);
    EXPECT_EQ(probe.fired, 1) << d.count();
    EXPECT_FALSE(probe.armed());
    EXPECT_EQ(wheel.size(), 0u);
    wheel.advance(kStart + d + seconds(100));
    EXPECT_EQ(probe.fired, 1) << d.count();
  }
}

TEST(TimerWheel, never_is_a_date_that_cancels_and_the_past_fires_next) {
  TimerWheel wheel(kStart);
  Probe probe;
  wheel.set(probe, base::kNever);
  EXPECT_FALSE(probe.armed());
  EXPECT_EQ(wheel.next(), base::kNever);
  wheel.set(probe, kStart + seconds(1));
  wheel.set(probe, base::kNever);
  EXPECT_FALSE(probe.armed());
  EXPECT_EQ(wheel.size(), 0u);
  wheel.set(probe, kStart - seconds(5));
  wheel.advance(kStart + kTick);
  EXPECT_EQ(probe.fired, 1);
  wheel.set(probe, TimePoint::min());
  wheel.advance(kStart + 2 * kTick);
  EXPECT_EQ(probe.fired, 2);
  // As late as a date can be without being kNever.
  wheel.set(probe, base::kNever - Duration(1));
  EXPECT_TRUE(probe.armed());
  wheel.advance(kStart + seconds(1'000'000));
  EXPECT_EQ(probe.fired, 2);
}

// One timer at every power of two of ticks: all levels and the year-long clamp, waking only when next() says so.
TEST(TimerWheel, cascades_through_all_levels_with_no_useless_wake_up_beyond_one_a_level) {
  constexpr int kLevels = 6;
  for (int bit = 0; bit < 36; ++bit) {
    for (const std::int64_t off : {-1, 0, 1}) {
      const std::int64_t ticks = (std::int64_t(1) << bit) + off;
      if (ticks <= 0) continue;
      TimerWheel wheel(kStart);
      // Not at the wheel's zero: what matters is the distance and the digits both.
      TimePoint now = kStart + 1'234'567 * kTick;
      wheel.advance(now);
      Probe probe;
      const TimePoint due = now + ticks * kTick;
      wheel.set(probe, due);
      int wake_ups = 0;
      while (probe.fired == 0) {
        const TimePoint next = wheel.next();
        ASSERT_NE(next, base::kNever);
        ASSERT_GT(next, now);
        ASSERT_LE(next, due);
        now = next;
        wheel.advance(now);
        ASSERT_LE(++wake_ups, kLevels + (bit == 35 ? 1 : 0)) << ticks;
      }
      EXPECT_EQ(now, due) << ticks;
      EXPECT_EQ(wheel.next(), base::kNever);
    }
  }
}

TEST(TimerWheel, fires_in_order_of_ticks_even_after_a_long_absence) {
  TimerWheel wheel(kStart);
  SimRandom random(7);
  std::vector<std::int64_t> fired;
  std::vector<std::unique_ptr<Probe>> probes;
  for (int i = 0; i < 2000; ++i) {
    const auto ticks = static_cast<std::int64_t>(random.below(1 << (4 + random.below(20))) + 1);
    probes.push_back(std::make_unique<Probe>([&fired, ticks] { fired.push_back(ticks); }));
    wheel.set(*probes.back(), kStart + ticks * kTick);
  }
  wheel.advance(kStart + seconds(1'000'000));
  EXPECT_EQ(fired.size(), 2000u);
  EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end()));
}

TEST(TimerWheel, callbacks_may_cancel_move_and_set_any_timer) {
  TimerWheel wheel(kStart);
  const TimePoint same = kStart + milliseconds(10);
  std::vector<std::unique_ptr<Probe>> probes;
  // Whichever of them fires first, cancels one of the others of the same slot and puts another off.
  bool first = true;
  std::size_t cancelled = 0, moved = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    probes.push_back(std::make_unique<Probe>([&, i] {
      if (!std::exchange(first, false)) return;
      cancelled = (i + 1) % 3;
      moved = (i + 2) % 3;
      probes[cancelled]->cancel();
      wheel.set(*probes[moved], same + milliseconds(5));
      wheel.set(*probes[i], same);  // itself, for a date that has come: the next tick, not this one again
    }));
    wheel.set(*probes.back(), same);
  }
  wheel.advance(same + kTick - Duration(1));
  std::vector<int> counts;
  for (auto& p : probes) counts.push_back(p->fired);
  EXPECT_EQ(std::count(counts.begin(), counts.end(), 1), 1);
  EXPECT_EQ(probes[cancelled]->fired, 0);
  EXPECT_FALSE(probes[cancelled]->armed());
  EXPECT_EQ(wheel.size(), 2u);
  wheel.advance(same + milliseconds(4));
  EXPECT_EQ(probes[moved]->fired, 0);
  wheel.advance(same + milliseconds(7));
  EXPECT_EQ(probes[moved]->fired, 1);
  EXPECT_EQ(wheel.size(), 0u);
}

TEST(TimerWheel, a_callback_may_destroy_timers_of_its_slot_its_own_included) {
  TimerWheel wheel(kStart);
  std::vector<std::unique_ptr<Probe>> probes;
  int fired = 0;
  for (int i = 0; i < 10; ++i) {
    probes.push_back(std::make_unique<Probe>([&] {
      ++fired;
      auto gone = std::move(probes);  // lives until this callback returns
      probes.clear();
      for (auto& p : gone) {
        if (p->fired == 0) p.reset();
      }
      probes = std::move(gone);
    }));
    wheel.set(*probes.back(), kStart + milliseconds(3));
  }
  wheel.advance(kStart + milliseconds(5));
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(wheel.size(), 0u);
}

TEST(TimerWheel, a_timer_that_outlives_its_wheel_is_disarmed) {
  Probe probe;
  {
    TimerWheel wheel(kStart);
    wheel.set(probe, kStart + seconds(1));
  }
  EXPECT_FALSE(probe.armed());
  probe.cancel();
}

// The reference: a sorted multimap of dates. Dates, steps and operations are drawn; 100,000 timers in all.
TEST(TimerWheel, agrees_with_a_sorted_reference_over_100000_random_timers) {
  constexpr std::uint64_t kSeed = 20240611;
  SCOPED_TRACE(kSeed);
  SimRandom random(kSeed);
  TimerWheel wheel(kStart);
  TimePoint now = kStart;
  struct Entry {
    std::unique_ptr<Probe> probe;
    TimePoint due = base::kNever;
    TimePoint set_at;
  };
  std::vector<Entry> entries(1000);
  std::multimap<TimePoint, std::size_t> reference;  // armed timers by date
  const auto forget = [&](std::size_t i) {
    for (auto [at, end] = reference.equal_range(entries[i].due); at != end; ++at) {
      if (at->second != i) continue;
      reference.erase(at);
      return;
    }
  };
  int sets = 0;
  std::uint64_t fired = 0, early = 0, late = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    entries[i].probe = std::make_unique<Probe>([&, i] {
      Entry& e = entries[i];
      ++fired;
      if (now < e.due) ++early;
      forget(i);
      e.due = base::kNever;
    });
  }
  while (sets < 100'000) {
    for (int n = 0; n < 50; ++n) {
      const std::size_t i = random.below(entries.size());
      Entry& e = entries[i];
      if (e.due != base::kNever) forget(i);
      if (random.chance(0.2)) {
        e.probe->cancel();
        e.due = base::kNever;
        continue;
      }
      const auto span = static_cast<std::uint64_t>(1) << random.below(42);  // up to 73 minutes, in ns
      e.due = now + Duration(static_cast<std::int64_t>(random.below(span)));
      e.set_at = now;
      wheel.set(*e.probe, e.due);
      reference.emplace(e.due, i);
      ++sets;
    }
    ASSERT_EQ(wheel.size(), reference.size());
    // next() never lies beyond the first date by more than the rounding to ticks.
    ASSERT_LE(wheel.next(), std::max(reference.begin()->first, now) + kTick);
    now += Duration(static_cast<std::int64_t>(random.below(std::uint64_t(1) << random.below(36))));
    wheel.advance(now);
    // Whatever is more than a tick past its date, and was set more than a tick ago, has fired.
    for (auto at = reference.begin(); at != reference.end() && at->first + kTick <= now; ++at) {
      if (entries[at->second].set_at + kTick <= now) ++late;
    }
    ASSERT_EQ(late, 0u);
  }
  now += seconds(10'000);
  wheel.advance(now);
  EXPECT_EQ(wheel.size(), 0u);
  EXPECT_TRUE(reference.empty());
  EXPECT_EQ(early, 0u);
  EXPECT_GT(fired, 10'000u);
}

// One that throws has fired; the rest of its slot, and of the slots above that fall into the same tick, fire too.
TEST(TimerWheel, one_that_throws_costs_the_others_nothing) {
  base::log_set_level(base::LogLevel::off);
  for (const Duration d : std::initializer_list<Duration>{milliseconds(1), milliseconds(64), milliseconds(4096)}) {
    for (std::size_t bad = 0; bad < 5; ++bad) {
      TimerWheel wheel(kStart);
      wheel.advance(kStart);
      std::vector<std::unique_ptr<Probe>> probes;
      for (std::size_t i = 0; i < 5; ++i) {
        probes.push_back(std::make_unique<Probe>([i, bad] {
          if (i == bad) throw std::runtime_error("a timer");
        }));
        // The last two are due in this tick, too, but were set when it was nearer, into a lower slot.
        if (i == 3) wheel.advance(kStart + d - kTick);
        wheel.set(*probes.back(), kStart + d);
      }
      wheel.advance(kStart + d + kTick);
      for (const auto& p : probes) {
        EXPECT_EQ(p->fired, 1) << d.count() << " " << bad;
        EXPECT_FALSE(p->armed());
      }
      EXPECT_EQ(wheel.size(), 0u);
    }
  }
  base::log_set_level(base::LogLevel::info);
}

TEST(TimerWheel, one_that_throws_may_have_armed_itself_again) {
  base::log_set_level(base::LogLevel::off);
  TimerWheel wheel(kStart);
  TimePoint next = kStart + milliseconds(10);
  Probe* self = nullptr;
  Probe probe([&] {
    next += milliseconds(10);
    wheel.set(*self, next);
    throw 7;
  });
  self = &probe;
  wheel.set(probe, next);
  wheel.advance(kStart + milliseconds(101));
  EXPECT_EQ(probe.fired, 10);
  EXPECT_TRUE(probe.armed());
  base::log_set_level(base::LogLevel::info);
}

}  // namespace
}  // namespace fairlead::net
