#include "store/usage_blocks.h"

#include <array>

#include "store/query.h"
#include "store/usage_domains.h"

namespace fairlead::store {

using base::Result;

namespace {

constexpr std::array<std::string_view, 3> kTiers = {"five-minutes", "hours", "days"};

// Usage that is not split has tables of its own, one a tier. Who asks domain by domain over a long time reads very many
// of its small rows: there they lie together, and not scattered among the large ones.
constexpr Sql kTables[] = {"usage_totals_of_five_minutes", "usage_totals_of_hours", "usage_totals_of_days",
                           "usage_blocks"};

std::size_t table_of(UsageShelf shelf) {
  return shelf.dimension == UsageDimension::total ? static_cast<std::size_t>(shelf.tier) : 3;
}

template <class T, class ShelfOf>
std::map<std::size_t, std::vector<T>> by_table(std::vector<T> all, ShelfOf shelf_of) {
  std::map<std::size_t, std::vector<T>> sorted;
  for (T& one : all) sorted[table_of(shelf_of(one))].push_back(std::move(one));
  return sorted;
}

SqlText delete_from(std::size_t table) {
  SqlText sql = "delete from " + kTables[table];
  sql += " where shelf = :shelf and domain_id = :id and start_s = :start";
  return sql;
}

}  // namespace

std::string_view to_string(UsageTier tier) { return word_of(kTiers, tier); }

Result<std::map<std::int64_t, std::string>> find_usage_blocks(Transaction& tx, const std::vector<UsageShelf>& shelves,
                                                              std::string_view domain_id, std::int64_t start_s) {
  std::map<std::int64_t, std::string> bodies;
  for (const auto& [table, of_table] : by_table(shelves, [](UsageShelf shelf) { return shelf; })) {
    SqlText sql = "select shelf, body from " + kTables[table];
    sql += " where domain_id = :id and start_s = :start and shelf in (";
    Params params = {{"id", domain_id}, {"start", start_s}};
    for (std::size_t i = 0; i < of_table.size(); ++i) {
      const SqlText name = numbered(i);
      sql += i == 0 ? Sql(":") : Sql(", :");
      sql += name;
      params.emplace_back(Sql(name).text(), of_table[i].number());
    }
    sql += ")";
    auto rows = tx.query(sql, params);
    if (!rows) return std::unexpected(std::move(rows.error()));
    for (Row& row : *rows) bodies.emplace(std::get<std::int64_t>(row[0]), std::get<std::string>(std::move(row[1])));
  }
  return bodies;
}

Result<void> put_usage_blocks(Transaction& tx, std::vector<UsageBlock> blocks) {
  for (auto& [table, of_table] : by_table(std::move(blocks), [](const UsageBlock& block) { return block.shelf; })) {
    std::vector<Params> gone, put;
    for (UsageBlock& block : of_table) {
      Params params = {{"shelf", block.shelf.number()}, {"id", std::move(block.domain_id)}, {"start", block.start_s}};
      if (block.body.empty()) {
        gone.push_back(std::move(params));
        continue;
      }
      params.emplace_back("body", std::move(block.body));
      put.push_back(std::move(params));
    }
    if (auto done = tx.execute_all(delete_from(table), gone); !done) return done;
    // One by one: texts of up to a megabyte would only be copied more often on their way into one statement.
    SqlText sql = "insert into " + kTables[table];
    sql +=
        " (shelf, domain_id, start_s, body) values (:shelf, :id, :start, :body) "
        "on conflict (shelf, domain_id, start_s) do update set body = excluded.body";
    auto done = tx.execute_all(sql, put);
    if (!done) return done;
  }
  return {};
}

Result<void> each_usage_block(Transaction& tx, UsageShelf shelf, const UsageDomains& domains, std::int64_t from_s,
                              std::int64_t to_s, const EachUsage& each) {
  return for_each_choice(domains, {{"shelf", shelf.number()}, {"from", from_s}, {"to", to_s}},
                         [&](Sql condition, const Params& params) {
                           SqlText sql = "select domain_id, start_s, body from " + kTables[table_of(shelf)];
                           sql += " where shelf = :shelf and start_s >= :from and start_s < :to";
                           sql += condition;
                           return tx.each(sql, params, [&](const Row& row) { return give_usage(row, each); });
                         });
}

Result<std::int64_t> delete_usage_blocks(Transaction& tx, UsageShelf shelf, std::int64_t before_s, std::int64_t limit) {
  const std::size_t table = table_of(shelf);
  SqlText sql = "select domain_id, start_s from " + kTables[table];
  sql += " where shelf = :shelf and start_s < :before limit :limit";
  auto rows = tx.query(sql, {{"shelf", shelf.number()}, {"before", before_s}, {"limit", limit}});
  if (!rows) return std::unexpected(std::move(rows.error()));
  std::vector<Params> params;
  for (Row& row : *rows) {
    Columns c(row);
    std::string id = c.text();
    params.push_back({{"shelf", shelf.number()}, {"id", std::move(id)}, {"start", c.integer()}});
  }
  auto done = tx.execute_all(delete_from(table), params);
  if (!done) return std::unexpected(std::move(done.error()));
  return std::ssize(params);
}

Result<bool> has_usage_blocks_before(Transaction& tx, UsageTier tier, std::int64_t before_s) {
  for (const UsagePart part : {UsagePart::bytes, UsagePart::answers, UsagePart::rest}) {
    const UsageShelf shelf{.tier = tier, .dimension = UsageDimension::total, .part = part};
    SqlText sql = "select start_s from " + kTables[table_of(shelf)];
    sql += " where shelf = :shelf and start_s < :before limit 1";
    auto rows = tx.query(sql, {{"shelf", shelf.number()}, {"before", before_s}});
    if (!rows) return std::unexpected(std::move(rows.error()));
    if (!rows->empty()) return true;
  }
  return false;
}

Result<std::optional<std::int64_t>> last_usage_block_s(Transaction& tx, UsageTier tier) {
  return read_one(tx.query_one("select max(start_s) from " + kTables[static_cast<std::size_t>(tier)], {}, "usage"),
                  [](Columns& c) { return c.optional_integer(); });
}

Result<std::int64_t> usage_kept_since(Transaction& tx, UsageTier tier) {
  auto rows = tx.query("select since_s from usage_kept where tier = :tier", {{"tier", to_string(tier)}});
  if (!rows) return std::unexpected(std::move(rows.error()));
  return rows->empty() ? 0 : Columns(rows->front()).integer();
}

Result<void> set_usage_kept_since(Transaction& tx, UsageTier tier, std::int64_t since_s) {
  auto done = tx.execute(
      "insert into usage_kept (tier, since_s) values (:tier, :since) on conflict (tier) do update "
      "set since_s = excluded.since_s where usage_kept.since_s < excluded.since_s",
      {{"tier", to_string(tier)}, {"since", since_s}});
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

}  // namespace fairlead::store
