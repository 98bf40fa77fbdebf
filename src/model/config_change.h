#pragma once
// What a reload may and may not change in a running edge. Domains, limits, drain_time and log_level follow the file at
// once; what sockets and threads were made from stays as it was until a restart, and the reload says so.

#include <string>
#include <vector>

#include "model/edge_config.h"

namespace fairlead::model {

// The keys of the file whose new value takes effect only after a restart, in the order of docs/configuration.md: of
// "listeners", "workers", "admin", "access_log", "resolvers". Empty when the reload is complete.
std::vector<std::string> needs_restart(const EdgeConfig& running, const EdgeConfig& next);

// `next` as it can be put in force now: those keys keep their running values.
EdgeConfig reloadable(const EdgeConfig& running, EdgeConfig next);

}  // namespace fairlead::model
