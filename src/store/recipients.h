#pragma once
// Recipients: the e-mail addresses that notices go to. Functions work inside the caller's transaction and fail as
// database.h says.

#include <string>
#include <string_view>
#include <vector>

#include "store/transaction.h"

namespace fairlead::store {

// Of the account's users who are not disabled, sorted.
base::Result<std::vector<std::string>> addresses_of_account(Transaction& tx, std::string_view account_id);

// Of all operators who are not disabled, sorted.
base::Result<std::vector<std::string>> addresses_of_operators(Transaction& tx);

}  // namespace fairlead::store
