#include "control/usage/series.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "control/usage/block.h"
#include "control/usage/layout.h"
#include "store/usage_blocks.h"
#include "store/usage_sums.h"

namespace fairlead::control {

using base::Code;
using base::Result;
using base::Side;
using model::Meter;
using store::Transaction;
using store::UsageDimension;
using store::UsageDomains;

namespace {

// [first, last]
using MeterRange = std::pair<Meter, Meter>;

std::vector<MeterRange> ranges_of(const std::vector<Meter>& meters) {
  static constexpr MeterRange kFamilies[] = {
      {Meter::sessions_closed, static_cast<Meter>(199)}, {Meter::handshake_seconds, static_cast<Meter>(218)},
      {Meter::origin_seconds, static_cast<Meter>(238)},  {Meter::handshakes, static_cast<Meter>(1999)},
      {Meter::requests, static_cast<Meter>(2999)},
  };
  std::vector<MeterRange> ranges;
  for (const Meter meter : meters) {
    const auto family = std::ranges::find(kFamilies, meter, &MeterRange::first);
    ranges.push_back(family != std::end(kFamilies) ? *family : MeterRange(meter, meter));
  }
  return ranges;
}

// A stretch of the time asked for that one tier answers.
struct Slice {
  const TierLayout* tier;
  std::int64_t from_s, to_s;
};

// Whole points of the coarsest tier that is no coarser than the step, and the ends from finer ones.
void cut(std::int64_t from_s, std::int64_t to_s, int tier, std::vector<Slice>& slices) {
  if (from_s >= to_s) return;
  const TierLayout& layout = kTiers[tier];
  const std::int64_t p = layout.point_s;
  const std::int64_t first = (from_s + p - 1) / p * p, last = to_s / p * p;
  if (first >= last) return cut(from_s, to_s, tier - 1, slices);
  slices.push_back({&layout, first, last});
  if (tier == 0) return;
  cut(from_s, first, tier - 1, slices);
  cut(last, to_s, tier - 1, slices);
}

class Reader {
 public:
  explicit Reader(const SeriesQuery& query)
      : query_(query),
        by_domain_(query.group == SeriesGroup::domain),
        by_region_(query.group == SeriesGroup::region || query.group == SeriesGroup::region_and_isp),
        by_isp_(query.group == SeriesGroup::isp || query.group == SeriesGroup::region_and_isp),
        wanted_(ranges_of(query.meters)),
        first_s_(query.one_point ? query.from_s : query.from_s - query.from_s % query.step_s),
        point_s_(query.one_point ? query.to_s - query.from_s : query.step_s),
        points_(static_cast<std::size_t>((query.to_s - first_s_ + point_s_ - 1) / point_s_)) {}

  Result<std::vector<Series>> read(Transaction& tx, const UsageDomains& domains) {
    for (const auto& [name, number] : {std::pair(&query_.region, &region_), std::pair(&query_.isp, &isp_)}) {
      if (!*name) continue;
      const auto found = store::find_usage_name(tx, **name);
      if (!found) return std::unexpected(found.error());
      if (!*found) return std::vector<Series>();
      *number = static_cast<std::uint32_t>(**found);
    }
    const auto stretches = stretches_of(tx, domains);
    if (!stretches) return std::unexpected(stretches.error());
    for (const Stretch& stretch : *stretches) {
      for (const Slice& slice : stretch.slices) {
        if (auto kept = check_kept(tx, slice); !kept) return std::unexpected(kept.error());
      }
    }
    for (const Stretch& stretch : *stretches) {
      if (auto done = read_stretch(tx, stretch); !done) return std::unexpected(done.error());
    }
    return finish(tx);
  }

 private:
  struct Group {
    std::string domain_id;
    std::uint32_t region = 0, isp = 0;
    std::map<Meter, std::vector<std::uint64_t>> counts;  // by point
  };
  // A stretch of the time asked for, and whose rows answer it.
  struct Stretch {
    UsageDomains domains;
    Slice open;  // of its open rows
    std::vector<Slice> slices;
  };

  Stretch stretch_of(UsageDomains domains, std::int64_t from_s, std::int64_t to_s) const {
    Stretch stretch{std::move(domains), {&kTiers[0], from_s, to_s}, {}};
    cut(from_s, to_s, query_.step_s == kDay ? 2 : query_.step_s == kHour ? 1 : 0, stretch.slices);
    return stretch;
  }

