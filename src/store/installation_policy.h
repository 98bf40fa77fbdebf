#pragma once
// The installation's policy: one document (the control plane knows what is in it) that operators replace, and that all
// domains are judged by. Values; functions work inside the caller's transaction and fail as database.h says.

#include <cstdint>
#include <string>
#include <string_view>

#include "store/transaction.h"

namespace fairlead::store {

struct StoredPolicy {
  std::string document = "{}";  // JSON text
  std::int64_t revision = 0;    // 0: nobody has set it yet
  std::int64_t updated_ms = 0;  // since 1970 UTC; while it is not set, when the database was made
  bool operator==(const StoredPolicy&) const = default;
};

// Never not_found: what nobody has set is "{}" at revision 0.
base::Result<StoredPolicy> find_installation_policy(Transaction& tx);

// Sets it, if its revision is the expected one (conflict "revision: ..." otherwise). As stored, with its next revision.
// What edges may do depends on it, but not always: record_changes_of_all_domains is the caller's to call.
base::Result<StoredPolicy> put_installation_policy(Transaction& tx, std::string_view document,
                                                   std::int64_t expected_revision, std::int64_t now_ms);

// Records that every domain there is has changed (policy_changes.h). How many they are.
base::Result<std::int64_t> record_changes_of_all_domains(Transaction& tx, std::int64_t now_ms);

}  // namespace fairlead::store
