#pragma once
// What holds for an nginx location beside its origins: TLS towards them, fields of requests and answers, clocks, sizes,
// TLS of clients, checks.

#include "cli/import/draft.h"
#include "cli/import/nginx_parser.h"
#include "cli/import/nginx_values.h"

#include <string>

namespace fairlead::cli {

// `scope` is the location, `pass` its proxy_pass, from which `target` was read. Relative paths begin in the folder of
// `main_file`.
void nginx_settings(const NginxDirective& scope, const NginxDirective& pass, const NginxTarget& target,
                    const std::string& main_file, DomainDraft& draft, Findings& findings);

}  // namespace fairlead::cli
