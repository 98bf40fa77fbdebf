#include "control/usage/rollup.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <ranges>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "control/usage/block.h"
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
using model::Meter;
using store::OpenDay;
using store::Transaction;
using store::UsageDimension;
using store::UsagePart;
using store::UsageTier;

namespace {

constexpr std::chrono::milliseconds kTransactionTime{50};
constexpr std::int64_t kListed = 10'000;      // domains' days in one look
constexpr std::int64_t kRemovedAtOnce = 200;  // blocks

BlockKey in_dimension(BlockKey key, UsageDimension dimension) {
  switch (dimension) {
    case UsageDimension::total: return {};
    case UsageDimension::region: return {key.region, 0, 0};
    case UsageDimension::isp: return {0, key.isp, 0};
    case UsageDimension::full: break;
  }
  return key;
}

// The blocks of one dimension, made of the day's five-minute counts by key.
class DimensionWriter {
 public:
  DimensionWriter(UsageDimension dimension, const std::vector<BlockKey>& keys)
      : dimension_(dimension), keys_(keys_in(dimension, keys)), writers_{writer(288), writer(24), writer(1)} {
    map_.reserve(keys.size());
    for (const BlockKey& key : keys) {
      map_.push_back(
          static_cast<std::size_t>(std::ranges::lower_bound(keys_, in_dimension(key, dimension)) - keys_.begin()));
    }
  }

  void column(Meter meter, std::span<const std::uint64_t> counts) {
    constexpr std::size_t kSlots = 288;
    if (dimension_ != UsageDimension::full) {
      fine_.assign(keys_.size() * kSlots, 0);
      for (std::size_t key = 0; key < map_.size(); ++key) {
        std::uint64_t* to = fine_.data() + map_[key] * kSlots;
        const std::uint64_t* from = counts.data() + key * kSlots;
        for (std::size_t i = 0; i < kSlots; ++i) to[i] += from[i];
      }
      counts = fine_;
    }
    const auto hours = shorter(counts, 12, hours_);
    const auto days = shorter(hours, 24, days_);
    writers_[0].column(meter, counts);
    writers_[1].column(meter, hours);
    writers_[2].column(meter, days);
  }

  // By tier: the day's five minutes, its hours, and itself.
  std::array<std::string, 3> finish() && {
    return {std::move(writers_[0]).finish(), std::move(writers_[1]).finish(), std::move(writers_[2]).finish()};
  }

 private:
  static std::vector<BlockKey> keys_in(UsageDimension dimension, const std::vector<BlockKey>& keys) {
    std::vector<BlockKey> out;
    out.reserve(keys.size());
    for (const BlockKey& key : keys) out.push_back(in_dimension(key, dimension));
    std::ranges::sort(out);
    out.erase(std::ranges::unique(out).begin(), out.end());
    return out;
  }
  BlockWriter writer(unsigned slots) const { return {slots, keys_}; }

  // Sums of `n` that follow each other.
  static std::span<const std::uint64_t> shorter(std::span<const std::uint64_t> counts, std::size_t n,
                                                std::vector<std::uint64_t>& out) {
    out.resize(counts.size() / n);
    for (std::size_t i = 0; i < out.size(); ++i) {
      std::uint64_t sum = 0;
      for (std::size_t j = 0; j < n; ++j) sum += counts[i * n + j];
      out[i] = sum;
    }
    return out;
  }

  UsageDimension dimension_;
  std::vector<BlockKey> keys_;
  std::vector<std::size_t> map_;  // keys of the day -> keys_
  std::array<BlockWriter, 3> writers_;
  std::vector<std::uint64_t> fine_, hours_, days_;
};

// The days' block `present` that has the day in it, with the day's point replaced.
Result<std::string> with_day(std::string_view present, const OpenDay& day, const std::string& point) {
  const TierLayout& days = kTiers[2];
  const auto slot = static_cast<unsigned>((day.day_s - days.block_start(day.day_s)) / kDay);
  BlockMerge merge(days.slots);
  if (auto added = merge.add(present, 0, slot); !added) return std::unexpected(added.error());
  if (auto added = merge.add(point, slot); !added) return std::unexpected(added.error());
  BlockWriter writer(days.slots, merge.keys());
  auto summed = merge.each([&](Meter meter, std::span<const std::uint64_t> counts) { writer.column(meter, counts); });
  if (!summed) return std::unexpected(summed.error());
  return std::move(writer).finish();
}

// The blocks of one part, made of the day's five-minute counts by key.
class PartWriter {
 public:
  explicit PartWriter(const std::vector<BlockKey>& keys) {
    writers_.reserve(std::size(kDimensions));
    for (const UsageDimension dimension : kDimensions) writers_.emplace_back(dimension, keys);
  }
  void column(Meter meter, std::span<const std::uint64_t> counts) {
    for (DimensionWriter& writer : writers_) writer.column(meter, counts);
  }

