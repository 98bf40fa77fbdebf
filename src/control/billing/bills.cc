#include "control/billing/bills.h"

#include <algorithm>

#include "base/log.h"

namespace fairlead::control {

using base::Result;
using store::BillingDay;
using store::BillingMethod;
using store::BillingPeriod;
using store::Transaction;

namespace {

// What the days cost, by the other method: by that which most of them are not billed by.
BillingMethod other_method(const BillGroup& group) {
  const auto by_traffic = std::ranges::count(group.days, BillingMethod::traffic, &BillingDay::method);
  return 2 * by_traffic >= std::ssize(group.days) ? BillingMethod::bandwidth : BillingMethod::traffic;
}

// What the days would have cost otherwise; none when that has no price, or cannot be counted: it is no part of a bill.
Result<std::optional<std::vector<Charge>>> charges_instead(Prices& prices, const BillGroup& part) {
  auto instead = charges_of(prices, part.days, other_method(part));
  if (instead && *instead && total_of(**instead, {})) return instead;
  if (instead || instead.error().code == base::Code::too_large) return std::nullopt;
  return instead;
}

}  // namespace

std::vector<BillGroup> bill_groups_of(const std::vector<BillingDay>& days) {
  std::vector<BillGroup> groups;
  for (const BillingDay& day : days) {
    const LocalDate month = first_of_month(parse_local_date(day.day).value_or(LocalDate()));
    const bool joins = day.period == BillingPeriod::month && !groups.empty() &&
                       groups.back().period == BillingPeriod::month && groups.back().month == month;
    if (!joins) groups.push_back({day.period, month, {}});
    groups.back().days.push_back(day);
  }
  return groups;
}

bool is_empty(const std::vector<BillingDay>& days) {
  return std::ranges::all_of(
      days, [](const BillingDay& day) { return day.figures.bytes_out == 0 && day.figures.wire_bytes_out == 0; });
}

bool is_empty(const Bill& bill) {
  return bill.late.empty() && std::ranges::all_of(bill.charges, [](const Charge& c) { return is_empty(c.days); });
}

Result<std::optional<std::vector<Bill>>> bills_of(Prices& prices, const std::string& account_id, const BillGroup& group,
                                                  std::vector<LateCharge>& late) {
  std::vector<std::pair<std::string, BillGroup>> by_currency;
  for (const BillingDay& day : group.days) {
    auto book = prices.on(day.day);
    if (!book) return std::unexpected(book.error());
    if (*book == nullptr) return std::nullopt;
    const std::string& currency = (*book)->currency;
    auto found = std::ranges::find(by_currency, currency, &std::pair<std::string, BillGroup>::first);
    if (found == by_currency.end())
      found = by_currency.insert(by_currency.end(), {currency, BillGroup{group.period, group.month, {}}});
    found->second.days.push_back(day);
  }
  std::vector<Bill> bills;
  for (const auto& [currency, part] : by_currency) {
    auto charges = charges_of(prices, part.days);
    if (!charges) return std::unexpected(charges.error());
    if (!*charges) return std::nullopt;
    auto instead = charges_instead(prices, part);
    if (!instead) return std::unexpected(instead.error());
    Bill bill;
    bill.account_id = account_id;
    bill.period = group.period;
    bill.currency = currency;
    bill.charges = std::move(**charges);
    bill.instead = std::move(*instead);
    bills.push_back(std::move(bill));
  }
  for (LateCharge& one : late) {
    auto found = std::ranges::find(bills, one.currency, &Bill::currency);
    if (found == bills.end()) {
      Bill bill;
      bill.account_id = account_id;
      bill.period = group.period;
      bill.currency = one.currency;
      found = bills.insert(bills.end(), std::move(bill));
    }
    found->late.push_back(std::move(one));
  }
  late.clear();
  for (Bill& bill : bills) {
    auto total = total_of(bill.charges, bill.late);
    if (!total) return std::unexpected(total.error());
    bill.amount_micro = *total;
  }
  return bills;
}

Result<std::vector<LateCharge>> late_charges(Transaction& tx, Prices& prices,
                                             const std::vector<store::Adjustment>& adjustments) {
  std::vector<LateCharge> late;
  for (const auto& one : adjustments) {
    auto charge = late_charge_of(tx, prices, one);
    if (!charge && charge.error().code == base::Code::too_large) {
      base::log_error("billing: what came late for {} of account {} cannot be billed: {}", one.day, one.account_id,
                      base::describe(charge.error()));
      continue;
    }
    if (!charge) return std::unexpected(charge.error());
    if (*charge) late.push_back(std::move(**charge));
  }
  return late;
}

}  // namespace fairlead::control
