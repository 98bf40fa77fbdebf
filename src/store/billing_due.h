#pragma once
// When an account's billing has something to do again, so that nobody looks at all accounts all the time: a row for
// each account that ever chose a method or had a resource pack. Whatever is written that may make something due at once
// (a method, a pack, prices, a time zone) sets the row back, in the same transaction. Values; functions work inside the
// caller's transaction and fail as database.h says.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/transaction.h"

namespace fairlead::store {

struct BillingDue {
  std::string account_id;
  std::int64_t due_ms = 0;   // since 1970 UTC; 0: at once
  bool waits = false;        // it has days without a price
  std::int64_t touched = 0;  // how often the row was set back
  bool operator==(const BillingDue&) const = default;
};

// Due at once from now on: of an account that may be new here; of one that is billed already, else nothing; of all.
base::Result<void> add_billing_due(Transaction& tx, std::string_view account_id);
base::Result<void> touch_billing_due(Transaction& tx, std::string_view account_id);
base::Result<void> touch_all_billing_due(Transaction& tx);

// Those that are due, by id.
base::Result<std::vector<std::string>> billing_due_at(Transaction& tx, std::int64_t now_ms);
base::Result<BillingDue> find_billing_due(Transaction& tx, std::string_view account_id);
// Writes due_ms and waits, unless the row was set back since it was read.
base::Result<void> put_billing_due(Transaction& tx, const BillingDue& due);
// How many accounts have days without a price.
base::Result<std::int64_t> accounts_without_price(Transaction& tx);

}  // namespace fairlead::store
