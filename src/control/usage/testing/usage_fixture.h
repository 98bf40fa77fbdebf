#pragma once
// UsageTest: the fixture for tests of where usage is kept: a store of either engine with accounts and domains, the
// ingestion, a clock that tests move, and UsageModel, the plain sums that all of it must agree with. Header only.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "cluster/testing/no_edges.h"
#include "control/context.h"
#include "control/secrets.h"
#include "control/usage/ingestion.h"
#include "control/usage/layout.h"
#include "control/usage/series.h"
#include "model/control_config.h"
#include "store/accounts.h"
#include "store/domains.h"
#include "store/migrations.h"
#include "store/testing/postgres_server.h"

namespace fairlead::control::testing {

// What was counted, one number for each (key, interval, meter).
class UsageModel {
 public:
  void add(const model::UsageSet& set) {
    for (const auto& r : set.records) {
      for (const auto& [meter, n] : r.values) counts_[{r.key, set.interval_s, meter}] += n;
    }
  }
  // As read_series answers.
  std::vector<Series> series(const SeriesQuery& q) const {
    const bool region = q.group == SeriesGroup::region || q.group == SeriesGroup::region_and_isp;
    const bool isp = q.group == SeriesGroup::isp || q.group == SeriesGroup::region_and_isp;
    std::map<std::tuple<std::string, std::string, std::string>, std::map<std::int64_t, model::UsageValues>> sums;
    for (const auto& [place, n] : counts_) {
      const auto& [key, at_s, meter] = place;
      if (at_s < q.from_s || at_s >= q.to_s) continue;
      if (!q.every_domain && std::ranges::find(q.domain_ids, key.domain_id) == q.domain_ids.end()) continue;
      if ((q.region && key.region != *q.region) || (q.isp && key.isp != *q.isp)) continue;
      if (!q.meters.empty() && std::ranges::find(q.meters, meter) == q.meters.end()) continue;
      add_usage(sums[{q.group == SeriesGroup::domain ? key.domain_id : "", region ? key.region : "",
                      isp ? key.isp : ""}][q.one_point ? q.from_s : at_s - at_s % q.step_s],
                {{meter, n}});
    }
    std::vector<Series> all;
    for (const auto& [group, points] : sums) {
      Series& s = all.emplace_back(Series{std::get<0>(group), std::get<1>(group), std::get<2>(group), {}});
      for (const auto& [at_s, values] : points) s.points.push_back({at_s, values});
    }
    return all;
  }
  bool empty() const { return counts_.empty(); }

 private:
  std::map<std::tuple<model::UsageKey, std::int64_t, model::Meter>, std::uint64_t> counts_;
};

inline void PrintTo(const SeriesPoint& p, std::ostream* out) {
  *out << p.at_s << ":";
  for (const auto& [meter, n] : p.values) *out << " " << static_cast<unsigned>(meter) << "=" << n;
}

class UsageTest : public ::testing::TestWithParam<const char*> {
 protected:
  static constexpr std::int64_t kStart = 1'800'057'600;  // a midnight, seconds
  static_assert(kStart % kDay == 0);

  UsageTest() {
    static int count = 0;
    const std::string name = "usage" + std::to_string(++count);
    if (std::string_view(GetParam()) == "SQLite") {
      char folder[] = "/tmp/fairlead-usage-XXXXXX";
      if (::mkdtemp(folder) == nullptr) throw std::runtime_error("mkdtemp failed");
      folder_ = folder;
      address_ = "sqlite:" + folder_ + "/x.db";
    } else {
      auto& server = store::testing::PostgresServer::shared();
      if (!server.error().empty()) throw std::runtime_error(server.error());
      server.make_schema(name);
      address_ = server.uri(name);
    }
    open();
    must(store::migrate(*database_, now_ms_));
  }
  ~UsageTest() override {
    database_.reset();
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }

  // The database, and what stands on it: as a program that starts has it.
  void open() {
    database_ = std::make_unique<store::Database>(must(store::Database::open(address_)));
    context_ = std::make_unique<Context>(Context{.database = *database_,
                                                 .secrets = secrets_,
                                                 .edges = edges_,
                                                 .config = config_,
                                                 .now_ms = [this] { return now_ms_; },
                                                 .policy_changed = [] {},
                                                 .notice_written = [] {}});
    ingestion_ = std::make_unique<UsageIngestion>(*context_);
  }

  template <class T>
  static T must(base::Result<T> made) {
    if (!made) throw std::runtime_error(describe(made.error()));
    if constexpr (!std::is_void_v<T>) return std::move(*made);
  }
  template <class F>
  auto write(F f) {
    return must(database_->write(f));
  }
  template <class F>
  auto read(F f) {
    return must(database_->read(f));
  }

  std::string add_account(std::string name) {
    store::Account account;
    account.name = std::move(name);
    return write([&](store::Transaction& tx) { return store::insert_account(tx, account, now_ms_); }).id;
  }
  store::Domain add_domain(std::string account_id, std::string name) {
    store::Domain domain;
    domain.account_id = std::move(account_id);
    domain.name = std::move(name);
    return write([&](store::Transaction& tx) { return store::insert_domain(tx, domain, now_ms_); });
  }

  base::Result<void> take(const model::UsageSet& set) { return ingestion_->take(model::encode_usage(set)); }
  std::vector<Series> series(const SeriesQuery& query) {
    return read([&](store::Transaction& tx) { return read_series(tx, query); });
  }

  // One record's set.
  static model::UsageSet set_of(const store::Domain& domain, std::uint64_t sequence, std::int64_t interval_s,
                                model::UsageValues values) {
    model::UsageSet set{.edge = "edge-1",
                        .epoch = 1,
                        .sequence = sequence,
                        .interval_s = interval_s,
                        .from_ms = interval_s * 1000,
                        .to_ms = interval_s * 1000 + 10'000,
                        .records = {}};
    set.records.push_back({{domain.id, domain.name, "unknown", "unknown", {}, {}}, std::move(values)});
    return set;
  }
  SeriesQuery everything(std::int64_t from_s, std::int64_t to_s, std::int64_t step_s,
                         SeriesGroup group = SeriesGroup::none) {
    SeriesQuery query;
    query.every_domain = true;
    query.from_s = from_s, query.to_s = to_s, query.step_s = step_s, query.group = group;
    return query;
  }

  std::int64_t now_ms_ = kStart * 1000;
  std::string folder_, address_;
  std::unique_ptr<store::Database> database_;
  Secrets secrets_ = Secrets::ephemeral();
  cluster::testing::NoEdges edges_;
  model::ControlConfig config_;
  std::unique_ptr<Context> context_;
  std::unique_ptr<UsageIngestion> ingestion_;
};

#define FAIRLEAD_USAGE_ON_BOTH_ENGINES(Suite)                                         \
  INSTANTIATE_TEST_SUITE_P(Engines, Suite, ::testing::Values("SQLite", "PostgreSQL"), \
                           [](const auto& test) { return std::string(test.param); })

}  // namespace fairlead::control::testing