  // Where all of many domains is asked for, their sum is read, since it is there.
  Result<std::vector<Stretch>> stretches_of(Transaction& tx, const UsageDomains& domains) const {
    std::vector<Stretch> stretches;
    std::int64_t since_s = query_.to_s;
    const bool all = domains.of == UsageDomains::Of::all;
    if (!by_domain_ && (all || (domains.of == UsageDomains::Of::account && !domains.account_id.empty()))) {
      const auto found = store::find_usage_sum(tx, all ? std::string() : domains.account_id);
      if (!found) return std::unexpected(found.error());
      if (*found) since_s = std::clamp(**found, query_.from_s, query_.to_s);
    }
    if (query_.from_s < since_s) stretches.push_back(stretch_of(domains, query_.from_s, since_s));
    if (since_s < query_.to_s) {
      auto sum = UsageDomains::list({store::usage_sum_id(all ? std::string() : domains.account_id)});
      stretches.push_back(stretch_of(std::move(sum), since_s, query_.to_s));
    }
    return stretches;
  }

  Result<void> read_stretch(Transaction& tx, const Stretch& stretch) {
    const UsageDimension dimension = dimension_of();
    for (const Slice& slice : stretch.slices) {
      for (const store::UsagePart part : kParts) {
        if (!wants(part)) continue;
        auto done = store::each_usage_block(tx, {slice.tier->tier, dimension, part}, stretch.domains,
                                            slice.from_s - slice.tier->block_s() + 1, slice.to_s,
                                            [&](std::string_view domain, std::int64_t start_s, std::string_view text) {
                                              return add(domain, start_s, slice, text);
                                            });
        if (!done) return done;
      }
    }
    return store::each_open_usage(tx, stretch.domains, stretch.open.from_s, stretch.open.to_s,
                                  dimension == UsageDimension::total ? store::OpenText::total : store::OpenText::body,
                                  [&](std::string_view domain, std::int64_t at_s, std::string_view text) {
                                    return add(domain, at_s, stretch.open, text);
                                  });
  }

  UsageDimension dimension_of() const {
    const bool region = by_region_ || region_, isp = by_isp_ || isp_;
    if (region && isp) return UsageDimension::full;
    if (region) return UsageDimension::region;
    return isp ? UsageDimension::isp : UsageDimension::total;
  }
  bool wants(Meter meter) const {
    return wanted_.empty() ||
           std::ranges::any_of(wanted_, [&](const MeterRange& r) { return meter >= r.first && meter <= r.second; });
  }
  bool wants(store::UsagePart part) const {
    return wanted_.empty() ||
           std::ranges::any_of(wanted_, [&](const MeterRange& r) { return part_of(r.first) == part; });
  }

  static Result<void> check_kept(Transaction& tx, const Slice& slice) {
    const auto since = store::usage_kept_since(tx, slice.tier->tier);
    if (!since) return std::unexpected(since.error());
    if (slice.from_s >= *since) return {};
    return base::fail(Code::too_large, Side::none,
                      "points of " + std::to_string(slice.tier->point_s) + " seconds are kept since " +
                          base::format_utc_ms(*since * 1000) + " only");
  }

  Group& group_of(std::string_view domain, const BlockKey& key) {
    const std::uint64_t place = (by_region_ ? std::uint64_t{key.region} << 32 : 0) | (by_isp_ ? key.isp : 0);
    auto& groups = groups_[by_domain_ ? std::string(domain) : std::string()];
    auto& group = groups[place];
    if (!group) {
      group = std::make_unique<Group>();
      if (by_domain_) group->domain_id = domain;
      if (by_region_) group->region = key.region;
      if (by_isp_) group->isp = key.isp;
    }
    return *group;
  }

  // Null: this would be one series more than is wanted, and the last that is counted.
  std::uint64_t* counts_of(Group& group, Meter meter) {
    if (series_ > query_.most_series || (group.counts.empty() && ++series_ > query_.most_series)) return nullptr;
    auto& series = group.counts[meter];
    if (series.empty()) series.resize(points_);
    return series.data();
  }

