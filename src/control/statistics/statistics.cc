#include "control/statistics/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "control/account_access.h"
#include "control/in_transaction.h"
#include "control/usage/layout.h"
#include "model/domain_settings.h"

namespace fairlead::control {
namespace {

using store::MeteredDomain;
using store::Transaction;

std::unexpected<Failure> not_kept(const base::Error& error) {
  return invalid("?start_time", "removed", "points of that time are no longer kept: " + error.context);
}

std::unexpected<Failure> too_many(std::size_t series, std::size_t points) {
  return invalid("?group", "too-many-points",
                 fmt::format("more than {} series of {} points are too many for one answer", series, points),
                 "take a longer interval, a shorter time, or fewer domains");
}

bool by_group(const StatisticsSeries& a, const StatisticsSeries& b) {
  return std::tie(a.domain.name, a.domain.created_ms, a.domain.domain_id, a.region, a.isp) <
         std::tie(b.domain.name, b.domain.created_ms, b.domain.domain_id, b.region, b.isp);
}

}  // namespace

Outcome<std::vector<std::string>> domain_names(std::string_view text, std::size_t most) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view name = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (!name.empty()) out.emplace_back(name);
    if (out.size() > most) return invalid("?domain", "too-many", fmt::format("at most {} domains", most));
  }
  return out;
}

Outcome<std::optional<std::string>> metered_account(Transaction& tx, const Caller& caller,
                                                    const std::optional<std::string>& account_id) {
  if (!account_id && caller.sees_all()) return std::optional<std::string>();
  auto whose = account_for(tx, caller, account_id);
  if (!whose) return std::unexpected(std::move(whose.error()));
  return std::optional(whose->id);
}

Outcome<std::vector<MeteredDomain>> metered_of(Transaction& tx, const std::optional<std::string>& account,
                                               const std::vector<std::string>& names) {
  if (names.empty()) {
    auto all = store::list_metered_domains(tx, account);
    if (!all) return failed(all);
    return std::move(*all);
  }
  std::set<std::string, std::less<>> wanted, found;
  for (const std::string& name : names) {
    const auto canonical = model::canonical_domain_name(name);
    if (!canonical) return not_found("domain");
    wanted.insert(*canonical);
  }
  auto domains = store::list_metered_domains_named(tx, account, {wanted.begin(), wanted.end()});
  if (!domains) return failed(domains);
  for (const MeteredDomain& domain : *domains) found.insert(domain.name);
  if (found.size() != wanted.size()) return not_found("domain");
  return std::move(*domains);
}

Outcome<Statistics> read_statistics(Context& context, const Caller& caller, const StatisticsAsked& asked) {
  std::optional<TimeZone> zone;
  if (!asked.time_zone.empty() && asked.time_zone != "UTC") {
    auto found = TimeZone::find(asked.time_zone);
    if (!found) return invalid("?time_zone", "bad-value", "there is no such time zone", "Asia/Shanghai");
    zone = std::move(*found);
  }
  const TimeZone* const days = zone ? &*zone : nullptr;
  auto range = statistics_range(asked.range, days, context.now_ms());
  if (!range) return std::unexpected(std::move(range.error()));
  const PointGrid grid(range->from_s, range->to_s, range->interval_s, days);

  return read_in(context.database, [&](Transaction& tx) -> Outcome<Statistics> {
    const auto account = metered_account(tx, caller, asked.account_id);
    if (!account) return std::unexpected(account.error());
    const bool by_domain = asked.group == SeriesGroup::domain;
    std::vector<MeteredDomain> domains;  // as far as their names are asked for, or wanted
    if (by_domain || !asked.domains.empty()) {
      auto known = metered_of(tx, *account, asked.domains);
      if (!known) return std::unexpected(std::move(known.error()));
      domains = std::move(*known);
    }
    auto choice = *account ? store::UsageDomains::of_account(**account) : store::UsageDomains::every();
    if (!asked.domains.empty()) {
      choice = store::UsageDomains::list({});
      for (const MeteredDomain& d : domains) choice.ids.push_back(d.domain_id);
    }
    const std::size_t points = asked.one_point ? 1 : grid.size();
    const std::size_t named = by_domain && !asked.domains.empty() ? domains.size() : 0;
    SeriesQuery query;
    query.most_series = kMostStatisticsPoints / points;
    if (named > query.most_series) return too_many(query.most_series, points);
    query.one_point = asked.one_point;
    query.region = asked.region;
    query.isp = asked.isp;
    query.from_s = range->from_s;
    query.to_s = range->to_s;
    query.step_s = asked.one_point ? kDay : grid.read_step();
    query.group = asked.group;
    query.meters = asked.meters;
    auto read = read_series(tx, choice, query);
    if (!read && read.error().code == base::Code::too_large) return not_kept(read.error());
    if (!read && read.error().code == base::Code::overloaded) return too_many(query.most_series, points);
    if (!read) return failed(read);

    Statistics out{.range = *range, .grid = grid, .time_zone = zone ? zone->name() : "UTC", .series = {}};
    std::map<std::string, const MeteredDomain*, std::less<>> by_id;
    for (const MeteredDomain& d : domains) by_id.emplace(d.domain_id, &d);
    std::set<std::string, std::less<>> counted;
    for (Series& s : *read) {
      StatisticsSeries one;
      if (by_domain) {
        counted.insert(s.domain_id);
        const auto known = by_id.find(s.domain_id);
        if (known == by_id.end()) continue;  // read_series reads what was asked for
        one.domain = *known->second;
      }
      one.region = std::move(s.region);
      one.isp = std::move(s.isp);
      if (asked.one_point) {
        one.points.push_back(std::move(s.points.front().values));
      } else {
        one.points = grid.fold(s.points);
      }
      out.series.push_back(std::move(one));
    }
    for (std::size_t i = 0; i < named; ++i) {
      const MeteredDomain& d = domains[i];
      if (!counted.contains(d.domain_id)) out.series.push_back({d, {}, {}, std::vector<model::UsageValues>(points)});
    }
    if (asked.group == SeriesGroup::none && out.series.empty()) {
      out.series.push_back({{}, {}, {}, std::vector<model::UsageValues>(points)});
    }
    std::ranges::sort(out.series, by_group);
    return out;
  });
}

}  // namespace fairlead::control
