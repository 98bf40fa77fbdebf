#pragma once
// Statistics: counts over time as customers and operators ask for them (R21): of whose domains, of what time, by what.
// Finds out what the caller may see, reads the series, and puts them on the points of the answer. How figures look in
// an answer is the API's (api/statistics_operations.h).
//
// A customer sees the domains that their account has or had, an operator all of them, those without an account
// included. A name that is not among them is not there, whoever has it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/caller.h"
#include "control/context.h"
#include "control/failure.h"
#include "control/statistics/interval_rules.h"
#include "control/statistics/point_grid.h"
#include "control/usage/series.h"
#include "store/metered_domains.h"

namespace fairlead::control {

struct StatisticsAsked {
  RangeAsked range;
  std::vector<std::string> domains;       // names in any spelling; empty: all that the caller may see
  std::optional<std::string> account_id;  // of this account alone
  std::optional<std::string> region, isp;
  SeriesGroup group = SeriesGroup::none;
  std::string time_zone;  // IANA name; empty: UTC
  std::vector<model::Meter> meters;
  bool one_point = false;  // sums of the whole time alone
};

struct StatisticsSeries {
  store::MeteredDomain domain;             // grouped by domain; else empty
  std::string region, isp;                 // of the group; else empty
  std::vector<model::UsageValues> points;  // one for each of the grid, or the one
};

struct Statistics {
  StatisticsRange range;
  PointGrid grid;
  std::string time_zone;
  // One without a group, counts or not. Grouped: those with counts, and of domains every one that was named. Ascending
  // by domain's name and age, region, ISP.
  std::vector<StatisticsSeries> series;
};

// More points than this, of all series together, are refused (422 too-many-points): a hundred thousand are some ten
// megabytes.
inline constexpr std::size_t kMostStatisticsPoints = 100'000;
inline constexpr std::size_t kMostStatisticsDomains = 1000;

// Errors: those of statistics_range; 422 for a time zone that is none and for too many points; 404 not_found for a
// domain or an account that does not exist for the caller.
Outcome<Statistics> read_statistics(Context& context, const Caller& caller, const StatisticsAsked& asked);

// Whose domains: one account's, or (none) everybody's, those of no account included. 404 for an account that does not
// exist for the caller.
Outcome<std::optional<std::string>> metered_account(store::Transaction& tx, const Caller& caller,
                                                    const std::optional<std::string>& account_id);
// Of them those of these names, of all times, or all; by name, the oldest first. 404 when a name has none.
Outcome<std::vector<store::MeteredDomain>> metered_of(store::Transaction& tx, const std::optional<std::string>& account,
                                                      const std::vector<std::string>& names);

// The names in a parameter, comma separated; 422 when they are more than `most`.
Outcome<std::vector<std::string>> domain_names(std::string_view text, std::size_t most = kMostStatisticsDomains);

}  // namespace fairlead::control
