#include "edge/usage/recorder.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "base/log.h"
#include "edge/usage/cell_values.h"

namespace fairlead::edge {
namespace {

using base::Result;
using model::Meter;
using model::UsageValues;

std::int64_t interval_of(std::int64_t at_ms) {
  const std::int64_t at_s = at_ms / 1000;
  return at_s - at_s % model::kUsageInterval;
}

// What `now` has more than `taken`. A meter that reads lower than before (it does not happen, but nobody must be billed
// for 2^64 bytes if it did) counts as nothing until it is past where it was: `now` is raised to that.
UsageValues difference(const UsageValues& taken, UsageValues& now) {
  UsageValues more;
  std::size_t met = 0;
  auto before = taken.begin();
  for (auto& [meter, n] : now) {
    while (before != taken.end() && before->first < meter) ++before;
    const bool known = before != taken.end() && before->first == meter;
    met += known;
    const std::uint64_t had = known ? before->second : 0;
    if (n > had) more.emplace_back(meter, n - had);
    n = std::max(n, had);
  }
  if (met == taken.size()) return more;
  UsageValues missing;
  for (const auto& value : taken) {
    if (model::usage_of(now, value.first) == 0) missing.push_back(value);
  }
  model::add_usage(now, missing);
  return more;
}

}  // namespace

UsageRecorder::UsageRecorder(CounterRegistry& registry, const Places& places, std::string edge, std::uint64_t epoch,
                             std::int64_t now_ms, base::TimePoint now, Append append)
    : registry_(registry),
      places_(places),
      edge_(std::move(edge)),
      epoch_(epoch),
      append_(std::move(append)),
      last_ms_(now_ms),
      last_(now) {}

void UsageRecorder::record(std::int64_t now_ms, base::TimePoint now) {
  const std::int64_t from_ms = std::min(last_ms_, now_ms);
  const std::int64_t interval = interval_of(from_ms);
  Held& held = held_[interval];
  if (held.records.empty()) held.from_ms = from_ms;
  held.from_ms = std::min(held.from_ms, from_ms);
  held.to_ms = std::max(held.to_ms, now_ms);
  take(held, now_ms, now);
  if (auto done = append(append_); done) {
    if (std::exchange(failing_, false)) base::log_info("usage is written to its journal again");
  } else {
    ++stats_.failures;
    if (!std::exchange(failing_, true)) {
      base::log_error("usage cannot be written to its journal and is kept in memory: {}", base::describe(done.error()));
    }
  }
  while (held_records_ > kMaxHeld && !held_.empty()) give_up_oldest();
  stats_.held = held_records_;
  stats_.last_ms = now_ms;
}

// In two parts: what needs memory, and then what cannot fail, so that a call that failed has taken nothing.
void UsageRecorder::take(Held& held, std::int64_t now_ms, base::TimePoint now) {
  const std::int64_t elapsed_ms = (now - last_) / base::milliseconds(1);
  struct Seen {
    UsageValues* taken;  // of the cell
    UsageValues now;
    bool over;
  };
  const auto cells = registry_.cells(CounterRegistry::Cells::written);
  std::vector<Seen> all_seen;
  all_seen.reserve(cells.size());
  std::map<model::UsageKey, UsageValues> sums;  // with what is held
  for (const auto& cell : cells) {
    // Nobody writes it any more: its worker has forgotten it, and besides the registry only we hold it. Taking one more
    // hold of it comes after the last other owner let go of it, so that all which that owner counted is seen.
    constexpr long kOurs = 2;
    const bool over = cell->abandoned && cell.use_count() == kOurs;
    const std::shared_ptr<const MeterCell> after = over ? cell : nullptr;
    Seen& seen = all_seen.emplace_back(&taken_[cell.get()], values_of(*cell), over);
    UsageValues more = difference(*seen.taken, seen.now);
    const std::uint64_t open = cell->websocket.sessions_open.get();
    if (open != 0 && elapsed_ms > 0) {
      model::add_usage(more, {{Meter::session_milliseconds, open * static_cast<std::uint64_t>(elapsed_ms)}});
    }
    if (more.empty()) continue;
    const auto [sum, is_new] = sums.try_emplace(usage_key(cell->key, places_));
    if (is_new) {
      if (const auto at = held.records.find(sum->first); at != held.records.end()) sum->second = at->second;
    }
    model::add_usage(sum->second, more);
  }

  for (Seen& seen : all_seen) seen.taken->swap(seen.now);
  for (auto& [key, values] : sums) {
    if (const auto at = held.records.find(key); at != held.records.end()) at->second.swap(values);
  }
  held_records_ -= held.records.size();
  held.records.merge(sums);
  held_records_ += held.records.size();
  last_ms_ = now_ms;
  last_ = now;

  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (!all_seen[i].over) continue;
    registry_.retire(cells[i]);
    taken_.erase(cells[i].get());
  }
}

