#pragma once
// Users: people who sign in. A user belongs to one account and has one role; the password's hash is a text that whoever
// checks passwords made and understands. Values; functions work inside the caller's transaction and fail as database.h
// says.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/page.h"
#include "store/transaction.h"

namespace fairlead::store {

enum class UserRole : std::uint8_t { customer, operator_, auditor };

struct User {
  std::string id;
  std::string account_id;
  std::string email;  // unique, kept in lower case
  UserRole role = UserRole::customer;
  std::string password_hash;  // empty: no password yet, nobody can sign in with one
  bool disabled = false;
  std::int64_t revision = 0;
  std::int64_t created_ms = 0, updated_ms = 0;  // since 1970 UTC
  bool operator==(const User&) const = default;
};

std::string_view to_string(UserRole role);

// Makes the user at `now_ms`: id, revision (1) and times are set here, the rest is `user`'s. The row as stored.
base::Result<User> insert_user(Transaction& tx, User user, std::int64_t now_ms);

base::Result<User> find_user(Transaction& tx, std::string_view id);
base::Result<User> find_user_by_email(Transaction& tx, std::string_view email);  // in any case

// Writes email, role, password_hash and disabled over the row `user.id`, if its revision is the expected one. The row
// as stored, with its next revision. Logins and tokens stay: delete_logins_of_user and delete_tokens_of_user end them.
base::Result<User> update_user(Transaction& tx, const User& user, std::int64_t expected_revision, std::int64_t now_ms);

// Deletes the user with their logins, tokens and setup links; what the audit says of them stays.
base::Result<void> delete_user(Transaction& tx, std::string_view id, std::int64_t expected_revision);

// How many operators there are, disabled ones included; and how many of them can sign in (enabled, with a password),
// not counting the user `except`.
base::Result<std::int64_t> count_operators(Transaction& tx);
base::Result<std::int64_t> count_able_operators(Transaction& tx, std::string_view except);

// By e-mail address, of one account or of all.
base::Result<Page<User>> list_users(Transaction& tx, const std::optional<std::string>& account_id,
                                    const PageRequest& page);

}  // namespace fairlead::store
