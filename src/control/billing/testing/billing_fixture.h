#pragma once
// BillingTest: the fixture of this folder's tests: a store in memory with a customer (ann_) and an operator, a clock
// that tests set to a local time, usage that they write down themselves, prices to bill by. Header only.

#include <date/date.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "control/billing/biller.h"
#include "control/billing/methods.h"
#include "control/billing/packs.h"
#include "control/billing/price_book.h"
#include "control/billing/statements.h"
#include "control/installation_policy.h"
#include "control/testing/objects_fixture.h"

namespace fairlead::control::testing {

inline std::int64_t utc(const std::string& text) {
  std::istringstream in(text);
  date::sys_seconds s;
  in >> date::parse("%FT%TZ", s);
  if (in.fail()) throw std::runtime_error("not a time: " + text);
  return s.time_since_epoch().count();
}

class BillingTest : public ObjectsTest {
 protected:
  static constexpr std::int64_t kGB = 1'000'000'000;

  BillingTest() { set_clock("2026-03-01T12:00:00Z"); }

  void set_clock(const std::string& text) { now_ms_ = utc(text) * 1000; }
  void use(const std::string& at, std::uint64_t bytes) { use(utc(at), bytes); }
  void use(std::int64_t at_s, std::uint64_t bytes) {
    auto& point = usage_[at_s - at_s % 300];
    point.bytes_out += bytes;
    point.wire_bytes_out += bytes + bytes / 10;
  }

  PointsReader points() {
    return [this](store::Transaction&, std::string_view account_id, std::int64_t from_s, std::int64_t to_s,
                  std::int64_t step_s) -> base::Result<std::vector<TrafficPoint>> {
      EXPECT_EQ(from_s % step_s + to_s % step_s, 0);
      if (from_s < (step_s == 300 ? kept_since_s_ : hours_since_s_))
        return base::fail(base::Code::too_large, base::Side::none, "no longer kept");
      std::vector<TrafficPoint> out;
      if (account_id != ann_.account_id) return out;
      for (auto it = usage_.lower_bound(from_s); it != usage_.end() && it->first < to_s; ++it) {
        const std::int64_t at_s = it->first - it->first % step_s;
        if (out.empty() || out.back().at_s != at_s) out.push_back({at_s, 0, 0});
        out.back().bytes_out += it->second.bytes_out;
        out.back().wire_bytes_out += it->second.wire_bytes_out;
      }
      return out;
    };
  }
  Settled settle() { return settle_all(context_, points()); }

  template <class T>
  static T good(Outcome<T> outcome) {
    if (!outcome) throw std::runtime_error(outcome.error().code + ": " + outcome.error().detail);
    if constexpr (!std::is_void_v<T>) return std::move(*outcome);
  }
  template <class T>
  static std::string refused(const Outcome<T>& outcome) {
    return outcome ? "done" : std::to_string(outcome.error().status) + " " + outcome.error().code;
  }

  static PriceBook prices(const std::string& effective = "2026-01-01") {
    PriceBook book;
    book.effective = parse_local_date(effective).value();
    book.currency = "USD";
    book.traffic_day = Tariff{TierMode::graduated, {{10, 240'000}, {{}, 200'000}}};
    book.traffic_month = Tariff{TierMode::graduated, {{100, 230'000}, {{}, 190'000}}};
    book.bandwidth_day = Tariff{TierMode::graduated, {{{}, 500'000}}};
    book.bandwidth_month = Tariff{TierMode::graduated, {{100, 12'000'000}, {{}, 9'000'000}}};
    return book;
  }
  PriceBookView add_prices(PriceBook book = prices(), const std::optional<std::string>& account = {}) {
    return good(create_price_book(context_, ops_, std::move(book), account));
  }
  // One that was made before there were the rules that create_price_book has.
  void store_prices(const PriceBook& book, const std::string& scope = "") {
    store::StoredPriceBook row;
    row.scope = scope;
    row.effective_day = to_text(book.effective);
    row.document = to_json(book).dump();
    row.created_by = ops_.user_id;
    row.created_ms = now_ms_;
    write([&](store::Transaction& tx) { return store::insert_price_book(tx, row); });
  }
  BillingView choose(store::BillingMethod method, store::BillingPeriod period) {
    return good(choose_method(context_, ann_, {}, method, period));
  }
  void set_time_zone(const std::string& zone) {
    write([&](store::Transaction& tx) -> base::Result<void> {
      auto account = store::find_account(tx, ann_.account_id);
      if (!account) return std::unexpected(account.error());
      const std::string before = account->time_zone;
      account->time_zone = zone;
      auto done = store::update_account(tx, *account, account->revision, now_ms_);
      if (!done) return std::unexpected(done.error());
      return store::note_time_zone(tx, ann_.account_id, before, zone, now_ms_);
    });
  }
  std::vector<store::BillingDay> closed_days() {
    return read(
        [&](store::Transaction& tx) { return store::billing_days(tx, ann_.account_id, "0001-01-01", "9999-12-31"); });
  }
  // Documents, the oldest first.
  std::vector<Json> bills() {
    std::vector<Json> out;
    auto page = good(list_statements(context_, ops_, {}, {"", 500}));
    for (auto it = page.items.rbegin(); it != page.items.rend(); ++it)
      out.push_back(Json::parse(good(get_statement(context_, ops_, it->row.number)).row.document));
    return out;
  }
  // Every issued bill comes out the same, and their numbers have no gaps.
  void expect_recomputable() {
    std::int64_t number = 0;
    for (const Json& bill : bills()) {
      EXPECT_EQ(bill["number"], ++number);
      const auto again = good(recompute_statement(context_, ops_, points(), number));
      EXPECT_TRUE(again.equal) << bill.dump(1) << "\nand now\n" << again.document;
    }
  }

  std::map<std::int64_t, TrafficPoint> usage_;
  std::int64_t kept_since_s_ = 0, hours_since_s_ = 0;
};

}  // namespace fairlead::control::testing
