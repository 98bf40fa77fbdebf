#pragma once
// Signing in and out, the first operator, and tokens. A login is a token that is made with the password and kept in the
// credentials file: the password itself is kept nowhere.

#include "cli/desk.h"

#include <string>

namespace fairlead::cli {

struct LoginArgs {
  std::string url;  // empty: Connection::server
  std::string email;
  std::string password_file;  // empty: asked for
  int days = 90;              // how long the token lasts
};
Told<void> log_in(const Connection& connection, const LoginArgs& args);

// Ends the token and forgets it.
Told<void> log_out(const Connection& connection);

struct SetUpArgs {
  std::string link;  // as the first start printed it: URL/setup#KEY
  std::string account_name;
  std::string email;
  std::string password_file;
};
// Makes the first operator, and signs in.
Told<void> set_up(const Connection& connection, const SetUpArgs& args);

// Who the caller is to the server.
Told<void> who_am_i(Desk& desk);

struct PasswordArgs {
  std::string link;               // that was sent: URL/password#KEY; empty: the caller's own, with the old one
  std::string old_password_file;  // empty: asked for
  std::string password_file;      // of the new one
};
// Sets a password. Other logins of that user end, and all tokens: the command line's own, too, which then signs in anew.
Told<void> set_password(const Connection& connection, const PasswordArgs& args);

Told<void> token_list(Desk& desk);
Told<void> token_create(Desk& desk, const std::string& name, bool read_only, int days);
Told<void> token_delete(Desk& desk, const std::string& name_or_id);

}  // namespace fairlead::cli
