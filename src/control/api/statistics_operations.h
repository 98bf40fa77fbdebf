#pragma once
// The operations of the contract's tag `statistics` (R21, R23): figures as JSON and CSV. What they are made of and who
// sees what is in control/statistics.

#include "control/api/operation.h"
#include "control/context.h"

namespace fairlead::control {

void add_statistics_operations(Operations& operations, Context& context);

}  // namespace fairlead::control
