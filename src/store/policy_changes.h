#pragma once
// Policy changes: one sequence of numbers for everything edges must hear of. Who changes a domain, or what it is bound
// to, takes the next number in the same transaction (the functions of domains.h, layer7_configs.h and certificates.h
// do), so a change and its number are committed together or not at all. There is one writer at a time: numbers become
// visible in their order and without gaps, and a publisher that remembers the last number it handled misses none and
// repeats none. What a change was is not kept: the publisher reads the domain as it is now.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/transaction.h"

namespace fairlead::store {

enum class PolicyChangeKind : std::uint8_t { changed, removed };

struct PolicyChange {
  std::int64_t number = 0;  // from 1
  std::string domain_name;
  PolicyChangeKind kind = PolicyChangeKind::changed;
  std::int64_t at_ms = 0;  // since 1970 UTC
  bool operator==(const PolicyChange&) const = default;
};

// The number the change got.
base::Result<std::int64_t> record_policy_change(Transaction& tx, std::string_view domain_name, PolicyChangeKind kind,
                                                std::int64_t now_ms);

// Records that every domain bound to the layer-7 configuration, or to the certificate, or owned by the account, has
// changed. How many they are.
base::Result<std::int64_t> record_changes_by_layer7_config(Transaction& tx, std::string_view id, std::int64_t now_ms);
base::Result<std::int64_t> record_changes_by_certificate(Transaction& tx, std::string_view id, std::int64_t now_ms);
base::Result<std::int64_t> record_changes_by_account(Transaction& tx, std::string_view id, std::int64_t now_ms);

// The last number given, 0 before the first.
base::Result<std::int64_t> last_policy_change(Transaction& tx);

// Changes after `number`, in order, at most `limit` (at least 1). not_found when some of them were pruned, or when
// `number` was never given (a restored backup): the follower must read all domains, beginning at last_policy_change()
// of the same transaction.
base::Result<std::vector<PolicyChange>> changes_since(Transaction& tx, std::int64_t number, std::int64_t limit);

// Forgets changes below `number`, which may be more than there are. How many were forgotten.
base::Result<std::int64_t> prune_policy_changes(Transaction& tx, std::int64_t number);

}  // namespace fairlead::store
