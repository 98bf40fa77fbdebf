#pragma once
// The syntax of a HAProxy configuration: lines of words in sections, quotes, escapes, comments, sections named
// `defaults`. Text in, sections out; what the lines mean is haproxy_import.cc's business. Environment variables stay
// text.

#include "cli/import/findings.h"
#include "cli/import/import.h"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::cli {

struct HaproxyLine {
  std::vector<std::string> words;  // never empty
  std::uint32_t line = 0;
  // Whether it has had its effect, or was told: what is neither at the end is a finding.
  mutable bool settled = false;

  const std::string& word(std::size_t index) const;
  Place place() const { return {0, line, directive_text(words)}; }
};

struct HaproxySection {
  HaproxyLine head;  // "frontend www", "defaults", "backend app from web"
  std::vector<HaproxyLine> lines;
  const HaproxySection* defaults = nullptr;  // what holds here if the section does not say it; within the result

  const std::string& kind() const { return head.words.front(); }
  const std::string& name() const { return head.word(1); }
};

// The sections in their order. `defaults` refer into the result, which must not be changed.
std::expected<std::vector<HaproxySection>, SyntaxError> parse_haproxy(std::string_view text, const std::string& file);

}  // namespace fairlead::cli
