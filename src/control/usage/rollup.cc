#include "control/usage/rollup.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <future>
#include <ranges>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "control/usage/block.h"
#include "control/usage/day_packing.h"
#include "control/usage/layout.h"
#include "control/usage/sums.h"
#include "store/usage_blocks.h"
#include "store/usage_damaged.h"
#include "store/usage_points.h"
#include "store/usage_progress.h"
#include "store/usage_sums.h"

namespace fairlead::control {

using base::Code;
using base::Result;
using store::OpenDay;
using store::Transaction;
using store::UsageDimension;
using store::UsagePart;
using store::UsageTier;

namespace {

constexpr std::chrono::milliseconds kTransactionTime{50};
constexpr std::size_t kPackedAtOnce = 3;      // days: one is read or written meanwhile
constexpr std::int64_t kListed = 10'000;      // domains' days in one look
constexpr std::int64_t kRemovedAtOnce = 200;  // blocks

std::vector<store::UsageShelf> shelves_of(UsageTier tier, std::span<const UsageDimension> dimensions) {
  std::vector<store::UsageShelf> shelves;
  for (const UsageDimension dimension : dimensions) {
    for (const UsagePart part : kParts) shelves.push_back({tier, dimension, part});
  }
  return shelves;
}

// What there is of a day, to be packed; no rows: somebody else was here.
Result<DayTexts> read_day(Transaction& tx, const OpenDay& day, std::int64_t before_s) {
  DayTexts texts;
  texts.domain_id = day.domain_id;
  texts.day_s = day.day_s;
  const std::int64_t to_s = std::min(day.day_s + kDay, before_s);
  auto read =
      store::each_open_usage(tx, store::UsageDomains::list({day.domain_id}), day.day_s, to_s, store::OpenText::body,
                             [&](std::string_view, std::int64_t at_s, std::string_view text) -> Result<void> {
                               texts.rows.emplace_back(at_s, text);
                               return {};
                             });
  if (!read) return std::unexpected(read.error());
  if (texts.rows.empty()) return texts;
  static constexpr UsageDimension kAll[] = {UsageDimension::full};
  auto present = store::find_usage_blocks(tx, shelves_of(UsageTier::five_minutes, kAll), day.domain_id, day.day_s);
  if (!present) return std::unexpected(present.error());
  texts.present = std::move(*present);
  auto days = store::find_usage_blocks(tx, shelves_of(UsageTier::days, kDimensions), day.domain_id,
                                       kTiers[2].block_start(day.day_s));
  if (!days) return std::unexpected(days.error());
  texts.days = std::move(*days);
  return texts;
}

bool stopped(const std::atomic<bool>* stop) { return stop && stop->load(); }

struct Batch {
  std::size_t days = 0;
  std::int64_t sums = 0;  // of the days, those of sums
  std::int64_t rows = 0;
};

// A day on its way: read, and being packed on a thread of its own.
struct Packing {
  std::size_t index;
  std::future<Result<std::vector<store::UsageBlock>>> blocks;
};

// As many of `days` as kTransactionTime allows, at least one and at most `most`. While this thread reads and writes,
// which is the store's half of the work, others pack, which is the processor's. `texts`: an error is about a text of
// usage, and the store itself is well.
Result<Batch> roll_up_some(store::Database& database, std::span<const OpenDay> days, std::size_t most,
                           std::int64_t before_s, bool& texts) {
  return database.write([&](Transaction& tx) -> Result<Batch> {
    const auto end = base::monotonic_now() + kTransactionTime;
    Batch batch;
    std::deque<Packing> packing;
    texts = false;
    const auto finish_one = [&]() -> Result<void> {
      const OpenDay& day = days[packing.front().index];
      auto blocks = packing.front().blocks.get();
      packing.pop_front();
      texts = !blocks;
      if (!blocks) return std::unexpected(blocks.error());
      if (auto done = store::put_usage_blocks(tx, std::move(*blocks)); !done) return done;
      auto gone = store::delete_open_usage(tx, day.domain_id, day.day_s, std::min(day.day_s + kDay, before_s));
      if (!gone) return std::unexpected(gone.error());
      batch.rows += *gone;
      if (store::is_usage_sum(day.domain_id)) ++batch.sums;
      return {};
    };
    for (; batch.days < std::min(most, days.size()) && (batch.days == 0 || base::monotonic_now() < end); ++batch.days) {
      // Days of one domain have blocks in common: the one before must be written.
      const auto same = [&](const Packing& p) { return days[p.index].domain_id == days[batch.days].domain_id; };
      while (std::ranges::any_of(packing, same)) {
        if (auto done = finish_one(); !done) return std::unexpected(done.error());
      }
      auto day = read_day(tx, days[batch.days], before_s);
      if (!day) return std::unexpected(day.error());
      if (day->rows.empty()) continue;
      packing.push_back({batch.days, std::async(pack_day, std::move(*day))});
      if (packing.size() < kPackedAtOnce) continue;
      if (auto done = finish_one(); !done) return std::unexpected(done.error());
    }
    while (!packing.empty()) {
      if (auto done = finish_one(); !done) return std::unexpected(done.error());
    }
    return batch;
  });
}

struct Aside {
  std::int64_t rows = 0, left = 0;
};

// Sets those rows of a day aside that cannot be read; all, when it is not for them that it cannot be packed.
Result<Aside> set_damaged_aside(Transaction& tx, const OpenDay& day, std::int64_t before_s) {
  std::vector<std::int64_t> all, damaged;
  auto read = store::each_open_usage(tx, store::UsageDomains::list({day.domain_id}), day.day_s,
                                     std::min(day.day_s + kDay, before_s), store::OpenText::body,
                                     [&](std::string_view, std::int64_t at_s, std::string_view text) -> Result<void> {
                                       all.push_back(at_s);
                                       const auto point = decode_point(text);
                                       if (!point && point.error().code == Code::malformed) damaged.push_back(at_s);
                                       return {};
                                     });
  if (!read) return std::unexpected(read.error());
  if (damaged.empty()) damaged = all;
  const std::int64_t now_ms = base::wall_clock_ms();
  for (const std::int64_t at_s : damaged) {
    const auto rows = store::open_usage_at(tx, at_s, {day.domain_id});
    if (!rows) return std::unexpected(rows.error());
    for (const store::OpenUsage& row : *rows) {
      if (auto done = store::set_open_usage_aside(tx, row, now_ms); !done) return std::unexpected(done.error());
    }
  }
  return Aside{std::ssize(damaged), std::ssize(all) - std::ssize(damaged)};
}

}  // namespace

std::int64_t closed_until_s(std::int64_t now_s) { return (now_s - kRollUpGrace) / kRollUpEvery * kRollUpEvery; }

Result<RollUpReport> roll_up_usage(store::Database& database, const RollUpOptions& options) {
  RollUpReport report;
  const auto days = database.read([&](Transaction& tx) {
    return store::open_usage_days(tx, options.before_s, std::min(kListed, options.most_days));
  });
  if (!days) return std::unexpected(days.error());
  std::size_t alone = 0;  // days up to here are done one by one: one of them failed
  for (std::size_t next = 0; next < days->size() && !stopped(options.stop);) {
    const std::span rest = std::span(*days).subspan(next);
    bool texts = false;
    const auto batch = roll_up_some(database, rest, next < alone ? 1 : rest.size(), options.before_s, texts);
    if (batch) {
      report.days += static_cast<std::int64_t>(batch->days) - batch->sums;
      report.rows += batch->rows;
      next += batch->days;
      continue;
    }
    const Code code = batch.error().code;
    if (!texts || (code != Code::malformed && code != Code::unsupported)) return std::unexpected(batch.error());
    if (next >= alone) {  // find out which one it was
      alone = days->size();
      continue;
    }
    const OpenDay& day = rest.front();
    if (code == Code::malformed && store::is_usage_sum(day.domain_id)) {
      base::log_warn("the sum of usage {} cannot be read on {} and begins anew: {}", day.domain_id,
                     base::format_utc_ms(day.day_s * 1000), base::describe(batch.error()));
      const auto done = database.write([&](Transaction& tx) { return forget_sum_day(tx, day.domain_id, day.day_s); });
      if (!done) return std::unexpected(done.error());
      ++next;
      continue;
    }
    Aside aside;
    if (code == Code::malformed) {
      const auto done = database.write([&](Transaction& tx) { return set_damaged_aside(tx, day, options.before_s); });
      if (!done) return std::unexpected(done.error());
      aside = *done;
      report.aside += aside.rows;
    }
    base::log_error("usage of domain {} on {} cannot be packed, {} rows are set aside: {}", day.domain_id,
                    base::format_utc_ms(day.day_s * 1000), aside.rows, base::describe(batch.error()));
    if (aside.rows > 0 && aside.left > 0) continue;  // the others of that day
    if (aside.rows == 0) ++report.failed;
    ++next;
  }
  return report;
}

Result<std::int64_t> remove_old_usage(store::Database& database, std::int64_t now_s, const std::atomic<bool>* stop) {
  std::int64_t removed = 0;
  for (const TierLayout& tier : kTiers) {
    const std::int64_t since_s = kept_since(tier, now_s);
    const auto noted = database.write([&](Transaction& tx) -> Result<bool> {
      const auto old = store::has_usage_blocks_before(tx, tier.tier, since_s);
      if (!old) return std::unexpected(old.error());
      if (!*old) return false;
      if (tier.tier == UsageTier::five_minutes) {
        const auto open = store::first_open_usage_s(tx);
        if (!open) return std::unexpected(open.error());
        if (*open && **open < since_s) return false;  // the day they belong to must be whole until they are packed
      }
      if (auto done = store::set_usage_kept_since(tx, tier.tier, since_s); !done) return std::unexpected(done.error());
      return true;
    });
    if (!noted) return std::unexpected(noted.error());
    if (!*noted) continue;
    // Blocks that are old as a whole; of others nobody reads the old points.
    const std::int64_t before_s = since_s - tier.block_s() + 1;
    // What has no split last: by it the next call finds what this one, stopped, left over.
    for (const UsageDimension dimension : std::views::reverse(kDimensions)) {
      for (const UsagePart part : kParts) {
        for (std::int64_t gone = kRemovedAtOnce; gone == kRemovedAtOnce && !stopped(stop);) {
          const auto done = database.write([&](Transaction& tx) {
            return store::delete_usage_blocks(tx, {tier.tier, dimension, part}, before_s, kRemovedAtOnce);
          });
          if (!done) return done;
          gone = *done;
          removed += gone;
        }
      }
    }
  }
  const auto forgotten = database.write(
      [&](Transaction& tx) { return store::prune_usage_progress(tx, (now_s - kTiers[2].kept_s) * 1000); });
  if (!forgotten) return forgotten;
  const auto damaged = database.write(
      [&](Transaction& tx) { return store::prune_damaged_usage(tx, (now_s - kTiers[2].kept_s) * 1000); });
  if (!damaged) return damaged;
  return removed;
}

}  // namespace fairlead::control
