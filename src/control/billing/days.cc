#include "control/billing/days.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "control/billing/packs.h"
#include "control/billing/price_book.h"
#include "model/usage.h"

namespace fairlead::control {

using base::Result;
using store::BillingBasis;
using store::BillingDay;
using store::BillingMethod;
using store::Transaction;

namespace {

constexpr std::int64_t floor_to_interval(std::int64_t s) { return s - s % model::kUsageInterval; }

// Points of a time that are no longer kept: none, said aloud.
Result<std::optional<store::DayFigures>> read_figures(Transaction& tx, const PointsReader& points,
                                                      std::string_view account_id, std::int64_t from_s,
                                                      std::int64_t to_s) {
  auto read = points(tx, account_id, from_s, to_s);
  if (read) return std::optional(figures_of(*read));
  if (read.error().code == base::Code::too_large) return std::nullopt;
  return std::unexpected(read.error());
}

// What was known of a day until now: as it was closed, and what was found since.
store::DayFigures known_figures(const BillingDay& day, const std::vector<store::Adjustment>& adjustments) {
  store::DayFigures known = day.figures;
  for (const auto& a : adjustments) {
    known.bytes_out += a.bytes_out;
    known.wire_bytes_out += a.wire_bytes_out;
    known.peak_bytes_out = std::max(known.peak_bytes_out, a.peak_bytes_out);
    known.peak_wire_bytes_out = std::max(known.peak_wire_bytes_out, a.peak_wire_bytes_out);
  }
  return known;
}

// When it is looked at again after `checks` times.
std::optional<std::int64_t> next_check(const BillingDay& day, std::int64_t checks) {
  const std::int64_t at =
      day.closed_ms + kFirstLateCheck * ((std::int64_t{1} << std::min<std::int64_t>(checks + 1, 20)) - 1);
  return at / 1000 < day.begin_s + kLateChecksEnd ? std::optional(at) : std::nullopt;
}

}  // namespace

Result<AccountDays> AccountDays::load(Transaction& tx, const store::Account& account) {
  auto since = store::zones_of(tx, account.id);
  if (!since) return std::unexpected(since.error());
  if (since->empty()) since->push_back({0, account.time_zone});
  std::vector<std::pair<std::int64_t, TimeZone>> zones;
  for (const auto& one : *since) {
    auto zone = TimeZone::find(one.time_zone);
    if (!zone) return std::unexpected(zone.error());
    zones.emplace_back(one.from_ms / 1000, std::move(*zone));
  }
  return AccountDays(std::move(zones));
}

const TimeZone& AccountDays::zone_at(std::int64_t at_s) const {
  const TimeZone* found = &zones_.front().second;
  for (const auto& [from, zone] : zones_) {
    if (from <= at_s) found = &zone;
  }
  return *found;
}

DaySpan AccountDays::span(LocalDate day, std::int64_t begin_s) const {
  std::int64_t end = zone_at(begin_s).begin_of(plus_days(day, 1));
  for (const auto& [from, zone] : zones_) {
    if (from <= begin_s || from >= end) continue;
    end = zone.begin_of(plus_days(day, 1));
    if (end <= from) end = zone.next_midnight(from);
  }
  return {day, begin_s, end};
}

DaySpan AccountDays::first(std::int64_t chosen_ms) const {
  const std::int64_t begin = floor_to_interval(chosen_ms / 1000);
  return span(zone_at(begin).date_of(begin), begin);
}

DaySpan AccountDays::after(LocalDate day, std::int64_t end_s) const {
  // Where a zone was changed, a date may come again or be left out: a day has a name of its own all the same.
  const LocalDate next = std::max(plus_days(day, 1), zone_at(end_s).date_of(end_s));
  return span(next, end_s);
}

const store::MethodChoice& method_of_day(const std::vector<store::MethodChoice>& history, std::int64_t begin_s) {
  const store::MethodChoice* found = &history.front();
  for (const auto& choice : history) {
    if (choice.effective_ms <= begin_s * 1000) found = &choice;
  }
  return *found;
}

store::DayFigures figures_of(const std::vector<TrafficPoint>& points) {
  store::DayFigures f;
  for (const TrafficPoint& p : points) {
    const auto bytes = static_cast<std::int64_t>(p.bytes_out), wire = static_cast<std::int64_t>(p.wire_bytes_out);
    f.bytes_out += bytes;
    f.wire_bytes_out += wire;
    if (bytes > f.peak_bytes_out) {
      f.peak_bytes_out = bytes;
      f.peak_at_s = p.at_s;
    }
    if (wire > f.peak_wire_bytes_out) {
      f.peak_wire_bytes_out = wire;
      f.peak_wire_at_s = p.at_s;
    }
  }
  return f;
}

std::int64_t bytes_of(const store::DayFigures& f, BillingBasis basis) {
  return basis == BillingBasis::wire ? f.wire_bytes_out : f.bytes_out;
}
std::int64_t peak_of(const store::DayFigures& f, BillingBasis basis) {
  return basis == BillingBasis::wire ? f.peak_wire_bytes_out : f.peak_bytes_out;
}

std::int64_t bits_per_second(std::int64_t peak_bytes) {
  // bytes x 8 / 300 = bytes x 2 / 75, in two parts so that nothing overflows
  return peak_bytes / 75 * 2 + (4 * (peak_bytes % 75) + 75) / 150;
}

Result<DaySpan> next_day_to_close(Transaction& tx, const AccountDays& days, std::string_view account_id,
                                  const std::vector<store::MethodChoice>& history) {
  auto last = store::last_billing_day(tx, account_id);
  if (!last) return std::unexpected(last.error());
  if (!*last) return days.first(history.front().effective_ms);
  const auto day = parse_local_date((*last)->day);
  if (!day) return base::fail(base::Code::internal, base::Side::none, "a billing day has no date");
  return days.after(*day, (*last)->end_s);
}

Result<BillingDay> draft_day(Transaction& tx, const PointsReader& points, const store::Account& account,
                             const std::vector<store::MethodChoice>& history, const DaySpan& span) {
  BillingDay day;
  day.account_id = account.id;
  day.day = to_text(span.day);
  day.begin_s = span.begin_s;
  day.end_s = span.end_s;
  const auto& choice = method_of_day(history, span.begin_s);
  day.method = choice.method;
  day.period = choice.period;
  auto book = price_book_on(tx, account.id, span.day);
  if (!book) return std::unexpected(book.error());
  if (*book) day.basis = (*book)->basis;
  auto figures = read_figures(tx, points, account.id, span.begin_s, span.end_s);
  if (!figures) return std::unexpected(figures.error());
  if (*figures) {
    day.figures = **figures;
  } else {
    base::log_error("billing: {} {}: its usage is no longer kept, the day is closed without any", account.name,
                    day.day);
  }
  return day;
}

Result<int> close_days(Transaction& tx, Context& context, const PointsReader& points, const store::Account& account,
                       const std::vector<store::MethodChoice>& history) {
  if (history.empty()) return 0;
  auto days = AccountDays::load(tx, account);
  if (!days) return std::unexpected(days.error());
  auto span = next_day_to_close(tx, *days, account.id, history);
  if (!span) return std::unexpected(span.error());
  const std::int64_t now = context.now_ms();
  int closed = 0;
  for (; closed < kDaysAtOnce && (span->end_s + kDayGrace) * 1000 <= now; *span = days->after(*span)) {
    auto day = draft_day(tx, points, account, history, *span);
    if (!day) return std::unexpected(day.error());
    day->closed_ms = now;
    if (day->method == BillingMethod::traffic) {
      auto taken =
          draw_from_packs(tx, context, account, day->day, bytes_of(day->figures, day->basis), "day:" + day->day);
      if (!taken) return std::unexpected(taken.error());
      day->pack_bytes = *taken;
    }
    day->next_check_ms = next_check(*day, 0);
    if (auto done = store::insert_billing_day(tx, *day); !done) return std::unexpected(done.error());
    ++closed;
  }
  return closed;
}

Result<int> find_late_records(Transaction& tx, Context& context, const PointsReader& points,
                              const store::Account& account) {
  const std::int64_t now = context.now_ms();
  auto due = store::days_to_check(tx, account.id, now, kDaysAtOnce);
  if (!due) return std::unexpected(due.error());
  int found = 0;
  for (const BillingDay& day : *due) {
    auto figures = read_figures(tx, points, account.id, day.begin_s, day.end_s);
    if (!figures) return std::unexpected(figures.error());
    std::int64_t checks = day.checks + 1;
    auto next = *figures ? next_check(day, checks) : std::nullopt;
    while (next && *next <= now) next = next_check(day, ++checks);  // the program was away
    if (auto noted = store::set_next_check(tx, day, checks, next); !noted) return std::unexpected(noted.error());
    if (!*figures) continue;
    auto before = store::adjustments_of(tx, account.id, day.day, day.day);
    if (!before) return std::unexpected(before.error());
    const store::DayFigures known = known_figures(day, *before);
    store::Adjustment late;
    late.bytes_out = (*figures)->bytes_out - known.bytes_out;
    late.wire_bytes_out = (*figures)->wire_bytes_out - known.wire_bytes_out;
    if (late.bytes_out < 0 || late.wire_bytes_out < 0) {
      base::log_error("billing: {} {}: there is less usage now than when the day was closed", account.name, day.day);
      continue;
    }
    if (late.bytes_out == 0 && late.wire_bytes_out == 0) continue;
    late.account_id = account.id;
    late.day = day.day;
    late.peak_bytes_out = std::max((*figures)->peak_bytes_out, known.peak_bytes_out);
    late.peak_wire_bytes_out = std::max((*figures)->peak_wire_bytes_out, known.peak_wire_bytes_out);
    late.found_ms = now;
    if (day.method == BillingMethod::traffic) {
      const std::int64_t bytes = day.basis == BillingBasis::wire ? late.wire_bytes_out : late.bytes_out;
      auto taken =
          draw_from_packs(tx, context, account, day.day, bytes, fmt::format("day:{}:{}", day.day, before->size() + 1));
      if (!taken) return std::unexpected(taken.error());
      late.pack_bytes = *taken;
    }
    if (auto done = store::insert_adjustment(tx, late); !done) return std::unexpected(done.error());
    ++found;
  }
  return found;
}

}  // namespace fairlead::control
