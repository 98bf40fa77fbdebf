#pragma once
// Rating: what a quantity costs by a tariff of tiers (R19). Pure; integers only. Money is in micro-units: millionths of
// the currency's unit.
//
// Rounding is done once and here: each line's amount is quantity x price / unit, rounded half up to a whole micro-unit;
// a sum is the sum of its lines, so what is itemised adds up to what is asked for.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace fairlead::control {

// graduated: each tier's price for what lies in it. volume: the price of the tier that the quantity reaches, for all.
enum class TierMode : std::uint8_t { graduated, volume };
std::string_view to_string(TierMode mode);

struct Tier {
  std::optional<std::int64_t> up_to;  // units, inclusive; none: all the rest (the last tier, and only it)
  std::int64_t price_micro = 0;       // for a unit; 0 is free
  bool operator==(const Tier&) const = default;
};

inline constexpr std::int64_t kMaxTierEnd = 1'000'000'000'000;    // units
inline constexpr std::int64_t kMaxPrice = 1'000'000'000'000'000;  // micro-units: a milliard of the currency
inline constexpr std::size_t kMaxTiers = 32;

struct Tariff {
  TierMode mode = TierMode::graduated;
  std::vector<Tier> tiers;  // not empty, ends ascending
  bool operator==(const Tariff&) const = default;
};

// What is wrong with a tariff's tiers: which one (from 0), and what. None: nothing.
struct TierProblem {
  std::size_t tier = 0;
  std::string_view what;
};
std::optional<TierProblem> check_tiers(const std::vector<Tier>& tiers);

struct RatedLine {
  std::size_t tier = 0;          // from 0
  std::uint64_t quantity = 0;    // that it is about, as given to rate()
  std::int64_t price_micro = 0;  // for a unit
  std::int64_t amount_micro = 0;
  bool operator==(const RatedLine&) const = default;
};

// What `quantity` costs. A unit of the tariff is `unit` of what the quantity counts (bytes of a gigabyte). `share`
// divides: with a share of 30 a quantity is a thirtieth, which is how thirty days' peaks make one month's mean. Both at
// least 1, unit x share at most 10^18. Lines of tiers in which nothing lies are left out; nothing costs nothing and has
// no line. The tariff is one that check_tiers has nothing against. too_large when an amount is beyond 64 bits.
base::Result<std::vector<RatedLine>> rate(const Tariff& tariff, std::uint64_t quantity, std::int64_t unit,
                                          std::int64_t share = 1);

// Of the lines; too_large when beyond 64 bits.
base::Result<std::int64_t> amount_of(const std::vector<RatedLine>& lines);

}  // namespace fairlead::control
