#include "control/usage/ingestion.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "control/usage/layout.h"
#include "control/usage/sums.h"
#include "store/metered_domains.h"
#include "store/usage_damaged.h"
#include "store/usage_points.h"
#include "store/usage_progress.h"
#include "store/usage_sums.h"

namespace fairlead::control {

using base::Code;
using base::Result;
using base::Retry;
using base::Side;
using model::UsageRecord;
using model::UsageSet;
using store::MeteredDomain;
using store::OpenUsage;

namespace {

constexpr std::int64_t kForgetEdge = 24 * 3600 * 1000;  // ms: an edge that is gone is no longer reported

// Names come out of files of many makers. One that no column takes is as good as none.
std::string_view place_of(std::string_view name) {
  return !name.empty() && store::is_storable(name) ? name : model::kUnknownPlace;
}

Result<UsageSet> read_set(std::string_view encoded) {
  auto set = model::decode_usage(encoded);
  if (!set) {
    // It may be well in a form to come: the edge keeps it until this program is the newer one too.
    if (set.error().code == Code::unsupported) set.error().retry = Retry::later;
    return set;
  }
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max() - 1;
  if (set->epoch > kMost || set->sequence == 0 || set->sequence > kMost)
    return base::fail(Code::malformed, Side::none, "usage: epoch or sequence out of range");
  const auto storable = [](const UsageRecord& r) {
    return store::is_storable(r.key.domain_id) && store::is_storable(r.key.domain) &&
           !store::is_usage_sum(r.key.domain_id);
  };
  if (!store::is_storable(set->edge) || !std::ranges::all_of(set->records, storable))
    return base::fail(Code::malformed, Side::none, "usage: a name that is not UTF-8, or that no domain has");
  return set;
}

void sort_and_sum(PointUsage& point) {
  std::ranges::stable_sort(point, {}, &KeyedUsage::key);
  std::size_t kept = 0;
  for (std::size_t i = 1; i < point.size(); ++i) {
    if (point[i].key == point[kept].key) {
      add_usage(point[kept].values, point[i].values);
    } else if (++kept != i) {
      point[kept] = std::move(point[i]);
    }
  }
  if (!point.empty()) point.resize(kept + 1);
}

}  // namespace

Result<void> UsageIngestion::take(std::string_view encoded) {
  const auto set = read_set(encoded);
  if (!set) {
    const std::lock_guard lock(mutex_);
    ++counters_.refused;
    base::log_warn("usage: a set is refused: {}", base::describe(set.error()));
    return std::unexpected(set.error());
  }
  const std::lock_guard taking(taking_);
  Learned learned;
  const auto taken = context_.database.write([&](store::Transaction& tx) {
    learned = {};
    return add(tx, *set, learned);
  });
  if (!taken) {
    // Whatever it is, the set is sound: it must not be lost for it.
    base::Error error = taken.error();
    error.retry = Retry::later;
    return std::unexpected(std::move(error));
  }
  known_.names.merge(learned.names);
  known_.domains.merge(learned.domains);
  const std::lock_guard lock(mutex_);
  switch (*taken) {
    case Taken::added: ++counters_.taken; break;
    case Taken::known: ++counters_.duplicates; break;
    case Taken::out_of_range: ++counters_.out_of_range; break;
  }
  auto& last = counters_.last_to_ms[set->edge];
  last = std::max(last, set->to_ms);
  counters_.damaged_rows += learned.damaged_rows;
  const std::int64_t now = context_.now_ms();
  std::erase_if(counters_.last_to_ms, [&](const auto& edge) { return edge.second < now - kForgetEdge; });
  return {};
}

UsageIngestion::Counters UsageIngestion::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

Result<UsageIngestion::Taken> UsageIngestion::add(store::Transaction& tx, const UsageSet& set, Learned& learned) {
  const std::int64_t now_ms = context_.now_ms(), now_s = now_ms / 1000;
  const auto fresh = store::note_usage_set(tx, set.edge, static_cast<std::int64_t>(set.epoch),
                                           static_cast<std::int64_t>(set.sequence), now_ms);
  if (!fresh) return std::unexpected(fresh.error());
  if (!*fresh) return Taken::known;
  const auto removed = store::usage_kept_since(tx, store::UsageTier::five_minutes);
  if (!removed) return std::unexpected(removed.error());
  const bool late = set.interval_s < std::max(*removed, kept_since(kTiers[0], now_s));
  if (late || set.interval_s > now_s + kEarly) {
    if (auto done = set_aside(tx, set, late ? "late" : "early"); !done) return std::unexpected(done.error());
    return Taken::out_of_range;
  }
  auto domains = by_domain(tx, set, learned);
  if (!domains) return std::unexpected(domains.error());
  if (auto done = add_sums(tx, set.interval_s, learned, *domains); !done) return std::unexpected(done.error());
  std::vector<std::string> ids;
  ids.reserve(domains->size());
  for (const auto& [id, point] : *domains) ids.push_back(id);
  auto rows = store::open_usage_at(tx, set.interval_s, ids);
  if (!rows) return std::unexpected(rows.error());
  for (OpenUsage& row : *rows) {
    auto node = domains->extract(row.domain_id);
    auto body = decode_point(row.body), total = decode_point(row.total);
    if (!body && body.error().code == Code::malformed && store::is_usage_sum(row.domain_id)) {
      base::log_warn("the sum of usage {} cannot be read and begins anew: {}", row.domain_id,
                     base::describe(body.error()));
      const std::int64_t day_s = row.at_s - row.at_s % kDay;
      if (auto done = forget_sum_day(tx, row.domain_id, day_s); !done) return std::unexpected(done.error());
      row.domain_id.clear();
      continue;
    }
    if (!body && body.error().code == Code::malformed) {
      base::log_error("usage of domain {} in the interval that begins {} is set aside: {}", row.domain_id,
                      base::format_utc_ms(row.at_s * 1000), base::describe(body.error()));
      if (auto done = store::set_open_usage_aside(tx, row, now_ms); !done) return std::unexpected(done.error());
      ++learned.damaged_rows;
      body = PointUsage();
    }
    if (!body) return std::unexpected(body.error());
    if (!total && total.error().code == Code::malformed) total = PointUsage();
    if (!total) return std::unexpected(total.error());
    if (total->empty() || body->empty()) total = point_of(total_of(*body));
    add_point(*total, point_of(total_of(node.mapped())));
    add_point(*body, node.mapped());
    row.body = encode_point(*body);
    row.total = encode_point(*total);
  }
  std::erase_if(*rows, [](const OpenUsage& row) { return row.domain_id.empty(); });
  for (const auto& [id, point] : *domains) {
    rows->push_back({.domain_id = id,
                     .at_s = set.interval_s,
                     .total = encode_point(point_of(total_of(point))),
                     .body = encode_point(point)});
  }
  if (auto put = store::put_open_usage(tx, *rows); !put) return std::unexpected(put.error());
  return Taken::added;
}

Result<std::map<std::string, PointUsage>> UsageIngestion::by_domain(store::Transaction& tx, const UsageSet& set,
                                                                    Learned& learned) {
  std::map<std::string, PointUsage> domains;
  for (const UsageRecord& r : set.records) {
    const std::string id = r.key.domain_id.empty() ? store::metered_id_of_name(r.key.domain) : r.key.domain_id;
    if (auto done = learn_domain(tx, id, r.key.domain, learned); !done) return std::unexpected(done.error());
    const auto region = number_of(tx, place_of(r.key.region), learned);
    if (!region) return std::unexpected(region.error());
    const auto isp = number_of(tx, place_of(r.key.isp), learned);
    if (!isp) return std::unexpected(isp.error());
    domains[id].push_back({{*region, *isp, way_of(r.key.scheme, r.key.protocol)}, r.values});
  }
  for (auto& [id, point] : domains) sort_and_sum(point);
  return domains;
}

Result<void> UsageIngestion::learn_domain(store::Transaction& tx, const std::string& id, const std::string& name,
                                          Learned& learned) {
  if (known_.domains.contains(id) || learned.domains.contains(id)) return {};
  const MeteredDomain stranger{
      .domain_id = id, .account_id = {}, .name = name, .created_ms = context_.now_ms(), .deleted_ms = {}};
  if (auto done = store::ensure_metered_domain(tx, stranger); !done) return done;
  const auto domain = store::find_metered_domain(tx, id);
  if (!domain) return std::unexpected(domain.error());
  learned.domains.emplace(id, domain->account_id);
  return {};
}

Result<void> UsageIngestion::add_sums(store::Transaction& tx, std::int64_t interval_s, const Learned& learned,
                                      std::map<std::string, PointUsage>& points) {
  auto begun = store::list_usage_sums(tx);
  if (!begun) return std::unexpected(begun.error());
  std::erase_if(*begun, [&](const auto& sum) { return interval_s < sum.second; });
  if (begun->empty()) return {};
  std::map<std::string, PointUsage> sums;
  for (const auto& [id, point] : points) {
    const auto known = known_.domains.find(id);
    const std::string& account = known != known_.domains.end() ? known->second : learned.domains.at(id);
    std::set<std::string> of = {store::usage_sum_id(account), store::usage_sum_id("")};
    for (const std::string& sum : of) {
      if (!begun->contains(sum)) continue;
      PointUsage& all = sums[sum];
      all.insert(all.end(), point.begin(), point.end());
    }
  }
  for (auto& [id, point] : sums) sort_and_sum(point);
  points.merge(sums);
  return {};
}

Result<std::uint32_t> UsageIngestion::number_of(store::Transaction& tx, std::string_view name, Learned& learned) {
  const std::string key(name);
  for (const auto* names : {&known_.names, &learned.names}) {
    if (const auto at = names->find(key); at != names->end()) return static_cast<std::uint32_t>(at->second);
  }
  const auto number = store::ensure_usage_name(tx, name);
  if (!number) return std::unexpected(number.error());
  learned.names.emplace(key, *number);
  return static_cast<std::uint32_t>(*number);
}

Result<void> UsageIngestion::set_aside(store::Transaction& tx, const UsageSet& set, std::string_view reason) {
  auto row = store::find_usage_out_of_range(tx, set.edge, reason);
  if (!row) return std::unexpected(row.error());
  store::UsageOutOfRange sum = row->value_or(store::UsageOutOfRange());
  auto total = decode_point(sum.total);
  if (!total && total.error().code == Code::malformed) {  // a note of what is on no bill: no reason to hold an edge up
    base::log_error("what was set aside of edge {} cannot be read and is counted anew: {}", set.edge,
                    base::describe(total.error()));
    total = PointUsage();
  }
  if (!total) return std::unexpected(total.error());
  model::UsageValues values;
  for (const UsageRecord& r : set.records) add_usage(values, r.values);
  add_point(*total, point_of(std::move(values)));
  sum.edge = set.edge;
  sum.reason = reason;
  sum.total = encode_point(*total);
  ++sum.sets;
  sum.updated_ms = context_.now_ms();
  if (sum.sets == 1 || sum.sets % 1000 == 0) {  // an edge that was away for months sends many
    base::log_warn("usage: set {} of edge {} is for an interval that is {} (it begins {}): summed up apart, {} so far",
                   set.sequence, set.edge, reason == "late" ? "no longer kept" : "in the future",
                   base::format_utc_ms(std::min(set.interval_s, INT64_MAX / 1000) * 1000), sum.sets);
  }
  return store::put_usage_out_of_range(tx, sum);
}

}  // namespace fairlead::control
