#include "control/billing/days.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "control/billing/packs.h"
#include "control/billing/price_book.h"
#include "control/usage/series.h"
#include "model/usage.h"

namespace fairlead::control {

using base::Result;
using store::BillingBasis;
using store::BillingDay;
using store::BillingMethod;
using store::Transaction;

namespace {

constexpr std::int64_t floor_to_interval(std::int64_t s) { return s - s % model::kUsageInterval; }

constexpr std::int64_t counted(std::uint64_t count) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::min(count, kMost));
}

// Points of a time that are no longer kept: none, said aloud.
Result<std::optional<store::DayFigures>> read_figures(Transaction& tx, const PointsReader& points,
                                                      std::string_view account_id, std::int64_t from_s,
                                                      std::int64_t to_s) {
  auto read = points(tx, account_id, from_s, to_s, model::kUsageInterval);
  if (read) return std::optional(figures_of(*read));
  if (read.error().code == base::Code::too_large) return std::nullopt;
  return std::unexpected(read.error());
}

// The sum of the whole hours of a time, which are kept for longer; what is beside them is on no bill, so that nothing
// is on two. None when they are not kept either.
Result<std::optional<store::DayFigures>> read_hours(Transaction& tx, const PointsReader& points,
                                                    std::string_view account_id, std::int64_t from_s,
                                                    std::int64_t to_s) {
  constexpr std::int64_t kHour = 3600;
  const std::int64_t from = (from_s + kHour - 1) / kHour * kHour, to = to_s / kHour * kHour;
  if (from >= to) return std::nullopt;
  auto read = points(tx, account_id, from, to, kHour);
  if (!read && read.error().code == base::Code::too_large) return std::nullopt;
  if (!read) return std::unexpected(read.error());
  const store::DayFigures all = figures_of(*read);
  store::DayFigures sums;
  sums.bytes_out = all.bytes_out;
  sums.wire_bytes_out = all.wire_bytes_out;
  return std::optional(sums);
}

// What was known of a day until now: as it was closed, and what was found since.
store::DayFigures known_figures(const BillingDay& day, const std::vector<store::Adjustment>& adjustments) {
  store::DayFigures known = day.figures;
  for (const auto& a : adjustments) {
    known.bytes_out = add_up_to_most(known.bytes_out, a.bytes_out);
    known.wire_bytes_out = add_up_to_most(known.wire_bytes_out, a.wire_bytes_out);
    known.peak_bytes_out = std::max(known.peak_bytes_out, a.peak_bytes_out);
    known.peak_wire_bytes_out = std::max(known.peak_wire_bytes_out, a.peak_wire_bytes_out);
  }
  return known;
}

// When it is looked at again after `checks` times: after ever longer times, and once shortly before its points may go.
std::optional<std::int64_t> next_check(const BillingDay& day, std::int64_t checks) {
  const std::int64_t last = (day.begin_s + kLastLateCheck) * 1000;
  const auto at = [&](std::int64_t n) {
    return day.closed_ms + kFirstLateCheck * ((std::int64_t{1} << std::min<std::int64_t>(n, 20)) - 1);
  };
  if (at(checks + 1) < last) return at(checks + 1);
  return at(checks) < last ? std::optional(last) : std::nullopt;
}

}  // namespace

Result<std::vector<TrafficPoint>> billing_points(Transaction& tx, std::string_view account_id, std::int64_t from_s,
                                                 std::int64_t to_s, std::int64_t step_s) {
  if (step_s == model::kUsageInterval) return traffic_points(tx, account_id, from_s, to_s);
  SeriesQuery query;
  query.from_s = from_s;
  query.to_s = to_s;
  query.step_s = step_s;
  query.meters = {model::Meter::bytes_out, model::Meter::wire_bytes_out};
  const auto series = read_series(tx, store::UsageDomains::of_account(std::string(account_id)), query);
  if (!series) return std::unexpected(series.error());
  std::vector<TrafficPoint> points;
  if (series->empty()) return points;
  for (const SeriesPoint& p : series->front().points) {
    points.push_back({.at_s = p.at_s,
                      .bytes_out = usage_of(p.values, model::Meter::bytes_out),
                      .wire_bytes_out = usage_of(p.values, model::Meter::wire_bytes_out)});
  }
  return points;
}

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
    if (from <= begin_s) continue;
    if (from >= end) break;
    end = zone.begin_of(plus_days(day, 1));
    if (end <= from) end = zone.next_midnight(from);
    break;  // only the first: else a customer could put off the end for ever
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

std::int64_t AccountDays::left_out(const std::vector<BillingDay>& days, LocalDate month) const {
  const LocalDate begin = first_of_month(month), end = first_of_next_month(month);
  std::int64_t count = 0;
  for (const BillingDay& row : days) {
    const auto day = parse_local_date(row.day);
    if (!day) continue;
    const LocalDate from = std::max(begin, plus_days(*day, 1)), to = std::min(end, after(*day, row.end_s).day);
    if (from < to) count += days_between(from, to);
  }
  return count;
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
    const std::int64_t bytes = counted(p.bytes_out), wire = counted(p.wire_bytes_out);
    f.bytes_out = add_up_to_most(f.bytes_out, bytes);
    f.wire_bytes_out = add_up_to_most(f.wire_bytes_out, wire);
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

Result<DaySpan> billing_day_at(Transaction& tx, const store::Account& account, std::int64_t at_ms) {
  auto history = store::methods_of(tx, account.id);
  if (!history) return std::unexpected(history.error());
  auto days = AccountDays::load(tx, account);
  if (!days) return std::unexpected(days.error());
  if (history->empty()) return days->first(at_ms);
  auto span = next_day_to_close(tx, *days, account.id, *history);
  while (span && span->end_s <= at_ms / 1000) *span = days->after(*span);
  return span;
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
  if (!*figures) {
    figures = read_hours(tx, points, account.id, span.begin_s, span.end_s);
    if (!figures) return std::unexpected(figures.error());
    base::log_error("billing: {} {}: its five-minute points are no longer kept, the day has {}", account.name, day.day,
                    *figures ? "the sum of its hours and no peak" : "no usage");
  }
  if (*figures) day.figures = **figures;
  return day;
}

Result<int> close_days(Transaction& tx, Context& context, const PointsReader& points, const store::Account& account,
                       const std::vector<store::MethodChoice>& history, std::chrono::steady_clock::time_point until) {
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
    if (std::chrono::steady_clock::now() >= until) break;
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
