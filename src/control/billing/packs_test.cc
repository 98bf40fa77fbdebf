#include "control/billing/packs.h"

#include <algorithm>
#include <limits>
#include <random>
#include <tuple>

#include "control/billing/testing/billing_fixture.h"
#include "store/billing_ledger.h"

namespace fairlead::control {
namespace {

using store::BillingMethod;
using store::BillingPeriod;
using store::Pack;
using store::PackState;

class PacksTest : public testing::BillingTest {
 protected:
  store::PackProduct offer(std::string name, std::int64_t bytes, std::int64_t days) {
    store::PackProduct product;
    product.name = std::move(name);
    product.bytes = bytes;
    product.validity_days = days;
    product.currency = "USD";
    product.price_micro = 9'000'000;
    return good(create_pack_product(context_, ops_, product));
  }
  Pack buy(const store::PackProduct& product) {
    return good(buy_pack(context_, ops_, ann_.account_id, product.id)).pack;
  }
  Pack pack(const std::string& id) { return good(get_pack(context_, ann_, id)).pack; }
  std::vector<store::LedgerBalance> balances() {
    return read([&](store::Transaction& tx) { return store::ledger_balances(tx, ann_.account_id); });
  }
  std::int64_t balance(std::string_view unit, std::string_view name) {
    for (const auto& b : balances()) {
      if (b.unit == unit && b.account == name) return b.balance;
    }
    return 0;
  }
  // Every unit sums up to nothing, over all rows, and what a pack has left is what the ledger says.
  void expect_balanced() {
    std::map<std::string, std::int64_t> sums;
    for (const auto& b : balances()) sums[b.unit] += b.balance;
    for (const auto& [unit, sum] : sums) EXPECT_EQ(sum, 0) << unit;
    for (const PackView& view : good(list_packs(context_, ops_, ann_.account_id, {"", 500})).items)
      EXPECT_EQ(balance("bytes", "pack:" + view.pack.id), view.pack.remaining) << view.pack.id;
  }
};

TEST_F(PacksTest, ThatWhichEndsFirstIsUsedFirst) {
  add_prices();
  choose(BillingMethod::traffic, BillingPeriod::day);
  const Pack longer = buy(offer("long", 10 * kGB, 60)), shorter = buy(offer("short", 4 * kGB, 30));
  EXPECT_EQ(shorter.from_day, "2026-03-01");
  EXPECT_EQ(shorter.until_day, "2026-03-31");
  use("2026-03-01T13:00:00Z", 6 * kGB);
  set_clock("2026-03-02T12:00:00Z");
  settle();
  EXPECT_EQ(pack(shorter.id).state, PackState::used_up);
  EXPECT_EQ(pack(longer.id).remaining, 8 * kGB);
  EXPECT_EQ(bills()[0]["amount"], 0);
  EXPECT_EQ(bills()[0]["charges"][0]["pack_bytes"], 6 * kGB);
  use("2026-03-02T13:00:00Z", 9 * kGB);
  set_clock("2026-03-03T12:00:00Z");
  settle();
  EXPECT_EQ(bills()[1]["amount"], 240'000);  // 8 of 9
  expect_balanced();
  EXPECT_EQ(balance("USD", "receivable"), 2 * 9'000'000 + 240'000);
  EXPECT_EQ(good(list_ledger(context_, ann_, {}, longer.id, {})).total, 3);
  expect_recomputable();
}

TEST_F(PacksTest, LateRecordsTakeFromPacks) {
  add_prices();
  choose(BillingMethod::traffic, BillingPeriod::day);
  const Pack p = buy(offer("p", 5 * kGB, 30));
  use("2026-03-01T13:00:00Z", 3 * kGB);
  set_clock("2026-03-02T03:00:00Z");
  settle();
  use("2026-03-01T13:00:00Z", 4 * kGB);
  set_clock("2026-03-02T12:00:00Z");
  EXPECT_EQ(settle().late, 1);
  EXPECT_EQ(pack(p.id).state, PackState::used_up);
  set_clock("2026-03-03T12:00:00Z");
  settle();
  EXPECT_EQ(bills()[1]["adjustments"][0]["pack_bytes"], 2 * kGB);
  EXPECT_EQ(bills()[1]["amount"], 480'000);
  expect_balanced();
  expect_recomputable();
}

TEST_F(PacksTest, AreFrozenWhileBilledByBandwidth) {
  add_prices();
  choose(BillingMethod::bandwidth, BillingPeriod::day);
  const Pack p = buy(offer("p", 5 * kGB, 10));
  EXPECT_TRUE(good(get_pack(context_, ann_, p.id)).frozen);
  use("2026-03-02T13:00:00Z", kGB);
  set_clock("2026-03-05T12:00:00Z");
  settle();
  EXPECT_EQ(pack(p.id).remaining, 5 * kGB);
  choose(BillingMethod::traffic, BillingPeriod::day);
  set_clock("2026-03-06T12:00:00Z");
  EXPECT_FALSE(good(get_pack(context_, ann_, p.id)).frozen);
  use("2026-03-11T23:59:00Z", kGB);  // its last day
  use("2026-03-12T00:00:00Z", kGB);
  set_clock("2026-03-12T01:00:00Z");
  settle();
  EXPECT_EQ(pack(p.id).state, PackState::active);  // the last day is not closed yet
  set_clock("2026-03-12T02:00:00Z");
  settle();
  EXPECT_EQ(pack(p.id).state, PackState::expired);
  EXPECT_EQ(balance("bytes", "expired"), 4 * kGB);
  EXPECT_EQ(balance("bytes", "used"), kGB);
  expect_balanced();
}

TEST_F(PacksTest, BeginWithTheBillingDay) {
  add_prices();
  choose(BillingMethod::traffic, BillingPeriod::day);
  set_clock("2026-03-10T20:00:00Z");
  set_time_zone("Asia/Shanghai");  // the 11th there; the 10th goes on to the midnight after it
  use("2026-03-10T21:00:00Z", kGB);
  const Pack p = buy(offer("p", 5 * kGB, 30));
  EXPECT_EQ(p.from_day, "2026-03-10");
  set_clock("2026-03-12T12:00:00Z");
  settle();
  EXPECT_EQ(pack(p.id).remaining, 4 * kGB);
}

// Who never chose a method is told of a pack's end all the same.
TEST_F(PacksTest, EndForThoseWithoutAMethod) {
  buy(offer("p", 5 * kGB, 30));
  settle();
  const auto told = [&](const std::string& type) { return std::ranges::count(notice_words(), "webhook " + type); };
  set_clock("2026-03-23T12:00:00Z");
  settle();
  EXPECT_EQ(told("pack.ending"), 0);
  set_clock("2026-03-24T02:00:00Z");
  settle();
  EXPECT_EQ(told("pack.ending"), 1);
  settle();
  EXPECT_EQ(told("pack.ending"), 1);
  set_clock("2026-04-01T02:00:00Z");
  settle();
  EXPECT_EQ(told("pack.expired"), 1);
}

TEST_F(PacksTest, ForecastOfMoreThanCanBeCounted) {
  Pack big;
  big.remaining = 9'000'000'000'000'000'000;
  big.until_day = "2026-04-01";
  const auto f = forecast({big, big}, 0, 7, {2026, 3, 1});
  EXPECT_EQ(f.remaining, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(f.expiring_unused, std::numeric_limits<std::int64_t>::max());
}

TEST_F(PacksTest, OnlyAnUnusedOneIsTakenBack) {
  add_prices();
  choose(BillingMethod::traffic, BillingPeriod::day);
  const auto product = offer("p", 5 * kGB, 10);
  const Pack p = buy(product), q = buy(product);
  EXPECT_EQ(refused(cancel_pack(context_, ann_, p.id)), "403 forbidden");
  EXPECT_EQ(refused(cancel_pack(context_, eve_, p.id)), "404 not_found");
  EXPECT_EQ(refused(cancel_pack(context_, ops_, p.id)), "done");
  EXPECT_EQ(refused(cancel_pack(context_, ops_, p.id)), "409 wrong_state");
  EXPECT_EQ(balance("USD", "receivable"), 9'000'000);
  use("2026-03-01T13:00:00Z", 1);
  set_clock("2026-03-02T12:00:00Z");
  settle();
  EXPECT_EQ(refused(cancel_pack(context_, ops_, q.id)), "409 wrong_state");
  expect_balanced();
  // Who may buy what.
  EXPECT_EQ(refused(buy_pack(context_, ann_, {}, product.id)), "403 forbidden");
  InstallationPolicy policy;
  policy.customers_buy_packs = true;
  good(replace_policy(context_, ops_, policy, std::nullopt));
  EXPECT_EQ(refused(buy_pack(context_, ann_, {}, product.id)), "done");
  EXPECT_EQ(refused(buy_pack(context_, eve_, ann_.account_id, product.id)), "404 not_found");
  good(retire_pack_product(context_, ops_, product.id));
  EXPECT_EQ(refused(buy_pack(context_, ann_, {}, product.id)), "404 not_found");
  EXPECT_EQ(refused(buy_pack(context_, ops_, ann_.account_id, product.id)), "409 wrong_state");
  EXPECT_EQ(good(list_pack_products(context_, ann_, {})).total, 0);
  EXPECT_EQ(good(list_pack_products(context_, ops_, {})).total, 1);
}

TEST_F(PacksTest, NoticesOfAPacksLife) {
  add_prices();
  choose(BillingMethod::traffic, BillingPeriod::day);
  buy(offer("a", 10 * kGB, 5));
  buy(offer("b", 10 * kGB, 40));
  use("2026-03-01T13:00:00Z", 8 * kGB);
  set_clock("2026-03-02T12:00:00Z");
  settle();
  use("2026-03-02T13:00:00Z", 2 * kGB);
  set_clock("2026-04-12T12:00:00Z");
  settle();
  settle();
  std::map<std::string, int> webhooks;
  for (const auto& word : notice_words()) {
    if (word.starts_with("webhook pack")) ++webhooks[word.substr(8)];
  }
  EXPECT_EQ(webhooks, (std::map<std::string, int>{
                          {"pack.bought", 2}, {"pack.ending", 2}, {"pack.used_up", 1}, {"pack.expired", 1}}));
}

// The ledger refuses to take what is not there, whoever asks.
TEST_F(PacksTest, TheLedgerIsNeverOverdrawn) {
  const Pack p = buy(offer("p", 5, 10));
  const auto take = [&](std::int64_t amount) {
    return database_.write([&](store::Transaction& tx) {
      store::LedgerEntry entry;
      entry.account_id = ann_.account_id;
      entry.unit = "bytes";
      entry.debit = "used";
      entry.credit = "pack:" + p.id;
      entry.amount = amount;
      return store::append_ledger(tx, "pack.used", {entry}, now_ms_);
    });
  };
  for (const int bad : {6, 0, -1}) EXPECT_EQ(take(bad).error().code, base::Code::internal) << bad;
  expect_balanced();
}

TEST(ForecastTest, PackByPack) {
  const auto pack = [](std::int64_t remaining, const char* until) {
    Pack p;
    p.remaining = remaining;
    p.until_day = until;
    return p;
  };
  const LocalDate today{2026, 3, 1};
  const auto said = [&](std::vector<Pack> packs, std::int64_t daily) {
    const auto f = forecast(packs, daily, 7, today);
    return (f.exhausted_on ? to_text(*f.exhausted_on) : "never") + " " + std::to_string(f.expiring_unused);
  };
  EXPECT_EQ(said({}, 10), "never 0");
  EXPECT_EQ(said({pack(100, "2026-12-31")}, 0), "never 100");
  EXPECT_EQ(said({pack(100, "2026-12-31")}, 10), "2026-03-11 0");
  EXPECT_EQ(said({pack(105, "2026-12-31")}, 10), "2026-03-11 0");
  EXPECT_EQ(said({pack(5, "2026-12-31")}, 10), "2026-03-01 0");
  EXPECT_EQ(said({pack(100, "2026-03-05")}, 10), "2026-03-06 50");
  EXPECT_EQ(said({pack(100, "2026-03-05"), pack(15, "2026-03-31")}, 10), "2026-03-07 50");
  EXPECT_EQ(said({pack(15, "2026-03-31"), pack(15, "2026-03-31")}, 10), "2026-03-04 0");
  EXPECT_EQ(said({pack(100, "2026-02-28")}, 10), "never 0");
}

// R20: no byte off twice, none lost: random usage, purchases, cancellations and methods against a model in a few lines.
TEST_F(PacksTest, AgainstAModel) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t n) { return static_cast<std::int64_t>(random() % n); };
  add_prices();
  struct Model {
    std::string id;
    std::int64_t left, until;
    bool cancelled = false;
  };
  std::vector<Model> model;
  std::vector<store::PackProduct> products;
  for (int i = 0; i < 4; ++i) products.push_back(offer("p" + std::to_string(i), 1 + below(200), 1 + below(30)));
  BillingMethod method = below(2) ? BillingMethod::traffic : BillingMethod::bandwidth, pending = method;
  std::int64_t change_on = -1;  // the day on which `pending` begins
  const std::int64_t start = testing::utc("2026-01-01T00:00:00Z");
  now_ms_ = (start + 60) * 1000;
  choose(method, BillingPeriod::day);
  std::vector<std::int64_t> covered;
  std::int64_t bought = 0, used = 0;
  for (std::int64_t day = 0; day < 200; ++day) {
    if (day == change_on) method = pending;
    now_ms_ = (start + day * 86400 + 12 * 3600) * 1000;
    settle();  // the day before is closed
    for (auto n = below(3); n > 0; --n) {
      const auto& product = products[static_cast<std::size_t>(below(4))];
      model.push_back({buy(product).id, product.bytes, day + product.validity_days});
      bought += product.bytes;
    }
    if (below(10) == 0 && !model.empty()) {
      Model& one = model[static_cast<std::size_t>(below(model.size()))];
      const auto now = pack(one.id);
      const bool unused = now.state == PackState::active && now.remaining == now.bytes;
      EXPECT_EQ(refused(cancel_pack(context_, ops_, one.id)), unused ? "done" : "409 wrong_state");
      if (unused) {
        one.cancelled = true;
        one.left = 0;
        bought -= now.bytes;
      }
    }
    if (below(12) == 0 && change_on <= day) {
      pending = method == BillingMethod::traffic ? BillingMethod::bandwidth : BillingMethod::traffic;
      change_on = day + 1;
      choose(pending, BillingPeriod::day);
    }
    std::int64_t bytes = below(4) == 0 ? 0 : below(150), rest = bytes;
    use(start + day * 86400 + 40000 + below(30000), static_cast<std::uint64_t>(bytes));
    if (method == BillingMethod::traffic) {
      // Of packs with one end that bought first, and of those bought in one millisecond that with the lower id.
      std::ranges::sort(model, {}, [](const Model& one) { return std::tie(one.until, one.id); });
      for (Model& one : model) {
        if (one.until < day) continue;
        const std::int64_t part = std::min(one.left, rest);
        one.left -= part;
        rest -= part;
        used += part;
      }
      covered.push_back(bytes - rest);
    } else {
      covered.push_back(0);
    }
  }
  now_ms_ = (start + 200 * 86400 + 3 * 3600) * 1000;
  settle();
  const auto days = closed_days();
  ASSERT_EQ(days.size(), 200u);
  for (std::size_t i = 0; i < days.size(); ++i) ASSERT_EQ(days[i].pack_bytes, covered[i]) << days[i].day;
  std::int64_t expired = 0;
  for (const Model& one : model) {
    const bool over = one.until < 200;
    EXPECT_EQ(pack(one.id).remaining, over ? 0 : one.left);
    if (over) expired += one.left;
    if (one.cancelled) {
      EXPECT_EQ(pack(one.id).state, PackState::cancelled);
    }
  }
  EXPECT_EQ(balance("bytes", "granted"), -bought);
  EXPECT_EQ(balance("bytes", "used"), used);
  EXPECT_EQ(balance("bytes", "expired"), expired);
  expect_balanced();
  expect_recomputable();
}

}  // namespace
}  // namespace fairlead::control
