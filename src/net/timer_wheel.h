#pragma once
// TimerWheel: a hierarchical wheel of 1 ms ticks, six levels of 64 slots (about two years). Setting, moving and
// cancelling a timer is O(1) and allocates nothing: a Timer is a node inside the object it belongs to. A timer never
// fires early, and at most one tick late by the wheel's doing.
//
// Idle clocks are lazy: traffic only writes "last seen"; when the timer fires, its owner looks whether the date has
// moved on and sets it again. So a frame costs one store, and an idle session costs nothing until its date.

#include <array>
#include <cstdint>

#include "base/clock.h"

namespace fairlead::net {

using base::Duration;
using base::kNever;
using base::TimePoint;

class TimerWheel;

// Owned by whoever needs the deadline; cancels itself on destruction.
class Timer {
 public:
  using Fire = void (*)(Timer&);
  explicit Timer(Fire fire) : fire_(fire) {}
  ~Timer() { cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  bool armed() const { return prev_ != nullptr; }
  TimePoint when() const { return when_; }
  void cancel();

 private:
  friend class TimerWheel;
  Timer* next_ = nullptr;
  Timer** prev_ = nullptr;
  TimePoint when_ = kNever;
  Fire fire_;
  TimerWheel* wheel_ = nullptr;
  std::uint16_t slot_ = 0;
};

class TimerWheel {
 public:
  static constexpr Duration kTick = base::milliseconds(1);

  explicit TimerWheel(TimePoint start);
  ~TimerWheel();

  // Arms or moves `t`. kNever cancels it. A date in the past fires at the next advance.
  void set(Timer& t, TimePoint when);

  // The date to wait for: no timer fires earlier; kNever if there is none.
  TimePoint next() const;

  // Fires everything due at `now`, in order of ticks. Callbacks may set and cancel any timer. What one throws is caught
  // and logged (guard.h); that timer has fired, and the others fire as they would have.
  void advance(TimePoint now);

  std::size_t size() const { return size_; }

 private:
  friend class Timer;
  static constexpr int kLevels = 6, kBits = 6, kSlots = 64;
  void insert(Timer& t);
  void unlink(Timer& t);
  std::uint64_t tick_of(TimePoint t) const;
  // The first tick at which something is to be done (fire or cascade); UINT64_MAX if nothing.
  std::uint64_t next_tick() const;

  std::array<Timer*, kLevels * kSlots> slots_{};
  std::array<std::uint64_t, kLevels> occupied_{};
  TimePoint start_;
  std::uint64_t current_ = 0;  // everything up to and including this tick has fired
  std::size_t size_ = 0;
};

}  // namespace fairlead::net
