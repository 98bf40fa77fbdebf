#pragma once
// Findings: what an importer collects while it reads: bounded, each told once however many domains share the directive,
// in the order of the input at the end. Also the places and the numbers that both importers need: a value that the edge
// does not take is brought into its range, and that is a finding.

#include "cli/import/import.h"

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "model/limits.h"

namespace fairlead::cli {

using std::chrono::milliseconds;

// Where a directive stands and how it reads. `file` is an index into Findings' list of files, so that sorting follows
// the order in which files were read.
struct Place {
  std::uint32_t file = 0;
  std::uint32_t line = 0;
  std::string text;
};

class Findings {
 public:
  // The number to use in a Place.
  std::uint32_t add_file(const std::string& name);
  const std::string& file_name(std::uint32_t file) const { return files_[file]; }

  void unknown(const Place& place, std::string why) { add(FindingKind::unknown, place, std::move(why)); }
  void not_carried(const Place& place, std::string why) { add(FindingKind::not_carried, place, std::move(why)); }
  void note(const Place& place, std::string why) { add(FindingKind::note, place, std::move(why)); }
  void add(FindingKind kind, const Place& place, std::string why);

  // `value` as the edge can take it; out of range is told.
  milliseconds fit(const Place& place, milliseconds value, const model::limits::DurationRange& range,
                   std::string_view key);
  std::uint64_t fit(const Place& place, std::uint64_t value, const model::limits::SizeRange& range,
                    std::string_view key);

  // Sorted by file and line; a last one says how many were left out.
  std::vector<Finding> take();

 private:
  struct Entry {
    std::uint32_t file;
    std::uint32_t line;
    FindingKind kind;
    std::string text;
    std::string why;
    auto operator<=>(const Entry&) const = default;
  };
  std::vector<std::string> files_;
  std::set<Entry> entries_;
  std::size_t left_out_ = 0;
};

// The text of a directive for a finding: words joined, shortened, nothing that could drive a terminal.
std::string directive_text(const std::vector<std::string>& words);

// Digits only; nullopt for anything else and for what does not fit.
std::optional<std::uint64_t> parse_number(std::string_view text);

// A file or pattern name against a shell pattern with *, ? and [...]; "/" is matched by itself only.
bool matches_pattern(std::string_view pattern, std::string_view name);

}  // namespace fairlead::cli
