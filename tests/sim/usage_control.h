#pragma once
// UsageControl: the control plane of a simulated hour: a store in memory with two accounts and their domains, and what
// the edge's sets go through on their way to statistics and bills: a bus that loses nothing but repeats, delays and
// reorders as its seed says, the real ingestion, roll-ups in the middle, the real statistics and billing. Header only.

#include "tests/sim/usage_stage.h"

#include "control/api/statistics_operations.h"
#include "control/billing/testing/billing_fixture.h"
#include "control/statistics/statistics.h"
#include "control/usage/ingestion.h"
#include "control/usage/rollup.h"
#include "control/usage/sums.h"

namespace fairlead::sim {

// Prices of a test: tiers that end at so many units (the last one nowhere), and micro-units for a unit.
struct TestTiers {
  bool volume = false;
  std::vector<std::pair<std::int64_t, std::int64_t>> tiers;  // end, price

  control::Tariff tariff() const {
    control::Tariff t{volume ? control::TierMode::volume : control::TierMode::graduated, {}};
    for (const auto& [end, price] : tiers) t.tiers.push_back({end == 0 ? std::nullopt : std::optional(end), price});
    return t;
  }
  // What so much costs, worked out from the documents alone (docs/billing.md): each line rounded half up.
  std::int64_t cost(std::uint64_t quantity, std::int64_t unit) const {
    const auto line = [unit](std::int64_t part, std::int64_t price) { return (2 * part * price + unit) / (2 * unit); };
    std::int64_t sum = 0, begin = 0;
    const auto all = static_cast<std::int64_t>(quantity);
    for (const auto& [end, price] : tiers) {
      const std::int64_t stop = end == 0 ? all : std::min(all, end * unit);
      if (volume && stop == all) return line(all, price);
      if (!volume && stop > begin) sum += line(stop - begin, price);
      begin = std::max(begin, stop);
    }
    return sum;
  }
};

class UsageControl : public control::testing::BillingTest {
 public:
  static constexpr std::int64_t kUnit = 1'000'000, kMbit = 37'500'000;  // bytes of five minutes are 1 Mbit/s
  static inline const TestTiers kTraffic{.volume = false, .tiers = {{1, 240'001}, {3, 199'999}, {0, 150'003}}};
  static inline const TestTiers kBandwidth{.volume = true, .tiers = {{1, 700'000'321}, {0, 600'000'007}}};

  // `late`: some sets come only after the days they belong to are billed.
  UsageControl(std::uint64_t seed, std::int64_t start_ms, const std::vector<std::string>& domains_a,
               const std::vector<std::string>& domains_b, bool late)
      : random_(seed * 131 + 3), start_s_(start_ms / 1000), late_(late) {
    now_ms_ = start_ms;
    for (const std::string& name : domains_a) ids_[name] = add_domain(ann_, name).id;
    for (const std::string& name : domains_b) ids_[name] = add_domain(eve_, name).id;
    add_statistics();
    add_methods();
    sums_begun_ = random_.chance(0.5);
    if (sums_begun_) must(control::begin_usage_sums(database_, kSummedFrom));
  }

  const std::map<std::string, std::string>& ids() const { return ids_; }
  const control::Caller& ann() const { return ann_; }
  const control::Caller& eve() const { return eve_; }
  const control::Caller& operators() const { return ops_; }
  std::string id_of(const control::Caller& caller) const { return caller.account_id; }

  // ---- what comes from the edge ----------------------------------------------------------------------------------

  // As a journal: what it takes will be delivered, once or more often, now or later.
  base::Result<void> append(std::string_view set) {
    if (random_.chance(0.03)) return base::fail(base::Code::resources, base::Side::edge, "no room just now");
    return accept(set);
  }
  // As the bus itself.
  base::Result<void> accept(std::string_view set) {
    const auto decoded = must(model::decode_usage(set));
    for (const auto& r : decoded.records) {
      EXPECT_EQ(r.key.domain_id, ids_[r.key.domain]);
      auto& at = appended_[{Whose{r.key.domain, r.key.region, r.key.isp}, decoded.interval_s}];
      for (const auto& [meter, n] : Truth::form(r.values)) at[meter] += n;
      open_ms_ += static_cast<std::int64_t>(model::usage_of(r.values, Meter::session_milliseconds));
    }
    const bool after_the_bill = late_ && random_.chance(0.03);
    const bool delayed = random_.chance(0.3);
    do {
      const std::int64_t delay_ms = delayed ? static_cast<std::int64_t>(random_.below(1'500'000)) : 0;
      bus_.emplace(after_the_bill ? kAfterTheBill : now_ms_ + delay_ms, set);
      ++sent_;
    } while (random_.chance(0.25));
    ++sets_;
    return {};
  }
  // Every ten seconds: takes in what has come until now.
  void tick(std::int64_t now_ms) {
    now_ms_ = now_ms;
    deliver(now_ms);
    if (!sums_begun_ && now_ms / 1000 - start_s_ >= 2400) {
      sums_begun_ = true;
      must(control::begin_usage_sums(database_, kSummedFrom));
    }
    if (random_.chance(0.01)) roll_up(now_ms / 1000 - now_ms / 1000 % 3600);
  }
  void roll_up(std::int64_t before_s) {
    const auto report = must(control::roll_up_usage(database_, {.before_s = before_s}));
    EXPECT_EQ(report.aside, 0);
    EXPECT_EQ(report.failed, 0);
  }
  // All that was to come before the bill.
  void arrive() { deliver(kAfterTheBill - 1); }
  void arrive_late() {
    deliver(kAfterTheBill);
    const auto counters = ingestion_.counters();
    EXPECT_EQ(counters.taken, sets_);
    EXPECT_EQ(counters.duplicates, sent_ - sets_);
    EXPECT_EQ(counters.refused + counters.out_of_range, 0u);
  }
  void go_to(std::int64_t now_ms) { now_ms_ = now_ms; }

  // By whom and interval, as the edge has written it down.
  const std::map<std::pair<Whose, std::int64_t>, std::map<Meter, std::uint64_t>>& appended() const { return appended_; }

  std::int64_t open_ms() const { return open_ms_; }  // the time that sessions were open, of all together

  // ---- what comes out --------------------------------------------------------------------------------------------

  control::Statistics statistics(const control::Caller& caller, const control::StatisticsAsked& asked) {
    return good(control::read_statistics(context_, caller, asked));
  }
  control::Json answer(const control::Caller& caller, const std::string& path) {
    return done(caller, "GET", "/v1/statistics/" + path, {}, "");
  }
  void bill() {
    const auto settled = control::settle_all(context_, control::billing_points);
    EXPECT_EQ(settled.failures, 0);
  }
  // Issued to the account, the oldest first.
  std::vector<control::Json> bills_of(const control::Caller& caller) {
    std::vector<control::Json> out;
    for (const control::Json& bill : bills()) {
      if (bill["account_id"] == caller.account_id) out.push_back(bill);
    }
    return out;
  }
  void expect_bills_recomputable() {
    for (const control::Json& bill : bills()) {
      const auto again = good(control::recompute_statement(context_, ops_, control::billing_points, bill["number"]));
      EXPECT_TRUE(again.equal) << bill.dump(1) << "\nand now\n" << again.document;
    }
  }

 private:
  static constexpr std::int64_t kAfterTheBill = INT64_MAX;
  static constexpr std::int64_t kSummedFrom = 3;  // domains

  void TestBody() override {}

  void add_statistics() {
    control::Api::Parts parts{.contract = must(control::Contract::parse(control::contract_text())),
                              .operations = {},
                              .caller_of = {},
                              .over_limit = {}};
    control::add_statistics_operations(parts.operations, context_);
    for (const control::Route& route : parts.contract.routes()) {
      parts.operations.try_emplace(route.operation_id, [](const control::Call&) -> control::Outcome<control::Reply> {
        return control::refuse(500, "internal_error", "not of this test");
      });
    }
    parts.caller_of = [this](const control::ApiRequest&) -> control::Outcome<control::Caller> { return caller_; };
    api_ = must(control::Api::make(std::move(parts)));
  }

  // The first account is in Berlin and pays for traffic by the day, the other for bandwidth by the day, by prices of
  // its own that count what the wire carried.
  void add_methods() {
    set_time_zone("Europe/Berlin");
    control::PriceBook everybodys = prices();
    everybodys.unit_bytes = kUnit;
    everybodys.traffic_day = kTraffic.tariff();
    control::PriceBook own = prices();
    own.basis = store::BillingBasis::wire;
    own.bandwidth_day = kBandwidth.tariff();
    add_prices(own, eve_.account_id);  // first: what is in effect for all cannot be replaced for a day that has begun
    add_prices(everybodys);
    good(control::choose_method(context_, ann_, {}, store::BillingMethod::traffic, store::BillingPeriod::day));
    good(control::choose_method(context_, eve_, {}, store::BillingMethod::bandwidth, store::BillingPeriod::day));
  }

  void deliver(std::int64_t until_ms) {
    while (!bus_.empty() && bus_.begin()->first <= until_ms) {
      must(ingestion_.take(bus_.begin()->second));
      bus_.erase(bus_.begin());
    }
  }

  net::SimRandom random_;
  const std::int64_t start_s_;
  const bool late_;
  bool sums_begun_ = false;
  control::UsageIngestion ingestion_{context_};
  std::map<std::string, std::string> ids_;
  std::multimap<std::int64_t, std::string> bus_;
  std::uint64_t sets_ = 0, sent_ = 0;
  std::int64_t open_ms_ = 0;
  std::map<std::pair<Whose, std::int64_t>, std::map<Meter, std::uint64_t>> appended_;
};

}  // namespace fairlead::sim
