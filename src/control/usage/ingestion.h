#pragma once
// UsageIngestion: takes sets of usage in from the bus and adds them to what the store has, each once, however often and
// in whatever order they come: the set's (edge, epoch, sequence) is noted in the transaction that adds its counts.
// Counts go to open rows, one for each domain (and sum of domains) and five-minute interval, also those of hours that
// were rolled up long ago: the next roll-up folds them in (rollup.h).
//
// Who is metered: the domain by its id. One that no account ever had here (an edge that serves a file) is kept under
// the empty account. A set for an interval that is more than kEarly ahead of the clock, or no longer kept (R22), is
// summed up apart (store::UsageOutOfRange), counted and logged. A row that cannot be read is set aside
// (store/usage_damaged.h), counted and logged, and a new one begun: the edge's queue does not wait for it.

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/counter.h"
#include "base/error.h"
#include "control/context.h"
#include "control/usage/block.h"

namespace fairlead::control {

class UsageIngestion {
 public:
  static constexpr std::int64_t kEarly = 86400;  // seconds

  explicit UsageIngestion(Context& context) : context_(context) {}

  // For cluster::LocalUsageBus::subscribe: one set as model::encode_usage made it. On success it is committed, now or
  // before. Retry::never: nothing will ever make sense of it. Retry::later: the store is away, or a newer program made
  // it. Any thread; calls wait for each other.
  base::Result<void> take(std::string_view encoded);

  struct Counters {
    std::uint64_t taken = 0, duplicates = 0, refused = 0, out_of_range = 0;  // sets
    std::uint64_t damaged_rows = 0;                                          // set aside
    std::map<std::string, std::int64_t> last_to_ms;  // by edge: the end of the last set that came, since the start
  };
  Counters counters() const;

 private:
  enum class Taken : std::uint8_t { added, known, out_of_range };
  // What became known in a transaction, to be remembered when it is committed.
  struct Learned {
    std::unordered_map<std::string, std::int64_t> names;
    std::unordered_map<std::string, std::string> domains;  // and their accounts, which they never leave
    std::uint64_t damaged_rows = 0;
  };
  base::Result<Taken> add(store::Transaction& tx, const model::UsageSet& set, Learned& learned);
  base::Result<void> set_aside(store::Transaction& tx, const model::UsageSet& set, std::string_view reason);
  base::Result<std::uint32_t> number_of(store::Transaction& tx, std::string_view name, Learned& learned);
  base::Result<std::map<std::string, PointUsage>> by_domain(store::Transaction& tx, const model::UsageSet& set,
                                                            Learned& learned);

  // Adds the points of sums (store/usage_sums.h) to those of domains.
  base::Result<void> add_sums(store::Transaction& tx, std::int64_t interval_s, const Learned& learned,
                              std::map<std::string, PointUsage>& points);
  base::Result<void> learn_domain(store::Transaction& tx, const std::string& id, const std::string& name,
                                  Learned& learned);

  Context& context_;
  std::mutex taking_;
  Learned known_;  // by taking_
  mutable std::mutex mutex_;
  Counters counters_;
};

}  // namespace fairlead::control
