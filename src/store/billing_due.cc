#include "store/billing_due.h"

#include "store/query.h"

namespace fairlead::store {

using base::Result;

namespace {

Result<void> done(Result<std::int64_t> changed) {
  if (!changed) return std::unexpected(std::move(changed.error()));
  return {};
}

}  // namespace

Result<void> add_billing_due(Transaction& tx, std::string_view account_id) {
  return done(
      tx.execute("insert into billing_due (account_id, due_ms, waits, touched) values (:account, 0, 0, 0) "
                 "on conflict (account_id) do update set due_ms = 0, touched = billing_due.touched + 1",
                 {{"account", account_id}}));
}

Result<void> touch_billing_due(Transaction& tx, std::string_view account_id) {
  return done(tx.execute("update billing_due set due_ms = 0, touched = touched + 1 where account_id = :account",
                         {{"account", account_id}}));
}

Result<void> touch_all_billing_due(Transaction& tx) {
  return done(tx.execute("update billing_due set due_ms = 0, touched = touched + 1"));
}

Result<std::vector<std::string>> billing_due_at(Transaction& tx, std::int64_t now_ms) {
  return read_all(
      tx.query("select account_id from billing_due where due_ms <= :now order by account_id", {{"now", now_ms}}),
      [](Columns& c) { return c.text(); });
}

Result<BillingDue> find_billing_due(Transaction& tx, std::string_view account_id) {
  return read_one(tx.query_one("select account_id, due_ms, waits, touched from billing_due where account_id = :account",
                               {{"account", account_id}}, "billed account"),
                  [](Columns& c) {
                    BillingDue due;
                    due.account_id = c.text();
                    due.due_ms = c.integer();
                    due.waits = c.truth();
                    due.touched = c.integer();
                    return due;
                  });
}

Result<void> put_billing_due(Transaction& tx, const BillingDue& due) {
  return done(tx.execute(
      "update billing_due set due_ms = :due, waits = :waits "
      "where account_id = :account and touched = :touched",
      {{"due", due.due_ms}, {"waits", due.waits ? 1 : 0}, {"account", due.account_id}, {"touched", due.touched}}));
}

Result<std::int64_t> accounts_without_price(Transaction& tx) {
  return read_one(tx.query_one("select count(*) from billing_due where waits = 1", {}, "count"),
                  [](Columns& c) { return c.integer(); });
}

}  // namespace fairlead::store
