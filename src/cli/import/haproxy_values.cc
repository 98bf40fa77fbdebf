#include "cli/import/haproxy_values.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/syntax.h"

namespace fairlead::cli {

namespace limits = model::limits;

HaproxyGlobals haproxy_globals(const std::vector<HaproxySection>& sections, const std::string& main_file) {
  HaproxyGlobals out;
  out.main_file = main_file;
  for (const HaproxySection& section : sections) {
    if (section.kind() != "global") continue;
    for (const HaproxyLine& line : section.lines) {
      const std::string& word = line.word(0);
      line.settled = true;
      if (word == "crt-base") {
        out.crt_base = line.word(1);
      } else if (word == "ca-base") {
        out.ca_base = line.word(1);
      } else if (word == "ssl-default-bind-ciphers") {
        out.bind_ciphers = line.word(1);
      } else if (word == "ssl-server-verify") {
        out.verify_servers = line.word(1) != "none";
      } else {
        line.settled = false;
      }
    }
  }
  return out;
}

std::string haproxy_path(const HaproxyGlobals& globals, const std::string& base, const std::string& path) {
  if (path.starts_with('/') || base.empty()) return model::resolve_path(globals.main_file, path);
  return model::resolve_path(globals.main_file, base + "/" + path);
}

const HaproxyLine* haproxy_find(const HaproxySection& section, std::string_view keyword, std::string_view second) {
  for (const HaproxySection* level = &section; level != nullptr; level = level->defaults) {
    const HaproxyLine* found = nullptr;
    for (const HaproxyLine& line : level->lines) {
      if (line.word(0) == keyword && line.words.size() > 1 && (second.empty() || line.word(1) == second)) found = &line;
    }
    if (found != nullptr) return found;
  }
  return nullptr;
}

std::optional<milliseconds> parse_haproxy_time(std::string_view text) {
  constexpr std::uint64_t kMost = 1'000'000'000'000;
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_number(text.substr(0, digits));
  const std::string_view unit = text.substr(digits);
  std::uint64_t factor = 0;
  if (unit.empty() || unit == "ms") factor = 1;
  if (unit == "s") factor = 1000;
  if (unit == "m") factor = 60'000;
  if (unit == "h") factor = 3'600'000;
  if (unit == "d") factor = 86'400'000;
  if (number && unit == "us") return milliseconds(*number / 1000);
  if (!number || factor == 0 || *number > kMost / factor) return std::nullopt;
  return milliseconds(*number * factor);
}

std::optional<milliseconds> haproxy_time(const HaproxyLine& line, Findings& findings) {
  line.settled = true;
  const auto value = parse_haproxy_time(line.word(2));
  if (!value) findings.not_carried(line.place(), "not a time");
  return value;
}

void haproxy_response_fields(const HaproxySection& section, Layer7Draft& layer7, Findings& findings) {
  for (const HaproxyLine& line : section.lines) {
    if (line.word(0) != "http-response" || (line.word(1) != "set-header" && line.word(1) != "add-header")) continue;
    if (line.words.size() != 4 || line.word(3).find('%') != std::string::npos) continue;  // a condition, or computed
    line.settled = true;
    if (const auto reason = reason_against_header(line.word(2), line.word(3))) {
      findings.not_carried(line.place(), *reason);
    } else if (layer7.add_header.size() >= limits::kMaxAddHeaders) {
      findings.not_carried(line.place(), fmt::format("at most {} fields", limits::kMaxAddHeaders));
    } else {
      layer7.add_header.emplace_back(line.word(2), line.word(3));
    }
  }
}

}  // namespace fairlead::cli
