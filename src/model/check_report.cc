#include "model/check_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace fairlead::model {
namespace {

constexpr std::size_t kMaxShownLine = 160;  // bytes of a source line

// Lines without their ends, LF or CRLF.
std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// A source line made safe to print, and how many columns of the terminal lie before `column` (bytes, from 1). One
// column per character; what is wide or combining puts the caret a little off, which is harmless.
struct SafeLine {
  std::string text;
  std::size_t before = 0;
};
SafeLine safe_line(std::string_view line, std::size_t column) {
  SafeLine out;
  std::size_t width = 0;
  // A long line is shown around the place, not from its beginning.
  std::size_t start = 0;
  if (column > kMaxShownLine - 40) {
    start = std::min(column - 1, line.size()) - 40;
    while (start < line.size() && (static_cast<unsigned char>(line[start]) & 0xc0) == 0x80) ++start;
    out.text = "...";
    width = 3;
  }
  std::size_t end = std::min(line.size(), start + kMaxShownLine);
  while (end < line.size() && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) ++end;
  for (std::size_t i = start; i < end; ++i) {
    if (i + 1 == column) out.before = width;
    const auto byte = static_cast<unsigned char>(line[i]);
    if (byte == '\t') {
      out.text += ' ';
      ++width;
    } else if (byte < 0x20 || byte == 0x7f) {
      out.text += fmt::format("\\x{:02x}", byte);
      width += 4;
    } else {
      out.text += line[i];
      width += (byte & 0xc0) != 0x80;
    }
  }
  if (column > end) out.before = width;
  if (end < line.size()) out.text += "...";
  return out;
}

std::string plural(std::size_t n, std::string_view word) { return fmt::format("{} {}{}", n, word, n == 1 ? "" : "s"); }

}  // namespace

std::string render_text(const std::vector<Problem>& problems, std::string_view text, std::string_view file) {
  const auto lines = split_lines(text);
  std::string out;
  for (const Problem& problem : problems) {
    out += describe(problem);
    out += '\n';
    const std::uint32_t number = problem.location.line;
    // A problem of the whole file has no line, and one at its very end may lie behind the last.
    if (number == 0 || number > lines.size() || (!file.empty() && problem.location.file != file)) continue;
    const SafeLine line = safe_line(lines[number - 1], problem.location.column);
    out += fmt::format("{:5} | {}\n", number, line.text);
    out += fmt::format("      | {:{}}^\n", "", line.before);
  }
  if (!problems.empty()) {
    out += fmt::format("{}, {}\n", plural(count(problems, Severity::error), "error"),
                       plural(count(problems, Severity::warning), "warning"));
  }
  return out;
}

std::string render_json(const std::vector<Problem>& problems, std::string_view file) {
  using nlohmann::ordered_json;
  ordered_json out;
  out["file"] = file;
  out["valid"] = !has_errors(problems);
  out["errors"] = count(problems, Severity::error);
  out["warnings"] = count(problems, Severity::warning);
  out["problems"] = ordered_json::array();
  for (const Problem& problem : problems) {
    out["problems"].push_back({{"severity", to_string(problem.severity)},
                               {"code", problem.code},
                               {"pointer", problem.pointer},
                               {"file", problem.location.file},
                               {"line", problem.location.line},
                               {"column", problem.location.column},
                               {"message", problem.message},
                               {"hint", problem.hint}});
  }
  // File names and values may hold anything; what is not UTF-8 is replaced rather than thrown at.
  return out.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

CheckOutcome check_edge_config(const std::string& file, const FileReader& files, const CertificateChecker& certificates,
                               ReportFormat format, const NamedFilesChecker& named_files) {
  // Read once: standard input can be a file too, and the report shows the very lines that were judged.
  const auto text = files(file);
  const FileReader kept = [&](const std::string& path) { return path == file ? text : files(path); };
  ConfigReading reading = read_edge_config_file(file, kept, certificates, ConfigPurpose::by_key);
  if (reading.config && named_files) {
    auto more = named_files(*reading.config);
    reading.problems.insert(reading.problems.end(), more.begin(), more.end());
    sort_problems(reading.problems);
    if (has_errors(more)) reading.config.reset();
  }
  CheckOutcome out;
  out.exit_status = reading.config ? 0 : 1;
  if (format == ReportFormat::json) {
    out.output = render_json(reading.problems, file);
    return out;
  }
  out.output = render_text(reading.problems, text ? std::string_view(*text) : std::string_view(), file);
  if (reading.config) {
    const std::string domains =
        reading.control ? "domains in the store" : plural(reading.config->domains.size(), "domain");
    out.output +=
        fmt::format("{}: valid, {}, {}\n", file, domains, plural(reading.config->listeners.size(), "listener"));
  }
  return out;
}

}  // namespace fairlead::model
