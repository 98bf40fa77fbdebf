#include "control/activation_state.h"

#include "control/installation_policy.h"

namespace fairlead::control {
namespace {

base::Result<std::optional<store::Application>> newest(store::Transaction& tx, std::string_view account_id,
                                                       store::ApplicationKind kind,
                                                       const std::optional<std::string>& domain_id) {
  auto found = store::current_application(tx, account_id, kind, domain_id);
  if (found) return std::optional(std::move(*found));
  if (found.error().code == base::Code::not_found) return std::nullopt;
  return std::unexpected(found.error());
}

}  // namespace

std::string_view to_string(ActivationState state) {
  switch (state) {
    case ActivationState::none: return "none";
    case ActivationState::submitted: return "submitted";
    case ActivationState::approved: return "approved";
    case ActivationState::rejected: return "rejected";
    case ActivationState::not_required: return "not_required";
  }
  return "none";
}

base::Result<ActivationState> activation_of(store::Transaction& tx, const store::Account& account) {
  if (account.kind == store::AccountKind::operator_) return ActivationState::not_required;
  auto policy = installation_policy(tx);
  if (!policy) return std::unexpected(policy.error());
  if (!policy->gates.activation) return ActivationState::not_required;
  auto application = newest_activation(tx, account.id);
  if (!application) return std::unexpected(application.error());
  if (!*application) return ActivationState::none;
  switch ((*application)->state) {
    case store::ApplicationState::submitted: return ActivationState::submitted;
    case store::ApplicationState::approved: return ActivationState::approved;
    case store::ApplicationState::rejected: return ActivationState::rejected;
  }
  return ActivationState::none;
}

base::Result<std::optional<store::Application>> newest_activation(store::Transaction& tx, std::string_view account_id) {
  return newest(tx, account_id, store::ApplicationKind::activation, std::nullopt);
}

base::Result<std::optional<store::Application>> newest_architecture_change(store::Transaction& tx,
                                                                           const store::Domain& domain) {
  return newest(tx, domain.account_id, store::ApplicationKind::architecture_change, domain.id);
}

base::Result<bool> architecture_change_approved(store::Transaction& tx, const store::Domain& domain) {
  if (!domain.migrated) return true;
  auto application = newest_architecture_change(tx, domain);
  if (!application) return std::unexpected(application.error());
  return *application && (*application)->state == store::ApplicationState::approved;
}

}  // namespace fairlead::control
