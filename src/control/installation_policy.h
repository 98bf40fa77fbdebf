#pragma once
// The installation's policy: which gates stand before a domain (R16), and whether applications for activation are
// approved as they come (R15). Operators replace it through the API; operators and auditors read it. Every service that
// judges a domain reads it inside its own transaction.

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <set>

#include "base/error.h"
#include "control/caller.h"
#include "control/context.h"
#include "control/failure.h"
#include "store/domains.h"
#include "store/transaction.h"

namespace fairlead::control {

// As it is before anybody sets it: every gate stands, no region demands an ICP number, a person approves.
struct InstallationPolicy {
  bool approve_automatically = false;
  bool billing_required = false;     // WebSocket only once the account has a billing method (R18)
  bool customers_buy_packs = false;  // resource packs are the customers' to buy, not the operators' alone (R20)
  struct Gates {
    bool account_verified = true;
    bool domain_ownership = true;
    bool whole_site_acceleration = true;
    bool activation = true;
    std::set<store::ServiceRegion> icp_regions;
    bool operator==(const Gates&) const = default;
  } gates;
  bool operator==(const InstallationPolicy&) const = default;
};

// The document of the contract's PolicyReplace. A key that is absent has its default; one of the wrong kind, or an
// unknown region, is malformed.
nlohmann::ordered_json to_json(const InstallationPolicy& policy);
base::Result<InstallationPolicy> read_installation_policy(const nlohmann::ordered_json& document);

// As it is now. Errors as store/database.h says.
base::Result<InstallationPolicy> installation_policy(store::Transaction& tx);

struct PolicyRecord {
  InstallationPolicy policy;
  std::int64_t revision = 0;  // 0: nobody has set it
  std::int64_t updated_ms = 0;
};

// For operators and auditors, else forbidden.
Outcome<PolicyRecord> get_policy(Context& context, const Caller& caller);

// For operators, else forbidden. When gates changed, every domain is handed to the edges again. `expected_revision`:
// none replaces whatever is there.
Outcome<PolicyRecord> replace_policy(Context& context, const Caller& caller, const InstallationPolicy& policy,
                                     std::optional<std::int64_t> expected_revision);

}  // namespace fairlead::control
