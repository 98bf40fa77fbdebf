#pragma once
// Setup links: addresses that work once, to become the first operator, to set a password, to confirm an e-mail address.
// The database has a hash of the link's secret alone, made elsewhere. Values; functions work inside the caller's
// transaction and fail as database.h says.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/transaction.h"

namespace fairlead::store {

struct SetupLink {
  std::string hash;                    // unique
  std::string purpose;                 // "first_operator", "password"
  std::optional<std::string> user_id;  // whom it is for; none: nobody exists yet
  std::int64_t created_ms = 0;         // since 1970 UTC, as all times here
  std::int64_t expires_ms = 0;
  std::optional<std::int64_t> used_ms;
  bool operator==(const SetupLink&) const = default;
};

// Makes the link at `now_ms`: created_ms and used_ms (none) are set here. The row as stored.
base::Result<SetupLink> insert_setup_link(Transaction& tx, SetupLink link, std::int64_t now_ms);

// Whether use_setup_link would work: the link, or not_found.
base::Result<SetupLink> find_setup_link(Transaction& tx, std::string_view hash, std::string_view purpose,
                                        std::int64_t now_ms);

// Uses the link up: the row as stored. not_found when there is none, it is for another purpose, it was used, or it has
// expired at `now_ms`. Of two at once one succeeds. Do what it is for in the same transaction.
base::Result<SetupLink> use_setup_link(Transaction& tx, std::string_view hash, std::string_view purpose,
                                       std::int64_t now_ms);

// Ends the links of a purpose that are for that user, or (none) for nobody yet. How many.
base::Result<std::int64_t> delete_setup_links(Transaction& tx, std::string_view purpose,
                                              const std::optional<std::string>& user_id);

// Used and expired ones. How many.
base::Result<std::int64_t> delete_spent_setup_links(Transaction& tx, std::int64_t now_ms);

}  // namespace fairlead::store
