#pragma once
// Domain service: domains as customers and operators see and change them (R1, R2, R5, R6, R8, R14, R16). A domain's
// states:
//
//   configuring --start--> online            every gate is met
//                     \--> checking          only the proof of ownership is missing; it is being looked for
//                     \--> check_failed      another gate is not met; the reason says which
//   checking --> online, or check_failed     as the looks end (ownership_service.h)
//   online, checking, check_failed --stop--> offline --start--> as above
//
// Edges know those that are online, while the account is active and verified (R16): its domains keep their state when
// it is not, and say so in the reason. Every change is one transaction with its audit row and its number for the edges.
// A customer asks about their own account, whatever they say; another's domain does not exist for them.

#include <optional>
#include <string>
#include <vector>

#include "control/api/operation.h"
#include "control/caller.h"
#include "control/context.h"
#include "control/domains/composition.h"

namespace fairlead::control {

// A domain as it is shown.
struct DomainView {
  Composition now;
  std::vector<std::string> certificates;  // names, sorted
  std::int64_t policy_change = 0;         // the newest number there is
};

struct DomainCreate {
  std::string name;  // as written
  std::optional<std::string> account_id;
  store::ServiceRegion service_region = store::ServiceRegion::overseas;
  std::string icp_number;
  bool migrated = false;
  Json settings = Json::object();
  std::optional<std::string> layer7_config;  // its name
  std::vector<std::string> certificates;     // their names
};

Outcome<DomainView> create_domain(Context& context, const Caller& caller, const DomainCreate& wanted, bool dry_run);
Outcome<DomainView> get_domain(Context& context, const Caller& caller, std::string_view name);

struct DomainListFilter {
  std::optional<std::string> account_id;
  std::string search;
  std::optional<store::DomainState> state;
  std::optional<std::string> layer7_config_id;
};
Outcome<store::Page<Composition>> list_domains(Context& context, const Caller& caller, const DomainListFilter& filter,
                                               const store::PageRequest& page);

// `change` is the contract's DomainReplace, or with `merge` a merge patch of it. `expected`: none for any revision.
Outcome<DomainView> change_domain(Context& context, const Caller& caller, std::string_view name, const Json& change,
                                  bool merge, std::optional<std::int64_t> expected, bool dry_run);
// A merge patch of settings.websocket. gates_unmet (409) while its gates are not met.
Outcome<DomainView> change_websocket(Context& context, const Caller& caller, std::string_view name, const Json& change,
                                     std::optional<std::int64_t> expected);

Outcome<void> delete_domain(Context& context, const Caller& caller, std::string_view name,
                            std::optional<std::int64_t> expected);
// gates_unmet (409) with every gate that is not met; the domain is then check_failed, or stays online and unserved when
// it was online and its account has lost what it needs.
Outcome<DomainView> start_domain(Context& context, const Caller& caller, std::string_view name);
Outcome<DomainView> stop_domain(Context& context, const Caller& caller, std::string_view name);

// What PUT takes, as the domain is now.
Json replaceable(const DomainView& view);

// For other services: the domain of that name if it exists for the caller, else not_found.
Outcome<store::Domain> visible_domain(store::Transaction& tx, const Caller& caller, std::string_view name);

// That somebody ended a live session of the domain.
Outcome<void> audit_session_end(store::Transaction& tx, const Caller& caller, std::string_view domain,
                                std::string_view session_id, std::int64_t now_ms);

}  // namespace fairlead::control
