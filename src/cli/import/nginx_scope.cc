#include "cli/import/nginx_scope.h"

#include "model/syntax.h"

namespace fairlead::cli {

const NginxDirective* nginx_find(const NginxDirective& scope, std::string_view name) {
  const auto found = nginx_find_all(scope, name);
  return found.empty() ? nullptr : found.back();
}

std::vector<const NginxDirective*> nginx_find_all(const NginxDirective& scope, std::string_view name) {
  for (const NginxDirective* level = &scope; level != nullptr; level = level->parent) {
    if (const auto found = level->by_name.find(name); found != level->by_name.end()) return found->second;
  }
  return {};
}

const NginxDirective* nginx_request_field(const NginxDirective& scope, std::string_view field) {
  for (const NginxDirective* directive : nginx_find_all(scope, "proxy_set_header")) {
    if (model::lower_case(directive->arg(1)) == field) return directive;
  }
  return nullptr;
}

std::optional<std::string> nginx_substitute(const NginxDirective& scope, const std::string& text) {
  std::string out = text;
  // A value may hold a variable in its turn; who goes round in a circle ends here.
  for (int round = 0; round < 8; ++round) {
    const std::size_t at = out.find('$');
    if (at == std::string::npos) return out;
    const bool braces = out.substr(at + 1).starts_with('{');
    const std::size_t begin = at + (braces ? 2 : 1);
    std::size_t end = begin;
    while (end < out.size() && (out[end] == '_' || (out[end] >= '0' && out[end] <= '9') ||
                                (out[end] >= 'a' && out[end] <= 'z') || (out[end] >= 'A' && out[end] <= 'Z'))) {
      ++end;
    }
    const std::string name = "$" + out.substr(begin, end - begin);
    const NginxDirective* value = nullptr;
    for (const NginxDirective* level = &scope; level != nullptr && value == nullptr; level = level->parent) {
      const auto sets = level->by_name.find("set");
      if (sets == level->by_name.end()) continue;
      for (const NginxDirective* child : sets->second) {
        if (child->words.size() == 3 && child->words[1] == name) value = child;
      }
    }
    if (value == nullptr || (braces && !out.substr(end).starts_with('}'))) return std::nullopt;
    out = out.substr(0, at) + value->words[2] + out.substr(end + (braces ? 1 : 0));
    if (out.size() > 4096) return std::nullopt;
    value->settled = true;
  }
  return std::nullopt;
}

void nginx_settle(const NginxDirective& directive) {
  directive.settled = true;
  for (const NginxDirective& child : directive.children) nginx_settle(child);
}

}  // namespace fairlead::cli
