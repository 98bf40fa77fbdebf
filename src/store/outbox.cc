#include "store/outbox.h"

#include <algorithm>
#include <array>

#include "store/ids.h"
#include "store/query.h"

namespace fairlead::store {

using base::Code;
using base::Result;
using base::Side;

namespace {

constexpr std::array<std::string_view, 2> kKinds = {"email", "webhook"};
constexpr std::array<std::string_view, 3> kStates = {"pending", "done", "failed"};

constexpr Sql kColumns =
    "id, kind, destination, payload, state, attempts, next_attempt_ms, lease, lease_until_ms, last_error, created_ms";

Notice read_notice(Columns& c) {
  Notice n;
  n.id = c.text();
  n.kind = value_of<NoticeKind>(kKinds, c.text());
  n.destination = c.text();
  n.payload = c.text();
  n.state = value_of<NoticeState>(kStates, c.text());
  n.attempts = c.integer();
  n.next_attempt_ms = c.integer();
  n.lease = c.text();
  n.lease_until_ms = c.integer();
  n.last_error = c.text();
  n.created_ms = c.integer();
  return n;
}

// The end of a claim. An empty lease is nobody's, and ends nothing.
Result<void> report(Transaction& tx, const Notice& claimed, NoticeState state, std::string_view error,
                    std::int64_t next_attempt_ms) {
  auto done = tx.execute(
      "update outbox set state = :state, last_error = :error, next_attempt_ms = :next, lease = '', lease_until_ms = 0 "
      "where id = :id and lease = :lease and lease <> '' and state = 'pending'",
      {{"state", to_string(state)},
       {"error", error},
       {"next", next_attempt_ms},
       {"id", claimed.id},
       {"lease", claimed.lease}});
  if (!done) return std::unexpected(std::move(done.error()));
  if (*done == 1) return {};
  auto present = find_notice(tx, claimed.id);
  if (!present) return std::unexpected(std::move(present.error()));
  return base::fail(Code::conflict, Side::none, "lease: the notice is no longer this sender's");
}

}  // namespace

std::string_view to_string(NoticeKind kind) { return word_of(kKinds, kind); }
std::string_view to_string(NoticeState state) { return word_of(kStates, state); }

Result<Notice> insert_notice(Transaction& tx, Notice given, std::int64_t now_ms) {
  Notice n;
  n.id = new_id(now_ms);
  n.kind = given.kind;
  n.destination = std::move(given.destination);
  n.payload = std::move(given.payload);
  n.next_attempt_ms = n.created_ms = now_ms;
  auto done = tx.execute(
      "insert into outbox (id, kind, destination, payload, state, attempts, next_attempt_ms, lease, lease_until_ms, "
      "last_error, created_ms) values (:id, :kind, :destination, :payload, 'pending', 0, :now, '', 0, '', :now)",
      {{"id", n.id},
       {"kind", to_string(n.kind)},
       {"destination", n.destination},
       {"payload", n.payload},
       {"now", now_ms}});
  if (!done) return std::unexpected(std::move(done.error()));
  return n;
}

Result<Notice> find_notice(Transaction& tx, std::string_view id) {
  const auto sql = "select " + kColumns + " from outbox where id = :id";
  return read_one(tx.query_one(sql, {{"id", id}}, "notice"), read_notice);
}

Result<std::vector<Notice>> claim_due(Transaction& tx, std::int64_t now_ms, std::int64_t limit, std::int64_t lease_ms) {
  const std::string lease = new_id(now_ms);
  auto claimed = tx.execute(
      "update outbox set lease = :lease, lease_until_ms = :until, attempts = attempts + 1 where id in "
      "(select id from outbox where state = 'pending' and next_attempt_ms <= :now and lease_until_ms <= :now "
      "order by next_attempt_ms, id limit :limit)",
      {{"lease", lease}, {"until", now_ms + lease_ms}, {"now", now_ms}, {"limit", std::max<std::int64_t>(limit, 1)}});
  if (!claimed) return std::unexpected(std::move(claimed.error()));
  if (*claimed == 0) return std::vector<Notice>();
  const auto sql = "select " + kColumns + " from outbox where lease = :lease order by next_attempt_ms, id";
  return read_all(tx.query(sql, {{"lease", lease}}), read_notice);
}

Result<void> mark_done(Transaction& tx, const Notice& claimed) {
  return report(tx, claimed, NoticeState::done, "", claimed.next_attempt_ms);
}

Result<void> mark_failed(Transaction& tx, const Notice& claimed, std::string_view error,
                         std::optional<std::int64_t> retry_at_ms) {
  return report(tx, claimed, retry_at_ms ? NoticeState::pending : NoticeState::failed, error,
                retry_at_ms.value_or(claimed.next_attempt_ms));
}

Result<std::optional<std::int64_t>> next_due_ms(Transaction& tx) {
  return read_one(tx.query_one("select min(case when lease_until_ms > next_attempt_ms then lease_until_ms "
                               "else next_attempt_ms end) from outbox where state = 'pending'",
                               {}, "outbox"),
                  [](Columns& c) { return c.optional_integer(); });
}

Result<Page<Notice>> list_notices(Transaction& tx, NoticeState state, const PageRequest& page) {
  Filter filter;
  filter.add("state = :state", "state", to_string(state));
  Filter after = filter;
  if (!page.after.empty()) {
    auto key = parse_time_key(page.after);
    if (!key) return std::unexpected(std::move(key.error()));
    after.add("(created_ms, id) > (:after_ms, :after_id)", "after_ms", key->at_ms);
    after.give("after_id", key->id);
  }
  return read_page(tx, "outbox", kColumns, filter, after, "created_ms, id", page, read_notice,
                   [](const Notice& n) { return to_text(TimeKey{n.created_ms, n.id}); });
}

Result<std::int64_t> prune_notices(Transaction& tx, std::int64_t before_ms) {
  return tx.execute("delete from outbox where state <> 'pending' and created_ms < :before", {{"before", before_ms}});
}

}  // namespace fairlead::store
