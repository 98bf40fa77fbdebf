#pragma once
// Resource packs (R20): traffic bought in advance. A pack can be used for the account's days from the one on which it
// was bought to the last of its validity, for days billed by traffic only: while the account is billed by bandwidth it
// is frozen, and its time goes on. A day is served by the pack that ends first, then by that bought first; what packs
// do not cover is billed by the tariff. Every byte moves through the ledger (store/billing_ledger.h).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/calendar.h"
#include "control/caller.h"
#include "control/context.h"
#include "control/failure.h"
#include "store/accounts.h"
#include "store/billing_ledger.h"
#include "store/billing_packs.h"
#include "store/page.h"

namespace fairlead::control {

// Products are operators' to make and to retire; customers see those on sale. name_taken; not_found.
Outcome<store::PackProduct> create_pack_product(Context& context, const Caller& caller, store::PackProduct product);
Outcome<void> retire_pack_product(Context& context, const Caller& caller, const std::string& id);
Outcome<store::Page<store::PackProduct>> list_pack_products(Context& context, const Caller& caller,
                                                            const store::PageRequest& page);

struct PackView {
  store::Pack pack;
  bool frozen = false;  // the account is billed by bandwidth now
};
// By an operator, or by the customer where the policy lets them (customers_buy_packs); forbidden otherwise. wrong_state
// for a product that is no longer on sale, and for an operator's account.
Outcome<PackView> buy_pack(Context& context, const Caller& caller, const std::optional<std::string>& account_id,
                           const std::string& product_id);
// By an operator: an unused one, whose price is given back. wrong_state when bytes were taken from it, or it has ended.
Outcome<PackView> cancel_pack(Context& context, const Caller& caller, const std::string& id);
Outcome<PackView> get_pack(Context& context, const Caller& caller, const std::string& id);
Outcome<store::Page<PackView>> list_packs(Context& context, const Caller& caller,
                                          const std::optional<std::string>& account_id, const store::PageRequest& page);
// Entries of one pack; of an account (the caller's own when none is named).
Outcome<store::Page<store::LedgerEntry>> list_ledger(Context& context, const Caller& caller,
                                                     const std::optional<std::string>& account_id,
                                                     const std::optional<std::string>& pack_id,
                                                     const store::PageRequest& page);

// Takes up to `bytes` for a day of the account from packs that are valid on it, and writes the ledger. How many. Tells
// of packs that are near their end or used up.
base::Result<std::int64_t> draw_from_packs(store::Transaction& tx, Context& context, const store::Account& account,
                                           const std::string& day, std::int64_t bytes, const std::string& reference);
// Ends packs whose last day is before `day`, which is the first that is not closed yet; warns of those that end soon.
// How many ended.
base::Result<int> expire_packs(store::Transaction& tx, Context& context, const store::Account& account, LocalDate day);

// How long packs will last if every day is like the mean of the last days. Pure.
struct PackForecast {
  std::int64_t remaining = 0;             // of all packs
  std::int64_t daily_bytes = 0;           // the mean
  int days_known = 0;                     // that it is of, at most 7
  std::optional<LocalDate> exhausted_on;  // the first day that packs do not cover; none while they always will
  std::int64_t expiring_unused = 0;       // bytes that will be left over
};
PackForecast forecast(const std::vector<store::Pack>& packs, std::int64_t daily_bytes, int days_known, LocalDate today);
struct ForecastView {
  std::string account_id;
  PackForecast forecast;
  bool frozen = false;
};
Outcome<ForecastView> get_pack_forecast(Context& context, const Caller& caller,
                                        const std::optional<std::string>& account_id);

}  // namespace fairlead::control
