#pragma once
// Signing in and out with a password and a cookie. The key of the cookie exists in the browser alone, the database has
// its hash. Functions block for as long as a password's hash takes (about 50 ms), outside of any transaction.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/caller.h"
#include "control/context.h"
#include "control/failure.h"
#include "control/throttle.h"
#include "store/accounts.h"
#include "store/transaction.h"
#include "store/users.h"

namespace fairlead::control {

// Who is signed in, and by what.
struct SignedIn {
  store::User user;
  store::Account account;
  bool may_write = false;
  std::string key;                         // of the cookie; only where a login begins
  std::string csrf;                        // empty with a token
  std::optional<std::int64_t> expires_ms;  // of the cookie, unless it is used before
};

// `source_address`: of the client. Errors, all of them after the same time:
//   401 bad_credentials    no such user, a wrong password, a user that is disabled or has no password: never which
//   403 account_suspended  the password was right, but the account is suspended or closed
//   429 rate_limited       too many failed before (LoginGuard); the password was not looked at
// What was tried is in the audit, successful or not; what LoginGuard refused is not.
Outcome<SignedIn> log_in(Context& context, LoginGuard& guard, std::string_view email, std::string_view password,
                         const std::string& source_address);

// Begins a login of `user` inside a transaction that does more; the caller of this sees to the audit.
base::Result<SignedIn> begin_login(store::Transaction& tx, const Context& context, const store::User& user,
                                   const store::Account& account, std::int64_t now_ms);

// Ends the login of the caller's cookie. A token is no login: 409 wrong_state.
Outcome<void> log_out(Context& context, const Caller& caller);

// What the caller is. 401 unauthorized when they are nobody, or have just ceased to be.
Outcome<SignedIn> who_is(Context& context, const Caller& caller);

// Whether that user may change anything at all.
bool may_write(const store::User& user, const store::Account& account);

// For the audit: `user` acting from `source_address`, before there is a Caller.
Caller acting(const store::User& user, const std::string& source_address);

}  // namespace fairlead::control
