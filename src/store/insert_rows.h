#pragma once
// Inserts of many rows, some dozens a statement: over a connection every statement is a round trip, and the one writer
// there is must not spend its time on those. Internal to src/store.

#include <initializer_list>
#include <vector>

#include "store/transaction.h"

namespace fairlead::store {

// "INTO values (:a, :b), (:a, :b), ... AFTER", with the columns of INTO in the order of `names`. Each of `rows` has its
// parameters in that order, of the same types; no two of them are of the same key.
base::Result<void> insert_rows(Transaction& tx, Sql into, std::initializer_list<Sql> names, Sql after,
                               std::vector<Params> rows);

}  // namespace fairlead::store
