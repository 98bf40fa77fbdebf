#include "bench/load/pacer.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

namespace fairlead::bench {

std::uint64_t Schedule::due(TimePoint now) {
  if (now < from_) return 0;
  const auto until_now = static_cast<std::uint64_t>((now - from_) / interval_) + 1;
  const std::uint64_t fresh = until_now > given_ ? until_now - given_ : 0;
  given_ += fresh;
  return fresh;
}

bool Pacer::start(TimePoint from, Nanoseconds interval) {
  schedule_ = Schedule(from, interval);
  timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (timer_ < 0) return false;
  const auto timespec_of = [](Nanoseconds t) { return timespec{t.count() / 1'000'000'000, t.count() % 1'000'000'000}; };
  const itimerspec spec{timespec_of(std::max(interval, kShortest)), timespec_of(from.time_since_epoch())};
  ::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &spec, nullptr);
  return loop_.poller().watch(timer_, this, net::Poller::kNotWatched, net::kReadable) == 0;
}

void Pacer::stop() {
  if (timer_ < 0) return;
  loop_.poller().forget(this);
  ::close(timer_);
  timer_ = -1;
}

void Pacer::on_ready(net::Events) {
  std::uint64_t ticks;
  if (::read(timer_, &ticks, sizeof ticks) < 0) return;
  const std::uint64_t first = schedule_.given();
  const std::uint64_t n = schedule_.due(base::monotonic_now());
  for (std::uint64_t m = first; m < first + n && timer_ >= 0; ++m) send_(m);
}

}  // namespace fairlead::bench
