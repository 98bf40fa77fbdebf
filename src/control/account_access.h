#pragma once
// Whose account an operation is about, and whether the caller may change things there: the same for everything that
// belongs to an account (R26).

#include <optional>
#include <string>

#include "control/caller.h"
#include "control/failure.h"
#include "store/accounts.h"
#include "store/transaction.h"

namespace fairlead::control {

// The account that was named, or the caller's own. not_found when there is none, or it does not exist for the caller.
Outcome<store::Account> account_for(store::Transaction& tx, const Caller& caller,
                                    const std::optional<std::string>& account_id);

// forbidden for who may only look. To be asked after it is known that the thing exists for the caller.
Outcome<void> require_write(const Caller& caller);

}  // namespace fairlead::control