  // Appends the blocks; `days`: the days' blocks there are, by shelf.
  Result<void> finish(const OpenDay& day, UsagePart part, const std::map<std::int64_t, std::string>& days,
                      std::vector<store::UsageBlock>& blocks) && {
    for (std::size_t i = 0; i < writers_.size(); ++i) {
      auto texts = std::move(writers_[i]).finish();
      for (const TierLayout& tier : kTiers) {
        const store::UsageShelf shelf{tier.tier, kDimensions[i], part};
        std::string& text = texts[static_cast<std::size_t>(tier.tier)];
        if (tier.tier == UsageTier::days) {
          const auto present = days.find(shelf.number());
          auto put = with_day(present == days.end() ? std::string_view() : present->second, day, text);
          if (!put) return std::unexpected(put.error());
          text = std::move(*put);
        }
        blocks.push_back({shelf, day.domain_id, tier.block_start(day.day_s), std::move(text)});
      }
    }
    return {};
  }

 private:
  std::vector<DimensionWriter> writers_;
};

std::vector<store::UsageShelf> shelves_of(UsageTier tier, std::span<const UsageDimension> dimensions) {
  std::vector<store::UsageShelf> shelves;
  for (const UsageDimension dimension : dimensions) {
    for (const UsagePart part : kParts) shelves.push_back({tier, dimension, part});
  }
  return shelves;
}

// How many rows it packed.
Result<std::int64_t> roll_up_day(Transaction& tx, const OpenDay& day, std::int64_t before_s) {
  const std::int64_t to_s = std::min(day.day_s + kDay, before_s);
  std::vector<std::pair<std::int64_t, std::string>> rows;
  auto read =
      store::each_open_usage(tx, store::UsageDomains::list({day.domain_id}), day.day_s, to_s, store::OpenText::body,
                             [&](std::string_view, std::int64_t at_s, std::string_view text) -> Result<void> {
                               rows.emplace_back(at_s, text);
                               return {};
                             });
  if (!read) return std::unexpected(read.error());
  if (rows.empty()) return 0;  // somebody else was here
  static constexpr UsageDimension kAll[] = {UsageDimension::full};
  const auto present =
      store::find_usage_blocks(tx, shelves_of(UsageTier::five_minutes, kAll), day.domain_id, day.day_s);
  if (!present) return std::unexpected(present.error());
  const auto days = store::find_usage_blocks(tx, shelves_of(UsageTier::days, kDimensions), day.domain_id,
                                             kTiers[2].block_start(day.day_s));
  if (!days) return std::unexpected(days.error());
  BlockMerge merge(kTiers[0].slots);
  for (const auto& [shelf, text] : *present) {
    if (auto added = merge.add(text); !added) return std::unexpected(added.error());
  }
  for (const auto& [at_s, text] : rows) {
    const auto slot = static_cast<unsigned>((at_s - day.day_s) / model::kUsageInterval);
    if (auto added = merge.add(text, slot); !added) return std::unexpected(added.error());
  }
  std::map<UsagePart, PartWriter> writers;
  auto summed = merge.each([&](Meter meter, std::span<const std::uint64_t> counts) {
    writers.try_emplace(part_of(meter), merge.keys()).first->second.column(meter, counts);
  });
  if (!summed) return std::unexpected(summed.error());
  std::vector<store::UsageBlock> blocks;
  for (auto& [part, writer] : writers) {
    if (auto done = std::move(writer).finish(day, part, *days, blocks); !done) return std::unexpected(done.error());
  }
  if (auto done = store::put_usage_blocks(tx, std::move(blocks)); !done) return std::unexpected(done.error());
  return store::delete_open_usage(tx, day.domain_id, day.day_s, to_s);
}

bool stopped(const std::atomic<bool>* stop) { return stop && stop->load(); }

struct Batch {
  std::size_t days = 0;
  std::int64_t sums = 0;  // of the days, those of sums
  std::int64_t rows = 0;
};

// As many of `days` as kTransactionTime allows, at least one and at most `most`.
// `texts`: an error is about a text of usage, and the store itself is well.
Result<Batch> roll_up_some(store::Database& database, std::span<const OpenDay> days, std::size_t most,
                           std::int64_t before_s, bool& texts) {
  return database.write([&](Transaction& tx) -> Result<Batch> {
    const auto end = base::monotonic_now() + kTransactionTime;
    Batch batch;
    while (batch.days < std::min(most, days.size()) && (batch.days == 0 || base::monotonic_now() < end)) {
      auto rows = roll_up_day(tx, days[batch.days], before_s);
      texts = !rows && !tx.failure();
      if (!rows) return std::unexpected(rows.error());
      batch.rows += *rows;
      if (store::is_usage_sum(days[batch.days].domain_id)) ++batch.sums;
      ++batch.days;
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
