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

// What can be set when a domain is made, and later.
struct DomainValues {
  std::string region, icp_number;
  std::string layer7_config;              // name; "none" takes it away
  std::vector<std::string> origins;       // "10.0.0.11", "10.0.0.11:8080", "https://app.internal:8443", "[::1]:80"
  std::vector<std::string> certificates;  // names; "none" takes them away
  std::vector<std::string> sets;          // "websocket.connection_timeout=90s"; the value is YAML
  std::string settings_file;              // YAML or JSON; origins and sets win over it; empty: none
};

struct DomainCreateArgs {
  std::string name, account;
  DomainValues values;
  bool migrated = false;
  bool start = false;
};
Told<void> domain_create(Desk& desk, const DomainCreateArgs& args);
// Changes what is given and nothing else. `dry_run`: the server's word on it alone.
Told<void> domain_change(Desk& desk, const std::string& name, const DomainValues& values, bool dry_run);
// The switch, whether the gates let it through, and every WebSocket setting with its value.
Told<void> domain_websocket(Desk& desk, const std::string& name);
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
