#pragma once
// What holds at a place of an nginx configuration: directives are inherited from the blocks around it, the nearest
// wins. Looking a directive up settles it (NginxDirective::settled): it has had its effect.

#include "cli/import/nginx_parser.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::cli {

// The directive `name` that holds in `scope`; nullptr when there is none. Does not settle.
const NginxDirective* nginx_find(const NginxDirective& scope, std::string_view name);

// All of that name at the nearest level that has any, as lists (proxy_set_header, add_header) are inherited.
std::vector<const NginxDirective*> nginx_find_all(const NginxDirective& scope, std::string_view name);

// The value of proxy_set_header for a field (any case); nullptr when it is not set.
const NginxDirective* nginx_request_field(const NginxDirective& scope, std::string_view field);

// `text` with the variables that a `set` of a plain text gives it put in; nullopt when others remain.
std::optional<std::string> nginx_substitute(const NginxDirective& scope, const std::string& text);

// Settles it and all in it.
void nginx_settle(const NginxDirective& directive);

}  // namespace fairlead::cli
