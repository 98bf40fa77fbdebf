#pragma once
// Usage sums: the usage of many domains together, kept beside theirs, so that who asks for all of it need not read all
// of theirs. A sum is kept as if it were one more domain: under an id of its own, in the same tables, rolled up and
// removed like any other. Whoever takes usage in adds to it in the same transaction, from a time on at which there was
// no usage yet: from then on it is complete, before it there is nothing of it. A sum that was begun stays. Values;
// functions work inside the caller's transaction and fail as database.h says.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/transaction.h"

namespace fairlead::store {

// Under which id the usage of all domains of an account is summed up; of "": of all domains there are.
std::string usage_sum_id(std::string_view account_id);
bool is_usage_sum(std::string_view domain_id);

// By usage_sum_id: since when it is complete, a UTC midnight. Read it in the transaction that adds usage: another
// program may have begun one a moment ago.
base::Result<std::map<std::string, std::int64_t>> list_usage_sums(Transaction& tx);
base::Result<std::optional<std::int64_t>> find_usage_sum(Transaction& tx, std::string_view account_id);
// The sum is complete from `since_s` on and not before; it never goes back.
base::Result<void> restart_usage_sum(Transaction& tx, std::string_view sum_id, std::int64_t since_s);
// One that was begun before stays as it is.
base::Result<void> begin_usage_sum(Transaction& tx, std::string_view account_id, std::int64_t since_s);

// Whose sums are not begun yet and have `least` metered domains or more: accounts, and "" for all.
base::Result<std::vector<std::string>> list_unsummed(Transaction& tx, std::int64_t least);

}  // namespace fairlead::store
