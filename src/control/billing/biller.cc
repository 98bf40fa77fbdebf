#include "control/billing/biller.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "base/log.h"
#include "control/billing/methods.h"
#include "control/billing/packs.h"
#include "control/billing/statements.h"
#include "store/accounts.h"
#include "store/billing_due.h"
#include "store/billing_packs.h"

namespace fairlead::control {

using base::Result;
using store::Transaction;

namespace {

// How long one transaction may go on closing days: while it does, nobody else writes.
constexpr std::chrono::milliseconds kTurn{250};

// The first day that is not closed: packs end before it. Of an account that was never billed, the day two hours ago.
Result<DaySpan> open_day(Transaction& tx, const store::Account& account,
                         const std::vector<store::MethodChoice>& history, std::int64_t now_ms) {
  auto days = AccountDays::load(tx, account);
  if (!days) return std::unexpected(days.error());
  if (!history.empty()) return next_day_to_close(tx, *days, account.id, history);
  return days->first(now_ms - kDayGrace * 1000);
}

// When the account has something to do again, if nothing is written before.
Result<std::int64_t> next_due(Transaction& tx, const store::Account& account,
                              const std::vector<store::MethodChoice>& history, const DaySpan& open) {
  if (history.empty()) {
    auto packs = store::active_packs(tx, account.id);
    if (!packs) return std::unexpected(packs.error());
    if (packs->empty()) return std::numeric_limits<std::int64_t>::max();
  }
  // Statements are complete, and packs end, when a day is closed.
  std::int64_t due = (open.end_s + kDayGrace) * 1000;
  for (const auto& choice : history) {
    if (!choice.told) due = std::min(due, choice.effective_ms);
  }
  auto check = store::next_check_of(tx, account.id);
  if (!check) return std::unexpected(check.error());
  return *check ? std::min(due, **check) : due;
}

// What an account's first transaction did, and what is left for others.
struct Turn {
  Settled done;
  store::Account account;
  LocalDate open;  // the first day that is not closed
  ReadyStatements ready;
  store::BillingDue next;
};

Result<Turn> settle_days(Transaction& tx, Context& context, const PointsReader& points, const std::string& account_id) {
  const auto until = std::chrono::steady_clock::now() + kTurn;
  Turn turn;
  auto due = store::find_billing_due(tx, account_id);
  if (!due) return std::unexpected(due.error());
  turn.next = std::move(*due);
  auto account = store::find_account(tx, account_id);
  if (!account) return std::unexpected(account.error());
  turn.account = std::move(*account);
  auto history = store::methods_of(tx, account_id);
  if (!history) return std::unexpected(history.error());
  auto told = tell_of_changes(tx, context, turn.account, *history);
  if (!told) return std::unexpected(told.error());
  turn.done.told = static_cast<int>(*told);
  for (auto& choice : *history) choice.told = choice.told || choice.effective_ms <= context.now_ms();
  auto closed = close_days(tx, context, points, turn.account, *history, until);
  if (!closed) return std::unexpected(closed.error());
  turn.done.days = *closed;
  auto late = find_late_records(tx, context, points, turn.account);
  if (!late) return std::unexpected(late.error());
  turn.done.late = *late;
  auto open = open_day(tx, turn.account, *history, context.now_ms());
  if (!open) return std::unexpected(open.error());
  turn.open = open->day;
  auto ended = expire_packs(tx, context, turn.account, open->day);
  if (!ended) return std::unexpected(ended.error());
  turn.done.packs_ended = *ended;
  auto ready = ready_statements(tx, turn.account, open->day);
  if (!ready) return std::unexpected(ready.error());
  turn.ready = std::move(*ready);
  auto again = next_due(tx, turn.account, *history, *open);
  if (!again) return std::unexpected(again.error());
  turn.next.due_ms = *again;
  turn.next.waits = turn.ready.waits;
  // With statements to issue the account stays due until they are.
  if (turn.ready.first_days.empty()) {
    if (auto put = store::put_billing_due(tx, turn.next); !put) return std::unexpected(put.error());
  }
  return turn;
}

void log_failure(const std::string& account_id, const base::Error& error) {
  base::log_warn("billing: account {}: {}", account_id, base::describe(error));
}

// One transaction for days, one for each statement, one to note that it is done.
Result<Turn> settle_once(Context& context, const PointsReader& points, const std::string& account_id,
                         const std::function<bool()>& stop) {
  auto turn = context.database.write([&](Transaction& tx) { return settle_days(tx, context, points, account_id); });
  if (!turn || turn->ready.first_days.empty()) return turn;
  for (const std::string& day : turn->ready.first_days) {
    if (stop && stop()) return turn;
    auto issued = context.database.write(
        [&](Transaction& tx) { return issue_statements(tx, context, turn->account, turn->open, day); });
    if (issued) {
      turn->done.statements += *issued;
    } else {
      log_failure(account_id, issued.error());
      ++turn->done.failures;
    }
  }
  if (turn->done.failures > 0) return turn;
  auto put = context.database.write([&](Transaction& tx) { return store::put_billing_due(tx, turn->next); });
  if (!put) return std::unexpected(put.error());
  return turn;
}

}  // namespace

Settled& Settled::operator+=(const Settled& more) {
  days += more.days;
  late += more.late;
  packs_ended += more.packs_ended;
  statements += more.statements;
  told += more.told;
  failures += more.failures;
  return *this;
}

Settled settle_all(Context& context, const PointsReader& points, const std::function<bool()>& stop) {
  Settled all;
  const std::int64_t now = context.now_ms();
  const auto accounts = context.database.read([&](Transaction& tx) { return store::billing_due_at(tx, now); });
  if (!accounts) {
    base::log_warn("billing: {}", base::describe(accounts.error()));
    ++all.failures;
    return all;
  }
  for (const std::string& id : *accounts) {
    for (;;) {
      if (stop && stop()) break;
      auto turn = settle_once(context, points, id, stop);
      if (!turn) {
        log_failure(id, turn.error());
        ++all.failures;
        break;
      }
      all += turn->done;
      if (turn->done.failures > 0 || turn->next.due_ms > now || !turn->done.any()) break;
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

Biller::Status Biller::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void Biller::once() {
  const Settled done = settle_all(context_, points_, [this] { return stop_.load(); });
  const auto waiting = context_.database.read([](Transaction& tx) { return store::accounts_without_price(tx); });
  const std::lock_guard lock(mutex_);
  status_.days += static_cast<std::uint64_t>(done.days);
  status_.late += static_cast<std::uint64_t>(done.late);
  status_.statements += static_cast<std::uint64_t>(done.statements);
  status_.failures += static_cast<std::uint64_t>(done.failures);
  if (waiting) status_.accounts_waiting = *waiting;
}

void Biller::run() {
  // Everybody once at the start: what was noted is of another program, and of another clock perhaps.
  const auto all = context_.database.write([](Transaction& tx) { return store::touch_all_billing_due(tx); });
  if (!all) base::log_warn("billing: {}", base::describe(all.error()));
  for (;;) {
    once();
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kEvery, [this] { return stop_.load(); });
    if (stop_) return;
  }
}

std::string billing_metrics(const Biller::Status& status) {
  std::string out;
  const auto add = [&](std::string_view name, std::string_view kind, std::string_view help, std::uint64_t value) {
    out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help, kind, value);
  };
  add("fairlead_billing_days_closed_total", "counter", "Accounts' days that were closed.", status.days);
  add("fairlead_billing_bills_issued_total", "counter", "Bills that were issued.", status.statements);
  add("fairlead_billing_late_records_total", "counter", "Closed days for which usage came late.", status.late);
  add("fairlead_billing_accounts_waiting", "gauge", "Accounts with days that wait for a price, at the last look.",
      static_cast<std::uint64_t>(status.accounts_waiting));
  add("fairlead_billing_failures_total", "counter", "Steps of billing that failed and are tried again.",
      status.failures);
  return out;
}

}  // namespace fairlead::control
