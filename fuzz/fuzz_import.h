#pragma once
// What both import targets hold the importers to: a result or a syntax error for any bytes, the same one twice,
// findings that can be printed, and YAML that `fairlead check` accepts when the files it names are there.

#include "cli/import/import.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "model/config_file.h"

namespace fairlead::fuzz {

inline void require(bool condition) {
  if (!condition) std::abort();
}

// Every file that a configuration names holds a certificate with its key; those that one includes are in the input.
inline base::Result<std::string> any_certificate(const std::string&) {
  return "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
         "-----BEGIN PRIVATE KEY-----\nMHc=\n-----END PRIVATE KEY-----\n";
}

// `included`: what every included file, map and pattern file reads as.
template <class Import>
void check_import(Import import, std::string_view text, std::string_view included) {
  const cli::ImportFiles files{[included](const std::string& path) -> base::Result<std::string> {
                                 if (path.ends_with("gone"))
                                   return base::fail(base::Code::not_found, base::Side::config, "no such file");
                                 return std::string(included);
                               },
                               [](const std::string& pattern) {
                                 return std::vector<std::string>{pattern.substr(0, pattern.find('*')) + "one.conf",
                                                                 "gone"};
                               }};
  cli::ImportOptions options;
  if (text.size() % 2 == 0) options.name = "fuzz.example.com";
  const auto result = import(text, "fuzz.conf", files, options);
  const auto again = import(text, "fuzz.conf", files, options);
  require(result.has_value() == again.has_value());
  if (!result) {
    require(!result.error().message.empty() && !result.error().file.empty());
    return;
  }
  require(result->yaml == again->yaml && result->findings == again->findings);
  const std::string report = cli::render_findings(result->findings);
  require(report.empty() == result->findings.empty());
  for (const cli::Finding& finding : result->findings) require(!finding.why.empty() && !finding.directive.empty());
  for (const char c : report) require(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
  if (result->yaml.empty()) return;
  std::string yaml = result->yaml;
  if (yaml.find("\nlisteners:") == std::string::npos) {
    yaml += "listeners:\n  - { address: \"0.0.0.0:80\", protocol: http }\n";
  }
  const auto reading = model::read_edge_config(yaml, "fuzz.yaml", any_certificate);
  require(reading.config.has_value() && !reading.config->domains.empty());
}

}  // namespace fairlead::fuzz
