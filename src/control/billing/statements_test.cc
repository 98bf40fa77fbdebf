#include "control/billing/statements.h"

#include <random>

#include "control/billing/testing/billing_fixture.h"
#include "store/billing_ledger.h"

namespace fairlead::control {
namespace {

using store::BillingMethod;
using store::BillingPeriod;

class StatementsTest : public testing::BillingTest {
 protected:
  // Mbit/s for five minutes.
  void use_mbps(const std::string& at, std::int64_t mbps) { use(at, static_cast<std::uint64_t>(mbps * kMbps)); }
};

// Worked by hand: 10 GB at 0.24 and 15 at 0.20; the other way a peak of 15 GB in five minutes, 400 Mbit/s at 0.50.
TEST_F(StatementsTest, ADayOfTraffic) {
  const std::string book = add_prices().row.id;
  choose(BillingMethod::traffic, BillingPeriod::day);
  use("2026-03-01T13:00:00Z", 10 * kGB);
  use("2026-03-01T20:02:00Z", 15 * kGB);
  set_clock("2026-03-02T02:30:00Z");
  settle();
  ASSERT_EQ(bills().size(), 1u);
  const Json wanted = Json::parse(R"({
    "number": 1, "state": "issued", "account_id": "ACCOUNT", "period": "day", "from": "2026-03-01", "to": "2026-03-01",
    "issued": "2026-03-02T02:30:00.000Z", "currency": "USD",
    "days": [{"day": "2026-03-01", "begin": "2026-03-01T12:00:00.000Z", "end": "2026-03-02T00:00:00.000Z",
              "method": "traffic", "basis": "frames", "bytes": 25000000000, "pack_bytes": 0,
              "peak_bytes": 15000000000, "peak_bps": 400000000, "peak_at": "2026-03-01T20:00:00.000Z"}],
    "charges": [{"method": "traffic", "from": "2026-03-01", "to": "2026-03-01", "days": 1, "price_book": "BOOK",
                 "mode": "graduated", "unit": 1000000000, "share": 1, "bytes": 25000000000, "pack_bytes": 0,
                 "quantity": 25000000000,
                 "lines": [{"tier": 1, "up_to": 10, "quantity": 10000000000, "price": 240000, "amount": 2400000},
                           {"tier": 2, "up_to": null, "quantity": 15000000000, "price": 200000, "amount": 3000000}],
                 "amount": 5400000}],
    "adjustments": [], "amount": 5400000,
    "what_if": {"method": "bandwidth",
                "charges": [{"method": "bandwidth", "from": "2026-03-01", "to": "2026-03-01", "days": 1,
                             "price_book": "BOOK", "mode": "graduated", "unit": 37500000, "share": 1,
                             "peak_bps": 400000000, "quantity": 15000000000,
                             "lines": [{"tier": 1, "up_to": null, "quantity": 15000000000, "price": 500000,
                                        "amount": 200000000}],
                             "amount": 200000000}],
                "amount": 200000000}})");
  std::string text = wanted.dump();
  text.replace(text.find("ACCOUNT"), 7, ann_.account_id);
  for (auto at = text.find("BOOK"); at != std::string::npos; at = text.find("BOOK")) text.replace(at, 4, book);
  EXPECT_EQ(good(get_statement(context_, ann_, 1)).row.document, text);
  EXPECT_EQ(statement_csv(bills()[0]),
            "bill,kind,method,from,to,tier,up_to,quantity,unit,share,price_micro,amount_micro,currency\r\n"
            "1,charge,traffic,2026-03-01,2026-03-01,1,10,10000000000,1000000000,1,240000,2400000,USD\r\n"
            "1,charge,traffic,2026-03-01,2026-03-01,2,,15000000000,1000000000,1,200000,3000000,USD\r\n");
  expect_recomputable();
  EXPECT_EQ(refused(get_statement(context_, eve_, 1)), "404 not_found");
  EXPECT_EQ(good(list_statements(context_, eve_, ann_.account_id, {})).total, 0);
  EXPECT_EQ(good(list_statements(context_, ann_, {}, {})).total, 1);
  EXPECT_EQ(
      read([&](store::Transaction& tx) { return store::ledger_balance(tx, ann_.account_id, "USD", "receivable"); }),
      5'400'000);
}

// Three days' peaks of 10, 20 and 30 Mbit/s in a month of 31 days: their mean over the month is 60/31, at 12 each.
TEST_F(StatementsTest, AMonthOfBandwidth) {
  add_prices();
  choose(BillingMethod::bandwidth, BillingPeriod::month);
  use_mbps("2026-03-01T13:00:00Z", 10);
  use_mbps("2026-03-01T13:05:00Z", 9);
  use_mbps("2026-03-10T23:55:00Z", 20);
  use_mbps("2026-03-11T00:00:00Z", 30);
  use_mbps("2026-04-01T00:00:00Z", 1000);
  set_clock("2026-04-01T01:59:59Z");
  EXPECT_EQ(settle().statements, 0);
  const auto running = good(running_bills(context_, ann_, points(), {}));
  ASSERT_EQ(running.size(), 2u);
  EXPECT_EQ(running[0].document["amount"], 23'225'806);
  set_clock("2026-04-01T02:00:00Z");
  EXPECT_EQ(settle().statements, 1);
  const Json bill = bills()[0];
  EXPECT_EQ(bill["from"], "2026-03-01");
  EXPECT_EQ(bill["to"], "2026-03-31");
  EXPECT_EQ(bill["charges"][0]["share"], 31);
  EXPECT_EQ(bill["charges"][0]["quantity"], 60 * kMbps);
  EXPECT_EQ(bill["amount"], 23'225'806);
  EXPECT_EQ(bill["days"].size(), 31u);
  EXPECT_EQ(bill["what_if"]["method"], "traffic");
  EXPECT_EQ(bill["what_if"]["amount"], 69 * kMbps * 230 / 1'000'000);  // 2.5875 GB at 0.23: 595,125
  expect_recomputable();
}

TEST_F(StatementsTest, MethodsChangeWithinAMonth) {
  add_prices();
  choose(BillingMethod::traffic, BillingPeriod::day);
  use("2026-03-01T13:00:00Z", kGB);
  set_clock("2026-03-09T12:00:00Z");
  settle();
  choose(BillingMethod::bandwidth, BillingPeriod::month);  // from the 10th on
  use("2026-03-09T23:59:59Z", 2 * kGB);
  use_mbps("2026-03-10T00:00:00Z", 62);
  set_clock("2026-03-20T12:00:00Z");
  settle();
  choose(BillingMethod::traffic, BillingPeriod::month);  // from April on
  use("2026-04-05T12:00:00Z", 150 * kGB);
  set_clock("2026-05-02T12:00:00Z");
  settle();
  std::string said;
  for (const Json& bill : bills())
    said += bill["period"].get<std::string>() + " " + bill["from"].get<std::string>() + " " +
            bill["to"].get<std::string>() + " " + bill["amount"].dump() + "\n";
  EXPECT_EQ(said,
            "day 2026-03-01 2026-03-01 240000\n"
            "day 2026-03-09 2026-03-09 480000\n"
            "month 2026-03-10 2026-03-31 24000000\n"    // 62/31 Mbit/s at 12
            "month 2026-04-01 2026-04-30 32500000\n");  // 100 at 0.23, 50 at 0.19
  expect_recomputable();
}

TEST_F(StatementsTest, DaysOverTheChangeOfTheClock) {
  add_prices();
  set_time_zone("Europe/Berlin");
  set_clock("2026-03-27T12:00:00Z");
  choose(BillingMethod::traffic, BillingPeriod::day);
  use("2026-03-28T22:59:59Z", 1 * kGB);  // the 28th
  use("2026-03-28T23:00:00Z", 2 * kGB);  // the 29th, which has 23 hours
  use("2026-03-29T21:59:59Z", 4 * kGB);
  use("2026-03-29T22:00:00Z", 8 * kGB);  // the 30th
  use("2026-03-31T21:59:59Z", 1 * kGB);
  use("2026-03-31T22:00:00Z", 3 * kGB);  // April
  set_clock("2026-04-03T12:00:00Z");
  settle();
  std::string said;
  for (const Json& bill : bills()) said += bill["from"].get<std::string>() + " " + bill["amount"].dump() + "\n";
  EXPECT_EQ(said, "2026-03-28 240000\n2026-03-29 1440000\n2026-03-30 1920000\n2026-03-31 240000\n2026-04-01 720000\n");
  expect_recomputable();
}

TEST_F(StatementsTest, ABillWaitsForItsPrice) {
  choose(BillingMethod::traffic, BillingPeriod::day);
  use("2026-03-01T13:00:00Z", kGB);
  set_clock("2026-03-04T12:00:00Z");
  EXPECT_EQ(settle().statements, 0);
  const auto running = good(running_bills(context_, ann_, points(), {}));
  ASSERT_FALSE(running.empty());
  EXPECT_EQ(running[0].waits_for, "price");
  add_prices();
  EXPECT_EQ(settle().statements, 1);
  EXPECT_EQ(bills()[0]["amount"], 240'000);
  expect_recomputable();
}

TEST_F(StatementsTest, NewPricesFromTheirDayOn) {
  add_prices();
  choose(BillingMethod::traffic, BillingPeriod::month);
  PriceBook dear = prices("2026-03-11");
  dear.traffic_month = Tariff{TierMode::volume, {{10, 1'000'000}, {{}, 500'000}}};
  dear.basis = store::BillingBasis::wire;
  dear.unit_bytes = 1'100'000'000;
  add_prices(dear, ann_.account_id);
  use("2026-03-05T12:00:00Z", 10 * kGB);
  use("2026-03-11T00:00:00Z", 20 * kGB);  // 22 on the wire: 20 units
  set_clock("2026-04-01T12:00:00Z");
  settle();
  const Json charges = bills()[0]["charges"];
  ASSERT_EQ(charges.size(), 2u);
  EXPECT_EQ(charges[0]["amount"], 2'300'000);
  EXPECT_EQ(charges[1]["amount"], 10'000'000);
  EXPECT_EQ(charges[1]["lines"][0]["tier"], 2);
  EXPECT_EQ(charges[1]["bytes"], 22 * kGB);
  expect_recomputable();
}

TEST_F(StatementsTest, EachCurrencyHasItsBill) {
  add_prices();
  choose(BillingMethod::traffic, BillingPeriod::month);
  PriceBook other = prices("2026-03-16");
  other.currency = "CNY";
  add_prices(other, ann_.account_id);
  use("2026-03-05T12:00:00Z", kGB);
  use("2026-03-20T12:00:00Z", kGB);
  set_clock("2026-04-01T12:00:00Z");
  EXPECT_EQ(settle().statements, 2);
  EXPECT_EQ(bills()[0]["currency"], "USD");
  EXPECT_EQ(bills()[1]["currency"], "CNY");
  EXPECT_EQ(bills()[1]["from"], "2026-03-16");
  expect_recomputable();
}

TEST_F(StatementsTest, FreeIsABillOfNothing) {
  PriceBook book = prices();
  book.traffic_day = Tariff{TierMode::graduated, {{{}, 0}}};
  add_prices(book);
  choose(BillingMethod::traffic, BillingPeriod::day);
  use("2026-03-01T13:00:00Z", kGB);
  set_clock("2026-03-05T12:00:00Z");
  EXPECT_EQ(settle().statements, 1);  // and none for the days on which nothing passed
  EXPECT_EQ(bills()[0]["amount"], 0);
  expect_recomputable();
}

TEST_F(StatementsTest, UsageThatChangedIsSeen) {
  add_prices();
  choose(BillingMethod::traffic, BillingPeriod::day);
  use("2026-03-01T13:00:00Z", kGB);
  set_clock("2026-03-02T12:00:00Z");
  settle();
  expect_recomputable();
  use("2026-03-01T13:00:00Z", 1);
  const auto again = good(recompute_statement(context_, ops_, points(), 1));
  EXPECT_FALSE(again.equal);
  EXPECT_NE(again.document, "");
  set_clock("2026-03-04T12:00:00Z");  // found, and an adjustment
  settle();
  expect_recomputable();
}

// The 11th is left out by the change of the time zone: a month of thirty days.
TEST_F(StatementsTest, AMonthIsSharedByTheDaysThatExist) {
  add_prices();
  choose(BillingMethod::bandwidth, BillingPeriod::month);
  use_mbps("2026-03-05T12:00:00Z", 10);
  set_clock("2026-03-10T20:00:00Z");
  set_time_zone("Asia/Shanghai");
  set_clock("2026-04-02T12:00:00Z");
  settle();
  ASSERT_EQ(bills().size(), 1u);
  EXPECT_EQ(bills()[0]["days"].size(), 30u);
  EXPECT_EQ(bills()[0]["charges"][0]["share"], 30);
  EXPECT_EQ(bills()[0]["amount"], 4'000'000);
  expect_recomputable();
}

TEST_F(StatementsTest, ADayWithoutATariffHoldsUpNoOther) {
  add_prices();
  choose(BillingMethod::traffic, BillingPeriod::day);
  PriceBook less = prices("2026-03-03");
  less.traffic_day.reset();
  store_prices(less);
  store_prices(prices("2026-03-05"), ann_.account_id);
  for (const char* at : {"2026-03-02T13:00:00Z", "2026-03-04T13:00:00Z", "2026-03-05T13:00:00Z"}) use(at, kGB);
  set_clock("2026-03-08T12:00:00Z");
  EXPECT_EQ(settle().statements, 2);
  EXPECT_EQ(bills()[1]["from"], "2026-03-05");
  // The account's own prices for the days that wait, and for none that had prices.
  const auto own = [&](const char* day) {
    return refused(create_price_book(context_, ops_, prices(day), ann_.account_id));
  };
  EXPECT_EQ(own("2026-03-02"), "409 wrong_state");
  EXPECT_EQ(own("2026-03-06"), "409 wrong_state");
  EXPECT_EQ(own("2026-03-04"), "done");
  EXPECT_EQ(settle().statements, 1);
  EXPECT_EQ(bills()[2]["from"], "2026-03-04");
  EXPECT_EQ(bills()[2]["amount"], 240'000);
  expect_recomputable();
}

// Days that wait were counted by frames: their packs gave frames.
TEST_F(StatementsTest, DaysThatWaitAreBilledByFrames) {
  choose(BillingMethod::traffic, BillingPeriod::day);
  use("2026-03-01T13:00:00Z", kGB);
  set_clock("2026-03-04T12:00:00Z");
  settle();
  const auto wire = [&](const char* day, std::optional<std::string> account = {}) {
    PriceBook book = prices(day);
    book.basis = store::BillingBasis::wire;
    return refused(create_price_book(context_, ops_, book, account));
  };
  EXPECT_EQ(wire("2026-01-01"), "409 wrong_state");
  EXPECT_EQ(wire("2026-03-03"), "409 wrong_state");
  EXPECT_EQ(wire("2026-03-03", ann_.account_id), "409 wrong_state");
  EXPECT_EQ(wire("2026-03-04", ann_.account_id), "done");  // the day under way
  add_prices();
  settle();
  EXPECT_EQ(bills()[0]["days"][0]["bytes"], kGB);
  expect_recomputable();
}

TEST_F(StatementsTest, LateRecordsInACurrencyOfThePast) {
  add_prices();
  choose(BillingMethod::traffic, BillingPeriod::day);
  PriceBook other = prices("2026-03-03");
  other.currency = "CNY";
  add_prices(other);
  use("2026-03-02T13:00:00Z", kGB);
  set_clock("2026-03-03T12:00:00Z");
  EXPECT_EQ(settle().statements, 1);
  use("2026-03-02T14:00:00Z", 2 * kGB);
  set_clock("2026-03-20T12:00:00Z");
  EXPECT_EQ(settle().statements, 1);
  ASSERT_EQ(bills().size(), 2u);
  const Json late = bills()[1];
  EXPECT_EQ(late["currency"], "USD");
  EXPECT_EQ(late["amount"], 480'000);
  EXPECT_EQ(late["days"].size() + late["charges"].size(), 0u);
  EXPECT_EQ(late["from"], "2026-03-02");
  EXPECT_EQ(late["to"], "2026-03-02");
  EXPECT_EQ(late["what_if"], Json());
  // And beside days with usage, in the other currency.
  use("2026-03-02T14:00:00Z", kGB);
  for (const char* at : {"2026-03-25T12:00:00Z", "2026-03-26T12:00:00Z", "2026-03-30T12:00:00Z"}) use(at, kGB);
  set_clock("2026-04-05T12:00:00Z");
  EXPECT_EQ(settle().statements, 4);
  expect_recomputable();
}

TEST_F(StatementsTest, WhatCannotBeCountedHoldsUpNothingElse) {
  choose(BillingMethod::traffic, BillingPeriod::day);
  PriceBook dear = prices();
  dear.bandwidth_day = Tariff{TierMode::graduated, {{{}, kMaxPrice}}};
  EXPECT_EQ(refused(create_price_book(context_, ops_, dear, {})), "422 invalid");
  store_prices(dear);
  dear.effective = {2026, 3, 3};
  dear.unit_bytes = 1;
  dear.traffic_day = dear.bandwidth_day;
  store_prices(dear);
  store_prices(prices("2026-03-05"));
  use_mbps("2026-03-02T13:00:00Z", 10'000);
  use_mbps("2026-03-03T13:00:00Z", 10'000);
  use_mbps("2026-03-05T13:00:00Z", 8);
  set_clock("2026-03-08T12:00:00Z");
  EXPECT_EQ(settle().statements, 2);
  EXPECT_EQ(closed_days().size(), 7u);
  EXPECT_EQ(bills()[0]["from"], "2026-03-02");
  EXPECT_EQ(bills()[0]["what_if"], Json());  // its amount is beyond 64 bits
  EXPECT_EQ(bills()[1]["from"], "2026-03-05");
  expect_recomputable();
  EXPECT_EQ(settle().days, 0);
}

// Random usage, late records, time zones and methods, for a year: whatever happened, each byte is on one bill, and each
// bill comes out the same again.
TEST_F(StatementsTest, EveryByteIsOnOneBill) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t n) { return random() % n; };
  add_prices();
  set_clock("2026-01-05T10:00:00Z");
  choose(below(2) ? BillingMethod::traffic : BillingMethod::bandwidth,
         below(2) ? BillingPeriod::day : BillingPeriod::month);
  std::int64_t at = now_ms_ / 1000, all = 0;
  const std::int64_t begin = at - at % 300;
  const char* zones[] = {"UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York", "Pacific/Kiritimati"};
  for (int i = 0; i < 250; ++i) {
    at += static_cast<std::int64_t>(below(36 * 3600));
    now_ms_ = at * 1000;
    const auto back = static_cast<std::int64_t>(below(4) == 0 ? below(10 * 86400) : 0);  // late
    const std::int64_t when = std::max(begin, at - back), bytes = static_cast<std::int64_t>(below(5 * kGB));
    use(when, static_cast<std::uint64_t>(bytes));
    all += bytes;
    if (below(15) == 0)
      (void)choose_method(context_, ann_, {}, below(2) ? BillingMethod::traffic : BillingMethod::bandwidth,
                          below(2) ? BillingPeriod::day : BillingPeriod::month);
    if (below(40) == 0) set_time_zone(zones[below(5)]);
    settle();
  }
  for (int i = 0; i < 4; ++i) {
    now_ms_ += 31 * kDayMs;
    settle();
  }
  use(now_ms_ / 1000, 1);  // so that there is a statement for what is late
  now_ms_ += 62 * kDayMs;
  settle();
  std::int64_t billed = -1;
  for (const Json& bill : bills()) {
    for (const Json& day : bill["days"]) billed += day["bytes"].get<std::int64_t>();
    for (const Json& late : bill["adjustments"]) billed += late["bytes"].get<std::int64_t>();
    std::int64_t sum = 0;
    for (const Json& charge : bill["charges"]) {
      std::int64_t lines = 0;
      for (const Json& line : charge["lines"]) lines += line["amount"].get<std::int64_t>();
      EXPECT_EQ(lines, charge["amount"]);
      sum += lines;
    }
    for (const Json& late : bill["adjustments"]) sum += late["amount"].get<std::int64_t>();
    EXPECT_EQ(sum, bill["amount"]);
  }
  EXPECT_EQ(billed, all);
  expect_recomputable();
}

}  // namespace
}  // namespace fairlead::control
