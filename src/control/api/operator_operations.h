#pragma once
// The contract's operations of the tag `operation`, less the installation's policy: edges and how far a change has
// come, audit, notices; and the contract itself.

#include "control/api/operation.h"
#include "control/context.h"

namespace fairlead::control {

void add_operator_operations(Operations& operations, Context& context);

}  // namespace fairlead::control
