#pragma once
// Applications (R15, R17): a customer applies for activation, or for the architecture change of a domain that came from
// a plain CDN; an operator approves or rejects with a reason; both sides are told by notices, written in the
// transaction of the change itself. What was decided stays decided: who was rejected applies again, who was approved
// need not.

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>

#include "control/activation_state.h"
#include "control/caller.h"
#include "control/context.h"
#include "control/failure.h"
#include "store/applications.h"
#include "store/page.h"

namespace fairlead::control {

// decided_by of what the installation's policy approved.
inline constexpr std::string_view kAutomatic = "automatic";

struct ApplicationView {
  store::Application application;
  std::string account_name;
  std::optional<std::string> domain;      // its name
  nlohmann::ordered_json fields;          // as submitted: the contract's ApplicationFields
  std::optional<std::string> decided_by;  // an operator's e-mail address, "operator" for customers, or kAutomatic
};

struct ApplicationWish {
  store::ApplicationKind kind = store::ApplicationKind::activation;
  std::optional<std::string> account_id;  // none: the caller's own
  std::optional<std::string> domain;      // of an architecture change, as written
  nlohmann::ordered_json fields;          // checked against the contract
};

// wrong_state when one of its kind (for the domain) waits or was approved already, or when the domain was not migrated;
// invalid when the domain is missing, or given for an activation; not_found for a domain that is not the account's.
// With automatic approval an activation comes back approved.
Outcome<ApplicationView> submit_application(Context& context, const Caller& caller, const ApplicationWish& wish);

struct ApplicationQuery {
  std::optional<std::string> account_id;  // none: the caller's own; for operators and auditors all
  std::optional<store::ApplicationState> state;
  std::optional<store::ApplicationKind> kind;
};

// Oldest first. not_found: an account that does not exist for the caller.
Outcome<store::Page<ApplicationView>> list_applications(Context& context, const Caller& caller,
                                                        const ApplicationQuery& query, const store::PageRequest& page);
Outcome<ApplicationView> get_application(Context& context, const Caller& caller, const std::string& id);

// By an operator. wrong_state when it was decided already; revision_conflict when it is another revision than expected
// (none: whatever it is). Every domain it is about is handed to the edges again.
Outcome<ApplicationView> decide_application(Context& context, const Caller& caller, const std::string& id, bool approve,
                                            const std::string& reason, std::optional<std::int64_t> expected_revision);

// What GET /v1/service says.
struct ServiceView {
  std::string account_id;
  ActivationState activation = ActivationState::none;
  std::optional<std::string> application_id;  // of the application that counts
  std::string reason;                         // of its decision
};
Outcome<ServiceView> get_service(Context& context, const Caller& caller, const std::optional<std::string>& account_id);

}  // namespace fairlead::control
