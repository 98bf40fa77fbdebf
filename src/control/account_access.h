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

// Whose things a list is of that goes by account: the one that was asked for (`account_id` in the query), or the
// caller's own. None when it does not exist for the caller: the list is empty then, as it is for an account that nobody
// has, so that a list never tells whether there is such an account.
std::optional<std::string> listed_account(const Caller& caller, const std::optional<std::string>& account_id);

// account_suspended for who is of a suspended account, forbidden for who may only look. To be asked after it is known
// that the thing exists for the caller.
Outcome<void> require_write(const Caller& caller);

}  // namespace fairlead::control
