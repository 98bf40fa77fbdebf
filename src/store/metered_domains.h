#pragma once
// Metered domains: whose usage is whose, for ever. Usage and bills outlive a domain, and a name that was deleted may be
// taken by another customer: so usage goes by a domain's id, and this table remembers each id's account and name. A row
// is made and closed in the transaction that makes and deletes the domain (domains.h does it) and is never removed.
// Values; functions work inside the caller's transaction and fail as database.h says.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/transaction.h"

namespace fairlead::store {

struct MeteredDomain {
  std::string domain_id;
  std::string account_id;  // empty: of no account. An edge served it that does not have it from a control plane, or
                           // not from this one; operators alone see its usage.
  std::string name;
  std::int64_t created_ms = 0;  // since 1970 UTC; for one of no account, when it was first heard of
  std::optional<std::int64_t> deleted_ms;
  bool operator==(const MeteredDomain&) const = default;
};

// The id under which usage of a domain without an id is kept: one for each name.
std::string metered_id_of_name(std::string_view name);

// Conflict "unique:" when there is one of that id.
base::Result<void> insert_metered_domain(Transaction& tx, const MeteredDomain& domain);
// The same, but what is there stays as it is.
base::Result<void> ensure_metered_domain(Transaction& tx, const MeteredDomain& domain);
base::Result<void> note_metered_domain_deleted(Transaction& tx, std::string_view domain_id, std::int64_t now_ms);

base::Result<MeteredDomain> find_metered_domain(Transaction& tx, std::string_view domain_id);
// Of one account or of all, deleted ones too; by name, then the oldest first.
base::Result<std::vector<MeteredDomain>> list_metered_domains(Transaction& tx,
                                                              const std::optional<std::string>& account_id);
// Of them those of these names; in the same order. What it costs depends on `names` alone.
base::Result<std::vector<MeteredDomain>> list_metered_domains_named(Transaction& tx,
                                                                    const std::optional<std::string>& account_id,
                                                                    const std::vector<std::string>& names);

}  // namespace fairlead::store
