#pragma once
// Audit: who did what, when, from where, to which object, and how it was before and after. Append only: there is no
// function that changes or deletes a row, and accounts and users are kept as texts, so that a row outlives them. Write
// it in the transaction of what it tells of. Values; functions fail as database.h says.

#include <cstdint>
#include <optional>
#include <string>

#include "store/page.h"
#include "store/transaction.h"

namespace fairlead::store {

struct AuditEntry {
  std::string id;
  std::int64_t at_ms = 0;                 // since 1970 UTC
  std::optional<std::string> account_id;  // whose object it is; none: the installation's
  std::optional<std::string> user_id;     // who did it; none: the program itself, or nobody known
  std::string source_address;             // of the request, canonical; empty: no request
  std::string action;                     // "domain.update", "login.failed"
  std::string object_type, object_name;
  std::optional<std::string> old_value, new_value;  // JSON texts, secrets left out by who writes them
  bool operator==(const AuditEntry&) const = default;
};

// id is set here; at_ms is the entry's own. The row as stored.
base::Result<AuditEntry> append_audit(Transaction& tx, AuditEntry entry);

struct AuditFilter {
  std::optional<std::string> account_id, user_id, object_type, object_name, action;
  std::optional<std::int64_t> from_ms, before_ms;  // at_ms in [from_ms, before_ms)
};

// Newest first. malformed when `page.after` is not the `next` of a page.
base::Result<Page<AuditEntry>> list_audit(Transaction& tx, const AuditFilter& filter, const PageRequest& page);

}  // namespace fairlead::store
