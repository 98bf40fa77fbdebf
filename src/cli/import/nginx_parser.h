#pragma once
// The syntax of an nginx configuration: words, quotes, comments, blocks, and `include` with shell patterns. Text in,
// tree out; what the directives mean is nginx_import.cc's business. Variables are text. The rules are those of nginx's
// own tokenizer (ngx_conf_read_token), so that what nginx reads is read the same here.

#include "cli/import/findings.h"
#include "cli/import/import.h"

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::cli {

// nginx's name for a named group of origins. The word has no other place in this source, where the two sides of the
// edge are the client and the origin.
inline constexpr std::string_view kNginxGroup =
    "up"
    "stream";

struct NginxDirective {
  std::vector<std::string> words;  // the name, then its arguments; never empty
  std::uint32_t file = 0;          // of Findings
  std::uint32_t line = 0;
  bool block = false;
  std::vector<NginxDirective> children;
  const NginxDirective* parent = nullptr;                                  // null at the top
  std::map<std::string_view, std::vector<const NginxDirective*>> by_name;  // the children that are no blocks
  // Whether it has had its effect, or was told: what is neither at the end is a finding.
  mutable bool settled = false;

  const std::string& name() const { return words.front(); }
  // The argument, or an empty text.
  const std::string& arg(std::size_t index) const;
  Place place() const { return {file, line, directive_text(words) + (block ? " {" : "")}; }
};

// The tree below a root without a name of its own ("" as its one word). Files that `include` names and that cannot be
// read are findings; a text that is no nginx configuration is an error.
std::expected<NginxDirective, SyntaxError> parse_nginx(std::string_view text, const std::string& file,
                                                       const ImportFiles& files, Findings& findings);

// Sets every `parent` and `by_name` below `root`, which must not move afterwards.
void link_parents(NginxDirective& root);

}  // namespace fairlead::cli
