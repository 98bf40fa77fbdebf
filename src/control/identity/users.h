#pragma once
// Users as the API shows and changes them. A customer's user sees those of their own account and may add, disable and
// delete customers there, but not themselves; operators do all. One operator who can sign in always remains.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/caller.h"
#include "control/context.h"
#include "control/failure.h"
#include "control/identity/one_time_link.h"
#include "store/page.h"
#include "store/users.h"

namespace fairlead::control {

// Of one customer's account, as far as customers add them: whoever has an account cannot have us write to the world.
inline constexpr std::int64_t kMaxUsersOfAccount = 100;

// By e-mail address. `account_id` is looked at for operators and auditors; a customer is always asked about their own.
Outcome<store::Page<store::User>> list_users(Context& context, const Caller& caller,
                                             const std::optional<std::string>& account_id,
                                             const store::PageRequest& page);

// 404 for what the caller does not see.
Outcome<store::User> get_user(Context& context, const Caller& caller, std::string_view id);

struct NewUser {
  std::optional<std::string> account_id;  // none: the caller's own
  std::string email;
  std::optional<store::UserRole> role;  // none: customer, in a customer's account; else it must be said
  std::optional<std::string> password;  // none: a link to set one goes to the address
};

struct MadeUser {
  store::User user;
  std::optional<OneTimeLink> link;  // for operators alone: a customer might set a password for an address not theirs
};

//   404              there is no such account, or the caller does not see it
//   409 name_taken   the e-mail address, in any account
//   409 wrong_state  a customer adds more than kMaxUsersOfAccount
//   422 invalid      the password; a role that does not belong into that kind of account
Outcome<MadeUser> create_user(Context& context, const Caller& caller, const NewUser& wanted);

struct UserChange {  // what is there is changed
  std::optional<bool> disabled;
  std::optional<store::UserRole> role;
};

// Disabling, or another role, ends the user's logins and tokens in the same transaction; disabling their links, too.
// `expected_revision` none: whatever it is, else 412 revision_conflict.
//   404                the caller does not see the user
//   403 forbidden      a customer changes a role, or disables themselves
//   409 last_operator  no operator who can sign in would be left
//   422 invalid        a role that does not belong into that kind of account
Outcome<store::User> change_user(Context& context, const Caller& caller, std::string_view id, const UserChange& change,
                                 std::optional<std::int64_t> expected_revision);

// The same refusals.
Outcome<void> delete_user(Context& context, const Caller& caller, std::string_view id,
                          std::optional<std::int64_t> expected_revision);

}  // namespace fairlead::control
