#pragma once
// Pacer: the clock of an open loop. Ticks by a timer descriptor, because the loop's own timers are a millisecond apart
// and a message every 50 microseconds is an ordinary rate. A late tick hands out all that was due meanwhile: the rate
// is kept, and what was late counts as late. Schedule is the arithmetic of it, without a clock.

#include <functional>

#include "net/event_loop.h"

namespace fairlead::bench {

using base::TimePoint;
using Nanoseconds = base::Duration;

// Message number m is due at from + m * interval; how many have become due since last asked.
class Schedule {
 public:
  Schedule(TimePoint from, Nanoseconds interval) : from_(from), interval_(interval) {}
  std::uint64_t due(TimePoint now);
  std::uint64_t given() const { return given_; }

 private:
  TimePoint from_;
  Nanoseconds interval_;
  std::uint64_t given_ = 0;
};

class Pacer final : public net::Pollable {
 public:
  // `send(m)` is called for each message as it is due, until stop().
  Pacer(net::EventLoop& loop, std::function<void(std::uint64_t)> send) : loop_(loop), send_(std::move(send)) {}
  ~Pacer() { stop(); }
  // False when the system has no timer left.
  bool start(TimePoint from, Nanoseconds interval);
  void stop();

  void on_ready(net::Events events) override;

 private:
  static constexpr Nanoseconds kShortest = std::chrono::microseconds(20);
  net::EventLoop& loop_;
  std::function<void(std::uint64_t)> send_;
  Schedule schedule_{{}, Nanoseconds(1)};
  int timer_ = -1;
};

}  // namespace fairlead::bench
