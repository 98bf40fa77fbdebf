#pragma once
// Sums of usage (store/usage_sums.h): whose are kept, and since when. An account, or an installation, with many domains
// has the sum of them kept, so that the widest questions about all of them read one domain's worth of rows. One with
// few has not: it would only be kept twice.

#include <cstdint>
#include <string>

#include "base/error.h"
#include "store/database.h"
#include "store/transaction.h"

namespace fairlead::control {

inline constexpr std::int64_t kSummedFrom = 16;  // domains

// Begins the sums of all that have `least` domains by now, from the first midnight (UTC) on after which there is no
// usage yet: at once in a new installation, else from tomorrow or, when a clock is ahead, later. How many. Errors: of
// the store.
base::Result<std::int64_t> begin_usage_sums(store::Database& database, std::int64_t least = kSummedFrom);

// A day of a sum has a text that cannot be read: what there is of it goes, and the sum begins anew after the last block
// that had it. Nothing is lost: the domains have it all, and answer for the time before.
base::Result<void> forget_sum_day(store::Transaction& tx, const std::string& sum_id, std::int64_t day_s);

}  // namespace fairlead::control
