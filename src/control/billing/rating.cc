#include "control/billing/rating.h"

#include <algorithm>
#include <limits>

namespace fairlead::control {
namespace {

__extension__ using Wide = unsigned __int128;

std::unexpected<base::Error> too_much() {
  return base::fail(base::Code::too_large, base::Side::none, "an amount of money beyond 64 bits");
}

base::Result<RatedLine> line_of(std::size_t tier, Wide quantity, std::int64_t price, Wide divisor) {
  const Wide exact = quantity * static_cast<Wide>(price);  // below 2^114
  const Wide amount = (2 * exact + divisor) / (2 * divisor);
  if (amount > static_cast<Wide>(std::numeric_limits<std::int64_t>::max())) return too_much();
  return RatedLine{tier, static_cast<std::uint64_t>(quantity), price, static_cast<std::int64_t>(amount)};
}

}  // namespace

std::string_view to_string(TierMode mode) { return mode == TierMode::graduated ? "graduated" : "volume"; }

std::optional<TierProblem> check_tiers(const std::vector<Tier>& tiers) {
  if (tiers.empty()) return TierProblem{0, "there is no tier"};
  if (tiers.size() > kMaxTiers) return TierProblem{kMaxTiers, "there are too many tiers"};
  std::int64_t end = 0;
  for (std::size_t i = 0; i < tiers.size(); ++i) {
    const bool last = i + 1 == tiers.size();
    if (tiers[i].price_micro < 0 || tiers[i].price_micro > kMaxPrice)
      return TierProblem{i, "the price is out of range"};
    if (last && tiers[i].up_to) return TierProblem{i, "the last tier has no end"};
    if (!last && !tiers[i].up_to) return TierProblem{i, "only the last tier has no end"};
    if (last) break;
    if (*tiers[i].up_to <= end) return TierProblem{i, "tiers end one after the other, above zero"};
    if (*tiers[i].up_to > kMaxTierEnd) return TierProblem{i, "the end is out of range"};
    end = *tiers[i].up_to;
  }
  return std::nullopt;
}

base::Result<std::vector<RatedLine>> rate(const Tariff& tariff, std::uint64_t quantity, std::int64_t unit,
                                          std::int64_t share) {
  std::vector<RatedLine> lines;
  const Wide divisor = static_cast<Wide>(unit) * static_cast<Wide>(share);
  Wide begin = 0;
  for (std::size_t i = 0; i < tariff.tiers.size() && begin < quantity; ++i) {
    const Tier& tier = tariff.tiers[i];
    const Wide all = quantity;
    const Wide end = tier.up_to ? std::min(all, static_cast<Wide>(*tier.up_to) * divisor) : all;
    if (tariff.mode == TierMode::volume && end < all) continue;
    const Wide part = tariff.mode == TierMode::volume ? all : end - begin;
    auto line = line_of(i, part, tier.price_micro, divisor);
    if (!line) return std::unexpected(line.error());
    lines.push_back(*line);
    begin = end;
  }
  return lines;
}

base::Result<std::int64_t> amount_of(const std::vector<RatedLine>& lines) {
  std::int64_t sum = 0;
  for (const RatedLine& line : lines) {
    if (__builtin_add_overflow(sum, line.amount_micro, &sum)) return too_much();
  }
  return sum;
}

}  // namespace fairlead::control
