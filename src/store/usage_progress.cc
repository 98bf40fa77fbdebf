#include "store/usage_progress.h"

#include <algorithm>
#include <limits>

#include "store/query.h"

namespace fairlead::store {

using base::Result;

Result<bool> note_usage_set(Transaction& tx, std::string_view edge, std::int64_t epoch, std::int64_t sequence,
                            std::int64_t now_ms) {
  // Ranges neither overlap nor touch: one of them has it, or at most two are its neighbours. The bounds are made here:
  // what is added to a parameter in a statement tells PostgreSQL that the parameter is of 32 bits.
  constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
  const std::int64_t before = std::max<std::int64_t>(sequence, 1) - 1, after = std::min(sequence, kLast - 1) + 1;
  auto rows = tx.query(
      "select first_sequence, last_sequence from usage_taken where edge = :edge and epoch = :epoch and "
      "first_sequence <= :after and last_sequence >= :before order by first_sequence",
      {{"edge", edge}, {"epoch", epoch}, {"after", after}, {"before", before}});
  if (!rows) return std::unexpected(std::move(rows.error()));
  std::int64_t first = sequence, last = sequence;
  for (const Row& row : *rows) {
    Columns columns(row);
    const std::int64_t from = columns.integer(), to = columns.integer();
    if (from <= sequence && sequence <= to) return false;
    first = std::min(first, from);
    last = std::max(last, to);
  }
  if (rows->size() == 1 && first < sequence) {  // nearly always: the next one
    auto done = tx.execute(
        "update usage_taken set last_sequence = :last, updated_ms = :now "
        "where edge = :edge and epoch = :epoch and first_sequence = :first",
        {{"last", last}, {"now", now_ms}, {"edge", edge}, {"epoch", epoch}, {"first", first}});
    if (!done) return std::unexpected(std::move(done.error()));
    return true;
  }
  auto gone = tx.execute(
      "delete from usage_taken where edge = :edge and epoch = :epoch and first_sequence >= :first and "
      "first_sequence <= :last",
      {{"edge", edge}, {"epoch", epoch}, {"first", first}, {"last", last}});
  if (!gone) return std::unexpected(std::move(gone.error()));
  auto put = tx.execute(
      "insert into usage_taken (edge, epoch, first_sequence, last_sequence, updated_ms) "
      "values (:edge, :epoch, :first, :last, :now)",
      {{"edge", edge}, {"epoch", epoch}, {"first", first}, {"last", last}, {"now", now_ms}});
  if (!put) return std::unexpected(std::move(put.error()));
  return true;
}

Result<std::int64_t> prune_usage_progress(Transaction& tx, std::int64_t before_ms) {
  return tx.execute(
      "delete from usage_taken where not exists (select 1 from usage_taken other where other.edge = usage_taken.edge "
      "and other.epoch = usage_taken.epoch and other.updated_ms >= :before)",
      {{"before", before_ms}});
}

}  // namespace fairlead::store
