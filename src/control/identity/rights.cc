#include "control/identity/rights.h"

namespace fairlead::control {

Outcome<void> may_change(const Caller& caller) {
  if (!caller.signed_in()) return refuse(401, "unauthorized", "sign in, or send a token");
  if (caller.account_state != store::AccountState::active)
    return refuse(403, "account_suspended", "the account is suspended: it can be looked at, not changed");
  if (!caller.may_write) return refuse(403, "forbidden", "this role or token may look, not change");
  return {};
}

Outcome<void> may_change_own(const Caller& caller) {
  if (!caller.signed_in()) return refuse(401, "unauthorized", "sign in, or send a token");
  if (caller.credential == "cookie" || caller.may_write) return {};
  if (caller.account_state != store::AccountState::active)
    return refuse(403, "account_suspended", "the account is suspended: its tokens may look, not change");
  return refuse(403, "forbidden", "this token may look, not change");
}

}  // namespace fairlead::control
