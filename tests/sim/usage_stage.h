#pragma once
// The stage of a simulated hour of usage: its wall clock, what its peers counted (Truth), and when they may move
// (Stage). Nothing here knows how the edge counts. Header only.

#include <gtest/gtest.h>

#include <coroutine>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/usage.h"
#include "net/event_loop.h"
#include "net/sim_poller.h"
#include "net/task.h"

namespace fairlead::sim {

using model::Meter;

// Whom a count is about.
struct Whose {
  std::string domain, region, isp;
  auto operator<=>(const Whose&) const = default;
};

// What was counted, by whom it is about, five-minute interval and meter. Histograms of durations are counts only, under
// their first number: how long something took is not for a peer to say to the nanosecond.
class Truth {
 public:
  using Counts = std::map<std::int64_t, std::map<Meter, std::uint64_t>>;  // by interval

  Counts& of(const Whose& whose) { return counts_[whose]; }
  const std::map<Whose, Counts>& all() const { return counts_; }

  struct Part {
    std::set<std::string> domains = {};  // empty: all
    std::optional<std::string> region = {}, isp = {};
    std::int64_t from_s = 0, to_s = INT64_MAX;
  };
  std::map<Meter, std::uint64_t> sum(const Part& part) const {
    std::map<Meter, std::uint64_t> total;
    for (const auto& [whose, counts] : counts_) {
      if (!part.domains.empty() && !part.domains.contains(whose.domain)) continue;
      if ((part.region && whose.region != *part.region) || (part.isp && whose.isp != *part.isp)) continue;
      for (auto it = counts.lower_bound(part.from_s); it != counts.end() && it->first < part.to_s; ++it) {
        for (const auto& [meter, n] : it->second) total[meter] += n;
      }
    }
    return total;
  }
  std::uint64_t sum(const Part& part, Meter meter) const {
    const auto total = sum(part);
    const auto it = total.find(meter);
    return it == total.end() ? 0 : it->second;
  }
  // The values that usage has, in the form of a sum.
  static std::map<Meter, std::uint64_t> form(const model::UsageValues& values) {
    std::map<Meter, std::uint64_t> out;
    for (const auto& [meter, n] : values) {
      if (meter == Meter::session_milliseconds || meter == Meter::handshake_nanoseconds ||
          meter == Meter::origin_nanoseconds) {
        continue;
      }
      const bool handshake = meter >= Meter::handshake_seconds && meter < Meter::handshake_nanoseconds;
      const bool origin = meter >= Meter::origin_seconds && meter < Meter::origin_nanoseconds;
      out[handshake ? Meter::handshake_seconds : origin ? Meter::origin_seconds : meter] += n;
    }
    return out;
  }

 private:
  std::map<Whose, Counts> counts_;
};

inline std::string words(const std::map<Meter, std::uint64_t>& values) {
  std::string out;
  for (const auto& [meter, n] : values) {
    out += " " + std::to_string(static_cast<unsigned>(meter)) + "=" + std::to_string(n);
  }
  return out;
}

// The wall clock of a simulated world: begins at `start_ms` and goes as the loop's does.
class WallClock {
 public:
  WallClock(net::EventLoop& loop, std::int64_t start_ms) : loop_(loop), start_ms_(start_ms), zero_(loop.now()) {}
  std::int64_t ms() const { return start_ms_ + (loop_.now() - zero_) / base::milliseconds(1); }
  std::int64_t interval_s() const { return ms() / 1000 - ms() / 1000 % model::kUsageInterval; }
  net::TimePoint at(std::int64_t wall_ms) const { return zero_ + base::milliseconds(wall_ms - start_ms_); }

 private:
  net::EventLoop& loop_;
  std::int64_t start_ms_;
  net::TimePoint zero_;
};

// Where one peer writes down what it counts, in the interval that it is now.
class Book {
 public:
  Book(Truth& truth, const WallClock& clock, Whose whose)
      : whose_(std::move(whose)), counts_(&truth.of(whose_)), clock_(&clock) {}
  void add(Meter meter, std::uint64_t n = 1) {
    if (n != 0) (*counts_)[clock_->interval_s()][meter] += n;
  }
  const Whose& whose() const { return whose_; }

