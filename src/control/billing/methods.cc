#include "control/billing/methods.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "control/account_access.h"
#include "control/audit_trail.h"
#include "control/billing/billing_notices.h"
#include "control/billing/days.h"
#include "control/in_transaction.h"
#include "store/policy_changes.h"

namespace fairlead::control {

using Json = nlohmann::ordered_json;
using store::MethodChoice;
using store::Transaction;

namespace {

Outcome<BillingView> view_of(Transaction& tx, store::Account account, std::int64_t now_ms) {
  BillingView view;
  auto all = store::methods_of(tx, account.id);
  if (!all) return failed(all);
  for (MethodChoice& choice : *all) {
    if (choice.effective_ms > now_ms) {
      view.pending = std::move(choice);
    } else {
      view.current = choice;
      view.history.push_back(std::move(choice));
    }
  }
  auto today = billing_day_at(tx, account, now_ms);
  if (!today) return failed(today);
  auto prices = price_book_on(tx, account.id, today->day);
  if (!prices) return failed(prices);
  view.prices = std::move(*prices);
  view.account = std::move(account);
  return view;
}

Json audit_value(const MethodChoice& choice) {
  return {{"method", store::to_string(choice.method)},
          {"period", store::to_string(choice.period)},
          {"effective", base::format_utc_ms(choice.effective_ms)}};
}

nlohmann::json notice_data(const MethodChoice& choice) {
  return {{"method", store::to_string(choice.method)},
          {"period", store::to_string(choice.period)},
          {"effective", base::format_utc_ms(choice.effective_ms)}};
}

Outcome<void> must_be_offered(Transaction& tx, const store::Account& account, const MethodChoice& choice) {
  auto first = billing_day_at(tx, account, choice.effective_ms);
  if (!first) return failed(first);
  auto books = price_books_from(tx, account.id, first->day);
  if (!books) return failed(books);
  for (const PriceBook& book : *books) {
    if (book.tariff(choice.method, choice.period) != nullptr) continue;
    return refuse(409, "wrong_state",
                  fmt::format("billing by {}, paid by the {}, is not offered: it has no price{}",
                              store::to_string(choice.method), store::to_string(choice.period),
                              book.effective > first->day ? " from " + to_text(book.effective) + " on" : ""));
  }
  return {};
}

}  // namespace

std::int64_t change_due_ms(store::BillingPeriod present, const TimeZone& zone, std::int64_t now_ms) {
  const std::int64_t now_s = now_ms / 1000;
  return 1000 * (present == store::BillingPeriod::day ? zone.next_midnight(now_s) : zone.next_month(now_s));
}

const MethodChoice* method_at(const std::vector<MethodChoice>& history, std::int64_t at_ms) {
  const MethodChoice* found = nullptr;
  for (const MethodChoice& choice : history) {
    if (choice.effective_ms <= at_ms) found = &choice;
  }
  return found;
}

base::Result<bool> has_billing_method(Transaction& tx, std::string_view account_id) {
  auto all = store::methods_of(tx, account_id);
  if (!all) return std::unexpected(all.error());
  return !all->empty();  // the first one takes effect at once
}

Outcome<BillingView> get_billing(Context& context, const Caller& caller, const std::optional<std::string>& account_id) {
  return read_in(context.database, [&](Transaction& tx) -> Outcome<BillingView> {
    auto account = account_for(tx, caller, account_id);
    if (!account) return std::unexpected(account.error());
    return view_of(tx, std::move(*account), context.now_ms());
  });
}

Outcome<BillingView> choose_method(Context& context, const Caller& caller, const std::optional<std::string>& account_id,
                                   store::BillingMethod method, store::BillingPeriod period) {
  bool first = false;
  auto outcome = write_in(context.database, [&](Transaction& tx) -> Outcome<BillingView> {
    const std::int64_t now = context.now_ms();
    auto account = account_for(tx, caller, account_id);
    if (!account) return std::unexpected(account.error());
    if (auto may = require_write(caller); !may) return std::unexpected(may.error());
    if (account->kind == store::AccountKind::operator_)
      return refuse(409, "wrong_state", "an operator's account is not billed");
    auto before = view_of(tx, *account, now);
    if (!before) return before;
    if (before->pending)
      return refuse(409, "wrong_state", "a change is pending already: cancel it, or wait until it has taken effect");
    first = !before->current;
    if (before->current && before->current->method == method && before->current->period == period)
      return refuse(409, "wrong_state", "this is how the account is billed already");

    MethodChoice choice;
    choice.account_id = account->id;
    choice.method = method;
    choice.period = period;
    choice.chosen_ms = now;
    choice.chosen_by = caller.user_id;
    choice.effective_ms = now;
    choice.told = first;
    if (!first) {
      auto zone = TimeZone::find(account->time_zone);
      if (!zone) return failed(zone);
      choice.effective_ms = change_due_ms(before->current->period, *zone, now);
    }
    if (auto offered = must_be_offered(tx, *account, choice); !offered) return std::unexpected(offered.error());
    auto stored = store::insert_method(tx, std::move(choice));
    if (!stored) return failed(stored);

    AuditedChange change;
    change.account_id = account->id;
    change.action = "billing.choose";
    change.object_type = "billing";
    change.object_name = account->name;
    if (before->current) change.old_value = audit_value(*before->current);
    change.new_value = audit_value(*stored);
    if (auto written = audit(tx, caller, change, now); !written) return failed(written);
    const auto type = first ? "billing.method_changed" : "billing.change_pending";
    if (auto told = tell_account(tx, context, *account, type, notice_data(*stored)); !told) return failed(told);
    if (first) {  // a gate may be met by it
      if (auto noted = store::record_changes_by_account(tx, account->id, now); !noted) return failed(noted);
    }
    return view_of(tx, std::move(*account), now);
  });
  if (outcome) context.notice_written();
  if (outcome && first) context.policy_changed();
  return outcome;
}

Outcome<BillingView> cancel_method_change(Context& context, const Caller& caller,
                                          const std::optional<std::string>& account_id) {
  return write_in(context.database, [&](Transaction& tx) -> Outcome<BillingView> {
    const std::int64_t now = context.now_ms();
    auto account = account_for(tx, caller, account_id);
    if (!account) return std::unexpected(account.error());
    if (auto may = require_write(caller); !may) return std::unexpected(may.error());
    auto before = view_of(tx, *account, now);
    if (!before) return before;
    if (!before->pending) return refuse(409, "wrong_state", "no change is pending");
    if (auto gone = store::delete_method(tx, before->pending->id); !gone) return failed(gone);
    AuditedChange change;
    change.account_id = account->id;
    change.action = "billing.cancel";
    change.object_type = "billing";
    change.object_name = account->name;
    change.old_value = audit_value(*before->pending);
    if (auto written = audit(tx, caller, change, now); !written) return failed(written);
    return view_of(tx, std::move(*account), now);
  });
}

base::Result<std::int64_t> tell_of_changes(Transaction& tx, Context& context, const store::Account& account,
                                           const std::vector<MethodChoice>& history) {
  std::int64_t count = 0;
  for (const MethodChoice& choice : history) {
    if (choice.told || choice.effective_ms > context.now_ms()) continue;
    if (auto told = tell_account(tx, context, account, "billing.method_changed", notice_data(choice)); !told)
      return std::unexpected(told.error());
    if (auto marked = store::mark_method_told(tx, choice.id); !marked) return std::unexpected(marked.error());
    ++count;
  }
  return count;
}

}  // namespace fairlead::control
