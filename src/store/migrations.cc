#include "store/migrations.h"

#include <fmt/format.h>

#include <array>

#include "store/migrations/steps.h"

namespace fairlead::store {

using base::Code;
using base::Result;
using base::Side;

namespace {

std::int64_t last_of(std::span<const Migration> steps) { return steps.empty() ? 0 : steps.back().number; }

Result<std::int64_t> present_schema(Transaction& tx) {
  auto row = tx.query_one("select coalesce(max(number), 0) from schema_version", {}, "schema_version");
  if (!row) return std::unexpected(std::move(row.error()));
  return Columns(*row).integer();
}

Result<int> apply(Transaction& tx, std::int64_t now_ms, std::span<const Migration> steps) {
  auto made = tx.execute(
      "create table if not exists schema_version (number bigint primary key, title text not null, "
      "applied_ms bigint not null)");
  if (!made) return std::unexpected(std::move(made.error()));
  const auto present = present_schema(tx);
  if (!present) return std::unexpected(present.error());
  const std::int64_t known = last_of(steps);
  if (*present > known)
    return base::fail(Code::unsupported, Side::config,
                      fmt::format("the database is at schema {}, this program knows up to {}: start the newer program, "
                                  "or restore a backup made by this one",
                                  *present, known));
  int applied = 0;
  for (const Migration& step : steps) {
    if (step.number <= *present) continue;
    for (const Sql sql : step.statements) {
      if (auto done = tx.execute(sql); !done) return std::unexpected(std::move(done.error()));
    }
    auto noted = tx.execute("insert into schema_version (number, title, applied_ms) values (:number, :title, :now)",
                            {{"number", step.number}, {"title", step.title}, {"now", now_ms}});
    if (!noted) return std::unexpected(std::move(noted.error()));
    ++applied;
  }
  return applied;
}

}  // namespace

std::span<const Migration> all_migrations() {
  static const std::array steps = {
      Migration{1, "first tables", migrations::step_0001()},
      Migration{2, "notices of certificates that end", migrations::step_0002()},
      Migration{3, "usage", migrations::step_0003()},
      Migration{4, "billing", migrations::step_0004()},
      Migration{5, "upkeep of usage", migrations::step_0005()},
      Migration{6, "usage at scale", migrations::step_0006()},
  };
  return steps;
}

Result<int> migrate(Database& database, std::int64_t now_ms, std::span<const Migration> steps) {
  const auto all = [&](Transaction& tx) { return apply(tx, now_ms, steps); };
  auto applied = database.with_value(Database::Work::migrate, all);
  if (applied) database.knows_schema(last_of(steps));
  return applied;
}

Result<void> refuse_newer_schema(Transaction& tx, std::int64_t known) {
  const auto present = present_schema(tx);
  if (!present) return std::unexpected(present.error());
  if (*present <= known) return {};
  return base::fail(
      Code::unsupported, Side::config,
      fmt::format("the database is at schema {}, this program knows up to {}: a newer program has brought "
                  "it up to date, and this one must be replaced by it",
                  *present, known));
}

}  // namespace fairlead::store
