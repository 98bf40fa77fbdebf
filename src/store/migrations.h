#pragma once
// Migrations: how a database gets the tables this program knows. Steps are numbered from 1 and applied in order, once
// each, all missing ones in one transaction: a start that is killed half-way leaves the old tables. The number reached
// is kept in the table schema_version. A step is never edited after a release; a later one changes what it made.
//
// migrate() may be called at every start, and by several programs at once on one database: write() lets them in one
// after the other, and who comes second finds nothing to do. On PostgreSQL a step may take longer than any other
// statement may.

#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.h"
#include "store/database.h"
#include "store/sql.h"

namespace fairlead::store {

struct Migration {
  int number;
  std::string_view title;
  std::span<const Sql> statements;  // SQL that both engines understand
};

// Every step there is, in order; a file of migrations/ each.
std::span<const Migration> all_migrations();

// Brings `database` to the last of `steps` (numbered 1, 2, 3, ...) and returns how many were applied. `now_ms`:
// milliseconds since 1970 UTC, kept beside the number. unsupported when the database is newer than `steps`: an older
// program must not write to tables it does not know. After success `database` remembers what `steps` ends with, and
// refuses, in the same way, to work on from the moment a newer program has brought it further.
base::Result<int> migrate(Database& database, std::int64_t now_ms, std::span<const Migration> steps = all_migrations());

// What the Database looks at then: unsupported when the schema is newer than `known`. In words for the operator.
base::Result<void> refuse_newer_schema(Transaction& tx, std::int64_t known);

}  // namespace fairlead::store
