#pragma once
// Logins: who is signed in by a cookie. The database has a hash of the session key alone, made elsewhere. Values;
// functions work inside the caller's transaction and fail as database.h says.

#include <cstdint>
#include <string>
#include <string_view>

#include "store/transaction.h"

namespace fairlead::store {

struct Login {
  std::string session_hash;  // unique
  std::string user_id;
  std::string csrf;             // what a form of this login must repeat
  std::int64_t created_ms = 0;  // since 1970 UTC, as all times here
  std::int64_t expires_ms = 0;
  bool operator==(const Login&) const = default;
};

// Makes the login at `now_ms`, which becomes its created_ms. The row as stored.
base::Result<Login> insert_login(Transaction& tx, Login login, std::int64_t now_ms);

// The login with that hash, unless it has expired at `now_ms` or its user is disabled: then not_found, as for none.
base::Result<Login> find_login(Transaction& tx, std::string_view session_hash, std::int64_t now_ms);

base::Result<void> extend_login(Transaction& tx, std::string_view session_hash, std::int64_t expires_ms);

// Signing out: may be repeated.
base::Result<void> delete_login(Transaction& tx, std::string_view session_hash);
base::Result<std::int64_t> delete_logins_of_user(Transaction& tx, std::string_view user_id);  // how many
// All of the user's but that one. How many.
base::Result<std::int64_t> delete_other_logins(Transaction& tx, std::string_view user_id,
                                               std::string_view kept_session_hash);
base::Result<std::int64_t> delete_expired_logins(Transaction& tx, std::int64_t now_ms);  // how many

}  // namespace fairlead::store
