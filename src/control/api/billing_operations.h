#pragma once
// Operations of the contract on billing: methods, prices, resource packs, bills. See operation.h.

#include "control/api/operation.h"
#include "control/billing/days.h"
#include "control/context.h"

namespace fairlead::control {

// The context outlives the operations. `points`: where usage is read from.
void add_billing_operations(Operations& operations, Context& context, PointsReader points);

}  // namespace fairlead::control
