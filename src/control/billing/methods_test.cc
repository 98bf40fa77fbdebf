#include "control/billing/methods.h"

#include "control/billing/testing/billing_fixture.h"
#include "control/domains/composition.h"

namespace fairlead::control {
namespace {

using store::BillingMethod;
using store::BillingPeriod;
using testing::utc;

// R18: when a change that is chosen at an instant takes effect. By hand.
TEST(ChangeDueTest, AtMidnightOrOnTheFirst) {
  struct {
    const char *zone, *now, *by_day, *by_month;
  } const cases[] = {
      {"UTC", "2026-01-31T23:59:59Z", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z"},
      {"UTC", "2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z", "2026-03-01T00:00:00Z"},
      {"UTC", "2028-02-28T12:00:00Z", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"},  // leap day
      {"UTC", "2026-02-28T12:00:00Z", "2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z"},
      {"Asia/Shanghai", "2026-12-31T15:00:00Z", "2026-12-31T16:00:00Z", "2026-12-31T16:00:00Z"},
      {"Asia/Shanghai", "2026-12-31T16:00:00Z", "2027-01-01T16:00:00Z", "2027-01-31T16:00:00Z"},
      {"Europe/Berlin", "2026-03-29T00:30:00Z", "2026-03-29T22:00:00Z", "2026-03-31T22:00:00Z"},  // 23 hours
      {"Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T23:00:00Z", "2026-10-31T23:00:00Z"},  // 25 hours
      {"Europe/Berlin", "2026-03-10T12:00:00Z", "2026-03-10T23:00:00Z", "2026-03-31T22:00:00Z"},
      {"America/New_York", "2026-10-31T23:00:00Z", "2026-11-01T04:00:00Z", "2026-11-01T04:00:00Z"},
      {"America/New_York", "2026-11-01T12:00:00Z", "2026-11-02T05:00:00Z", "2026-12-01T05:00:00Z"},
      {"America/Havana", "2026-03-07T12:00:00Z", "2026-03-08T05:00:00Z", "2026-04-01T04:00:00Z"},  // no midnight
      {"Asia/Kathmandu", "2026-06-30T12:00:00Z", "2026-06-30T18:15:00Z", "2026-06-30T18:15:00Z"},
      {"Asia/Kolkata", "2026-06-30T18:30:00Z", "2026-07-01T18:30:00Z", "2026-07-31T18:30:00Z"},
      {"Pacific/Apia", "2011-12-29T12:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"},
  };
  for (const auto& c : cases) {
    const TimeZone zone = TimeZone::find(c.zone).value();
    EXPECT_EQ(change_due_ms(BillingPeriod::day, zone, utc(c.now) * 1000), utc(c.by_day) * 1000) << c.zone << c.now;
    EXPECT_EQ(change_due_ms(BillingPeriod::month, zone, utc(c.now) * 1000), utc(c.by_month) * 1000) << c.zone << c.now;
  }
}

class MethodsTest : public testing::BillingTest {
 protected:
  BillingView now() { return good(get_billing(context_, ann_, {})); }
  auto ask(BillingMethod method, BillingPeriod period) {
    return refused(choose_method(context_, ann_, {}, method, period));
  }
};

TEST_F(MethodsTest, FirstAtOnceThenPending) {
  EXPECT_FALSE(now().current);
  EXPECT_EQ(refused(cancel_method_change(context_, ann_, {})), "409 wrong_state");
  const auto first = choose(BillingMethod::traffic, BillingPeriod::day);
  EXPECT_EQ(first.current->effective_ms, now_ms_);
  EXPECT_FALSE(first.pending);
  EXPECT_EQ(ask(BillingMethod::traffic, BillingPeriod::day), "409 wrong_state");  // so already

  choose(BillingMethod::bandwidth, BillingPeriod::month);
  EXPECT_EQ(now().current->method, BillingMethod::traffic);
  EXPECT_EQ(now().pending->effective_ms, utc("2026-03-02T00:00:00Z") * 1000);
  EXPECT_EQ(ask(BillingMethod::bandwidth, BillingPeriod::day), "409 wrong_state");  // one at a time
  EXPECT_FALSE(good(cancel_method_change(context_, ann_, {})).pending);
  choose(BillingMethod::bandwidth, BillingPeriod::month);
  set_clock("2026-03-01T23:59:59Z");
  EXPECT_TRUE(now().pending);
  set_clock("2026-03-02T00:00:00Z");
  EXPECT_EQ(now().current->method, BillingMethod::bandwidth);
  EXPECT_EQ(refused(cancel_method_change(context_, ann_, {})), "409 wrong_state");  // it is due
  // Now by the month.
  choose(BillingMethod::traffic, BillingPeriod::day);
  EXPECT_EQ(now().pending->effective_ms, utc("2026-04-01T00:00:00Z") * 1000);
  EXPECT_EQ(now().history.size(), 2u);
  settle();
  EXPECT_EQ(notice_words(), (Texts{"email ann@acme.example", "email ann@acme.example", "email ann@acme.example",
                                   "email ann@acme.example", "email ann@acme.example", "webhook billing.change_pending",
                                   "webhook billing.change_pending", "webhook billing.change_pending",
                                   "webhook billing.method_changed", "webhook billing.method_changed"}));
  EXPECT_EQ(settle().told, 0);
  EXPECT_EQ(audit_actions(),
            (Texts{"billing.cancel", "billing.choose", "billing.choose", "billing.choose", "billing.choose"}));
}

TEST_F(MethodsTest, APendingChangeKeepsItsInstant) {
  choose(BillingMethod::traffic, BillingPeriod::month);
  choose(BillingMethod::bandwidth, BillingPeriod::month);
  const auto due = now().pending->effective_ms;
  set_time_zone("America/New_York");
  EXPECT_EQ(now().pending->effective_ms, due);
  // Midnight there is four hours later: the day that begins then is the first by the new method.
  use("2026-04-01T02:00:00Z", 1);
  set_clock("2026-04-03T12:00:00Z");
  settle();
  std::string said;
  for (const auto& day : closed_days())
    said += day.day >= "2026-03-31" ? day.day + std::string(" ") + std::string(to_string(day.method)) + "\n" : "";
  EXPECT_EQ(said, "2026-03-31 traffic\n2026-04-01 bandwidth\n2026-04-02 bandwidth\n");
}

TEST_F(MethodsTest, OnlyWhatHasAPriceIsOffered) {
  PriceBook book = prices("2026-03-01");
  book.bandwidth_day.reset();
  add_prices(book);
  EXPECT_EQ(ask(BillingMethod::bandwidth, BillingPeriod::day), "409 wrong_state");
  EXPECT_EQ(ask(BillingMethod::bandwidth, BillingPeriod::month), "done");
}

TEST_F(MethodsTest, OthersAccountsAndOperators) {
  EXPECT_EQ(refused(get_billing(context_, eve_, ann_.account_id)), "404 not_found");
  EXPECT_EQ(refused(choose_method(context_, eve_, ann_.account_id, BillingMethod::traffic, BillingPeriod::day)),
            "404 not_found");
  EXPECT_EQ(refused(choose_method(context_, auditor_, ann_.account_id, BillingMethod::traffic, BillingPeriod::day)),
            "403 forbidden");
  EXPECT_EQ(refused(choose_method(context_, ops_, {}, BillingMethod::traffic, BillingPeriod::day)), "409 wrong_state");
  EXPECT_EQ(refused(choose_method(context_, ops_, ann_.account_id, BillingMethod::traffic, BillingPeriod::day)),
            "done");
}

TEST_F(MethodsTest, PricesAreNeverChangedOnceInEffect) {
  const auto create = [&](const char* day, std::optional<std::string> account = {}) {
    return refused(create_price_book(context_, ops_, prices(day), account));
  };
  EXPECT_EQ(create("2026-01-15"), "done");  // the first may be of any day
  EXPECT_EQ(create("2026-01-20"), "409 wrong_state");
  EXPECT_EQ(create("2026-03-01"), "409 wrong_state");
  EXPECT_EQ(create("2026-03-02"), "409 wrong_state");  // it has begun in Kiritimati
  EXPECT_EQ(create("2026-03-03"), "done");
  EXPECT_EQ(create("2026-03-03"), "409 name_taken");
  EXPECT_EQ(create("2026-03-02", ann_.account_id), "done");  // her own, by her own time zone
  EXPECT_EQ(create("2026-03-01", eve_.account_id), "409 wrong_state");
  const auto page = good(list_price_books(context_, ops_, {}, {"", 1}));
  EXPECT_EQ(page.total, 3);
  EXPECT_EQ(good(list_price_books(context_, ops_, {}, {page.next, 5})).items.size(), 2u);
  EXPECT_EQ(good(list_price_books(context_, eve_, {}, {})).total, 2);
  const auto hers = good(list_price_books(context_, ann_, {}, {}));
  EXPECT_EQ(hers.total, 3);
  const std::string id = hers.items.back().row.id;
  EXPECT_EQ(refused(get_price_book(context_, eve_, id)), "404 not_found");
  EXPECT_EQ(refused(delete_price_book(context_, ops_, page.items[0].row.id)), "409 wrong_state");
  EXPECT_EQ(refused(delete_price_book(context_, ann_, id)), "403 forbidden");
  EXPECT_EQ(refused(delete_price_book(context_, ops_, id)), "done");
  EXPECT_EQ(refused(create_price_book(context_, ann_, prices("2027-01-01"), {})), "403 forbidden");
}

// A tariff that somebody is billed by stays offered to them.
TEST_F(MethodsTest, NoTariffGoesThatIsInUse) {
  add_prices();
  const auto without = [&](const char* day, std::optional<Tariff> PriceBook::* tariff,
                           std::optional<std::string> account = {}) {
    PriceBook book = prices(day);
    book.*tariff = std::nullopt;
    const auto made = create_price_book(context_, ops_, book, account);
    return made ? "done" : std::to_string(made.error().status) + " " + made.error().detail;
  };
  choose(BillingMethod::traffic, BillingPeriod::day);
  EXPECT_EQ(without("2026-04-01", &PriceBook::traffic_day),
            "409 there is no tariff for traffic, paid by the day: 1 account is billed so, or will be");
  EXPECT_EQ(without("2026-04-01", &PriceBook::traffic_day, ann_.account_id),
            "409 there is no tariff for traffic, paid by the day: 1 account is billed so, or will be");
  EXPECT_EQ(without("2026-04-01", &PriceBook::traffic_day, eve_.account_id), "done");
  choose(BillingMethod::bandwidth, BillingPeriod::month);  // is pending
  EXPECT_EQ(without("2026-04-02", &PriceBook::bandwidth_month).substr(0, 3), "409");
  good(cancel_method_change(context_, ann_, {}));
  EXPECT_EQ(without("2026-04-02", &PriceBook::bandwidth_month), "done");
  // What is to come counts for a choice as well.
  EXPECT_EQ(ask(BillingMethod::bandwidth, BillingPeriod::month), "409 wrong_state");
  // Prices of one's own go before everybody's.
  add_prices(prices("2026-04-01"), ann_.account_id);
  EXPECT_EQ(ask(BillingMethod::bandwidth, BillingPeriod::month), "done");
  EXPECT_EQ(without("2026-05-01", &PriceBook::traffic_day), "done");
  const auto hers = good(list_price_books(context_, ann_, {}, {}));
  // Without them she would be billed by everybody's, which lack what she uses.
  EXPECT_EQ(refused(delete_price_book(context_, ops_, hers.items.back().row.id)), "409 wrong_state");
}

// The first prices are for days that wait, too.
TEST_F(MethodsTest, TheFirstPricesHaveTheTariffsOfDaysThatWait) {
  choose(BillingMethod::traffic, BillingPeriod::day);
  choose(BillingMethod::bandwidth, BillingPeriod::day);
  use("2026-03-01T13:00:00Z", kGB);
  set_clock("2026-03-04T12:00:00Z");
  settle();
  PriceBook book = prices("2026-03-01");
  book.traffic_day.reset();
  EXPECT_EQ(refused(create_price_book(context_, ops_, book, {})), "409 wrong_state");
  book.effective = {2026, 3, 2};
  EXPECT_EQ(refused(create_price_book(context_, ops_, book, {})), "done");
}

// After a change of the time zone a billing day is not the calendar's: it has begun already.
TEST_F(MethodsTest, PricesFollowBillingDays) {
  add_prices();
  choose(BillingMethod::traffic, BillingPeriod::day);
  set_clock("2026-03-10T02:00:00Z");
  set_time_zone("America/New_York");  // the 9th; the 10th has begun in UTC and goes on
  set_clock("2026-03-10T02:30:00Z");
  PriceBook hers = prices("2026-03-10");
  EXPECT_EQ(refused(create_price_book(context_, ops_, hers, ann_.account_id)), "409 wrong_state");
  hers.effective = {2026, 3, 11};
  EXPECT_EQ(refused(create_price_book(context_, ops_, hers, ann_.account_id)), "done");
}

TEST_F(MethodsTest, TheGateStandsWhenThePolicySaysSo) {
  const auto domain = add_domain(ann_, "live.example.com");
  const auto gate = [&] {
    return read([&](store::Transaction& tx) -> base::Result<std::string> {
      auto made = Composer(tx, true).compose(domain);
      if (!made) return std::unexpected(made.error());
      for (const Gate& g : made->websocket) {
        if (g.code == "billing_method") return std::string(g.met ? "met" : "unmet");
      }
      return std::string("none");
    });
  };
  EXPECT_EQ(gate(), "none");
  InstallationPolicy policy;
  policy.billing_required = true;
  const auto before = last_change();
  good(replace_policy(context_, ops_, policy, std::nullopt));
  EXPECT_EQ(changed_after(before), Texts{"live.example.com"});
  EXPECT_EQ(gate(), "unmet");
  const auto then = last_change();
  choose(BillingMethod::traffic, BillingPeriod::day);
  EXPECT_EQ(changed_after(then), Texts{"live.example.com"});
  EXPECT_EQ(gate(), "met");
}

}  // namespace
}  // namespace fairlead::control
