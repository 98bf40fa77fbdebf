#pragma once
// Billing methods as a service (R18): the first choice takes effect at once; a later change when the period under way
// is over: at the account's next midnight where it is billed by the day, at 00:00 on the 1st where by the month. One
// change may be pending; it can be taken back until it is due, and keeps its instant when the account's time zone
// changes. What was in effect when stays known for ever.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/billing/price_book.h"
#include "control/caller.h"
#include "control/context.h"
#include "control/failure.h"
#include "store/accounts.h"
#include "store/billing_methods.h"

namespace fairlead::control {

struct BillingView {
  store::Account account;
  std::optional<store::MethodChoice> current, pending;
  std::vector<store::MethodChoice> history;  // ascending, the pending one left out
  std::optional<PriceBook> prices;           // that today is billed by
};

// Of the account that was named, or the caller's own.
Outcome<BillingView> get_billing(Context& context, const Caller& caller, const std::optional<std::string>& account_id);

// wrong_state when a change is pending, when it is so already, for an operator's account, or when the prices of the day
// on which it would take effect do not have that method and period.
Outcome<BillingView> choose_method(Context& context, const Caller& caller, const std::optional<std::string>& account_id,
                                   store::BillingMethod method, store::BillingPeriod period);
// wrong_state when no change is pending.
Outcome<BillingView> cancel_method_change(Context& context, const Caller& caller,
                                          const std::optional<std::string>& account_id);

// The choice in effect at an instant; none before the first. `history` ascends.
const store::MethodChoice* method_at(const std::vector<store::MethodChoice>& history, std::int64_t at_ms);

// Whether a method is in effect for the account: the gate `billing_method` of installations that require it.
base::Result<bool> has_billing_method(store::Transaction& tx, std::string_view account_id);

// When a change chosen now takes effect. Pure.
std::int64_t change_due_ms(store::BillingPeriod present, const TimeZone& zone, std::int64_t now_ms);

// Tells the account of changes that have taken effect. How many.
base::Result<std::int64_t> tell_of_changes(store::Transaction& tx, Context& context, const store::Account& account,
                                           const std::vector<store::MethodChoice>& history);

}  // namespace fairlead::control
