#pragma once
// The operations of the contract's tag `certificates`, over certificates.h.

#include "control/api/operation.h"
#include "control/context.h"

namespace fairlead::control {

// `context` must outlive the operations.
void add_certificate_operations(Operations& operations, Context& context);

}  // namespace fairlead::control
