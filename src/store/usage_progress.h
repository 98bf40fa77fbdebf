#pragma once
// Usage progress: which sets of usage were taken in (model::UsageSet: an edge, its epoch, a sequence). Kept as ranges
// of sequences, so an edge whose sets come in order costs one row an epoch however many they are, and a set that never
// comes costs one more. Note a set in the transaction that adds what is in it: then it counts once or not at all.
// Functions fail as database.h says.

#include <cstdint>
#include <string_view>

#include "store/transaction.h"

namespace fairlead::store {

// True: it is new and now noted. False: it was noted before. `epoch` and `sequence` are not negative.
base::Result<bool> note_usage_set(Transaction& tx, std::string_view edge, std::int64_t epoch, std::int64_t sequence,
                                  std::int64_t now_ms);

// Forgets epochs of which nothing new has come since `before_ms`. How many ranges were forgotten.
base::Result<std::int64_t> prune_usage_progress(Transaction& tx, std::int64_t before_ms);

}  // namespace fairlead::store
