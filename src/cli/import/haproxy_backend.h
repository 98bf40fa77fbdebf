#pragma once
// A HAProxy backend (or the backend half of a `listen`) as the origins and settings of a domain.

#include "cli/import/draft.h"
#include "cli/import/haproxy_values.h"

#include <optional>

namespace fairlead::cli {

struct HaproxyBackend {
  DomainDraft draft;                   // without name, certificates and what belongs to the frontend
  std::optional<milliseconds> server;  // timeout server
};

HaproxyBackend haproxy_backend(const HaproxySection& section, const HaproxyGlobals& globals, Findings& findings);

}  // namespace fairlead::cli
