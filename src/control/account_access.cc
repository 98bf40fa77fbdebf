#include "control/account_access.h"

#include "control/identity/rights.h"
#include "control/in_transaction.h"

namespace fairlead::control {

Outcome<store::Account> account_for(store::Transaction& tx, const Caller& caller,
                                    const std::optional<std::string>& account_id) {
  const std::string& id = account_id ? *account_id : caller.account_id;
  if (!caller.sees(id)) return not_found("account");
  auto account = store::find_account(tx, id);
  if (account) return std::move(*account);
  if (account.error().code == base::Code::not_found) return not_found("account");
  return failed(account);
}

std::optional<std::string> listed_account(const Caller& caller, const std::optional<std::string>& account_id) {
  const std::string& id = account_id ? *account_id : caller.account_id;
  return caller.sees(id) ? std::optional(id) : std::nullopt;
}

Outcome<void> require_write(const Caller& caller) { return may_change(caller); }

}  // namespace fairlead::control
