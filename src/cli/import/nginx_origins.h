#pragma once
// The origins that an nginx location passes to: one address, or a named group with its servers, weights and policy.

#include "cli/import/draft.h"
#include "cli/import/nginx_parser.h"
#include "cli/import/nginx_values.h"

#include <map>
#include <string>

namespace fairlead::cli {

using NginxGroups = std::map<std::string, const NginxDirective*>;  // by name in lower case

// Fills in origins, scheme, balancing and passive checks. `pass` is the proxy_pass that `target` was read from. False
// when no origin could be carried over; why is in `findings`.
bool nginx_origins(const NginxGroups& groups, const NginxDirective& pass, const NginxTarget& target, DomainDraft& draft,
                   Findings& findings);

}  // namespace fairlead::cli
