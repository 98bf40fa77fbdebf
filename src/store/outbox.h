#pragma once
// Outbox: notices that must leave the house, put here in the transaction of what they tell of, so that a crash loses
// none. Whoever sends claims what is due for a time (a lease), sends, and reports; of two control planes one gets each
// notice. A sender that dies leaves its lease to run out, and the notice is due again: delivery is at least once, so
// receivers are given the id to know repetitions by. Values; functions work inside the caller's transaction and fail as
// database.h says.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/page.h"
#include "store/transaction.h"

namespace fairlead::store {

enum class NoticeKind : std::uint8_t { email, webhook };
enum class NoticeState : std::uint8_t { pending, done, failed };

struct Notice {
  std::string id;
  NoticeKind kind = NoticeKind::email;
  std::string destination;  // an address, a URL
  std::string payload;      // what the sender for this kind understands
  NoticeState state = NoticeState::pending;
  std::int64_t attempts = 0;         // claims so far
  std::int64_t next_attempt_ms = 0;  // since 1970 UTC, as all times here
  std::string lease;                 // names the claim that has it; empty: nobody
  std::int64_t lease_until_ms = 0;
  std::string last_error;
  std::int64_t created_ms = 0;
  bool operator==(const Notice&) const = default;
};

std::string_view to_string(NoticeKind kind);
std::string_view to_string(NoticeState state);

// Puts a notice in, due at `now_ms`: kind, destination and payload are `notice`'s, the rest is set here. The row as
// stored.
base::Result<Notice> insert_notice(Transaction& tx, Notice notice, std::int64_t now_ms);

base::Result<Notice> find_notice(Transaction& tx, std::string_view id);

// Claims what is due at `now_ms` and nobody else has, those due longest first, at most `limit` (at least 1): nobody
// gets them again before `now_ms + lease_ms`. Each has the lease to report with. Commit before sending.
base::Result<std::vector<Notice>> claim_due(Transaction& tx, std::int64_t now_ms, std::int64_t limit,
                                            std::int64_t lease_ms);

// Reports on a claimed notice. conflict "lease: ..." when the lease ran out and another has claimed it since.
base::Result<void> mark_done(Transaction& tx, const Notice& claimed);
// To be tried again at `retry_at_ms`, or never (none).
base::Result<void> mark_failed(Transaction& tx, const Notice& claimed, std::string_view error,
                               std::optional<std::int64_t> retry_at_ms);

// When the next notice is due (a lease's end counts), none when nothing is pending.
base::Result<std::optional<std::int64_t>> next_due_ms(Transaction& tx);

// Of one state, oldest first. malformed when `page.after` is not the `next` of a page.
base::Result<Page<Notice>> list_notices(Transaction& tx, NoticeState state, const PageRequest& page);

// Forgets done and failed ones made before `before_ms`. How many.
base::Result<std::int64_t> prune_notices(Transaction& tx, std::int64_t before_ms);

}  // namespace fairlead::store
