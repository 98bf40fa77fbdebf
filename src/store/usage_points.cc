#include "store/usage_points.h"

#include <algorithm>
#include <span>

#include "store/insert_rows.h"
#include "store/query.h"
#include "store/usage_domains.h"

namespace fairlead::store {

using base::Result;

namespace {

UsageOutOfRange read_out_of_range(Columns& c) {
  UsageOutOfRange row;
  row.edge = c.text();
  row.reason = c.text();
  row.sets = c.integer();
  row.total = c.text();
  row.updated_ms = c.integer();
  return row;
}

constexpr Sql kOutOfRange = "select edge, reason, sets, total, updated_ms from usage_out_of_range";

}  // namespace

Result<std::vector<OpenUsage>> open_usage_at(Transaction& tx, std::int64_t at_s,
                                             const std::vector<std::string>& domain_ids) {
  std::vector<OpenUsage> found;
  auto done = for_each_choice(
      UsageDomains::list(domain_ids), {{"at", at_s}}, [&](Sql condition, const Params& params) -> Result<void> {
        return tx.each("select domain_id, total, body from usage_open where at_s = :at" + condition, params,
                       [&](const Row& row) -> Result<void> {
                         Columns c(row);
                         OpenUsage& open = found.emplace_back();
                         open.at_s = at_s;
                         open.domain_id = c.text();
                         open.total = c.text();
                         open.body = c.text();
                         return {};
                       });
      });
  if (!done) return std::unexpected(std::move(done.error()));
  return found;
}

Result<void> put_open_usage(Transaction& tx, const std::vector<OpenUsage>& rows) {
  std::vector<Params> params;
  params.reserve(rows.size());
  for (const OpenUsage& r : rows)
    params.push_back({{"at", r.at_s}, {"id", r.domain_id}, {"total", r.total}, {"body", r.body}});
  return insert_rows(tx, "insert into usage_open (at_s, domain_id, total, body)", {"at", "id", "total", "body"},
                     " on conflict (domain_id, at_s) do update set total = excluded.total, body = excluded.body",
                     std::move(params));
}

Result<void> each_open_usage(Transaction& tx, const UsageDomains& domains, std::int64_t from_s, std::int64_t to_s,
                             OpenText text, const EachUsage& each) {
  const Sql columns =
      text == OpenText::total ? Sql("select domain_id, at_s, total") : Sql("select domain_id, at_s, body");
  return for_each_choice(domains, {{"from", from_s}, {"to", to_s}}, [&](Sql condition, const Params& params) {
    return tx.each(columns + " from usage_open where at_s >= :from and at_s < :to" + condition, params,
                   [&](const Row& row) { return give_usage(row, each); });
  });
}

Result<std::vector<OpenDay>> open_usage_days(Transaction& tx, std::int64_t before_s, std::int64_t limit) {
  return read_all(tx.query("select domain_id, at_s - at_s % 86400 as day_s from usage_open where at_s < :before "
                           "group by domain_id, at_s - at_s % 86400 order by day_s, domain_id limit :limit",
                           {{"before", before_s}, {"limit", limit}}),
                  [](Columns& c) {
                    OpenDay day;
                    day.domain_id = c.text();
                    day.day_s = c.integer();
                    return day;
                  });
}

Result<std::int64_t> delete_open_usage(Transaction& tx, std::string_view domain_id, std::int64_t from_s,
                                       std::int64_t to_s) {
  return tx.execute("delete from usage_open where at_s >= :from and at_s < :to and domain_id = :id",
                    {{"from", from_s}, {"to", to_s}, {"id", domain_id}});
}

Result<std::int64_t> count_open_usage(Transaction& tx) {
  return read_one(tx.query_one("select count(*) from usage_open", {}, "usage_open"),
                  [](Columns& c) { return c.integer(); });
}

Result<std::optional<std::int64_t>> first_open_usage_s(Transaction& tx) {
  return read_one(tx.query_one("select min(at_s) from usage_open", {}, "usage_open"),
                  [](Columns& c) { return c.optional_integer(); });
}

Result<std::optional<std::int64_t>> last_open_usage_s(Transaction& tx) {
  return read_one(tx.query_one("select max(at_s) from usage_open", {}, "usage_open"),
                  [](Columns& c) { return c.optional_integer(); });
}

Result<std::vector<std::pair<std::int64_t, std::string>>> list_usage_names(Transaction& tx) {
  return read_all(tx.query("select number, name from usage_names order by number"), [](Columns& c) {
    const std::int64_t number = c.integer();
    return std::pair(number, c.text());
  });
}

Result<std::optional<std::int64_t>> find_usage_name(Transaction& tx, std::string_view name) {
  auto rows = tx.query("select number from usage_names where name = :name", {{"name", name}});
  if (!rows) return std::unexpected(std::move(rows.error()));
  if (rows->empty()) return std::nullopt;
  return Columns(rows->front()).integer();
}

Result<std::int64_t> ensure_usage_name(Transaction& tx, std::string_view name) {
  auto known = find_usage_name(tx, name);
  if (!known) return std::unexpected(std::move(known.error()));
  if (*known) return **known;
  auto row = tx.query_one("select coalesce(max(number), 0) + 1 from usage_names", {}, "usage_names");
  if (!row) return std::unexpected(std::move(row.error()));
  const std::int64_t number = Columns(*row).integer();
  auto put = tx.execute("insert into usage_names (number, name) values (:number, :name)",
                        {{"number", number}, {"name", name}});
  if (!put) return std::unexpected(std::move(put.error()));
  return number;
}

Result<std::optional<UsageOutOfRange>> find_usage_out_of_range(Transaction& tx, std::string_view edge,
                                                               std::string_view reason) {
  auto rows =
      read_all(tx.query(kOutOfRange + " where edge = :edge and reason = :reason", {{"edge", edge}, {"reason", reason}}),
               read_out_of_range);
  if (!rows) return std::unexpected(std::move(rows.error()));
  if (rows->empty()) return std::nullopt;
  return std::move(rows->front());
}

Result<void> put_usage_out_of_range(Transaction& tx, const UsageOutOfRange& row) {
  auto done = tx.execute(
      "insert into usage_out_of_range (edge, reason, sets, total, updated_ms) "
      "values (:edge, :reason, :sets, :total, :now) on conflict (edge, reason) do update set "
      "sets = excluded.sets, total = excluded.total, updated_ms = excluded.updated_ms",
      {{"edge", row.edge}, {"reason", row.reason}, {"sets", row.sets}, {"total", row.total}, {"now", row.updated_ms}});
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

Result<std::vector<UsageOutOfRange>> list_usage_out_of_range(Transaction& tx) {
  return read_all(tx.query(kOutOfRange + " order by edge, reason"), read_out_of_range);
}

}  // namespace fairlead::store
