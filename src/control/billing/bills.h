#pragma once
// Which days make one bill, and what is on it: what issuing, running bills and making a bill again have in common.
// Internal to billing. Errors: of the store; too_large when an amount is beyond 64 bits.

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "control/billing/charges.h"
#include "control/calendar.h"
#include "store/billing_days.h"

namespace fairlead::control {

// Days of one period that make one bill.
struct BillGroup {
  store::BillingPeriod period = store::BillingPeriod::day;
  LocalDate month;  // of a month
  std::vector<store::BillingDay> days;
};

std::vector<BillGroup> bill_groups_of(const std::vector<store::BillingDay>& days);

// Nothing passed on these days.
bool is_empty(const std::vector<store::BillingDay>& days);
// Nothing passed, and nothing came late.
bool is_empty(const Bill& bill);

// The bills of a group, one for each currency; none when a day has no price. Late records are on the bill of their
// currency; where there is none they have one of their own, without days.
base::Result<std::optional<std::vector<Bill>>> bills_of(Prices& prices, const std::string& account_id,
                                                        const BillGroup& group, std::vector<LateCharge>& late);

// Late records that have a price, in the order they were found in.
base::Result<std::vector<LateCharge>> late_charges(store::Transaction& tx, Prices& prices,
                                                   const std::vector<store::Adjustment>& adjustments);

}  // namespace fairlead::control
