#include "cli/import/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "model/words.h"

namespace fairlead::cli {
namespace {

namespace fs = std::filesystem;

// One "[...]" of a pattern against `c`; moves `pattern` past it. nullopt: the bracket is never closed.
std::optional<bool> matches_set(std::string_view& pattern, char c) {
  std::size_t i = 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  bool found = false;
  for (bool first = true; i < pattern.size() && (first || pattern[i] != ']'); first = false) {
    const char low = pattern[i];
    char high = low;
    if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
      high = pattern[i + 2];
      i += 2;
    }
    found = found || (low <= c && c <= high);
    ++i;
  }
  if (i >= pattern.size()) return std::nullopt;
  pattern.remove_prefix(i + 1);
  return found != negated && c != '/';
}

// Folder by folder, so that a pattern in the middle works too. Bounded by the number of paths it may find.
void expand(const fs::path& base, std::vector<std::string> parts, std::vector<std::string>& out) {
  constexpr std::size_t kMostPaths = 10'000;
  if (out.size() >= kMostPaths) return;
  if (parts.empty()) {
    out.push_back(base.string());
    return;
  }
  const std::string part = parts.front();
  parts.erase(parts.begin());
  std::error_code failed;
  if (part.find_first_of("*?[") == std::string::npos) {
    if (fs::exists(base / part, failed)) expand(base / part, std::move(parts), out);
    return;
  }
  fs::directory_iterator entries(base.empty() ? fs::path(".") : base, failed);
  if (failed) return;
  std::vector<std::string> names;
  for (; entries != fs::directory_iterator(); entries.increment(failed)) {
    std::string name = entries->path().filename().string();
    if ((!name.starts_with('.') || part.starts_with('.')) && matches_pattern(part, name)) names.push_back(name);
    if (failed || names.size() >= kMostPaths) break;
  }
  std::ranges::sort(names);
  for (const std::string& name : names) expand(base / name, parts, out);
}

std::vector<std::string> glob_on_disk(const std::string& pattern) {
  std::vector<std::string> parts;
  const fs::path path(pattern);
  for (const fs::path& part : path.relative_path()) parts.push_back(part.string());
  std::vector<std::string> out;
  expand(path.root_path(), std::move(parts), out);
  std::ranges::sort(out);
  return out;
}

}  // namespace

ImportFiles disk_files() { return {model::read_file, glob_on_disk}; }

std::uint32_t Findings::add_file(const std::string& name) {
  files_.push_back(name);
  return static_cast<std::uint32_t>(files_.size() - 1);
}

void Findings::add(FindingKind kind, const Place& place, std::string why) {
  Entry entry{place.file, place.line, kind, place.text, std::move(why)};
  if (entries_.size() >= kMaxFindings) {
    if (!entries_.contains(entry)) ++left_out_;
    return;
  }
  entries_.insert(std::move(entry));
}

milliseconds Findings::fit(const Place& place, milliseconds value, const model::limits::DurationRange& range,
                           std::string_view key) {
  if (value.count() == 0 && range.off_allowed) return value;
  const milliseconds fitted = std::clamp(value, range.min, range.max);
  if (fitted != value) {
    not_carried(place, fmt::format("{} is {} here and cannot be {}: {} to {} is what the edge takes", key,
                                   model::format_duration(fitted),
                                   value.count() == 0 ? std::string("0") : model::format_duration(value),
                                   model::format_duration(range.min), model::format_duration(range.max)));
  }
  return fitted;
}

std::uint64_t Findings::fit(const Place& place, std::uint64_t value, const model::limits::SizeRange& range,
                            std::string_view key) {
  const std::uint64_t fitted = std::clamp(value, range.min, range.max);
  if (fitted != value) {
    not_carried(place, fmt::format("{} is {} here and cannot be {}: {} to {} is what the edge takes", key, fitted,
                                   value, range.min, range.max));
  }
  return fitted;
}

std::vector<Finding> Findings::take() {
  std::vector<Finding> out;
  for (const Entry& entry : entries_) {
    out.push_back({files_[entry.file], entry.line, entry.kind, entry.text, entry.why});
  }
  entries_.clear();
  if (left_out_ > 0) {
    out.push_back({files_.empty() ? "" : files_.front(), 0, FindingKind::not_carried, "...",
                   fmt::format("{} more findings are not shown", left_out_)});
  }
  return out;
}

std::string directive_text(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += ' ';
    out += word.empty() ? "\"\"" : word;
    if (out.size() > 100) break;  // shown() keeps less
  }
  return model::shown(out);
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

bool matches_pattern(std::string_view pattern, std::string_view name) {
  // The last "*" seen is the only one that ever needs another try, so this is linear in practice and quadratic at
  // worst.
  std::optional<std::pair<std::string_view, std::string_view>> star;
  for (;;) {
    bool fits = false;
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      star = {pattern, name};
      continue;
    }
    if (pattern.empty() && name.empty()) return true;
    if (!pattern.empty() && !name.empty()) {
      if (pattern.front() == '[') {
        std::string_view rest = pattern;
        const auto in_set = matches_set(rest, name.front());
        fits = in_set ? *in_set : name.front() == '[';
        if (in_set) {
          pattern = rest;
        } else {
          pattern.remove_prefix(1);
        }
      } else {
        fits = pattern.front() == name.front() || (pattern.front() == '?' && name.front() != '/');
        pattern.remove_prefix(1);
      }
    }
    if (fits) {
      name.remove_prefix(1);
      continue;
    }
    if (!star || star->second.empty() || star->second.front() == '/') return false;
    star->second.remove_prefix(1);
    std::tie(pattern, name) = *star;
  }
}

std::string render_findings(const std::vector<Finding>& findings) {
  std::string out;
  std::size_t unknown = 0;
  std::size_t dropped = 0;
  std::size_t notes = 0;
  for (const Finding& finding : findings) {
    std::string_view kind = "note";
    if (finding.kind == FindingKind::unknown) kind = "not understood";
    if (finding.kind == FindingKind::not_carried) kind = "not carried over";
    (finding.kind == FindingKind::unknown ? unknown : finding.kind == FindingKind::not_carried ? dropped : notes) += 1;
    const std::string where = finding.line == 0 ? finding.file : fmt::format("{}:{}", finding.file, finding.line);
    out += fmt::format("{}: {}: {}: {}\n", where, kind, finding.directive, finding.why);
  }
  if (!findings.empty()) {
    out += fmt::format("{} not carried over, {} not understood, {} note{}\n", dropped, unknown, notes,
                       notes == 1 ? "" : "s");
  }
  return out;
}

int import_status(const std::vector<Finding>& findings) {
  const auto lost = [](const Finding& finding) { return finding.kind != FindingKind::note; };
  return std::ranges::any_of(findings, lost) ? 2 : 0;
}

}  // namespace fairlead::cli
