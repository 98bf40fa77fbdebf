#pragma once
// API tokens: what a program shows instead of a user's password. The database has a hash of the token alone, made
// elsewhere; the token itself is shown once and kept by nobody. Values; functions work inside the caller's transaction
// and fail as database.h says.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/transaction.h"

namespace fairlead::store {

struct Token {
  std::string id;
  std::string user_id;                       // whose rights it has, less what `scopes` leaves out
  std::string name;                          // for people
  std::string hash;                          // unique
  std::string scopes;                        // words with spaces between, as in RFC 6749 section 3.3
  std::int64_t created_ms = 0;               // since 1970 UTC, as all times here
  std::optional<std::int64_t> expires_ms;    // none: never
  std::optional<std::int64_t> last_used_ms;  // none: not yet
  bool operator==(const Token&) const = default;
};

// Makes the token at `now_ms`: id, created_ms and last_used_ms (none) are set here. The row as stored.
base::Result<Token> insert_token(Transaction& tx, Token token, std::int64_t now_ms);

// The token with that hash, unless it has expired at `now_ms` or its user is disabled: then not_found, as for none.
base::Result<Token> find_token(Transaction& tx, std::string_view hash, std::int64_t now_ms);

// Notes its use. Not at every request: a write is dear, and a minute's precision is enough for people.
base::Result<void> touch_token(Transaction& tx, std::string_view id, std::int64_t now_ms);

// A user's, oldest first; expired ones too.
base::Result<std::vector<Token>> list_tokens(Transaction& tx, std::string_view user_id);

// Only if it is that user's, else not_found.
base::Result<void> delete_token(Transaction& tx, std::string_view id, std::string_view user_id);
base::Result<std::int64_t> delete_tokens_of_user(Transaction& tx, std::string_view user_id);  // how many

}  // namespace fairlead::store
