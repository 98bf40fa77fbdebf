#pragma once
// The SQL of every migration, a file each: what ../migrations.cc puts in order. A step is a list of statements that
// both SQLite and PostgreSQL understand: `text` and `bigint` columns only, no automatic numbers, no engine's own types.

#include <span>

#include "store/sql.h"

namespace fairlead::store::migrations {

std::span<const Sql> step_0001();
std::span<const Sql> step_0002();
std::span<const Sql> step_0003();
std::span<const Sql> step_0004();
std::span<const Sql> step_0005();
std::span<const Sql> step_0006();

}  // namespace fairlead::store::migrations
