#pragma once
// API tokens: a user's own, for programs. A token has its user's rights, less what its scope leaves out; it is shown
// once, when it is made.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/caller.h"
#include "control/context.h"
#include "control/failure.h"
#include "store/tokens.h"

namespace fairlead::control {

inline constexpr std::int64_t kTokenDays = 90;  // when nothing else is said
inline constexpr std::size_t kMaxTokens = 100;  // of one user: the list has no pages

struct NewToken {
  std::string name;
  Scope scope = Scope::read;
  std::int64_t days = kTokenDays;
};

struct MadeToken {
  store::Token token;
  std::string secret;
};

// The scope of a stored token.
Scope scope_of(const store::Token& token);
std::string_view to_string(Scope scope);

// The caller's own, oldest first.
Outcome<std::vector<store::Token>> list_tokens(Context& context, const Caller& caller);

//   403 forbidden          a read token asks; or it would have more scope than the caller: an auditor's can only read
//   403 account_suspended
//   409 wrong_state        kMaxTokens are there
Outcome<MadeToken> create_token(Context& context, const Caller& caller, const NewToken& wanted);

// 404 for what is not the caller's own; 403 forbidden for a read token.
Outcome<void> delete_token(Context& context, const Caller& caller, std::string_view id);

}  // namespace fairlead::control
