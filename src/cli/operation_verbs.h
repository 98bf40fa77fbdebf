#pragma once
// Applications (R15, R17), audit and edges, from the shell. Each function asks the API and prints what came of it.

#include "cli/desk.h"

#include <string>

namespace fairlead::cli {

Told<void> application_list(Desk& desk, const std::string& state, const std::string& account);
Told<void> application_show(Desk& desk, const std::string& id);

struct ApplicationArgs {
  std::string domain;  // an architecture change of this domain; empty: activation
  std::string account, company, contact_name, contact_email, contact_phone, use_case, description;
};
Told<void> application_submit(Desk& desk, const ApplicationArgs& args);
Told<void> application_approve(Desk& desk, const std::string& id, const std::string& reason);
Told<void> application_reject(Desk& desk, const std::string& id, const std::string& reason);

struct AuditArgs {
  std::string account, object_type, object_name, action;
  std::size_t most = 100;
};
Told<void> audit(Desk& desk, const AuditArgs& args);

Told<void> edge_list(Desk& desk);

}  // namespace fairlead::cli
