#include "store/recipients.h"

#include "store/query.h"

namespace fairlead::store {

using base::Result;

Result<std::vector<std::string>> addresses_of_account(Transaction& tx, std::string_view account_id) {
  return read_all(tx.query("select email from users where account_id = :account and disabled = 0 order by email",
                           {{"account", account_id}}),
                  [](Columns& c) { return c.text(); });
}

Result<std::vector<std::string>> addresses_of_operators(Transaction& tx) {
  return read_all(tx.query("select email from users where role = 'operator' and disabled = 0 order by email"),
                  [](Columns& c) { return c.text(); });
}

}  // namespace fairlead::store
