#include "store/policy_changes.h"

#include <algorithm>
#include <array>

#include "store/query.h"

namespace fairlead::store {

using base::Code;
using base::Result;
using base::Side;

namespace {

constexpr std::array<std::string_view, 2> kKinds = {"changed", "removed"};

PolicyChange read_change(Columns& c) {
  PolicyChange change;
  change.number = c.integer();
  change.domain_name = c.text();
  change.kind = value_of<PolicyChangeKind>(kKinds, c.text());
  change.at_ms = c.integer();
  return change;
}

struct Counter {
  std::int64_t last = 0;       // given
  std::int64_t pruned_to = 0;  // changes up to this one are forgotten
};

Result<Counter> counter(Transaction& tx) {
  return read_one(tx.query_one("select last_number, pruned_to from policy_counter", {}, "policy counter"),
                  [](Columns& c) {
                    Counter counter;
                    counter.last = c.integer();
                    counter.pruned_to = c.integer();
                    return counter;
                  });
}

// Inserts what `select` finds, which has a name for each row and numbers them after :last; then moves the counter.
Result<std::int64_t> record(Transaction& tx, Sql from, Params params, std::int64_t now_ms) {
  auto last = last_policy_change(tx);
  if (!last) return last;
  params.emplace_back("last", *last);
  params.emplace_back("now", now_ms);
  auto added = tx.execute(
      "insert into policy_changes (number, domain_name, kind, at_ms) "
      "select cast(:last as bigint) + row_number() over (order by d.name), d.name, 'changed', cast(:now as bigint) " +
          from,
      params);
  if (!added) return added;
  auto moved = tx.execute("update policy_counter set last_number = last_number + :added", {{"added", *added}});
  if (!moved) return moved;
  return added;
}

}  // namespace

Result<std::int64_t> record_policy_change(Transaction& tx, std::string_view domain_name, PolicyChangeKind kind,
                                          std::int64_t now_ms) {
  auto moved = tx.execute("update policy_counter set last_number = last_number + 1");
  if (!moved) return moved;
  auto number = last_policy_change(tx);
  if (!number) return number;
  auto added =
      tx.execute("insert into policy_changes (number, domain_name, kind, at_ms) values (:number, :name, :kind, :now)",
                 {{"number", *number}, {"name", domain_name}, {"kind", word_of(kKinds, kind)}, {"now", now_ms}});
  if (!added) return added;
  return number;
}

Result<std::int64_t> record_changes_by_layer7_config(Transaction& tx, std::string_view id, std::int64_t now_ms) {
  return record(tx, "from domains d where d.layer7_config_id = :id", {{"id", id}}, now_ms);
}

Result<std::int64_t> record_changes_by_certificate(Transaction& tx, std::string_view id, std::int64_t now_ms) {
  return record(tx, "from domains d join domain_certificates b on b.domain_id = d.id where b.certificate_id = :id",
                {{"id", id}}, now_ms);
}

Result<std::int64_t> record_changes_by_account(Transaction& tx, std::string_view id, std::int64_t now_ms) {
  return record(tx, "from domains d where d.account_id = :id", {{"id", id}}, now_ms);
}

Result<std::int64_t> last_policy_change(Transaction& tx) {
  auto now = counter(tx);
  if (!now) return std::unexpected(std::move(now.error()));
  return now->last;
}

Result<std::vector<PolicyChange>> changes_since(Transaction& tx, std::int64_t number, std::int64_t limit) {
  auto now = counter(tx);
  if (!now) return std::unexpected(std::move(now.error()));
  if (number < now->pruned_to || number > now->last)
    return base::fail(Code::not_found, Side::none, "policy changes after " + std::to_string(number) + " are not kept");
  return read_all(tx.query("select number, domain_name, kind, at_ms from policy_changes where number > :number "
                           "order by number limit :limit",
                           {{"number", number}, {"limit", std::max<std::int64_t>(limit, 1)}}),
                  read_change);
}

Result<std::int64_t> prune_policy_changes(Transaction& tx, std::int64_t number) {
  auto now = counter(tx);
  if (!now) return std::unexpected(std::move(now.error()));
  const std::int64_t to = std::min(number - 1, now->last);
  if (to <= now->pruned_to) return 0;
  auto moved = tx.execute("update policy_counter set pruned_to = :to", {{"to", to}});
  if (!moved) return moved;
  return tx.execute("delete from policy_changes where number <= :to", {{"to", to}});
}

}  // namespace fairlead::store
