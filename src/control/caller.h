#pragma once
// Caller: on whose behalf a service is asked, made by the API from a cookie or a token and by nobody else. Values.
//
// Who may do what (R26): a customer sees and changes what belongs to their own account and nothing else: for everything
// else the answer is that it does not exist. An operator may do all, for any account. An auditor sees what an operator
// sees and changes nothing. A token has its user's rights, less what its scopes leave out.

#include <string>
#include <string_view>

#include "store/accounts.h"
#include "store/users.h"

namespace fairlead::control {

// Of a token; a cookie has all of them. write includes read.
enum class Scope : std::uint8_t { read, write };

struct Caller {
  std::string user_id;  // empty: nobody has signed in
  std::string email;
  std::string account_id;
  store::AccountKind account_kind = store::AccountKind::customer;
  store::UserRole role = store::UserRole::customer;
  bool may_write = false;  // by the token's scopes and the role: an auditor never
  std::string source_address;
  std::string credential;  // "cookie", "token", "" for nobody; for the audit
  std::string login_hash;  // of the cookie; empty for a token
  // A suspended account's users look and do not change (may_write is false); a closed account's are nobody.
  store::AccountState account_state = store::AccountState::active;

  bool signed_in() const { return !user_id.empty(); }
  bool is_operator() const { return role == store::UserRole::operator_; }
  bool sees_all() const { return role != store::UserRole::customer; }
  // Whether things of that account exist for the caller.
  bool sees(std::string_view account) const { return signed_in() && (sees_all() || account == account_id); }
};

}  // namespace fairlead::control
