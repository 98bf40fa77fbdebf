#pragma once
// Passwords: set by a link, or changed by who knows the old one. Both end what the old password had let in: logins and
// tokens go in the same transaction. Which passwords are accepted: password_rules.h.

#include <string>
#include <string_view>

#include "control/caller.h"
#include "control/context.h"
#include "control/failure.h"
#include "control/identity/one_time_link.h"
#include "control/throttle.h"
#include "store/users.h"

namespace fairlead::control {

// Sets the password of the user whom the link is for, and ends all their logins, tokens and links.
//   403 link_invalid  the key is wrong, used or older than a day, or the user has been disabled
//   422 invalid       the password
Outcome<void> set_password(Context& context, std::string_view key, std::string_view password,
                           const std::string& source_address);

// Changes the caller's own; ends their tokens, and their logins but the one that asks.
//   403 forbidden     a read token asks
//   401 bad_credentials, 429 rate_limited  as in log_in, of which this counts as a try
//   422 invalid       the new password
Outcome<void> change_password(Context& context, LoginGuard& guard, const Caller& caller, std::string_view old_password,
                              std::string_view new_password);

// A link by which that user may set a password. For operators (403 forbidden); 404, and 409 wrong_state for a user who
// is disabled.
Outcome<OneTimeLink> make_password_link(Context& context, const Caller& caller, std::string_view user_id);

}  // namespace fairlead::control
