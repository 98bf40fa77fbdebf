#include "store/usage_damaged.h"

#include "store/query.h"

namespace fairlead::store {

using base::Result;

Result<void> set_open_usage_aside(Transaction& tx, const OpenUsage& row, std::int64_t now_ms) {
  auto kept = tx.execute(
      "insert into usage_damaged (domain_id, at_s, found_ms, total, body) values (:id, :at, :now, :total, :body)",
      {{"id", row.domain_id}, {"at", row.at_s}, {"now", now_ms}, {"total", row.total}, {"body", row.body}});
  if (!kept) return std::unexpected(std::move(kept.error()));
  auto gone = delete_open_usage(tx, row.domain_id, row.at_s, row.at_s + 1);
  if (!gone) return std::unexpected(std::move(gone.error()));
  return {};
}

Result<std::vector<DamagedUsage>> list_damaged_usage(Transaction& tx) {
  return read_all(tx.query("select domain_id, at_s, found_ms, total, body from usage_damaged "
                           "order by found_ms, domain_id, at_s"),
                  [](Columns& c) {
                    DamagedUsage damaged;
                    damaged.row.domain_id = c.text();
                    damaged.row.at_s = c.integer();
                    damaged.found_ms = c.integer();
                    damaged.row.total = c.text();
                    damaged.row.body = c.text();
                    return damaged;
                  });
}

Result<std::int64_t> prune_damaged_usage(Transaction& tx, std::int64_t before_ms) {
  return tx.execute("delete from usage_damaged where found_ms < :before", {{"before", before_ms}});
}

}  // namespace fairlead::store
