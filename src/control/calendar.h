#pragma once
// Calendar: days and months of a time zone, by the system's database (Debian's tzdata): when a customer's day begins
// and ends, for bills (R18, R19) and for what is shown by local day. Values; any thread. Instants are seconds since
// 1970 UTC.
//
// The days of a zone divide time without gaps or overlaps, whatever its clocks do. A day begins at the first instant at
// which its date's 00:00 is reached: where clocks jump over midnight that is the instant of the jump, where midnight
// comes twice it is the first one. A date that a zone left out (Pacific/Apia, 2011-12-30) is a day of no length. A day
// has 24 hours, or what changes of the clock make of them, 23 and 25 as a rule. The database knows changes of the clock
// up to 2037; what it says later is what held in 2037's winter.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace date {
class time_zone;
}

namespace fairlead::control {

// A day of the Gregorian calendar, years 1 to 9999. An impossible one (February 30th) is the caller's bug.
struct LocalDate {
  int year = 1970;
  unsigned month = 1, day = 1;
  auto operator<=>(const LocalDate&) const = default;
};

std::string to_text(LocalDate day);  // "2026-03-29"
// None when it is not such a text, or there is no such day.
std::optional<LocalDate> parse_local_date(std::string_view text);
LocalDate plus_days(LocalDate day, std::int64_t days);  // also backwards
std::int64_t days_between(LocalDate from, LocalDate to);
constexpr LocalDate first_of_month(LocalDate day) { return {day.year, day.month, 1}; }
constexpr LocalDate first_of_next_month(LocalDate day) {
  return day.month == 12 ? LocalDate{day.year + 1, 1, 1} : LocalDate{day.year, day.month + 1, 1};
}
inline std::int64_t days_in_month(LocalDate day) { return days_between(first_of_month(day), first_of_next_month(day)); }

// Whether there is a zone of that name: "Asia/Shanghai", "UTC". The name is looked up in `folder` as a file and can
// lead nowhere else: parts of letters, digits, "_", "+" and "-" with "/" between. False for everything that is not
// there, and for all names when the database is not installed.
bool is_time_zone(std::string_view name, const std::string& folder = "/usr/share/zoneinfo");

class TimeZone {
 public:
  // not_found when there is no zone of that name; resources when the database cannot be read.
  static base::Result<TimeZone> find(std::string_view name);

  const std::string& name() const { return name_; }
  // The day an instant belongs to.
  LocalDate date_of(std::int64_t at_s) const;
  // A day is [begin_of, end_of).
  std::int64_t begin_of(LocalDate day) const;
  std::int64_t end_of(LocalDate day) const { return begin_of(plus_days(day, 1)); }
  // The next beginning of a day, and of a month's first day, after `at_s`.
  std::int64_t next_midnight(std::int64_t at_s) const;
  std::int64_t next_month(std::int64_t at_s) const { return begin_of(first_of_next_month(date_of(at_s))); }

 private:
  TimeZone(const date::time_zone* zone, std::string name) : zone_(zone), name_(std::move(name)) {}

  const date::time_zone* zone_;  // the library's, for ever
  std::string name_;
};

}  // namespace fairlead::control
