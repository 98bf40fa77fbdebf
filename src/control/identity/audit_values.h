#pragma once
// Accounts, users and tokens as the audit shows them before and after a change. Passwords, keys and their hashes are
// left out here, once for all.

#include <nlohmann/json.hpp>

#include "store/accounts.h"
#include "store/tokens.h"
#include "store/users.h"

namespace fairlead::control {

nlohmann::ordered_json audit_value(const store::Account& account);
nlohmann::ordered_json audit_value(const store::User& user);
nlohmann::ordered_json audit_value(const store::Token& token);

}  // namespace fairlead::control
