#include "control/billing/biller.h"

#include "base/log.h"
#include "control/billing/methods.h"
#include "control/billing/packs.h"
#include "control/billing/statements.h"
#include "store/accounts.h"
#include "store/billing_packs.h"

namespace fairlead::control {

using base::Result;
using store::Transaction;

namespace {

// The first day that is not closed: packs end before it. Of an account that was never billed, the day two hours ago.
Result<DaySpan> open_day(Transaction& tx, const store::Account& account,
                         const std::vector<store::MethodChoice>& history, std::int64_t now_ms) {
  auto days = AccountDays::load(tx, account);
  if (!days) return std::unexpected(days.error());
  if (!history.empty()) return next_day_to_close(tx, *days, account.id, history);
  return days->first(now_ms - kDayGrace * 1000);
}

}  // namespace

Result<Settled> settle_account(Transaction& tx, Context& context, const PointsReader& points,
                               const std::string& account_id) {
  Settled done;
  auto account = store::find_account(tx, account_id);
  if (!account) return std::unexpected(account.error());
  auto history = store::methods_of(tx, account_id);
  if (!history) return std::unexpected(history.error());
  auto told = tell_of_changes(tx, context, *account, *history);
  if (!told) return std::unexpected(told.error());
  done.told = static_cast<int>(*told);
  auto closed = close_days(tx, context, points, *account, *history);
  if (!closed) return std::unexpected(closed.error());
  done.days = *closed;
  auto late = find_late_records(tx, context, points, *account);
  if (!late) return std::unexpected(late.error());
  done.late = *late;
  auto open = open_day(tx, *account, *history, context.now_ms());
  if (!open) return std::unexpected(open.error());
  auto ended = expire_packs(tx, context, *account, open->day);
  if (!ended) return std::unexpected(ended.error());
  done.packs_ended = *ended;
  if (!history->empty()) {
    auto issued = issue_statements(tx, context, *account, *history);
    if (!issued) return std::unexpected(issued.error());
    done.statements = *issued;
  }
  return done;
}

Result<bool> is_due(Transaction& tx, std::int64_t now_ms, const std::string& account_id) {
  auto account = store::find_account(tx, account_id);
  if (!account) return std::unexpected(account.error());
  auto history = store::methods_of(tx, account_id);
  if (!history) return std::unexpected(history.error());
  for (const auto& choice : *history) {
    if (!choice.told && choice.effective_ms <= now_ms) return true;
  }
  auto open = open_day(tx, *account, *history, now_ms);
  if (!open) return std::unexpected(open.error());
  if (!history->empty() && (open->end_s + kDayGrace) * 1000 <= now_ms) return true;
  auto checks = store::days_to_check(tx, account_id, now_ms, 1);
  if (!checks) return std::unexpected(checks.error());
  if (!checks->empty()) return true;
  auto bills = statement_due(tx, account_id, open->day);
  if (!bills || *bills) return bills;
  auto packs = store::active_packs(tx, account_id);
  if (!packs) return std::unexpected(packs.error());
  return !packs->empty() && packs->front().until_day < to_text(open->day);
}

Settled settle_all(Context& context, const PointsReader& points) {
  Settled all;
  const auto accounts = context.database.read([](Transaction& tx) { return store::billed_accounts(tx); });
  if (!accounts) {
    base::log_warn("billing: {}", base::describe(accounts.error()));
    return all;
  }
  for (const std::string& id : *accounts) {
    for (;;) {
      const auto due = context.database.read([&](Transaction& tx) { return is_due(tx, context.now_ms(), id); });
      if (due && !*due) break;
      auto done = due ? context.database.write([&](Transaction& tx) { return settle_account(tx, context, points, id); })
                      : Result<Settled>(std::unexpected(due.error()));
      if (!done) {
        base::log_warn("billing: account {}: {}", id, base::describe(done.error()));
        break;
      }
      all.days += done->days;
      all.late += done->late;
      all.packs_ended += done->packs_ended;
      all.statements += done->statements;
      all.told += done->told;
      if (!done->any()) break;
    }
  }
  if (all.any()) context.notice_written();
  return all;
}

Biller::Biller(Context& context, PointsReader points)
    : context_(context), points_(std::move(points)), thread_(&Biller::run, this) {}

Biller::~Biller() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Biller::run() {
  for (;;) {
    settle_all(context_, points_);
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kEvery, [this] { return stop_; });
    if (stop_) return;
  }
}

}  // namespace fairlead::control
