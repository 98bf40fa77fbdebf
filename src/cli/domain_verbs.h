#pragma once
// Domains and their live sessions, from the shell. Each function asks the API, prints what came of it, and tells
// warnings of the answer on standard error.

#include "cli/desk.h"

#include <string>
#include <vector>

namespace fairlead::cli {

struct DomainListArgs {
  std::string search, state, account;
  std::size_t most = 1000;
};
Told<void> domain_list(Desk& desk, const DomainListArgs& args);
Told<void> domain_show(Desk& desk, const std::string& name);

struct DomainCreateArgs {
  std::string name, account, region, icp_number, layer7_config;
  std::vector<std::string> origins;       // "10.0.0.11", "10.0.0.11:8080", "https://app.internal:8443", "[::1]:80"
  std::vector<std::string> certificates;  // names
  std::string settings_file;              // YAML or JSON, in place of origins; empty: none
  bool migrated = false;
  bool start = false;
};
Told<void> domain_create(Desk& desk, const DomainCreateArgs& args);
Told<void> domain_delete(Desk& desk, const std::string& name);
// `verb`: "start" or "stop".
Told<void> domain_start_stop(Desk& desk, const std::string& name, const std::string& verb);
// The WebSocket switch (R1), and on how many edges the change is in force.
Told<void> domain_switch(Desk& desk, const std::string& name, bool on);
Told<void> domain_gates(Desk& desk, const std::string& name);
// How to prove that the domain is one's own; `check`: look now; `vouch`: an operator says so.
Told<void> domain_verify(Desk& desk, const std::string& name, bool check, bool vouch);

Told<void> session_list(Desk& desk, const std::string& domain, const std::string& client, std::size_t most);
Told<void> session_end(Desk& desk, const std::string& domain, const std::string& id);

// {"host": ..., "http_port": ...} of an origin as people write it; for `fairlead domain create`.
Told<Json> origin_of(const std::string& text);

}  // namespace fairlead::cli
