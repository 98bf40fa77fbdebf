#pragma once
// The operations of the contract's tag `activation` about the service and applications, and those of the installation's
// policy, over applications.h and installation_policy.h. (Gates and ownership are the domain service's.)

#include "control/api/operation.h"
#include "control/context.h"

namespace fairlead::control {

// `context` must outlive the operations.
void add_activation_operations(Operations& operations, Context& context);

}  // namespace fairlead::control
