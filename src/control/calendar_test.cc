#include "control/calendar.h"

#include <date/date.h>
#include <gtest/gtest.h>

#include <random>
#include <sstream>

namespace fairlead::control {
namespace {

std::int64_t at(const std::string& utc) {
  std::istringstream in(utc);
  date::sys_seconds s;
  in >> date::parse("%FT%TZ", s);
  if (in.fail()) throw std::runtime_error("not a time: " + utc);
  return s.time_since_epoch().count();
}

TimeZone zone(std::string_view name) { return TimeZone::find(name).value(); }
LocalDate day(std::string_view text) { return parse_local_date(text).value(); }

struct Case {
  const char *zone, *day, *begin, *end;
  double hours;
};

// By hand, from the announcements of the time zones' governments. Of zones that change their minds the past only: what
// is announced for a year to come differs from one version of the database to the next.
constexpr Case kCases[] = {
    {"UTC", "2026-03-29", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z", 24},
    {"Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 23},
    {"Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 25},
    {"America/New_York", "2026-03-08", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", 23},
    {"America/New_York", "2026-11-01", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", 25},
    {"Asia/Shanghai", "2026-12-31", "2026-12-30T16:00:00Z", "2026-12-31T16:00:00Z", 24},
    {"Asia/Shanghai", "2028-02-29", "2028-02-28T16:00:00Z", "2028-02-29T16:00:00Z", 24},
    {"Asia/Kolkata", "2026-06-30", "2026-06-29T18:30:00Z", "2026-06-30T18:30:00Z", 24},
    {"Asia/Kathmandu", "2026-06-30", "2026-06-29T18:15:00Z", "2026-06-30T18:15:00Z", 24},
    {"Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z", 24.5},
    {"Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z", 23.5},
    // Clocks jump over midnight: the day begins at 01:00 of its own.
    {"America/Havana", "2024-03-10", "2024-03-10T05:00:00Z", "2024-03-11T04:00:00Z", 23},
    {"Asia/Beirut", "2024-03-31", "2024-03-30T22:00:00Z", "2024-03-31T21:00:00Z", 23},
    {"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z", 23},
    // Midnight comes twice, or the hour before it does.
    {"America/Havana", "2024-11-03", "2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z", 25},
    {"America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z", 25},
    // 00:01 back to 23:01: the minute after the first midnight already is the new day.
    {"America/St_Johns", "2010-11-06", "2010-11-06T02:30:00Z", "2010-11-07T02:30:00Z", 24},
    {"America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z", 25},
    // Samoa went over the date line: December 30th was left out.
    {"Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", 24},
    {"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", 0},
    {"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z", 24},
    {"Pacific/Kiritimati", "2026-01-01", "2025-12-31T10:00:00Z", "2026-01-01T10:00:00Z", 24},
    // The database reaches to 2037.
    {"Europe/Berlin", "2037-03-29", "2037-03-28T23:00:00Z", "2037-03-29T22:00:00Z", 23},
};

TEST(CalendarTest, DaysBeginAndEnd) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(std::string(c.zone) + " " + c.day);
    const TimeZone z = zone(c.zone);
    const LocalDate d = day(c.day);
    EXPECT_EQ(z.begin_of(d), at(c.begin));
    EXPECT_EQ(z.end_of(d), at(c.end));
    EXPECT_EQ(static_cast<double>(z.end_of(d) - z.begin_of(d)) / 3600, c.hours);
    if (c.hours == 0) continue;
    EXPECT_EQ(to_text(z.date_of(at(c.begin))), c.day);
    EXPECT_EQ(to_text(z.date_of(at(c.end) - 1)), c.day);
    EXPECT_EQ(z.next_midnight(at(c.begin)), at(c.end));
    EXPECT_EQ(z.next_midnight(at(c.end) - 1), at(c.end));
  }
}

TEST(CalendarTest, MonthsBegin) {
  struct {
    const char *zone, *at, *next;
  } const cases[] = {
      {"UTC", "2026-01-31T23:59:59Z", "2026-02-01T00:00:00Z"},
      {"UTC", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"},
      {"UTC", "2028-02-28T12:00:00Z", "2028-03-01T00:00:00Z"},
      {"Asia/Shanghai", "2026-12-31T15:59:59Z", "2026-12-31T16:00:00Z"},
      {"Asia/Shanghai", "2026-12-31T16:00:00Z", "2027-01-31T16:00:00Z"},
      {"Europe/Berlin", "2026-03-15T12:00:00Z", "2026-03-31T22:00:00Z"},     // over the change to summer time
      {"Europe/Berlin", "2026-10-15T12:00:00Z", "2026-10-31T23:00:00Z"},     // and back
      {"America/New_York", "2026-10-31T12:00:00Z", "2026-11-01T04:00:00Z"},  // the change is on the first day
      {"America/Havana", "2024-10-31T12:00:00Z", "2024-11-01T04:00:00Z"},
      {"Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-31T10:00:00Z"},
  };
  for (const auto& c : cases) EXPECT_EQ(zone(c.zone).next_month(at(c.at)), at(c.next)) << c.zone << " " << c.at;
}

TEST(CalendarTest, DatesAreTextsAndCanBeCounted) {
  for (const char* good : {"2026-03-29", "2028-02-29", "2000-02-29", "0001-01-01", "9999-12-31"})
    EXPECT_EQ(to_text(day(good)), good);
  for (const char* bad : {"", "2026-02-29", "1900-02-29", "2026-13-01", "2026-00-01", "2026-01-32", "2026-1-01",
                          "2026-01-1x", "0000-01-01", "-001-01-01", "2026-01--1", "2026/01/01", "2026-01-011"})
    EXPECT_FALSE(parse_local_date(bad)) << bad;
  EXPECT_EQ(to_text(plus_days(day("2028-02-28"), 2)), "2028-03-01");
  EXPECT_EQ(to_text(plus_days(day("2026-01-01"), -1)), "2025-12-31");
  EXPECT_EQ(days_between(day("2028-02-01"), day("2028-03-01")), 29);
  EXPECT_EQ(days_in_month(day("2026-02-10")), 28);
  EXPECT_EQ(days_in_month(day("2026-12-10")), 31);
  EXPECT_EQ(first_of_next_month(day("2026-12-10")), day("2027-01-01"));
}

// Of every zone in the table, over years: days follow each other, begin at multiples of five minutes, and know their
// own instants.
TEST(CalendarTest, DaysDivideTime) {
  std::mt19937_64 random(20260401);
  for (const Case& c : kCases) {
    const TimeZone z = zone(c.zone);
    for (LocalDate d = day("2009-12-01"); d < day("2013-01-01"); d = plus_days(d, 1)) {
      const auto begin = z.begin_of(d), end = z.end_of(d);
      ASSERT_LE(begin, end) << c.zone << to_text(d);
      ASSERT_EQ(begin % 300, 0) << c.zone << to_text(d);
      for (int i = 0; i < 3 && begin < end; ++i) {
        const auto s = begin + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(end - begin));
        ASSERT_EQ(z.date_of(s), d) << c.zone << " " << s;
      }
    }
  }
}

TEST(CalendarTest, UnknownZonesAreErrors) {
  EXPECT_EQ(TimeZone::find("Mars/Olympus").error().code, base::Code::not_found);
  EXPECT_EQ(TimeZone::find("../../etc/passwd").error().code, base::Code::not_found);
}

TEST(TimeZonesTest, AreThoseOfTheSystem) {
  for (const char* name : {"UTC", "Asia/Shanghai", "America/Argentina/Buenos_Aires", "Etc/GMT+12"})
    EXPECT_TRUE(is_time_zone(name)) << name;
  EXPECT_FALSE(is_time_zone("UTC", "/nonexistent"));
  EXPECT_FALSE(is_time_zone(std::string("UTC\0", 4)));
  EXPECT_FALSE(is_time_zone(std::string(65, 'a')));
  EXPECT_FALSE(is_time_zone("right/UTC"));
  EXPECT_FALSE(is_time_zone("zone.tab"));
}

}  // namespace
}  // namespace fairlead::control
