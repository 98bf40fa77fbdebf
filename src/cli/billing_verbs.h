#pragma once
// Bills, billing methods, resource packs and prices from the shell (R18-R20). Each function asks the API and prints
// what came of it. Money is shown in the currency's unit with six places, which is every micro-unit.

#include "cli/desk.h"

#include <string>

namespace fairlead::cli {

// Issued bills, newest first, and those under way.
Told<void> bill_list(Desk& desk, const std::string& account, std::size_t most);
Told<void> bill_running(Desk& desk, const std::string& account);
// Itemised; or as CSV.
Told<void> bill_show(Desk& desk, const std::string& number, bool csv);
// Works it out again; trouble when it comes out otherwise.
Told<void> bill_check(Desk& desk, const std::string& number);

// How the account is billed; choosing; taking back the pending change.
Told<void> billing_show(Desk& desk, const std::string& account);
Told<void> billing_choose(Desk& desk, const std::string& method, const std::string& period, const std::string& account);
Told<void> billing_cancel(Desk& desk, const std::string& account);

Told<void> pack_list(Desk& desk, const std::string& account);
Told<void> pack_buy(Desk& desk, const std::string& product, const std::string& account);
Told<void> pack_cancel(Desk& desk, const std::string& id);
Told<void> pack_show(Desk& desk, const std::string& id);
// Of one pack; without an id the account's, money too.
Told<void> pack_ledger(Desk& desk, const std::string& id, const std::string& account);
Told<void> pack_forecast(Desk& desk, const std::string& account);
Told<void> pack_products(Desk& desk);
struct PackOfferArgs {
  std::string name, currency;
  long long bytes = 0, validity_days = 0, price_micro = 0;
};
Told<void> pack_offer(Desk& desk, const PackOfferArgs& args);
Told<void> pack_retire(Desk& desk, const std::string& product);

Told<void> price_list(Desk& desk, const std::string& account);
Told<void> price_show(Desk& desk, const std::string& id);
// A file with the contract's PriceBookCreate.
Told<void> price_set(Desk& desk, const std::string& file, const std::string& account);
Told<void> price_delete(Desk& desk, const std::string& id);

}  // namespace fairlead::cli
