#pragma once
// Accounts as the API shows and changes them. For a customer there is their own account and no other.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/caller.h"
#include "control/context.h"
#include "control/failure.h"
#include "store/accounts.h"
#include "store/page.h"

namespace fairlead::control {

// By name; a customer's list is their own account, if its name contains the text (ASCII letters in any case).
Outcome<store::Page<store::Account>> list_accounts(Context& context, const Caller& caller,
                                                   std::string_view name_contains, const store::PageRequest& page);

// 404 for what the caller does not see.
Outcome<store::Account> get_account(Context& context, const Caller& caller, std::string_view id);

struct NewAccount {
  std::string name;
  std::string time_zone = "UTC";
  bool identity_verified = false;
  store::WebSocketDefault websocket_default = store::WebSocketDefault::by_acceleration;
};

// A customer's account, by an operator (403 forbidden). 409 name_taken, 422 when there is no such time zone.
Outcome<store::Account> create_account(Context& context, const Caller& caller, const NewAccount& wanted);

struct AccountChange {  // what is there is changed
  std::optional<std::string> name;
  std::optional<store::AccountState> state;
  std::optional<bool> identity_verified;
  std::optional<std::string> time_zone;
  std::optional<store::WebSocketDefault> websocket_default;
};

// Changes the account, if its revision is the expected one (none: whatever it is; 412 revision_conflict). When state or
// websocket_default change, edges hear of every domain of the account. A change that changes nothing makes no revision
// and no row of the audit.
//   404            the caller does not see it
//   403 forbidden  a customer changes more than time_zone and websocket_default; each key with its pointer
//   409 wrong_state  an operators' account would be suspended or closed
//   409 name_taken, 422 as above
Outcome<store::Account> change_account(Context& context, const Caller& caller, std::string_view id,
                                       const AccountChange& change, std::optional<std::int64_t> expected_revision);

}  // namespace fairlead::control
