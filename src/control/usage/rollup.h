#pragma once
// Roll-up: packs the open rows of usage into blocks of five minutes, hours and days, each in total, by region, by ISP
// and by all of it (store/usage_blocks.h), and forgets what R22 says is old. Nothing waits for it: who reads adds open
// rows and blocks. A domain's day is done in one transaction: read what there is of the day, add the open rows, derive
// hours, days and dimensions from it, write, delete the rows. So it can die at any statement and be done again; records
// that come later are open rows again, and the next roll-up folds them in.
//
// An open row that cannot be read is set aside, and so are all of a day when it is the day's packed block that cannot:
// a text that is damaged holds nobody else up. Functions of the store's errors.

#include <atomic>
#include <cstdint>

#include "base/error.h"
#include "store/database.h"

namespace fairlead::control {

struct RollUpOptions {
  std::int64_t before_s = 0;                // rows of intervals before it: a full hour
  std::int64_t most_days = INT64_MAX;       // of domains
  const std::atomic<bool>* stop = nullptr;  // ends between two transactions when it becomes true
};

struct RollUpReport {
  std::int64_t days = 0;    // of domains; sums (store/usage_sums.h) are not counted
  std::int64_t rows = 0;    // open rows packed
  std::int64_t aside = 0;   // rows set aside (store/usage_damaged.h)
  std::int64_t failed = 0;  // days left alone, because a text is of a newer program
};

// Oldest days first. A transaction takes a few days and about kTransactionTime, so that other writers have their turn.
base::Result<RollUpReport> roll_up_usage(store::Database& database, const RollUpOptions& options);

// Up to when usage is to be packed: a quarter of a UTC day that is over, and here but for what is late. A pass writes
// the day's blocks anew, so that a dense day packed every hour costs more than four times what it does this way, and a
// quarter of a day's open rows is little to read.
inline constexpr std::int64_t kRollUpEvery = 6 * 3600, kRollUpGrace = 120;  // seconds; edges hand over every ten
std::int64_t closed_until_s(std::int64_t now_s);

// R22: removes what is older than each tier's time, by UTC days, and notes since when there are points. Five-minute
// points stay while there are open rows of the time to be removed. How many blocks were removed.
base::Result<std::int64_t> remove_old_usage(store::Database& database, std::int64_t now_s,
                                            const std::atomic<bool>* stop = nullptr);

}  // namespace fairlead::control
