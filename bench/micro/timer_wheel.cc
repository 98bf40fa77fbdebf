// TimerWheel with as many timers as idle sessions have: setting one, moving one, the date to wait for, a turn that
// fires.

#include "net/timer_wheel.h"

#include <benchmark/benchmark.h>

#include <memory>
#include <random>
#include <vector>

namespace fairlead::net {
namespace {

constexpr TimePoint kBegin{std::chrono::seconds(1000)};

void nothing(Timer&) {}

// A wheel with `n` timers, of 1 s to 100 s.
struct Full {
  explicit Full(std::int64_t n) : wheel(kBegin) {
    for (std::int64_t i = 0; i < n; ++i) {
      timers.push_back(std::make_unique<Timer>(nothing));
      wheel.set(*timers.back(), date());
    }
  }
  TimePoint date() { return kBegin + base::milliseconds(1000 + random() % 99'000); }
  std::mt19937 random{7};
  TimerWheel wheel;
  std::vector<std::unique_ptr<Timer>> timers;
};

void set_and_cancel(benchmark::State& state) {
  Full full(state.range(0));
  Timer timer(nothing);
  for (auto _ : state) {
    full.wheel.set(timer, kBegin + std::chrono::seconds(60));
    timer.cancel();
  }
}
BENCHMARK(set_and_cancel)->Arg(0)->Arg(100'000);

void move_one(benchmark::State& state) {
  Full full(state.range(0));
  std::size_t i = 0;
  for (auto _ : state) {
    full.wheel.set(*full.timers[i], full.date());
    if (++i == full.timers.size()) i = 0;
  }
}
BENCHMARK(move_one)->Arg(1000)->Arg(100'000);

void next_date(benchmark::State& state) {
  const Full full(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(full.wheel.next());
}
BENCHMARK(next_date)->Arg(0)->Arg(100'000);

// A turn of a busy loop: the clock goes on by 100 us, one timer is set anew, what is due fires.
void a_turn(benchmark::State& state) {
  Full full(state.range(0));
  TimePoint now = kBegin;
  std::size_t i = 0;
  for (auto _ : state) {
    now += std::chrono::microseconds(100);
    full.wheel.set(*full.timers[i], now + base::milliseconds(10'000 + i % 1000));
    if (++i == full.timers.size()) i = 0;
    full.wheel.advance(now);
  }
}
BENCHMARK(a_turn)->Arg(1000)->Arg(100'000);

}  // namespace
}  // namespace fairlead::net
