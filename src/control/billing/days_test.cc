#include "control/billing/days.h"

#include <random>

#include "control/billing/testing/billing_fixture.h"

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
      ASSERT_LE(next.end_s - next.begin_s, 5 * 51 * 3600) << i;
      ASSERT_EQ(next.end_s % 300, 0) << i;
      span = next;
    }
  }
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
  // Looked at until its points are no longer kept, then no more.
  set_clock("2026-09-30T00:00:00Z");
  settle();
  EXPECT_FALSE(closed_days()[0].next_check_ms);
  // What is known no more is taken from what was closed.
  kept_since_s_ = utc("2026-06-01T00:00:00Z");
  expect_recomputable();
  EXPECT_EQ(good(recompute_statement(context_, ops_, points(), 1)).days_from_store, 1);
}

}  // namespace
}  // namespace fairlead::control