bool UsageRecorder::hand_over(const Append& to) {
  const bool all = append(to).has_value();
  if (!set_.empty()) {
    if (auto set = model::decode_usage(set_)) {
      Held& held = held_[set->interval_s];
      for (auto& record : set->records) model::add_usage(held.records[std::move(record.key)], record.values);
    }
    set_.clear();
  }
  held_records_ = 0;
  for (const auto& [interval, held] : held_) held_records_ += held.records.size();
  while (!held_.empty()) give_up_oldest();
  stats_.held = held_records_;
  return all;
}

Result<void> UsageRecorder::append(const Append& to) {
  if (auto done = append_set(to); !done) return done;
  while (!held_.empty()) {
    const auto oldest = held_.begin();
    while (!oldest->second.records.empty()) {
      begin_set(oldest->first, oldest->second);
      if (auto done = append_set(to); !done) return done;
    }
    held_.erase(oldest);
  }
  return {};
}

void UsageRecorder::begin_set(std::int64_t interval_s, Held& held) {
  model::UsageSet set{.edge = edge_,
                      .epoch = epoch_,
                      .sequence = sequence_ + 1,
                      .interval_s = interval_s,
                      .from_ms = held.from_ms,
                      .to_ms = held.to_ms,
                      .records = {}};
  auto end = held.records.begin();
  for (; end != held.records.end() && set.records.size() < kMaxSetRecords; ++end) {
    set.records.push_back({end->first, end->second});
  }
  set_ = model::encode_usage(set);
  set_records_ = set.records.size();
  ++sequence_;
  held.records.erase(held.records.begin(), end);
}

// The set that waits, if there is one.
Result<void> UsageRecorder::append_set(const Append& to) {
  if (set_.empty()) return {};
  if (auto done = to(set_); !done) return done;
  held_records_ -= set_records_;
  ++stats_.sets;
  stats_.records += set_records_;
  set_.clear();
  return {};
}

void UsageRecorder::give_up_oldest() {
  const auto oldest = held_.begin();
  if (oldest->second.records.empty()) {
    held_.erase(oldest);
    return;
  }
  std::uint64_t bytes = 0;
  for (const auto& [key, values] : oldest->second.records) bytes += model::usage_of(values, Meter::bytes_out);
  base::log_error("usage of the five minutes from {} on is lost, with {} bytes to clients: the journal takes nothing",
                  oldest->first, bytes);
  stats_.lost_records += oldest->second.records.size();
  stats_.lost_bytes += bytes;
  held_records_ -= oldest->second.records.size();
  held_.erase(oldest);
}

UsageRecorder::Stats UsageRecorder::stats() const {
  return {.sets = stats_.sets,
          .records = stats_.records,
          .held = stats_.held,
          .failures = stats_.failures,
          .lost_records = stats_.lost_records,
          .lost_bytes = stats_.lost_bytes,
          .last_ms = stats_.last_ms};
}

}  // namespace fairlead::edge
