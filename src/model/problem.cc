#include "model/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace fairlead::model {

std::string_view to_string(Severity severity) { return severity == Severity::error ? "error" : "warning"; }

std::string describe(const Problem& problem) {
  std::string out = problem.location.file;
  if (problem.location.line != 0) {
    out += fmt::format(":{}:{}", problem.location.line, problem.location.column);
  }
  out += fmt::format(": {}: {}", to_string(problem.severity), problem.message);
  if (!problem.hint.empty()) out += fmt::format(" ({})", problem.hint);
  return out;
}

void sort_problems(std::vector<Problem>& problems) {
  auto key = [](const Problem& p) { return std::tie(p.location, p.severity, p.message, p.hint, p.pointer, p.code); };
  std::ranges::sort(problems, [&](const Problem& a, const Problem& b) { return key(a) < key(b); });
  // An anchored value that is used by 50 domains is wrong once, where it is written: the pointers differ, the text
  // that a person reads does not.
  auto same = [](const Problem& a, const Problem& b) {
    return a.location == b.location && a.severity == b.severity && a.message == b.message && a.hint == b.hint;
  };
  problems.erase(std::unique(problems.begin(), problems.end(), same), problems.end());
}

bool has_errors(const std::vector<Problem>& problems) { return count(problems, Severity::error) != 0; }

std::size_t count(const std::vector<Problem>& problems, Severity severity) {
  return static_cast<std::size_t>(std::ranges::count(problems, severity, &Problem::severity));
}

}  // namespace fairlead::model
