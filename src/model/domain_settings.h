#pragma once
// What the control plane keeps of a domain as a text, read: its settings alone as a JSON object. It is the schema of a
// domain (docs/configuration.md) without `name`, `certificates` and `layer7`, for those are bound to the domain and
// not written in it. Beside them: a layer-7 configuration on its own, a domain's name on its own, and the edge's own
// copy of a whole policy.
//
// The texts come from a network, so no file is ever read for one (`ca_file` is the PEM itself), and customers get
// their ranges of R14, not the edge's. All problems are told at once, warnings (R5's A <= B <= C, an origin that is not
// verified) among them; Problem::pointer is that of the text. Pure functions; nothing throws.

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/domain_policy.h"
#include "model/problem.h"
#include "model/read_domain.h"

namespace fairlead::model {

struct SettingsRules {
  bool customer_ranges = true;  // outside them is an error; else, for an operator, a warning
  // How clients may come, which says what ports origin_scheme "follow" needs (R6): anyhow, where edges differ.
  ClientSchemes schemes{};
};

struct SettingsReading {
  std::optional<DomainPolicy> policy;  // exactly when no problem is an error
  std::vector<Problem> problems;       // sorted
};

// `domain_name` as canonical_domain_name makes it. `bound`: the domain's layer-7 configuration, null for the defaults.
// `websocket_default`: the account's, in place of R2's rule by acceleration, for settings that do not say. The policy
// has no certificates.
SettingsReading read_domain_settings(std::string_view json, std::string_view domain_name, const Layer7* bound,
                                     std::optional<bool> websocket_default, const SettingsRules& rules);

struct Layer7Reading {
  std::optional<Layer7> layer7;  // exactly when no problem is an error
  std::vector<Problem> problems;
};
Layer7Reading read_layer7_json(std::string_view json, const SettingsRules& rules);

// A domain's name as people write it, in the form that policies have: "*.Example.com" becomes ".example.com".
std::expected<std::string, Problem> canonical_domain_name(std::string_view written);

// write_domain(policy, DomainText::whole) back into the policy. For texts that we wrote ourselves: what only warns
// is not looked at, and any error makes it malformed.
base::Result<DomainPolicy> read_domain_copy(std::string_view json);

}  // namespace fairlead::model
