#pragma once
// What lines of a HAProxy configuration mean wherever they stand: the files and TLS of `global`, a keyword that holds
// in a section or in its defaults, times, fields of responses.

#include "cli/import/draft.h"
#include "cli/import/haproxy_parser.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::cli {

// What `global` says that concerns files and TLS everywhere.
struct HaproxyGlobals {
  std::string main_file;  // relative paths begin in its folder, unless a base is given
  std::string crt_base, ca_base;
  std::string bind_ciphers;    // ssl-default-bind-ciphers
  bool verify_servers = true;  // ssl-server-verify
};
HaproxyGlobals haproxy_globals(const std::vector<HaproxySection>& sections, const std::string& main_file);
// `path` as HAProxy would open it; `base` is crt_base or ca_base.
std::string haproxy_path(const HaproxyGlobals& globals, const std::string& base, const std::string& path);

// The line "keyword [second] ..." that holds in a section: its own last one, or that of its defaults. Does not settle.
const HaproxyLine* haproxy_find(const HaproxySection& section, std::string_view keyword, std::string_view second = {});

// The value of "timeout NAME VALUE": milliseconds without a unit. Settles the line; what is no time is told.
std::optional<milliseconds> haproxy_time(const HaproxyLine& line, Findings& findings);
std::optional<milliseconds> parse_haproxy_time(std::string_view text);

// "http-response set-header NAME VALUE" and "add-header" with a fixed value and no condition.
void haproxy_response_fields(const HaproxySection& section, Layer7Draft& layer7, Findings& findings);

}  // namespace fairlead::cli