 private:
  Whose whose_;
  Truth::Counts* counts_;
  const WallClock* clock_;
};

// Wakes whoever waits, on the loop's own stack.
class Signal {
 public:
  explicit Signal(net::EventLoop& loop) : loop_(loop) {}
  struct Wait {
    std::vector<std::coroutine_handle<>>& list;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> h) { list.push_back(h); }
    void await_resume() const {}
  };
  Wait wait() { return Wait{waiting_}; }
  void raise() {
    for (const auto h : std::exchange(waiting_, {})) loop_.ready(h);
  }

 private:
  net::EventLoop& loop_;
  std::vector<std::coroutine_handle<>> waiting_;
};

// Says when a peer may move. Bytes under way at the boundary of two intervals would be in the one for the peer and in
// the other for the edge, so that nobody moves who might not be done by then; the same for a domain that is about to be
// switched off, or for all of them.
class Stage {
 public:
  static constexpr std::int64_t kQuietMs = 1500;  // longer than any one move

  Stage(net::EventLoop& l, std::int64_t start_ms, std::uint64_t seed) : loop(l), clock(l, start_ms), random(seed) {}

  // One move, from permission to the end of this object.
  class Move {
   public:
    Move(Stage& stage, const std::string& domain)
        : stage_(stage), busy_(stage.busy_[domain]), began_(stage.clock.ms()), interval_(stage.clock.interval_s()) {
      ++busy_;
    }
    ~Move() {
      --busy_;
      EXPECT_EQ(interval_, stage_.clock.interval_s()) << "a move took from " << began_ << " to " << stage_.clock.ms();
    }
    Move(const Move&) = delete;
    Move& operator=(const Move&) = delete;

   private:
    Stage& stage_;
    int& busy_;
    std::int64_t began_, interval_;
  };

  // Completes when a Move may be made at once.
  net::Task<void> free(std::string domain) {
    for (;;) {
      const std::int64_t left = kIntervalMs - clock.ms() % kIntervalMs;
      if (hush_all_ || hushed_.contains(domain)) {
        co_await loop.sleep_for(base::milliseconds(100));
      } else if (left <= kQuietMs) {
        co_await loop.sleep_for(base::milliseconds(left + 1 + static_cast<std::int64_t>(random.below(100))));
      } else {
        co_return;
      }
    }
  }
  // From now on nobody moves (of that domain; empty: of any), and when it completes nothing is under way.
  net::Task<void> hush(std::string domain) {
    domain.empty() ? void(hush_all_ = true) : void(hushed_.insert(domain));
    for (;;) {
      int busy = 0;
      for (const auto& [name, n] : busy_) busy += domain.empty() || name == domain ? n : 0;
      if (busy == 0) break;
      co_await loop.sleep_for(base::milliseconds(10));
    }
    co_await loop.sleep_for(base::milliseconds(300));
  }
  void go_on(const std::string& domain) { domain.empty() ? void(hush_all_ = false) : void(hushed_.erase(domain)); }

  // Origins that were asked to speak later, each by a word of its own, may.
  net::Task<void> released(std::string word) {
    while (released_.erase(word) == 0) co_await release_.wait();
  }
  void release(const std::string& word) {
    released_.insert(word);
    release_.raise();
  }

  net::Task<void> rest(std::int64_t least_ms, std::int64_t most_ms) {
    const auto more = random.below(static_cast<std::uint64_t>(most_ms - least_ms + 1));
    co_await loop.sleep_for(base::milliseconds(least_ms + static_cast<std::int64_t>(more)));
  }

  net::EventLoop& loop;
  WallClock clock;
  net::SimRandom random;
  Truth clients, origins;    // what each side counted; origins know the domain alone
  std::int64_t open_ms = 0;  // of all sessions, by their clients' clocks

 private:
  static constexpr std::int64_t kIntervalMs = model::kUsageInterval * 1000;
  std::map<std::string, int> busy_;
  std::set<std::string> hushed_, released_;
  Signal release_{loop};
  bool hush_all_ = false;
};

}  // namespace fairlead::sim
