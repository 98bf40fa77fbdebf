#pragma once
// What an account and a domain have been approved for (R15, R17), as the domain service, the publisher and the service
// page ask it: inside their own transactions, from the newest application of its kind.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "store/accounts.h"
#include "store/applications.h"
#include "store/domains.h"
#include "store/transaction.h"

namespace fairlead::control {

enum class ActivationState : std::uint8_t { none, submitted, approved, rejected, not_required };

std::string_view to_string(ActivationState state);

// Whether WebSocket may be used: approved, or nobody asks for an approval.
constexpr bool is_activated(ActivationState state) {
  return state == ActivationState::approved || state == ActivationState::not_required;
}

// Of the account, by its newest application for activation; not_required for an operator's account, and while the
// installation's gate `activation` is off. Errors as store/database.h says.
base::Result<ActivationState> activation_of(store::Transaction& tx, const store::Account& account);

// The newest application for activation of the account; none when it never applied.
base::Result<std::optional<store::Application>> newest_activation(store::Transaction& tx, std::string_view account_id);

// The newest application for the architecture change of the domain.
base::Result<std::optional<store::Application>> newest_architecture_change(store::Transaction& tx,
                                                                           const store::Domain& domain);

// Whether the domain's WebSocket switch may be used as far as R17 goes: it was not migrated, or its newest application
// for an architecture change is approved.
base::Result<bool> architecture_change_approved(store::Transaction& tx, const store::Domain& domain);

}  // namespace fairlead::control
