#include "control/usage/day_packing.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "control/usage/block.h"
#include "control/usage/layout.h"

namespace fairlead::control {

using base::Result;
using model::Meter;
using store::UsageDimension;
using store::UsagePart;
using store::UsageTier;

namespace {

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
Result<std::string> with_day(std::string_view present, const DayTexts& day, const std::string& point) {
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

  Result<void> finish(const DayTexts& day, UsagePart part, std::vector<store::UsageBlock>& blocks) && {
    for (std::size_t i = 0; i < writers_.size(); ++i) {
      auto texts = std::move(writers_[i]).finish();
      for (const TierLayout& tier : kTiers) {
        const store::UsageShelf shelf{tier.tier, kDimensions[i], part};
        std::string& text = texts[static_cast<std::size_t>(tier.tier)];
        if (tier.tier == UsageTier::days) {
          const auto present = day.days.find(shelf.number());
          auto put = with_day(present == day.days.end() ? std::string_view() : present->second, day, text);
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

}  // namespace

Result<std::vector<store::UsageBlock>> pack_day(const DayTexts& day) {
  BlockMerge merge(kTiers[0].slots);
  for (const auto& [shelf, text] : day.present) {
    if (auto added = merge.add(text); !added) return std::unexpected(added.error());
  }
  for (const auto& [at_s, text] : day.rows) {
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
    if (auto done = std::move(writer).finish(day, part, blocks); !done) return std::unexpected(done.error());
  }
  return blocks;
}

}  // namespace fairlead::control
