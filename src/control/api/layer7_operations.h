#pragma once
// The operations of the contract's tag `layer7`, over layer7.h.

#include "control/api/operation.h"
#include "control/context.h"

namespace fairlead::control {

// `context` must outlive the operations.
void add_layer7_operations(Operations& operations, Context& context);

}  // namespace fairlead::control
