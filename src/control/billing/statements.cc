#include "control/billing/statements.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/log.h"
#include "control/audit_trail.h"
#include "control/billing/billing_notices.h"
#include "control/billing/bills.h"
#include "store/billing_ledger.h"

namespace fairlead::control {

using Json = nlohmann::ordered_json;
using base::Result;
using store::BillingDay;
using store::BillingMethod;
using store::BillingPeriod;
using store::Transaction;

namespace {

Result<void> book_amounts(Transaction& tx, const Bill& bill, std::int64_t number, std::int64_t now) {
  std::map<BillingMethod, std::int64_t> by_method;
  for (const Charge& charge : bill.charges) by_method[charge.method] += charge.amount_micro;
  for (const LateCharge& late : bill.late) by_method[late.method] += late.amount_micro;
  std::vector<store::LedgerEntry> entries;
  for (const auto& [method, amount] : by_method) {
    if (amount == 0) continue;
    store::LedgerEntry entry;
    entry.account_id = bill.account_id;
    entry.unit = bill.currency;
    entry.debit = "receivable";
    entry.credit = fmt::format("revenue:{}", store::to_string(method));
    if (amount < 0) std::swap(entry.debit, entry.credit);
    entry.amount = amount < 0 ? -amount : amount;
    entry.reference = fmt::format("bill:{}", number);
    entries.push_back(std::move(entry));
  }
  auto done = store::append_ledger(tx, "bill.issued", std::move(entries), now);
  if (!done) return std::unexpected(done.error());
  return {};
}

Result<void> issue(Transaction& tx, Context& context, const store::Account& account, const Bill& bill) {
  const std::int64_t now = context.now_ms();
  auto number = store::next_statement_number(tx);
  if (!number) return std::unexpected(number.error());
  store::Statement row;
  row.number = *number;
  row.account_id = account.id;
  row.period = bill.period;
  row.from_day = bill.from_day();
  row.to_day = bill.to_day();
  row.currency = bill.currency;
  row.amount_micro = bill.amount_micro;
  row.issued_ms = now;
  row.document = document_of(bill, *number, now).dump();
  auto stored = store::insert_statement(tx, std::move(row));
  if (!stored) return std::unexpected(stored.error());
  for (const Charge& charge : bill.charges) {
    for (const BillingDay& day : charge.days) {
      if (auto done = store::settle_day(tx, day, stored->id); !done) return done;
    }
  }
  for (const LateCharge& late : bill.late) {
    if (auto done = store::settle_adjustment(tx, late.adjustment.id, stored->id); !done) return done;
  }
  if (auto done = book_amounts(tx, bill, *number, now); !done) return done;
  AuditedChange change;
  change.account_id = account.id;
  change.action = "bill.issue";
  change.object_type = "bill";
  change.object_name = std::to_string(*number);
  change.new_value = Json{{"period", store::to_string(bill.period)},
                          {"from", stored->from_day},
                          {"to", stored->to_day},
                          {"currency", bill.currency},
                          {"amount", bill.amount_micro}};
  if (auto written = audit(tx, Caller(), change, now); !written) return written;
  return tell_account(tx, context, account, "bill.issued",
                      {{"bill", std::to_string(*number)},
                       {"period", store::to_string(bill.period)},
                       {"from", stored->from_day},
                       {"to", stored->to_day},
                       {"amount", money_text(bill.amount_micro, bill.currency)}});
}

// Nothing to bill: on no statement.
Result<void> settle_without(Transaction& tx, const std::vector<BillingDay>& days) {
  for (const BillingDay& day : days) {
    if (auto done = store::settle_day(tx, day, std::nullopt); !done) return done;
  }
  return {};
}

// Whether no further day belongs to it. `next`: the first day that is not closed.
bool is_complete(const BillGroup& group, LocalDate next) {
  return group.period == BillingPeriod::day || first_of_month(next) > group.month;
}

// On no bill yet, and of charges to which no further day will be added: a later bill of theirs must come out the same.
Result<std::vector<store::Adjustment>> ripe_adjustments(Transaction& tx, const std::string& account_id,
                                                        LocalDate next) {
  auto all = store::unsettled_adjustments(tx, account_id);
  if (!all) return all;
  std::vector<store::Adjustment> ripe;
  for (store::Adjustment& one : *all) {
    auto day = store::find_billing_day(tx, account_id, one.day);
    if (!day) return std::unexpected(day.error());
    const LocalDate month = first_of_month(parse_local_date(one.day).value_or(LocalDate()));
    if (day->period == BillingPeriod::day || month < first_of_month(next)) ripe.push_back(std::move(one));
  }
  return ripe;
}

}  // namespace

Result<ReadyStatements> ready_statements(Transaction& tx, const store::Account& account, LocalDate next) {
  ReadyStatements ready;
  auto days = store::unsettled_days(tx, account.id);
  if (!days) return std::unexpected(days.error());
  auto adjustments = ripe_adjustments(tx, account.id, next);
  if (!adjustments) return std::unexpected(adjustments.error());
  Prices prices(tx, account.id);
  for (const BillGroup& group : bill_groups_of(*days)) {
    if (!is_complete(group, next)) continue;
    if (is_empty(group.days) && adjustments->empty()) {
      if (auto done = settle_without(tx, group.days); !done) return std::unexpected(done.error());
      ++ready.idle;
      continue;
    }
    auto charges = charges_of(prices, group.days);
    if (!charges && charges.error().code != base::Code::too_large) return std::unexpected(charges.error());
    if (charges && !*charges && !is_empty(group.days)) {
      ready.waits = true;
    } else {
      ready.first_days.push_back(group.days.front().day);
    }
  }
  return ready;
}

Result<int> issue_statements(Transaction& tx, Context& context, const store::Account& account, LocalDate next,
                             const std::string& first_day) {
  auto days = store::unsettled_days(tx, account.id);
  if (!days) return std::unexpected(days.error());
  const auto groups = bill_groups_of(*days);
  const auto group = std::ranges::find_if(groups, [&](const BillGroup& g) { return g.days.front().day == first_day; });
  if (group == groups.end() || !is_complete(*group, next)) return 0;
  auto adjustments = ripe_adjustments(tx, account.id, next);
  if (!adjustments) return std::unexpected(adjustments.error());
  Prices prices(tx, account.id);
  auto late = late_charges(tx, prices, *adjustments);
  if (!late) return std::unexpected(late.error());
  auto bills = bills_of(prices, account.id, *group, *late);
  if (!bills) return std::unexpected(bills.error());
  if (!*bills) {
    if (!is_empty(group->days)) return 0;
    if (auto done = settle_without(tx, group->days); !done) return std::unexpected(done.error());
    const BillGroup without{group->period, group->month, {}};
    bills = bills_of(prices, account.id, without, *late);
    if (!bills) return std::unexpected(bills.error());
  }
  int issued = 0;
  for (const Bill& bill : **bills) {
    if (is_empty(bill)) {
      for (const Charge& charge : bill.charges) {
        if (auto done = settle_without(tx, charge.days); !done) return std::unexpected(done.error());
      }
      continue;
    }
    if (auto done = issue(tx, context, account, bill); !done) return std::unexpected(done.error());
    ++issued;
  }
  return issued;
}

}  // namespace fairlead::control
