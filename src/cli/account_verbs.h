#pragma once
// Accounts and their users, from the shell. Accounts go by name or id, users by e-mail address or id; each function
// asks the API and prints what came of it.

#include "cli/desk.h"

#include <optional>
#include <string>

namespace fairlead::cli {

Told<void> account_list(Desk& desk, const std::string& search);

struct AccountCreateArgs {
  std::string name, time_zone, websocket_default;
  bool verified = false;
};
Told<void> account_create(Desk& desk, const AccountCreateArgs& args);
// Empty: the caller's own.
Told<void> account_show(Desk& desk, const std::string& name);

struct AccountChangeArgs {
  std::string name, new_name, time_zone, websocket_default;  // empty: as it is
};
Told<void> account_change(Desk& desk, const AccountChangeArgs& args);
// The real name was proved (R16).
Told<void> account_verify(Desk& desk, const std::string& name);
// `state`: active, suspended, closed.
Told<void> account_state(Desk& desk, const std::string& name, const std::string& state);

Told<void> user_list(Desk& desk, const std::string& account);

struct UserCreateArgs {
  std::string email, account, role, password_file;
};
// Without a password file a link to set one is made, which is printed to operators.
Told<void> user_create(Desk& desk, const UserCreateArgs& args);
Told<void> user_disable(Desk& desk, const std::string& email, bool disabled);
Told<void> user_role(Desk& desk, const std::string& email, const std::string& role);
Told<void> user_delete(Desk& desk, const std::string& email);
Told<void> user_password_link(Desk& desk, const std::string& email);

}  // namespace fairlead::cli
