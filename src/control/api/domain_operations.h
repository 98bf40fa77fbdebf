#pragma once
// The contract's operations about domains: the tags `domains` and `sessions`, and of `activation` the gates and the
// proof of ownership.

#include <functional>

#include "control/api/operation.h"
#include "control/context.h"

namespace fairlead::control {

// `check_asked` is called after somebody asked for a look at a proof.
void add_domain_operations(Operations& operations, Context& context, std::function<void()> check_asked);

}  // namespace fairlead::control
