#pragma once
// Transaction: what the function given to Database::read or write works with. Made and owned by the Database, valid
// until that function returns, used by its thread alone. Statements are constant texts that both engines understand;
// every value goes in as a parameter, never into the text (sql.h).
//
// A statement that failed spoils its transaction on both engines (on PostgreSQL that is the rule, so SQLite gets it
// too): every later call returns the same error, and nothing is committed. The exceptions are not_found and conflicts
// of revision: those are answers of this library, not failures of the engine.

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/sql.h"
#include "store/value.h"

namespace fairlead::store {

class Session;

class Transaction {
 public:
  explicit Transaction(Session& session) : session_(session) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // All rows of a SELECT.
  base::Result<std::vector<Row>> query(Sql sql, const Params& params = {});

  // The first row of a SELECT, or not_found with `what` as its context.
  base::Result<Row> query_one(Sql sql, const Params& params, std::string_view what);

  // Calls `f` with each row of a SELECT as it comes: for what may be too large to be held. An error of `f` ends the
  // statement and is returned; `f` must not use this transaction.
  base::Result<void> each(Sql sql, const Params& params, const std::function<base::Result<void>(const Row&)>& f);

  // INSERT, UPDATE, DELETE, or a definition: how many rows it changed.
  base::Result<std::int64_t> execute(Sql sql, const Params& params = {});

  // The same statement with one set of parameters after the other, prepared once. All sets have the same names, in the
  // same order, and the same types.
  base::Result<void> execute_all(Sql sql, const std::vector<Params>& params);

  // The engine's first failure in this transaction.
  const std::optional<base::Error>& failure() const { return failure_; }

 private:
  std::optional<base::Error> refuse(const Params& params);

  Session& session_;
  std::optional<base::Error> failure_;
};

}  // namespace fairlead::store
