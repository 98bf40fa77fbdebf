#pragma once
// Applications (R15, R17), the rules of the installation, audit, notices and edges, from the shell. Each function asks
// the API and prints what came of it.

#include "cli/desk.h"

#include <string>
#include <utility>
#include <vector>

namespace fairlead::cli {

Told<void> application_list(Desk& desk, const std::string& state, const std::string& kind, const std::string& account);

// Those that wait go by their account's name, too (application_id in desk.h).
Told<void> application_show(Desk& desk, const std::string& id_or_account);
Told<void> application_approve(Desk& desk, const std::string& id_or_account, const std::string& reason);
Told<void> application_reject(Desk& desk, const std::string& id_or_account, const std::string& reason);

struct ApplicationArgs {
  std::string domain;  // an architecture change of this domain; empty: activation
  std::string account, company, contact_name, contact_email, contact_phone, use_case, description;
  long long expected_sessions = -1, expected_bandwidth_mbps = -1;  // negative: not said
};
Told<void> application_apply(Desk& desk, const ApplicationArgs& args);

struct AuditArgs {
  std::string account, object_type, object_name, action;
  std::string since, until;  // RFC 3339
  std::size_t most = 100;
  bool values = false;  // what was before and after, line by line
};
Told<void> audit(Desk& desk, const AuditArgs& args);

// Mails and webhooks in that state: pending, done, failed.
Told<void> notice_list(Desk& desk, const std::string& state, std::size_t most);

struct PolicyArgs {
  std::string approve_automatically;                       // "on", "off"; empty: as it is
  std::string billing_required, customers_buy_packs;       // likewise
  std::vector<std::pair<std::string, std::string>> gates;  // by the API's names: {"domain_ownership", "off"}
  std::vector<std::string> icp_regions;                    // all of them, or "none"; empty: as they are
};
Told<void> policy_show(Desk& desk);
// Guarded by the revision that was read just before.
Told<void> policy_set(Desk& desk, const PolicyArgs& args);

Told<void> edge_list(Desk& desk);
// What each edge obeys beside what the store says; trouble when they differ or one does not answer.
Told<void> edge_compare(Desk& desk);

}  // namespace fairlead::cli
