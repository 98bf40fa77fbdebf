#pragma once
// The audit trail as the services write it: one row for each change, in the transaction of the change, by whom, from
// where, old and new value. Secrets are left out by who calls.

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "control/caller.h"
#include "store/transaction.h"

namespace fairlead::control {

struct AuditedChange {
  std::optional<std::string> account_id;  // whose object it is
  std::string_view action;                // "domain.change"
  std::string_view object_type;           // "domain"
  std::string object_name;
  std::optional<nlohmann::ordered_json> old_value, new_value;
};

// `caller` may be nobody (the program itself): then no user and no address.
base::Result<void> audit(store::Transaction& tx, const Caller& caller, const AuditedChange& change,
                         std::int64_t now_ms);

}  // namespace fairlead::control
