#include "store/audit.h"

#include "store/ids.h"
#include "store/query.h"

namespace fairlead::store {

using base::Result;

namespace {

constexpr Sql kColumns =
    "id, at_ms, account_id, user_id, source_address, action, object_type, object_name, old_value, new_value";

AuditEntry read_entry(Columns& c) {
  AuditEntry e;
  e.id = c.text();
  e.at_ms = c.integer();
  e.account_id = c.optional_text();
  e.user_id = c.optional_text();
  e.source_address = c.text();
  e.action = c.text();
  e.object_type = c.text();
  e.object_name = c.text();
  e.old_value = c.optional_text();
  e.new_value = c.optional_text();
  return e;
}

}  // namespace

Result<AuditEntry> append_audit(Transaction& tx, AuditEntry e) {
  e.id = new_id(e.at_ms);
  auto done = tx.execute(
      "insert into audit (id, at_ms, account_id, user_id, source_address, action, object_type, object_name, old_value, "
      "new_value) values (:id, :at, :account, :user, :source, :action, :type, :name, :old, :new)",
      {{"id", e.id},
       {"at", e.at_ms},
       {"account", e.account_id},
       {"user", e.user_id},
       {"source", e.source_address},
       {"action", e.action},
       {"type", e.object_type},
       {"name", e.object_name},
       {"old", e.old_value},
       {"new", e.new_value}});
  if (!done) return std::unexpected(std::move(done.error()));
  return e;
}

Result<Page<AuditEntry>> list_audit(Transaction& tx, const AuditFilter& wanted, const PageRequest& page) {
  Filter filter;
  filter.equal("account_id", "account", wanted.account_id);
  filter.equal("user_id", "user", wanted.user_id);
  filter.equal("object_type", "type", wanted.object_type);
  filter.equal("object_name", "name", wanted.object_name);
  filter.equal("action", "action", wanted.action);
  if (wanted.from_ms) filter.add("at_ms >= :from", "from", *wanted.from_ms);
  if (wanted.before_ms) filter.add("at_ms < :before", "before", *wanted.before_ms);
  Filter after = filter;
  if (!page.after.empty()) {
    auto key = parse_time_key(page.after);
    if (!key) return std::unexpected(std::move(key.error()));
    after.add("(at_ms, id) < (:after_ms, :after_id)", "after_ms", key->at_ms);
    after.give("after_id", key->id);
  }
  return read_page(tx, "audit", kColumns, filter, after, "at_ms desc, id desc", page, read_entry,
                   [](const AuditEntry& e) { return to_text(TimeKey{e.at_ms, e.id}); });
}

}  // namespace fairlead::store
