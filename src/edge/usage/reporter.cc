#include "edge/usage/reporter.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "net/guard.h"

namespace fairlead::edge {

base::Result<std::unique_ptr<UsageReporter>> UsageReporter::start(Edge& edge, cluster::UsageBus& bus,
                                                                  std::string edge_id, const std::string& folder,
                                                                  UsageJournal::Options options) {
  auto journal = UsageJournal::open(folder, options);
  if (!journal) return std::unexpected(std::move(journal.error()));
  const auto epoch = (*journal)->next_epoch();
  if (!epoch) return std::unexpected(epoch.error());
  return std::unique_ptr<UsageReporter>(new UsageReporter(edge, bus, std::move(edge_id), std::move(*journal), *epoch));
}

UsageReporter::UsageReporter(Edge& edge, cluster::UsageBus& bus, std::string edge_id,
                             std::unique_ptr<UsageJournal> journal, std::uint64_t epoch)
    : edge_(edge),
      bus_(bus),
      journal_(std::move(journal)),
      shipper_(*journal_, bus),
      recorder_(edge.counters(), edge.places(), std::move(edge_id), epoch, base::wall_clock_ms(), base::monotonic_now(),
                [this](std::string_view set) { return journal_->append(set); }),
      thread_([this] { run(); }) {}

UsageReporter::~UsageReporter() { end(base::milliseconds(0)); }

void UsageReporter::run() {
  constexpr std::int64_t kEveryMs = std::chrono::milliseconds(kEvery).count();
  constexpr std::int64_t kForgetMs = std::chrono::milliseconds(kForget).count();
  const auto next_of = [](std::int64_t now) { return now - now % kEveryMs + kEveryMs; };
  std::int64_t next = next_of(base::wall_clock_ms());
  std::unique_lock lock(mutex_);
  while (!stop_) {
    const std::int64_t now = base::wall_clock_ms();
    if (now < next && now >= next - kEveryMs) {
      // In short steps: the wall clock may be set.
      wake_.wait_for(lock, std::chrono::milliseconds(std::min<std::int64_t>(next - now, 1000)));
      continue;
    }
    lock.unlock();
    record();
    if (now / kForgetMs != next_of(now) / kForgetMs) {
      net::guarded("asking for idle meters",
                   [this] { edge_.ask_workers([](Worker& worker) { worker.abandon_meters(kForget); }); });
    }
    next = next_of(base::wall_clock_ms());
    lock.lock();
  }
}

void UsageReporter::record() {
  // Without memory for it: what was counted is counted the next time.
  net::guarded("recording usage", [this] { recorder_.record(base::wall_clock_ms(), base::monotonic_now()); });
  shipper_.notify();
}

bool UsageReporter::end(base::milliseconds patience) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stop_, true)) return true;
  }
  wake_.notify_all();
  thread_.join();
  record();
  bool all = shipper_.end(patience);
  // Of a set that the disk has half swallowed both may arrive: they are the same set.
  net::guarded("handing over usage",
               [&] { all = recorder_.hand_over([this](std::string_view set) { return bus_.publish(set); }) && all; });
  if (auto saved = journal_->save_position(); !saved) base::log_warn("usage: {}", base::describe(saved.error()));
  return all;
}

std::string UsageReporter::metrics() const {
  const UsageRecorder::Stats recorder = recorder_.stats();
  const UsageJournal::Stats journal = journal_->stats();
  const UsageShipper::Stats shipper = shipper_.stats();
  std::string out;
  const auto add = [&out](std::string_view name, std::string_view kind, std::string_view help, auto value) {
    out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help, kind, value);
  };
  const auto counter = [&add](std::string_view name, std::uint64_t value, std::string_view help) {
    add(name, "counter", help, value);
  };
  const auto gauge = [&add](std::string_view name, auto value, std::string_view help) {
    add(name, "gauge", help, value);
  };
  counter("fairlead_usage_recorded_sets_total", recorder.sets, "Sets of usage written to the journal.");
  counter("fairlead_usage_recorded_records_total", recorder.records, "Records in them.");
  gauge("fairlead_usage_held_records", recorder.held, "Records kept in memory because the journal does not take them.");
  counter("fairlead_usage_append_failures_total", recorder.failures, "Times that the journal did not take a set.");
  counter("fairlead_usage_lost_records_total", recorder.lost_records,
          "Records given up: neither journal nor memory had room.");
  counter("fairlead_usage_lost_bytes_total", recorder.lost_bytes,
          "WebSocket bytes to clients in the records given up.");
  const auto since = recorder.last_ms == 0 ? 0 : std::max<std::int64_t>(base::wall_clock_ms() - recorder.last_ms, 0);
  gauge("fairlead_usage_recorded_seconds_ago", static_cast<double>(since) / 1000,
        "Time since usage was last recorded.");
  gauge("fairlead_usage_journal_bytes", journal.bytes, "Size of the journal on disk.");
  gauge("fairlead_usage_journal_max_bytes", journal.max_bytes, "The bound on it.");
  gauge("fairlead_usage_journal_waiting", journal.waiting, "Sets in the journal that the control plane does not have.");
  const auto age = journal.oldest_ms == 0 ? 0 : std::max<std::int64_t>(base::wall_clock_ms() - journal.oldest_ms, 0);
  gauge("fairlead_usage_journal_oldest_seconds", static_cast<double>(age) / 1000, "Age of the oldest of those.");
  counter("fairlead_usage_journal_damaged_total", journal.damaged_entries, "Sets lost to damage on disk.");
  counter("fairlead_usage_shipped_total", shipper.shipped, "Sets that the control plane has taken.");
  counter("fairlead_usage_ship_retries_total", shipper.retries, "Times that it did not take one.");
  counter("fairlead_usage_rejected_total", shipper.rejected,
          "Sets that it will never take, set aside in the journal's folder.");
  counter("fairlead_usage_rejected_lost_total", shipper.lost, "Of those, the ones for which there was no room.");
  return out;
}

}  // namespace fairlead::edge
