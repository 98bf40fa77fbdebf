#pragma once
// Layout: how time is cut into the blocks of the store's tiers, and how long each tier is kept (R22). Constants and
// arithmetic; all times are seconds since 1970 UTC.

#include <cstdint>

#include "model/usage.h"
#include "store/usage_blocks.h"

namespace fairlead::control {

inline constexpr std::int64_t kHour = 3600, kDay = 86400;

struct TierLayout {
  store::UsageTier tier;
  std::int64_t point_s;  // how long a point is
  unsigned slots;        // points of a block
  std::int64_t kept_s;   // R22

  std::int64_t block_s() const { return point_s * slots; }
  std::int64_t block_start(std::int64_t at_s) const { return at_s - at_s % block_s(); }
};
// Days lie 32 to a block, so that the widest query fetches a few rows a domain.
inline constexpr TierLayout kTiers[] = {
    {store::UsageTier::five_minutes, model::kUsageInterval, 288, 93 * kDay},
    {store::UsageTier::hours, kHour, 24, 186 * kDay},
    {store::UsageTier::days, kDay, 32, 366 * kDay},
};

inline constexpr store::UsageDimension kDimensions[] = {store::UsageDimension::total, store::UsageDimension::region,
                                                        store::UsageDimension::isp, store::UsageDimension::full};
inline constexpr store::UsagePart kParts[] = {store::UsagePart::bytes, store::UsagePart::answers,
                                              store::UsagePart::rest};

// What is older than that is no longer kept at `now_s`: the midnight from which on a tier's points are.
constexpr std::int64_t kept_since(const TierLayout& tier, std::int64_t now_s) {
  const std::int64_t since = now_s - now_s % kDay - tier.kept_s;
  return since < 0 ? 0 : since;
}

}  // namespace fairlead::control
