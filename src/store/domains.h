#pragma once
// Domains: the names the edges serve, with the customer's settings as a JSON text (the control plane knows what is in
// it). Every change here takes a number in policy_changes.h by itself. Values; functions work inside the caller's
// transaction and fail as database.h says.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/page.h"
#include "store/transaction.h"

namespace fairlead::store {

enum class DomainState : std::uint8_t { configuring, online, offline, checking, check_failed };

enum class ServiceRegion : std::uint8_t { mainland, overseas, global };

// The proof that the domain is the account's (R16), and the looks for it that are still to come.
struct Ownership {
  std::string token;                          // what the proof must show; made by the control plane
  std::string method;                         // "dns", "http", "operator"; empty: not proved
  std::optional<std::int64_t> verified_ms;    // since 1970 UTC
  std::string last_result;                    // what the last look found, for a person
  std::int64_t checks = 0;                    // looks since it was last asked for
  std::optional<std::int64_t> next_check_ms;  // none: nobody is looking
  bool operator==(const Ownership&) const = default;
};

struct Domain {
  std::string id;
  std::string account_id;
  std::string name;  // unique, kept in lower case; never changes
  std::string settings = "{}";
  DomainState state = DomainState::configuring;
  std::string state_reason;                     // why it is in that state, for a person
  std::optional<std::string> layer7_config_id;  // of the same account
  ServiceRegion service_region = ServiceRegion::overseas;
  std::string icp_number;
  bool migrated = false;  // from a plain CDN: R17
  Ownership ownership;
  std::int64_t revision = 0;
  std::int64_t created_ms = 0, updated_ms = 0;  // since 1970 UTC
  bool operator==(const Domain&) const = default;
};

std::string_view to_string(DomainState state);
std::string_view to_string(ServiceRegion region);

// Makes the domain at `now_ms`: id, revision (1) and times are set here, the rest is `domain`'s. The row as stored.
// not_found when the layer-7 configuration is not one of the account's.
base::Result<Domain> insert_domain(Transaction& tx, Domain domain, std::int64_t now_ms);

base::Result<Domain> find_domain(Transaction& tx, std::string_view id);
base::Result<Domain> find_domain_by_name(Transaction& tx, std::string_view name);  // in any case

// Writes everything but id, account_id, name, created_ms and ownership over the row `domain.id`, if its revision is the
// expected one. The row as stored, with its next revision.
base::Result<Domain> update_domain(Transaction& tx, const Domain& domain, std::int64_t expected_revision,
                                   std::int64_t now_ms);

// Writes ownership alone. No change for the edges, and no new revision: it is not what a person edits.
base::Result<void> update_ownership(Transaction& tx, std::string_view id, const Ownership& ownership);

// Those whose ownership.next_check_ms is `now_ms` or earlier: accounts take turns, each with those due longest first.
base::Result<std::vector<Domain>> domains_to_check(Transaction& tx, std::int64_t now_ms, std::int64_t limit);
// When the next of them is due; none when nobody is waiting.
base::Result<std::optional<std::int64_t>> next_domain_check_ms(Transaction& tx);

// Deletes it with its bindings to certificates; its applications stay, and so does its usage (metered_domains.h).
base::Result<void> delete_domain(Transaction& tx, std::string_view id, std::int64_t expected_revision,
                                 std::int64_t now_ms);

struct DomainFilter {
  std::optional<std::string> account_id;
  std::string name_contains;  // in any case; empty: all
  std::optional<DomainState> state;
  std::optional<std::string> layer7_config_id;
};

// By name.
base::Result<Page<Domain>> list_domains(Transaction& tx, const DomainFilter& filter, const PageRequest& page);

}  // namespace fairlead::store
