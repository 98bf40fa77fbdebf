#include "control/calendar.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <fstream>

namespace fairlead::control {
namespace {

using std::chrono::seconds;

date::local_days days_of(LocalDate d) {
  return date::local_days(date::year(d.year) / static_cast<int>(d.month) / static_cast<int>(d.day));
}

LocalDate date_of_days(date::local_days days) {
  const date::year_month_day ymd(days);
  return {int(ymd.year()), unsigned(ymd.month()), unsigned(ymd.day())};
}

constexpr std::size_t kMaxName = 64;  // the contract's; the longest there is has 32

bool is_safe(std::string_view name) {
  if (name.empty() || name.size() > kMaxName) return false;
  while (true) {
    const auto end = std::min(name.find('/'), name.size());
    const std::string_view part = name.substr(0, end);
    const bool good = !part.empty() && std::ranges::all_of(part, [](char c) {
      return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
             c == '-';
    });
    if (!good) return false;
    if (end == name.size()) return true;
    name.remove_prefix(end + 1);
  }
}

}  // namespace

std::string to_text(LocalDate d) { return fmt::format("{:04}-{:02}-{:02}", d.year, d.month, d.day); }

std::optional<LocalDate> parse_local_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  LocalDate d;
  const auto number = [&](std::size_t from, std::size_t size, auto& out) {
    const char* end = text.data() + from + size;
    const auto [at, failed] = std::from_chars(text.data() + from, end, out);
    return failed == std::errc() && at == end && text[from] != '-';
  };
  if (!number(0, 4, d.year) || !number(5, 2, d.month) || !number(8, 2, d.day) || d.year < 1) return std::nullopt;
  const date::year_month_day ymd(date::year(d.year), date::month(d.month), date::day(d.day));
  return ymd.ok() ? std::optional(d) : std::nullopt;
}

LocalDate plus_days(LocalDate day, std::int64_t days) {
  return date_of_days(days_of(day) + date::days(static_cast<int>(days)));
}

std::int64_t days_between(LocalDate from, LocalDate to) { return (days_of(to) - days_of(from)).count(); }

bool is_time_zone(std::string_view name, const std::string& folder) {
  // Other views of the database, and what the machine itself is set to.
  for (const std::string_view other : {"posix/", "right/", "localtime", "posixrules", "Factory"}) {
    if (name.starts_with(other)) return false;
  }
  if (!is_safe(name)) return false;
  std::ifstream file(folder + "/" + std::string(name), std::ios::binary);
  std::array<char, 4> magic{};  // RFC 8536 section 3.1
  return file.read(magic.data(), magic.size()) && std::string_view(magic.data(), magic.size()) == "TZif";
}

base::Result<TimeZone> TimeZone::find(std::string_view name) {
  if (!is_time_zone(name)) return base::fail(base::Code::not_found, base::Side::none, "time zone");
  try {
    return TimeZone(date::locate_zone(std::string(name)), std::string(name));
  } catch (const std::exception& e) {
    return base::fail(base::Code::resources, base::Side::none, fmt::format("time zone {}: {}", name, e.what()));
  }
}

std::int64_t TimeZone::begin_of(LocalDate day) const {
  const date::local_seconds midnight = days_of(day);
  const date::local_info info = zone_->get_info(midnight);
  // Of an hour that is left out, `second` begins where it ends; of one that comes twice, `first` is the first.
  if (info.result == date::local_info::nonexistent) return info.second.begin.time_since_epoch().count();
  return (midnight.time_since_epoch() - info.first.offset).count();
}

LocalDate TimeZone::date_of(std::int64_t at_s) const {
  const date::sys_seconds at{seconds(at_s)};
  const auto info = zone_->get_info(at);
  const auto local = date::local_seconds(at.time_since_epoch() + info.offset);
  const LocalDate day = date_of_days(date::floor<date::days>(local));
  // Where clocks went back over midnight, its date comes twice and its day began the first time.
  if (at_s >= end_of(day)) return plus_days(day, 1);
  return at_s < begin_of(day) ? plus_days(day, -1) : day;
}

std::int64_t TimeZone::next_midnight(std::int64_t at_s) const { return end_of(date_of(at_s)); }

}  // namespace fairlead::control
