#include "store/installation_policy.h"

#include "store/policy_changes.h"
#include "store/query.h"

namespace fairlead::store {

using base::Code;
using base::Result;
using base::Side;

Result<StoredPolicy> find_installation_policy(Transaction& tx) {
  // Without a row, the moment the tables were made is the moment from which the defaults have held.
  return read_one(tx.query_one("select coalesce(p.document, '{}'), coalesce(p.revision, 0), "
                               "coalesce(p.updated_ms, v.applied_ms) "
                               "from schema_version v left join installation_policy p on p.id = 1 where v.number = 1",
                               {}, "installation policy"),
                  [](Columns& c) {
                    StoredPolicy policy;
                    policy.document = c.text();
                    policy.revision = c.integer();
                    policy.updated_ms = c.integer();
                    return policy;
                  });
}

Result<StoredPolicy> put_installation_policy(Transaction& tx, std::string_view document, std::int64_t expected_revision,
                                             std::int64_t now_ms) {
  auto present = find_installation_policy(tx);
  if (!present) return present;
  if (present->revision != expected_revision)
    return base::fail(Code::conflict, Side::none,
                      "revision: " + std::to_string(present->revision) + " is the present one, " +
                          std::to_string(expected_revision) + " was expected");
  // The writer is alone (database.h): what was read above still holds.
  auto done = expected_revision == 0
                  ? tx.execute(
                        "insert into installation_policy (id, document, revision, updated_ms) "
                        "values (1, :document, 1, :now)",
                        {{"document", document}, {"now", now_ms}})
                  : tx.execute(
                        "update installation_policy set document = :document, revision = revision + 1, "
                        "updated_ms = :now where id = 1",
                        {{"document", document}, {"now", now_ms}});
  if (!done) return std::unexpected(std::move(done.error()));
  return find_installation_policy(tx);
}

Result<std::int64_t> record_changes_of_all_domains(Transaction& tx, std::int64_t now_ms) {
  auto last = last_policy_change(tx);
  if (!last) return last;
  auto added = tx.execute(
      "insert into policy_changes (number, domain_name, kind, at_ms) "
      "select cast(:last as bigint) + row_number() over (order by d.name), d.name, 'changed', cast(:now as bigint) "
      "from domains d",
      {{"last", *last}, {"now", now_ms}});
  if (!added) return added;
  auto moved = tx.execute("update policy_counter set last_number = last_number + :added", {{"added", *added}});
  if (!moved) return moved;
  return added;
}

}  // namespace fairlead::store
