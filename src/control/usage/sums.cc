#include "control/usage/sums.h"

#include <algorithm>
#include <string>
#include <vector>

#include "control/usage/layout.h"
#include "store/usage_blocks.h"
#include "store/usage_points.h"
#include "store/usage_sums.h"

namespace fairlead::control {

using base::Result;
using store::Transaction;

namespace {

// The first midnight after which there is no usage.
Result<std::int64_t> first_empty_day_s(Transaction& tx) {
  const auto open = store::last_open_usage_s(tx);
  if (!open) return std::unexpected(open.error());
  std::int64_t end_s = *open ? **open + model::kUsageInterval : 0;
  for (const TierLayout& tier : kTiers) {
    const auto last = store::last_usage_block_s(tx, tier.tier);
    if (!last) return std::unexpected(last.error());
    if (!*last) continue;
    // Longer points are made of shorter ones: those of the first tier that has any are the newest.
    end_s = std::max(end_s, **last + tier.block_s());
    break;
  }
  return (end_s + kDay - 1) / kDay * kDay;
}

}  // namespace

Result<std::int64_t> begin_usage_sums(store::Database& database, std::int64_t least) {
  const auto due = database.read([&](Transaction& tx) { return store::list_unsummed(tx, least); });
  if (!due) return std::unexpected(due.error());
  if (due->empty()) return 0;
  return database.write([&](Transaction& tx) -> Result<std::int64_t> {
    const auto since_s = first_empty_day_s(tx);
    if (!since_s) return std::unexpected(since_s.error());
    for (const std::string& account : *due) {
      if (auto done = store::begin_usage_sum(tx, account, *since_s); !done) return std::unexpected(done.error());
    }
    return std::ssize(*due);
  });
}

Result<void> forget_sum_day(Transaction& tx, const std::string& sum_id, std::int64_t day_s) {
  auto gone = store::delete_open_usage(tx, sum_id, day_s, day_s + kDay);
  if (!gone) return std::unexpected(gone.error());
  std::int64_t end_s = 0;
  std::vector<store::UsageBlock> blocks;
  for (const TierLayout& tier : kTiers) {
    const std::int64_t start_s = tier.block_start(day_s);
    end_s = std::max(end_s, start_s + tier.block_s());
    for (const store::UsageDimension dimension : kDimensions) {
      for (const store::UsagePart part : kParts) {
        blocks.push_back({{tier.tier, dimension, part}, sum_id, start_s, {}});  // no body: it goes
      }
    }
  }
  if (auto done = store::put_usage_blocks(tx, std::move(blocks)); !done) return done;
  return store::restart_usage_sum(tx, sum_id, end_s);
}

}  // namespace fairlead::control
