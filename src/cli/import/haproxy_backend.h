#pragma once
// A HAProxy backend (or the backend half of a `listen`) as the origins and settings of a domain.

#include "cli/import/draft.h"
#include "cli/import/haproxy_parser.h"

#include <optional>
#include <string>
#include <string_view>

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

struct HaproxyBackend {
  DomainDraft draft;                   // without name, certificates and what belongs to the frontend
  std::optional<milliseconds> server;  // timeout server
};

HaproxyBackend haproxy_backend(const HaproxySection& section, const HaproxyGlobals& globals, Findings& findings);

// The line "keyword [second] ..." that holds in a section: its own last one, or that of its defaults. Does not settle.
const HaproxyLine* haproxy_find(const HaproxySection& section, std::string_view keyword, std::string_view second = {});

// The value of "timeout NAME VALUE": milliseconds without a unit. Settles the line; what is no time is told.
std::optional<milliseconds> haproxy_time(const HaproxyLine& line, Findings& findings);
std::optional<milliseconds> parse_haproxy_time(std::string_view text);

// "http-response set-header NAME VALUE" and "add-header" with a fixed value and no condition.
void haproxy_response_fields(const HaproxySection& section, Layer7Draft& layer7, Findings& findings);

}  // namespace fairlead::cli
