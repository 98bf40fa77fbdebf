#pragma once
// Layer-7 configurations (R14): named sets of settings of one account, bound to any number of its domains
// (Domain::layer7_config_id). A change counts as a change of every domain bound to it. Values; functions work inside
// the caller's transaction and fail as database.h says.

#include <cstdint>
#include <string>
#include <string_view>

#include "store/page.h"
#include "store/transaction.h"

namespace fairlead::store {

struct Layer7Config {
  std::string id;
  std::string account_id;
  std::string name;             // unique within the account
  std::string settings = "{}";  // JSON text
  std::int64_t revision = 0;
  std::int64_t created_ms = 0, updated_ms = 0;  // since 1970 UTC
  bool operator==(const Layer7Config&) const = default;
};

// Makes it at `now_ms`: id, revision (1) and times are set here, the rest is `config`'s. The row as stored.
base::Result<Layer7Config> insert_layer7_config(Transaction& tx, Layer7Config config, std::int64_t now_ms);

base::Result<Layer7Config> find_layer7_config(Transaction& tx, std::string_view id);
base::Result<Layer7Config> find_layer7_config_by_name(Transaction& tx, std::string_view account_id,
                                                      std::string_view name);

// Writes name and settings over the row `config.id`, if its revision is the expected one, and records a policy change
// for each domain bound to it. The row as stored, with its next revision.
base::Result<Layer7Config> update_layer7_config(Transaction& tx, const Layer7Config& config,
                                                std::int64_t expected_revision, std::int64_t now_ms);

// Conflict "bound: still used by NAMES" while domains are bound to it.
base::Result<void> delete_layer7_config(Transaction& tx, std::string_view id, std::int64_t expected_revision);

// Of one account, by name.
base::Result<Page<Layer7Config>> list_layer7_configs(Transaction& tx, std::string_view account_id,
                                                     const PageRequest& page);

}  // namespace fairlead::store