  // Adds a block that begins at start_s, as far as it lies in the slice. A row of an open interval is a block of one.
  Result<void> add(std::string_view domain, std::int64_t start_s, const Slice& slice, std::string_view text) {
    const auto block = BlockReader::open(text);
    if (!block) return std::unexpected(block.error());
    const std::int64_t point_s = slice.tier->point_s;
    const auto slots = static_cast<std::int64_t>(block->slots());
    const auto slot_at = [&](std::int64_t at_s) {  // the first slot that does not begin before at_s
      return at_s <= start_s ? 0 : std::min(slots, (at_s - start_s + point_s - 1) / point_s);
    };
    const auto from = static_cast<unsigned>(slot_at(slice.from_s)), to = static_cast<unsigned>(slot_at(slice.to_s));
    if (from >= to) return {};
    places_.clear();
    for (std::int64_t i = 0; i < slots; ++i) {
      places_.push_back(static_cast<std::uint32_t>((start_s + i * point_s - first_s_) / point_s_));
    }
    of_keys_.clear();
    for (const BlockKey& key : block->keys()) {
      const bool in = (!region_ || key.region == *region_) && (!isp_ || key.isp == *isp_);
      of_keys_.push_back(in ? &group_of(domain, key) : nullptr);
    }
    for (const auto& column : block->columns()) {
      if (!wants(column.meter)) continue;
      const Group* group = nullptr;
      std::uint64_t* counts = nullptr;
      const bool good = block->each(column, [&](std::size_t key, unsigned slot, std::uint64_t n) {
        if (slot < from || slot >= to || !of_keys_[key]) return;
        if (of_keys_[key] != group) {
          group = of_keys_[key];
          counts = counts_of(*of_keys_[key], column.meter);
        }
        if (counts) counts[places_[slot]] += n;
      });
      if (!good) return base::fail(Code::malformed, Side::none, "usage block: a column");
      if (series_ > query_.most_series) return base::fail(Code::overloaded, Side::none, "too many series");
    }
    return {};
  }

  Result<std::vector<Series>> finish(Transaction& tx) {
    std::map<std::int64_t, std::string> names;
    if (by_region_ || by_isp_) {
      auto known = store::list_usage_names(tx);
      if (!known) return std::unexpected(known.error());
      for (auto& [number, name] : *known) names.emplace(number, std::move(name));
    }
    std::vector<Series> all;
    for (const auto& [domain, groups] : groups_) {
      for (const auto& [place, group] : groups) {
        if (group->counts.empty()) continue;
        Series& series = all.emplace_back();
        series.domain_id = group->domain_id;
        if (by_region_) series.region = names[group->region];
        if (by_isp_) series.isp = names[group->isp];
        for (std::size_t i = 0; i < points_; ++i) {
          model::UsageValues values;
          for (const auto& [meter, counts] : group->counts) {
            if (counts[i] != 0) values.emplace_back(meter, counts[i]);
          }
          if (values.empty()) continue;
          series.points.push_back({first_s_ + static_cast<std::int64_t>(i) * point_s_, std::move(values)});
        }
      }
    }
    std::ranges::sort(all, {}, [](const Series& s) { return std::tie(s.domain_id, s.region, s.isp); });
    return all;
  }

  const SeriesQuery& query_;
  const bool by_domain_, by_region_, by_isp_;
  const std::vector<MeterRange> wanted_;
  const std::int64_t first_s_, point_s_;
  const std::size_t points_;
  std::size_t series_ = 0;  // groups with counts
  std::optional<std::uint32_t> region_, isp_;
  std::unordered_map<std::string, std::unordered_map<std::uint64_t, std::unique_ptr<Group>>> groups_;
  std::vector<std::uint32_t> places_;  // of the block at hand: by slot, the point
  std::vector<Group*> of_keys_;        // and by key
};

}  // namespace

Result<std::vector<Series>> read_series(Transaction& tx, const UsageDomains& domains, const SeriesQuery& query) {
  const auto whole = [](std::int64_t at) { return at >= 0 && at % model::kUsageInterval == 0; };
  if (!whole(query.from_s) || !whole(query.to_s) ||
      (query.step_s != model::kUsageInterval && query.step_s != kHour && query.step_s != kDay))
    return base::fail(Code::malformed, Side::none, "series: times or step are no multiples of five minutes");
  if (query.from_s >= query.to_s) return std::vector<Series>();
  return Reader(query).read(tx, domains);
}

Result<std::vector<Series>> read_series(Transaction& tx, const SeriesQuery& query) {
  return read_series(tx, query.every_domain ? UsageDomains::every() : UsageDomains::list(query.domain_ids), query);
}

}  // namespace fairlead::control
