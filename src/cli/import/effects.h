#pragma once
// What is known of directives that an importer does not carry over: for each, whether anything is lost, and in which
// words the user is told. Two tables, one per program; a name in neither is "not understood".

#include "cli/import/import.h"

#include <optional>
#include <string_view>

namespace fairlead::cli {

struct Effect {
  FindingKind kind;
  std::string_view why;
};

std::optional<Effect> nginx_effect(std::string_view directive);
std::optional<Effect> haproxy_effect(std::string_view keyword);
// Of a line in `global`.
std::optional<Effect> haproxy_global_effect(std::string_view keyword);

}  // namespace fairlead::cli
