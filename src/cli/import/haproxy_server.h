#pragma once
// The `server` lines of a HAProxy backend, with what `default-server` says, each as the origin that it would be. What a
// line asks for and an origin has not is told to the findings.

#include "cli/import/draft.h"
#include "cli/import/haproxy_values.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::cli {

// As its line says it, before those of a backend are brought together.
struct HaproxyServer {
  const HaproxyLine* line = nullptr;
  OriginDraft origin;
  bool ssl = false;
  bool check = false;
  bool off = false;
  std::string send_proxy;
  std::string ca_file;
  std::string tls_name;
  std::optional<milliseconds> interval;
  std::optional<std::uint64_t> rise, fall;
};

// Those that get traffic and have an address; settles their lines. At most one more than a domain may have.
std::vector<HaproxyServer> haproxy_servers(const HaproxySection& section, const HaproxyGlobals& globals,
                                           Findings& findings);

}  // namespace fairlead::cli
