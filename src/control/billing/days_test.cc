#include "control/billing/days.h"

#include <limits>
#include <random>

#include "control/billing/testing/billing_fixture.h"
#include "store/billing_due.h"

namespace fairlead::control {
namespace {

using store::BillingMethod;
using store::BillingPeriod;
using testing::utc;

TimeZone zone(std::string_view name) { return TimeZone::find(name).value(); }
std::string words(const DaySpan& s) {
  return to_text(s.day) + " " + base::format_utc_ms(s.begin_s * 1000).substr(0, 16) + " " +
         std::to_string((s.end_s - s.begin_s) / 60) + "min";
}

TEST(AccountDaysTest, FirstDayBeginsWithTheChoice) {
  const AccountDays days({{0, zone("Europe/Berlin")}});
  EXPECT_EQ(words(days.first(utc("2026-03-01T12:03:07Z") * 1000)), "2026-03-01 2026-03-01T12:00 660min");
  EXPECT_EQ(words(days.first(utc("2026-03-01T22:59:59Z") * 1000)), "2026-03-01 2026-03-01T22:55 5min");
  EXPECT_EQ(words(days.first(utc("2026-03-01T23:00:00Z") * 1000)), "2026-03-02 2026-03-01T23:00 1440min");
}

TEST(AccountDaysTest, DaysOverChangesOfTheClock) {
  struct {
    const char *zone, *from, *days;
  } const cases[] = {
      {"Europe/Berlin", "2026-03-27T23:00:00Z", "03-28 1440, 03-29 1380, 03-30 1440"},
      {"Europe/Berlin", "2026-10-23T22:00:00Z", "10-24 1440, 10-25 1500, 10-26 1440"},
      {"Asia/Shanghai", "2028-02-27T16:00:00Z", "02-28 1440, 02-29 1440, 03-01 1440"},
      {"Asia/Shanghai", "2026-02-27T16:00:00Z", "02-28 1440, 03-01 1440, 03-02 1440"},
      {"Asia/Kathmandu", "2026-12-30T18:15:00Z", "12-31 1440, 01-01 1440, 01-02 1440"},
      {"America/Havana", "2026-03-07T05:00:00Z", "03-07 1440, 03-08 1380, 03-09 1440"},
      {"Asia/Beirut", "2024-03-29T22:00:00Z", "03-30 1440, 03-31 1380, 04-01 1440"},
      {"Pacific/Apia", "2011-12-29T10:00:00Z", "12-29 1440, 12-31 1440, 01-01 1440"},  // no 30th
  };
  for (const auto& c : cases) {
    const AccountDays days({{0, zone(c.zone)}});
    std::string said;
    DaySpan span = days.first(utc(c.from) * 1000);
    for (int i = 0; i < 3; ++i, span = days.after(span))
      said += (i ? ", " : "") + to_text(span.day).substr(5) + " " + std::to_string((span.end_s - span.begin_s) / 60);
    EXPECT_EQ(said, c.days) << c.zone;
  }
}

// Whatever zone follows whatever zone at whatever instant: days have names of their own, in order, and no gap.
TEST(AccountDaysTest, TheTimeZoneChanges) {
  const auto walk = [](const char* from, const char* to, const char* at) {
    const AccountDays days({{0, zone(from)}, {utc(at), zone(to)}});
    std::string said;
    DaySpan span = days.first(utc("2026-03-09T12:00:00Z") * 1000);
    for (int i = 0; i < 4; ++i, span = days.after(span)) said += words(span) + "\n";
    return said;
  };
  EXPECT_EQ(walk("UTC", "Asia/Shanghai", "2026-03-10T12:00:00Z"),
            "2026-03-09 2026-03-09T12:00 720min\n"
            "2026-03-10 2026-03-10T00:00 960min\n"  // to Shanghai's midnight
            "2026-03-11 2026-03-10T16:00 1440min\n"
            "2026-03-12 2026-03-11T16:00 1440min\n");
  EXPECT_EQ(walk("UTC", "Asia/Shanghai", "2026-03-10T20:00:00Z"),
            "2026-03-09 2026-03-09T12:00 720min\n"
            "2026-03-10 2026-03-10T00:00 2400min\n"  // Shanghai's midnight had passed
            "2026-03-12 2026-03-11T16:00 1440min\n"
            "2026-03-13 2026-03-12T16:00 1440min\n");
  EXPECT_EQ(walk("UTC", "America/New_York", "2026-03-10T02:00:00Z"),
            "2026-03-09 2026-03-09T12:00 720min\n"
            "2026-03-10 2026-03-10T00:00 1680min\n"
            "2026-03-11 2026-03-11T04:00 1440min\n"
            "2026-03-12 2026-03-12T04:00 1440min\n");
  std::mt19937_64 random(11);
  const char* names[] = {
      "UTC",           "Asia/Shanghai", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu",
      "Europe/Berlin", "America/Havana"};
  for (int i = 0; i < 300; ++i) {
    std::vector<std::pair<std::int64_t, TimeZone>> zones{{0, zone(names[random() % 8])}};
    std::int64_t at = utc("2026-03-01T00:00:00Z");
    for (int j = 0; j < 4; ++j) {
      at += static_cast<std::int64_t>(random() % (5 * 86400));
      zones.emplace_back(at, zone(names[random() % 8]));
    }
    const AccountDays days(zones);
    DaySpan span = days.first(utc("2026-03-01T00:00:00Z") * 1000);
    for (int d = 0; d < 40; ++d) {
      const DaySpan next = days.after(span);
      ASSERT_EQ(next.begin_s, span.end_s) << i;
      ASSERT_GT(next.day, span.day) << i;
      ASSERT_GT(next.end_s, next.begin_s) << i;
      ASSERT_LE(next.end_s - next.begin_s, 75 * 3600) << i;
      ASSERT_EQ(next.end_s % 300, 0) << i;
      span = next;
    }
  }
}

// Whoever changes the time zone again and again does not keep a day open.
TEST(AccountDaysTest, ManyChangesMoveOneEndEach) {
  const char* names[] = {"Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"};
  for (const std::int64_t every : {3600, 6 * 3600, 11 * 3600, 12 * 3600, 25 * 3600}) {
    const std::int64_t begin = utc("2026-03-01T00:00:00Z"), end = begin + 60 * 86400;
    std::vector<std::pair<std::int64_t, TimeZone>> zones{{0, zone("UTC")}};
    for (std::int64_t at = begin + 600, i = 0; at < end; at += every, ++i) zones.emplace_back(at, zone(names[i % 3]));
    const AccountDays days(zones);
    int count = 0;
    for (DaySpan span = days.first(begin * 1000); span.end_s < end; span = days.after(span), ++count)
      ASSERT_LE(span.end_s - span.begin_s, 75 * 3600) << every << " " << words(span);
    EXPECT_GE(count, 60 * 24 / 75) << every;
  }
  // The first change moves the end of the day under way, the second one that of the next.
  const AccountDays twice({{0, zone("UTC")},
                           {utc("2026-03-10T12:00:00Z"), zone("Asia/Shanghai")},
                           {utc("2026-03-10T13:00:00Z"), zone("America/New_York")}});
  DaySpan span = twice.first(utc("2026-03-10T00:00:00Z") * 1000);
  EXPECT_EQ(words(span), "2026-03-10 2026-03-10T00:00 960min");
  EXPECT_EQ(words(twice.after(span)), "2026-03-11 2026-03-10T16:00 2160min");
}

TEST(FiguresTest, BeyondSixtyThreeBits) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  const auto f = figures_of({{300, ~0ULL, ~0ULL}, {600, 5, 5}});
  EXPECT_EQ(f, (store::DayFigures{kMost, kMost, kMost, 300, kMost, 300}));
}

TEST(FiguresTest, PeaksAndSums) {
  const auto f = figures_of({{300, 10, 11}, {600, 30, 31}, {900, 30, 40}});
  EXPECT_EQ(f, (store::DayFigures{70, 82, 30, 600, 40, 900}));
  EXPECT_EQ(figures_of({}), store::DayFigures());
  EXPECT_EQ(bits_per_second(kMbps), 1'000'000);
  EXPECT_EQ(bits_per_second(18), 0);  // 0.48
  EXPECT_EQ(bits_per_second(19), 1);  // 0.507
  EXPECT_EQ(bits_per_second(300), 8);
}

class DaysTest : public testing::BillingTest {};

TEST_F(DaysTest, AreClosedAfterTheGrace) {
  add_prices();
  choose(BillingMethod::traffic, BillingPeriod::day);
  use("2026-03-01T11:59:59Z", 5);  // before the interval in which the method was chosen: not billed
  use("2026-03-01T12:00:00Z", 7);
  use("2026-03-01T23:59:59Z", 11);
  use("2026-03-02T00:00:00Z", 13);
  set_clock("2026-03-02T01:59:59Z");
  EXPECT_EQ(settle().days, 0);
  set_clock("2026-03-02T02:00:00Z");
  EXPECT_EQ(settle().days, 1);
  EXPECT_EQ(settle().days, 0);
  ASSERT_EQ(closed_days().size(), 1u);
  EXPECT_EQ(closed_days()[0].day, "2026-03-01");
  EXPECT_EQ(closed_days()[0].figures,
            (store::DayFigures{18, 19, 11, utc("2026-03-01T23:55:00Z"), 12, utc("2026-03-01T23:55:00Z")}));
  // A program that was away for a while closes each day by itself.
  set_clock("2026-05-20T12:00:00Z");
  EXPECT_EQ(settle().days, 79);
  EXPECT_EQ(closed_days()[1].figures.bytes_out, 13);
}

// A long pause is no reason to keep everybody else from writing.
TEST_F(DaysTest, ATurnEnds) {
  choose(BillingMethod::traffic, BillingPeriod::day);
  set_clock("2026-03-20T12:00:00Z");
  const auto close = [&](std::chrono::steady_clock::time_point until) {
    return write([&](store::Transaction& tx) -> base::Result<int> {
      auto account = store::find_account(tx, ann_.account_id);
      if (!account) return std::unexpected(account.error());
      auto history = store::methods_of(tx, ann_.account_id);
      if (!history) return std::unexpected(history.error());
      return close_days(tx, context_, points(), *account, *history, until);
    });
  };
  EXPECT_EQ(close(std::chrono::steady_clock::time_point::min()), 1);
  EXPECT_EQ(close(std::chrono::steady_clock::time_point::max()), 18);
}

// A program that was away for more than 93 days bills traffic by what is kept for longer.
TEST_F(DaysTest, OldDaysAreClosedByTheirHours) {
  add_prices();
  set_time_zone("Asia/Kolkata");  // days begin at half past
  choose(BillingMethod::traffic, BillingPeriod::day);
  use("2026-03-02T18:30:00Z", 1 * kGB);  // the 3rd begins: beside its whole hours
  use("2026-03-02T19:00:00Z", 2 * kGB);
  use("2026-03-03T17:59:59Z", 4 * kGB);
  use("2026-03-03T18:05:00Z", 8 * kGB);
  kept_since_s_ = utc("2026-06-01T00:00:00Z");
  hours_since_s_ = utc("2026-03-02T00:00:00Z");
  set_clock("2026-09-01T12:00:00Z");
  settle();
  EXPECT_EQ(closed_days()[0].figures, store::DayFigures());  // before the 2nd
  EXPECT_EQ(closed_days()[2].figures, (store::DayFigures{6 * kGB, 6'600'000'000, 0, 0, 0, 0}));
  EXPECT_EQ(bills().at(0)["amount"], 6 * 240'000);
}

// Who stops the program does not wait for all accounts.
TEST_F(DaysTest, SettlingStops) {
  choose(BillingMethod::traffic, BillingPeriod::day);
  good(choose_method(context_, eve_, {}, BillingMethod::traffic, BillingPeriod::day));
  set_clock("2026-03-02T12:00:00Z");
  int asked = 0;
  EXPECT_EQ(settle_all(context_, points(), [&] { return ++asked > 1; }).days, 1);
  EXPECT_EQ(settle().days, 1);
}

// Only accounts that are due are looked at.
TEST_F(DaysTest, NobodyIsLookedAtBeforeTheTime) {
  add_prices();
  choose(BillingMethod::traffic, BillingPeriod::day);
  settle();
  const auto due = [&] {
    return !read([&](store::Transaction& tx) { return store::billing_due_at(tx, now_ms_); }).empty();
  };
  EXPECT_FALSE(due());
  set_clock("2026-03-02T01:59:59Z");
  EXPECT_FALSE(due());
  set_clock("2026-03-02T02:00:00Z");
  EXPECT_TRUE(due());
  settle();
  EXPECT_FALSE(due());
  set_clock("2026-03-02T03:00:00Z");  // late records
  EXPECT_TRUE(due());
  settle();
  EXPECT_FALSE(due());
}

TEST_F(DaysTest, LateRecordsAreAdjustments) {
  add_prices();
  choose(BillingMethod::traffic, BillingPeriod::day);
  use("2026-03-01T13:00:00Z", 10 * kGB);
  set_clock("2026-03-02T03:00:00Z");
  EXPECT_EQ(settle().statements, 1);
  const auto closed = closed_days();
  use("2026-03-01T13:00:00Z", 5 * kGB);
  set_clock("2026-03-02T03:59:00Z");
  EXPECT_EQ(settle().late, 0);
  set_clock("2026-03-02T04:00:00Z");
  EXPECT_EQ(settle().late, 1);
  EXPECT_EQ(closed_days()[0].figures, closed[0].figures);
  EXPECT_EQ(bills().size(), 1u);
  // On the next day's statement, at the price of the tier it would have been in; again and again, never twice.
  use("2026-03-01T14:00:00Z", kGB);
  set_clock("2026-03-03T02:00:00Z");
  settle();
  ASSERT_EQ(bills().size(), 2u);
  const Json late = bills()[1]["adjustments"];
  ASSERT_EQ(late.size(), 2u);
  EXPECT_EQ(late[0]["amount"], 5 * 200'000);
  EXPECT_EQ(late[0]["bytes"], 5 * kGB);
  EXPECT_EQ(late[0]["peak_bytes_before"], 10 * kGB);
  EXPECT_EQ(late[0]["peak_bytes"], 15 * kGB);
  EXPECT_EQ(late[1]["amount"], 200'000);
  EXPECT_EQ(bills()[1]["amount"], 6 * 200'000);
  expect_recomputable();
  set_clock("2026-05-30T00:00:00Z");
  settle();
  EXPECT_EQ(bills().size(), 2u);
  expect_recomputable();
  // The last look is two hours before its points may go.
  use("2026-03-01T14:00:00Z", kGB);
  set_clock("2026-06-02T09:59:59Z");
  EXPECT_EQ(settle().late, 0);
  set_clock("2026-06-02T10:00:00Z");
  EXPECT_EQ(settle().late, 1);
  EXPECT_FALSE(closed_days()[0].next_check_ms);
  // Looked at until its points are no longer kept, then no more.
  set_clock("2026-09-30T00:00:00Z");
  settle();
  for (const auto& day : closed_days()) {
    if (day.day < "2026-06-20") {
      EXPECT_FALSE(day.next_check_ms) << day.day;
    }
  }
  // What is known no more is taken from what was closed.
  kept_since_s_ = utc("2026-06-01T00:00:00Z");
  expect_recomputable();
  EXPECT_EQ(good(recompute_statement(context_, ops_, points(), 1)).days_from_store, 1);
}

}  // namespace
}  // namespace fairlead::control
