#include <algorithm>

#include "control/account_access.h"
#include "control/billing/bills.h"
#include "control/billing/statements.h"
#include "control/in_transaction.h"
#include "store/billing_packs.h"

namespace fairlead::control {

using Json = nlohmann::ordered_json;
using store::BillingDay;
using store::BillingMethod;
using store::Transaction;

namespace {

// Takes from packs what the day will take, without writing it.
void draw(std::vector<store::Pack>& packs, BillingDay& day) {
  std::int64_t bytes = bytes_of(day.figures, day.basis);
  for (store::Pack& pack : packs) {
    if (day.method != BillingMethod::traffic || day.day < pack.from_day || day.day > pack.until_day) continue;
    const std::int64_t part = std::min(pack.remaining, bytes);
    pack.remaining -= part;
    bytes -= part;
    day.pack_bytes += part;
  }
}

}  // namespace

Outcome<std::vector<RunningBill>> running_bills(Context& context, const Caller& caller, const PointsReader& points,
                                                const std::optional<std::string>& account_id) {
  return read_in(context.database, [&](Transaction& tx) -> Outcome<std::vector<RunningBill>> {
    auto account = account_for(tx, caller, account_id);
    if (!account) return std::unexpected(account.error());
    auto history = store::methods_of(tx, account->id);
    if (!history) return failed(history);
    std::vector<RunningBill> running;
    if (history->empty()) return running;
    auto days = store::unsettled_days(tx, account->id);
    if (!days) return failed(days);
    auto calendar = AccountDays::load(tx, *account);
    if (!calendar) return failed(calendar);
    auto span = next_day_to_close(tx, *calendar, account->id, *history);
    if (!span) return failed(span);
    auto packs = store::active_packs(tx, account->id);
    if (!packs) return failed(packs);
    const std::int64_t now_s = context.now_ms() / 1000;
    for (int i = 0; i < 2 * kDaysAtOnce && span->begin_s <= now_s; ++i, *span = calendar->after(*span)) {
      auto day = draft_day(tx, points, *account, *history, *span);
      if (!day) return failed(day);
      draw(*packs, *day);
      days->push_back(std::move(*day));
    }
    Prices prices(tx, account->id);
    auto adjustments = store::unsettled_adjustments(tx, account->id);
    if (!adjustments) return failed(adjustments);
    auto late = late_charges(tx, prices, *adjustments);
    if (!late) return failed(late);
    for (const BillGroup& group : bill_groups_of(*days)) {
      auto bills = bills_of(prices, account->id, group, *late);
      if (!bills) return failed(bills);
      if (!*bills) {
        running.push_back({Json{{"number", nullptr},
                                {"state", "open"},
                                {"account_id", account->id},
                                {"period", store::to_string(group.period)},
                                {"from", group.days.front().day},
                                {"to", group.days.back().day}},
                           "price"});
        continue;
      }
      for (const Bill& bill : **bills) running.push_back({document_of(bill, std::nullopt, std::nullopt), "period"});
    }
    return running;
  });
}

}  // namespace fairlead::control
