#pragma once
// Damaged usage: open rows whose texts nobody can read, set aside so that they hold nobody else up: neither what comes
// for the same domain, nor the removal of what is old. What they counted is in no statistics and on no bill; the texts
// stay for a person to look at. Values; functions work inside the caller's transaction and fail as database.h says.

#include <cstdint>
#include <vector>

#include "store/transaction.h"
#include "store/usage_points.h"

namespace fairlead::store {

struct DamagedUsage {
  OpenUsage row;
  std::int64_t found_ms = 0;  // since 1970 UTC
  bool operator==(const DamagedUsage&) const = default;
};

// Moves the row there. Conflict "unique:" when one of that domain and interval was found in the same millisecond.
base::Result<void> set_open_usage_aside(Transaction& tx, const OpenUsage& row, std::int64_t now_ms);
// By when they were found.
base::Result<std::vector<DamagedUsage>> list_damaged_usage(Transaction& tx);
// Forgets those that were found before. How many.
base::Result<std::int64_t> prune_damaged_usage(Transaction& tx, std::int64_t before_ms);

}  // namespace fairlead::store
