#pragma once
// The operations of the contract's tags access (less getContract) and accounts: JSON to the services of
// control/identity and back.

#include "control/api/operation.h"
#include "control/context.h"
#include "control/throttle.h"
#include "store/accounts.h"
#include "store/users.h"

namespace fairlead::control {

// `context` and `guard` outlive the operations.
void add_identity_operations(Operations& operations, Context& context, LoginGuard& guard);

// The contract's Account and User.
Json to_json(const store::Account& account);
Json to_json(const store::User& user);

}  // namespace fairlead::control
