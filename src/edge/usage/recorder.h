#pragma once
// UsageRecorder: makes usage of counters. Each call of record() takes what all cells have counted since the last one,
// attributes it to the five-minute interval in which that time began, and appends it as sets (model/usage.h) to the
// journal. Owned by UsageReporter, which calls it every ten seconds on the wall clock's multiples of ten, so that no
// stretch lies in two intervals; on one thread.
//
// What the journal does not take (it is full, the disk fails) is kept here, summed up by interval, and offered again at
// the next call: nothing is lost while the process lives and there are at most kMaxHeld records of it. Beyond that the
// oldest interval is given up, and counted as lost, by record and by byte.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "edge/telemetry/counters.h"
#include "model/usage.h"

namespace fairlead::edge {

class UsageRecorder {
 public:
  static constexpr std::size_t kMaxHeld = 200'000;      // records
  static constexpr std::size_t kMaxSetRecords = 4'096;  // more go into a further set
  // Of the journal; an error says that nothing was appended.
  using Append = std::function<base::Result<void>(std::string_view set)>;

  struct Stats {
    std::uint64_t sets = 0;          // appended, or handed over
    std::uint64_t records = 0;       // in them
    std::uint64_t held = 0;          // records that wait for the journal
    std::uint64_t failures = 0;      // times that the journal did not take a set
    std::uint64_t lost_records = 0;  // given up
    std::uint64_t lost_bytes = 0;    // of these, WebSocket bytes to clients: what would have been billed
    std::int64_t last_ms = 0;        // when record() was last called, wall clock
  };

  // `registry` and `places` outlive it. `epoch`: of UsageJournal::next_epoch(). `now_ms`: since when is counted.
  UsageRecorder(CounterRegistry& registry, const Places& places, std::string edge, std::uint64_t epoch,
                std::int64_t now_ms, base::TimePoint now, Append append);

  // At `now_ms`, the wall clock's, which says in which interval it is; `now` says how long it was. A wall clock that
  // went back counts from where it is now. May throw std::bad_alloc: what had not been taken is taken by the next call.
  void record(std::int64_t now_ms, base::TimePoint now);

  // The last call, of an orderly end: what the journal did not take is offered to `to`, and what that does not take is
  // given up, logged and counted as lost. True when nothing was. Not while anybody ships out of the journal.
  bool hand_over(const Append& to);

  Stats stats() const;  // any thread

 private:
  struct Held {
    std::int64_t from_ms = 0, to_ms = 0;
    std::map<model::UsageKey, model::UsageValues> records;
  };
  void take(Held& held, std::int64_t now_ms, base::TimePoint now);
  base::Result<void> append(const Append& to);
  void begin_set(std::int64_t interval_s, Held& held);
  base::Result<void> append_set(const Append& to);
  void give_up_oldest();

  CounterRegistry& registry_;
  const Places& places_;
  const std::string edge_;
  const std::uint64_t epoch_;
  const Append append_;
  std::uint64_t sequence_ = 0;  // of the last set made
  // The set that the journal is to take next. A set that was refused is offered again byte for byte: of one that a disk
  // has half swallowed, both may come out in the end, and must be the same.
  std::string set_;
  std::size_t set_records_ = 0;
  std::int64_t last_ms_;
  base::TimePoint last_;
  std::unordered_map<const MeterCell*, model::UsageValues> taken_;  // of each cell, so far
  std::map<std::int64_t, Held> held_;                               // by interval
  std::size_t held_records_ = 0;
  bool failing_ = false;  // the log has said so

  struct {
    std::atomic<std::uint64_t> sets{0}, records{0}, held{0}, failures{0}, lost_records{0}, lost_bytes{0};
    std::atomic<std::int64_t> last_ms{0};
  } stats_;
};

}  // namespace fairlead::edge
