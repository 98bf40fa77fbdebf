#pragma once
// Billing days (R19): which stretch of time each of an account's days is, what was used in it, and the closing of days
// that are over. A day is closed once, kDayGrace after its end, with the facts it is billed by; usage that arrives
// later is an adjustment, and never changes the day.
//
// Days follow each other without gaps, also when the account changes its time zone: the day under way then ends at the
// new zone's midnight, so that it may be shorter or longer than others; if that midnight was reached before, at the
// next one. Of several changes within a day the first does so, the others act from that end on: no day is longer than
// 75 hours. A date may be left out so, or by the zone itself. The first day begins with the five-minute interval in
// which the first billing method was chosen.

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "control/calendar.h"
#include "control/context.h"
#include "control/usage/traffic_points.h"
#include "store/accounts.h"
#include "store/billing_days.h"
#include "store/billing_methods.h"

namespace fairlead::control {

inline constexpr std::int64_t kDayGrace = 2 * 3600;                    // seconds after a day's end
inline constexpr std::int64_t kFirstLateCheck = 3600 * 1000;           // ms; then after twice as long, and so on
inline constexpr std::int64_t kLastLateCheck = 93 * 86400 - 2 * 3600;  // seconds after a day's beginning: R22

// Where points come from: billing_points, or a test's own. `step_s` is 300 or 3600, from_s and to_s are multiples of
// it. too_large (never) when points of that step and time are no longer kept (R22).
using PointsReader = std::function<base::Result<std::vector<TrafficPoint>>(
    store::Transaction& tx, std::string_view account_id, std::int64_t from_s, std::int64_t to_s, std::int64_t step_s)>;
base::Result<std::vector<TrafficPoint>> billing_points(store::Transaction& tx, std::string_view account_id,
                                                       std::int64_t from_s, std::int64_t to_s, std::int64_t step_s);

struct DaySpan {
  LocalDate day;
  std::int64_t begin_s = 0, end_s = 0;  // since 1970 UTC
  bool operator==(const DaySpan&) const = default;
};

// The days of one account, by its time zones. Pure but for load().
class AccountDays {
 public:
  // `changes`: instants (seconds) and zones, ascending, the first from the beginning of time.
  explicit AccountDays(std::vector<std::pair<std::int64_t, TimeZone>> zones) : zones_(std::move(zones)) {}
  static base::Result<AccountDays> load(store::Transaction& tx, const store::Account& account);

  // The first day, when the first method was chosen at `chosen_ms`.
  DaySpan first(std::int64_t chosen_ms) const;
  DaySpan after(LocalDate day, std::int64_t end_s) const;
  DaySpan after(const DaySpan& before) const { return after(before.day, before.end_s); }
  // How many dates of the month there are no days of: those that `days` (ascending, rows without gaps between them)
  // have none after them of, though days follow each other.
  std::int64_t left_out(const std::vector<store::BillingDay>& days, LocalDate month) const;

 private:
  const TimeZone& zone_at(std::int64_t at_s) const;
  DaySpan span(LocalDate day, std::int64_t begin_s) const;

  std::vector<std::pair<std::int64_t, TimeZone>> zones_;
};

// The choice that a day is billed by: that in effect at its beginning; of the first day, the first one.
const store::MethodChoice& method_of_day(const std::vector<store::MethodChoice>& history, std::int64_t begin_s);

// Of counts, none below zero: their sum, or the most that can be counted when that is more.
constexpr std::int64_t add_up_to_most(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::int64_t>::max() : sum;
}

// Sums, and the highest points (the first of equals). What is beyond 63 bits is the most that can be counted.
store::DayFigures figures_of(const std::vector<TrafficPoint>& points);
// Of what a basis counts.
std::int64_t bytes_of(const store::DayFigures& figures, store::BillingBasis basis);
std::int64_t peak_of(const store::DayFigures& figures, store::BillingBasis basis);
// Bytes of five minutes as bits per second, rounded half up.
std::int64_t bits_per_second(std::int64_t peak_bytes);

// The day that follows the last closed one: the one under way, or one that waits to be closed. `history` is not empty.
base::Result<DaySpan> next_day_to_close(store::Transaction& tx, const AccountDays& days, std::string_view account_id,
                                        const std::vector<store::MethodChoice>& history);

// The day that an instant belongs to, which is not before the last closed day's end: of now, the one under way. It is
// not always the calendar's, where a time zone was changed. Before the first method is chosen, the day that would be
// first.
base::Result<DaySpan> billing_day_at(store::Transaction& tx, const store::Account& account, std::int64_t at_ms);

// Closes what is due, at most kDaysAtOnce and no further one after `until`, and takes from packs what they give. How
// many: at least one, when any is due. Errors: of the store.
inline constexpr int kDaysAtOnce = 32;
base::Result<int> close_days(store::Transaction& tx, Context& context, const PointsReader& points,
                             const store::Account& account, const std::vector<store::MethodChoice>& history,
                             std::chrono::steady_clock::time_point until);

// Looks at closed days again whose time for it has come, and notes what came late. How many adjustments.
base::Result<int> find_late_records(store::Transaction& tx, Context& context, const PointsReader& points,
                                    const store::Account& account);

// An open or closed day as it is now, not written anywhere. Where its five-minute points are no longer kept it has the
// sum of its whole hours, and no peaks.
base::Result<store::BillingDay> draft_day(store::Transaction& tx, const PointsReader& points,
                                          const store::Account& account,
                                          const std::vector<store::MethodChoice>& history, const DaySpan& span);

}  // namespace fairlead::control
