#pragma once
// The first operator: how an installation that nobody can sign in to gets its first user. There is no default password:
// whoever reads the link that the program prints when it starts may set one, once.

#include <optional>
#include <string>

#include "control/context.h"
#include "control/failure.h"
#include "control/identity/one_time_link.h"
#include "control/identity/sign_in.h"

namespace fairlead::control {

// At every start: a new link when there is no operator, in place of those of earlier starts; none when there is one.
// Also forgets logins and links that are spent.
Outcome<std::optional<OneTimeLink>> first_start_link(Context& context);

struct FirstOperator {
  std::string key;  // of the link
  std::string account_name;
  std::string email;
  std::string password;
};

// Makes the operators' account and its first user, signed in, and uses the link up; all of it or nothing. Of two at
// once one succeeds.
//   403 link_invalid  the key is wrong, used or older than a day, or there is an operator by now
//   422 invalid       the password (password_rules.h)
//   409 name_taken    the account's name or the e-mail address
Outcome<SignedIn> set_up_first_operator(Context& context, const FirstOperator& wanted,
                                        const std::string& source_address);

}  // namespace fairlead::control
