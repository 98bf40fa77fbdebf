#include "control/billing/statements.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/log.h"
#include "control/account_access.h"
#include "control/audit_trail.h"
#include "control/billing/billing_notices.h"
#include "control/billing/charges.h"
#include "control/in_transaction.h"
#include "model/usage.h"
#include "store/billing_ledger.h"
#include "store/billing_packs.h"

namespace fairlead::control {

using Json = nlohmann::ordered_json;
using base::Result;
using store::BillingDay;
using store::BillingMethod;
using store::BillingPeriod;
using store::Transaction;

namespace {

// Days of one period that make one bill.
struct Group {
  BillingPeriod period = BillingPeriod::day;
  LocalDate month;  // of a month
  std::vector<BillingDay> days;
};

std::vector<Group> groups_of(const std::vector<BillingDay>& days) {
  std::vector<Group> groups;
  for (const BillingDay& day : days) {
    const LocalDate month = first_of_month(parse_local_date(day.day).value_or(LocalDate()));
    const bool joins = day.period == BillingPeriod::month && !groups.empty() &&
                       groups.back().period == BillingPeriod::month && groups.back().month == month;
    if (!joins) groups.push_back({day.period, month, {}});
    groups.back().days.push_back(day);
  }
  return groups;
}

bool is_empty(const std::vector<BillingDay>& days) {
  return std::ranges::all_of(
      days, [](const BillingDay& day) { return day.figures.bytes_out == 0 && day.figures.wire_bytes_out == 0; });
}

// Nothing passed, and nothing came late.
bool is_empty(const Bill& bill) {
  return bill.late.empty() && std::ranges::all_of(bill.charges, [](const Charge& c) { return is_empty(c.days); });
}

// What the days cost, by the other method: by that which most of them are not billed by.
BillingMethod other_method(const Group& group) {
  const auto by_traffic = std::ranges::count(group.days, BillingMethod::traffic, &BillingDay::method);
  return 2 * by_traffic >= std::ssize(group.days) ? BillingMethod::bandwidth : BillingMethod::traffic;
}

// What the days would have cost otherwise; none when that has no price, or cannot be counted: it is no part of a bill.
Result<std::optional<std::vector<Charge>>> charges_instead(Prices& prices, const Group& part) {
  auto instead = charges_of(prices, part.days, other_method(part));
  if (instead && *instead && total_of(**instead, {})) return instead;
  if (instead || instead.error().code == base::Code::too_large) return std::nullopt;
  return instead;
}

// The bills of a group, one for each currency; none when a day has no price. Late records are on the bill of their
// currency; where there is none they have one of their own, without days.
Result<std::optional<std::vector<Bill>>> bills_of(Prices& prices, const std::string& account_id, const Group& group,
                                                  std::vector<LateCharge>& late) {
  std::vector<std::pair<std::string, Group>> by_currency;
  for (const BillingDay& day : group.days) {
    auto book = prices.on(day.day);
    if (!book) return std::unexpected(book.error());
    if (*book == nullptr) return std::nullopt;
    const std::string& currency = (*book)->currency;
    auto found = std::ranges::find(by_currency, currency, &std::pair<std::string, Group>::first);
    if (found == by_currency.end())
      found = by_currency.insert(by_currency.end(), {currency, Group{group.period, group.month, {}}});
    found->second.days.push_back(day);
  }
  std::vector<Bill> bills;
  for (const auto& [currency, part] : by_currency) {
    auto charges = charges_of(prices, part.days);
    if (!charges) return std::unexpected(charges.error());
    if (!*charges) return std::nullopt;
    auto instead = charges_instead(prices, part);
    if (!instead) return std::unexpected(instead.error());
    Bill bill;
    bill.account_id = account_id;
    bill.period = group.period;
    bill.currency = currency;
    bill.charges = std::move(**charges);
    bill.instead = std::move(*instead);
    bills.push_back(std::move(bill));
  }
  for (LateCharge& one : late) {
    auto found = std::ranges::find(bills, one.currency, &Bill::currency);
    if (found == bills.end()) {
      Bill bill;
      bill.account_id = account_id;
      bill.period = group.period;
      bill.currency = one.currency;
      found = bills.insert(bills.end(), std::move(bill));
    }
    found->late.push_back(std::move(one));
  }
  late.clear();
  for (Bill& bill : bills) {
    auto total = total_of(bill.charges, bill.late);
    if (!total) return std::unexpected(total.error());
    bill.amount_micro = *total;
  }
  return bills;
}

// Late records that have a price, in the order they were found in.
Result<std::vector<LateCharge>> late_charges(Transaction& tx, Prices& prices,
                                             const std::vector<store::Adjustment>& adjustments) {
  std::vector<LateCharge> late;
  for (const auto& one : adjustments) {
    auto charge = late_charge_of(tx, prices, one);
    if (!charge && charge.error().code == base::Code::too_large) {
      base::log_error("billing: what came late for {} of account {} cannot be billed: {}", one.day, one.account_id,
                      base::describe(charge.error()));
      continue;
    }
    if (!charge) return std::unexpected(charge.error());
    if (*charge) late.push_back(std::move(**charge));
  }
  return late;
}

Result<void> book_amounts(Transaction& tx, const Bill& bill, std::int64_t number, std::int64_t now) {
  std::map<BillingMethod, std::int64_t> by_method;
  for (const Charge& charge : bill.charges) by_method[charge.method] += charge.amount_micro;
  for (const LateCharge& late : bill.late) by_method[late.method] += late.amount_micro;
  std::vector<store::LedgerEntry> entries;
  for (const auto& [method, amount] : by_method) {
    if (amount == 0) continue;
    store::LedgerEntry entry;
    entry.account_id = bill.account_id;
    entry.unit = bill.currency;
    entry.debit = "receivable";
    entry.credit = fmt::format("revenue:{}", store::to_string(method));
    if (amount < 0) std::swap(entry.debit, entry.credit);
    entry.amount = amount < 0 ? -amount : amount;
    entry.reference = fmt::format("bill:{}", number);
    entries.push_back(std::move(entry));
  }
  auto done = store::append_ledger(tx, "bill.issued", std::move(entries), now);
  if (!done) return std::unexpected(done.error());
  return {};
}

Result<void> issue(Transaction& tx, Context& context, const store::Account& account, const Bill& bill) {
  const std::int64_t now = context.now_ms();
  auto number = store::next_statement_number(tx);
  if (!number) return std::unexpected(number.error());
  store::Statement row;
  row.number = *number;
  row.account_id = account.id;
  row.period = bill.period;
  row.from_day = bill.from_day();
  row.to_day = bill.to_day();
  row.currency = bill.currency;
  row.amount_micro = bill.amount_micro;
  row.issued_ms = now;
  row.document = document_of(bill, *number, now).dump();
  auto stored = store::insert_statement(tx, std::move(row));
  if (!stored) return std::unexpected(stored.error());
  for (const Charge& charge : bill.charges) {
    for (const BillingDay& day : charge.days) {
      if (auto done = store::settle_day(tx, day, stored->id); !done) return done;
    }
  }
  for (const LateCharge& late : bill.late) {
    if (auto done = store::settle_adjustment(tx, late.adjustment.id, stored->id); !done) return done;
  }
  if (auto done = book_amounts(tx, bill, *number, now); !done) return done;
  AuditedChange change;
  change.account_id = account.id;
  change.action = "bill.issue";
  change.object_type = "bill";
  change.object_name = std::to_string(*number);
  change.new_value = Json{{"period", store::to_string(bill.period)},
                          {"from", stored->from_day},
                          {"to", stored->to_day},
                          {"currency", bill.currency},
                          {"amount", bill.amount_micro}};
  if (auto written = audit(tx, Caller(), change, now); !written) return written;
  return tell_account(tx, context, account, "bill.issued",
                      {{"bill", std::to_string(*number)},
                       {"period", store::to_string(bill.period)},
                       {"from", stored->from_day},
                       {"to", stored->to_day},
                       {"amount", money_text(bill.amount_micro, bill.currency)}});
}

// Nothing to bill: on no statement.
Result<void> settle_without(Transaction& tx, const std::vector<BillingDay>& days) {
  for (const BillingDay& day : days) {
    if (auto done = store::settle_day(tx, day, std::nullopt); !done) return done;
  }
  return {};
}

// Whether no further day belongs to it. `next`: the first day that is not closed.
bool is_complete(const Group& group, LocalDate next) {
  return group.period == BillingPeriod::day || first_of_month(next) > group.month;
}

// On no bill yet, and of charges to which no further day will be added: a later bill of theirs must come out the same.
Result<std::vector<store::Adjustment>> ripe_adjustments(Transaction& tx, const std::string& account_id,
                                                        LocalDate next) {
  auto all = store::unsettled_adjustments(tx, account_id);
  if (!all) return all;
  std::vector<store::Adjustment> ripe;
  for (store::Adjustment& one : *all) {
    auto day = store::find_billing_day(tx, account_id, one.day);
    if (!day) return std::unexpected(day.error());
    const LocalDate month = first_of_month(parse_local_date(one.day).value_or(LocalDate()));
    if (day->period == BillingPeriod::day || month < first_of_month(next)) ripe.push_back(std::move(one));
  }
  return ripe;
}

Outcome<std::string> name_of(Transaction& tx, const std::string& account_id) {
  auto account = store::find_account(tx, account_id);
  if (!account) return failed(account);
  return account->name;
}

Outcome<StatementView> find(Transaction& tx, const Caller& caller, std::int64_t number) {
  auto row = store::find_statement(tx, number);
  if (!row && row.error().code != base::Code::not_found) return failed(row);
  if (!row || !caller.sees(row->account_id)) return not_found("bill");
  auto name = name_of(tx, row->account_id);
  if (!name) return std::unexpected(name.error());
  return StatementView{std::move(*row), std::move(*name)};
}

// A closed day as its usage and its ledger say it was, for the test that a bill can be made again. None: that usage is
// no longer kept.
Result<bool> from_usage(Transaction& tx, const PointsReader& points, BillingDay& day) {
  auto read = points(tx, day.account_id, day.begin_s, day.end_s, model::kUsageInterval);
  if (!read && read.error().code == base::Code::too_large) return false;
  if (!read) return std::unexpected(read.error());
  store::DayFigures figures = figures_of(*read);
  auto late = store::adjustments_of(tx, day.account_id, day.day, day.day);
  if (!late) return std::unexpected(late.error());
  for (const auto& one : *late) {
    figures.bytes_out -= one.bytes_out;
    figures.wire_bytes_out -= one.wire_bytes_out;
  }
  if (!late->empty()) {
    // Which of today's peaks there was before the late records, only the closed day knows.
    const bool same =
        figures.peak_bytes_out == std::max(day.figures.peak_bytes_out, late->back().peak_bytes_out) &&
        figures.peak_wire_bytes_out == std::max(day.figures.peak_wire_bytes_out, late->back().peak_wire_bytes_out);
    if (same) {
      figures.peak_bytes_out = day.figures.peak_bytes_out;
      figures.peak_at_s = day.figures.peak_at_s;
      figures.peak_wire_bytes_out = day.figures.peak_wire_bytes_out;
      figures.peak_wire_at_s = day.figures.peak_wire_at_s;
    }
  }
  day.figures = figures;
  auto used = store::ledger_of_reference(tx, day.account_id, "day:" + day.day);
  if (!used) return std::unexpected(used.error());
  day.pack_bytes = 0;
  for (const auto& entry : *used) day.pack_bytes += entry.amount;
  return true;
}

// Takes from packs what the day will take, without writing it.
void draw(std::vector<store::Pack>& packs, BillingDay& day) {
  std::int64_t bytes = bytes_of(day.figures, day.basis);
  for (store::Pack& pack : packs) {
    if (day.method != BillingMethod::traffic || day.day < pack.from_day || day.day > pack.until_day) continue;
    const std::int64_t part = std::min(pack.remaining, bytes);
    pack.remaining -= part;
    bytes -= part;
    day.pack_bytes += part;
  }
}

}  // namespace

Result<ReadyStatements> ready_statements(Transaction& tx, const store::Account& account, LocalDate next) {
  ReadyStatements ready;
  auto days = store::unsettled_days(tx, account.id);
  if (!days) return std::unexpected(days.error());
  auto adjustments = ripe_adjustments(tx, account.id, next);
  if (!adjustments) return std::unexpected(adjustments.error());
  Prices prices(tx, account.id);
  for (const Group& group : groups_of(*days)) {
    if (!is_complete(group, next)) continue;
    if (is_empty(group.days) && adjustments->empty()) {
      if (auto done = settle_without(tx, group.days); !done) return std::unexpected(done.error());
      ++ready.idle;
      continue;
    }
    auto charges = charges_of(prices, group.days);
    if (!charges && charges.error().code != base::Code::too_large) return std::unexpected(charges.error());
    if (charges && !*charges && !is_empty(group.days)) {
      ready.waits = true;
    } else {
      ready.first_days.push_back(group.days.front().day);
    }
  }
  return ready;
}

Result<int> issue_statements(Transaction& tx, Context& context, const store::Account& account, LocalDate next,
                             const std::string& first_day) {
  auto days = store::unsettled_days(tx, account.id);
  if (!days) return std::unexpected(days.error());
  const auto groups = groups_of(*days);
  const auto group = std::ranges::find_if(groups, [&](const Group& g) { return g.days.front().day == first_day; });
  if (group == groups.end() || !is_complete(*group, next)) return 0;
  auto adjustments = ripe_adjustments(tx, account.id, next);
  if (!adjustments) return std::unexpected(adjustments.error());
  Prices prices(tx, account.id);
  auto late = late_charges(tx, prices, *adjustments);
  if (!late) return std::unexpected(late.error());
  auto bills = bills_of(prices, account.id, *group, *late);
  if (!bills) return std::unexpected(bills.error());
  if (!*bills) {
    if (!is_empty(group->days)) return 0;
    if (auto done = settle_without(tx, group->days); !done) return std::unexpected(done.error());
    const Group without{group->period, group->month, {}};
    bills = bills_of(prices, account.id, without, *late);
    if (!bills) return std::unexpected(bills.error());
  }
  int issued = 0;
  for (const Bill& bill : **bills) {
    if (is_empty(bill)) {
      for (const Charge& charge : bill.charges) {
        if (auto done = settle_without(tx, charge.days); !done) return std::unexpected(done.error());
      }
      continue;
    }
    if (auto done = issue(tx, context, account, bill); !done) return std::unexpected(done.error());
    ++issued;
  }
  return issued;
}

Outcome<std::vector<RunningBill>> running_bills(Context& context, const Caller& caller, const PointsReader& points,
                                                const std::optional<std::string>& account_id) {
  return read_in(context.database, [&](Transaction& tx) -> Outcome<std::vector<RunningBill>> {
    auto account = account_for(tx, caller, account_id);
    if (!account) return std::unexpected(account.error());
    auto history = store::methods_of(tx, account->id);
    if (!history) return failed(history);
    std::vector<RunningBill> running;
    if (history->empty()) return running;
    auto days = store::unsettled_days(tx, account->id);
    if (!days) return failed(days);
    auto calendar = AccountDays::load(tx, *account);
    if (!calendar) return failed(calendar);
    auto span = next_day_to_close(tx, *calendar, account->id, *history);
    if (!span) return failed(span);
    auto packs = store::active_packs(tx, account->id);
    if (!packs) return failed(packs);
    const std::int64_t now_s = context.now_ms() / 1000;
    for (int i = 0; i < 2 * kDaysAtOnce && span->begin_s <= now_s; ++i, *span = calendar->after(*span)) {
      auto day = draft_day(tx, points, *account, *history, *span);
      if (!day) return failed(day);
      draw(*packs, *day);
      days->push_back(std::move(*day));
    }
    Prices prices(tx, account->id);
    auto adjustments = store::unsettled_adjustments(tx, account->id);
    if (!adjustments) return failed(adjustments);
    auto late = late_charges(tx, prices, *adjustments);
    if (!late) return failed(late);
    for (const Group& group : groups_of(*days)) {
      auto bills = bills_of(prices, account->id, group, *late);
      if (!bills) return failed(bills);
      if (!*bills) {
        running.push_back({Json{{"number", nullptr},
                                {"state", "open"},
                                {"account_id", account->id},
                                {"period", store::to_string(group.period)},
                                {"from", group.days.front().day},
                                {"to", group.days.back().day}},
                           "price"});
        continue;
      }
      for (const Bill& bill : **bills) running.push_back({document_of(bill, std::nullopt, std::nullopt), "period"});
    }
    return running;
  });
}

Outcome<StatementView> get_statement(Context& context, const Caller& caller, std::int64_t number) {
  return read_in(context.database, [&](Transaction& tx) { return find(tx, caller, number); });
}

Outcome<store::Page<StatementView>> list_statements(Context& context, const Caller& caller,
                                                    const std::optional<std::string>& account_id,
                                                    const store::PageRequest& page) {
  return read_in(context.database, [&](Transaction& tx) -> Outcome<store::Page<StatementView>> {
    std::optional<std::string> of;
    if (account_id || !caller.sees_all()) {
      of = listed_account(caller, account_id);
      if (!of) return store::Page<StatementView>();
    }
    auto rows = store::list_statements(tx, of, page);
    if (!rows && rows.error().code == base::Code::malformed)
      return invalid("?after", "bad-value", "this is not the `next` of a page");
    if (!rows) return failed(rows);
    store::Page<StatementView> views;
    views.total = rows->total;
    views.next = rows->next;
    for (auto& row : rows->items) {
      auto name = name_of(tx, row.account_id);
      if (!name) return std::unexpected(name.error());
      views.items.push_back({std::move(row), std::move(*name)});
    }
    return views;
  });
}

Result<Recomputed> recompute(Transaction& tx, const PointsReader& points, const store::Statement& statement) {
  auto days = store::days_of_statement(tx, statement.id);
  if (!days) return std::unexpected(days.error());
  Recomputed out;
  Group group;
  group.period = statement.period;
  for (BillingDay& day : *days) {
    auto known = from_usage(tx, points, day);
    if (!known) return std::unexpected(known.error());
    ++(*known ? out.days_from_usage : out.days_from_store);
    group.days.push_back(std::move(day));
  }
  auto adjustments = store::adjustments_of_statement(tx, statement.id);
  if (!adjustments) return std::unexpected(adjustments.error());
  Prices prices(tx, statement.account_id);
  auto late = late_charges(tx, prices, *adjustments);
  if (!late) return std::unexpected(late.error());
  auto bills = bills_of(prices, statement.account_id, group, *late);
  if (!bills) return std::unexpected(bills.error());
  if (*bills && (*bills)->size() == 1)
    out.document = document_of((*bills)->front(), statement.number, statement.issued_ms).dump();
  out.equal = out.document == statement.document;
  return out;
}

Outcome<Recomputed> recompute_statement(Context& context, const Caller& caller, const PointsReader& points,
                                        std::int64_t number) {
  return read_in(context.database, [&](Transaction& tx) -> Outcome<Recomputed> {
    auto view = find(tx, caller, number);
    if (!view) return std::unexpected(view.error());
    auto out = recompute(tx, points, view->row);
    if (!out) return failed(out);
    return std::move(*out);
  });
}

std::string statement_csv(const Json& document) {
  // No value has a comma, a quote or a line end: numbers, days and words of ours.
  std::string csv = "bill,kind,method,from,to,tier,up_to,quantity,unit,share,price_micro,amount_micro,currency\r\n";
  const auto text = [](const Json& value) {
    if (value.is_null()) return std::string();
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  const std::string number = text(document.value("number", Json())),
                    currency = text(document.value("currency", Json()));
  for (const Json& charge : document.value("charges", Json::array())) {
    for (const Json& line : charge["lines"]) {
      csv += fmt::format("{},charge,{},{},{},{},{},{},{},{},{},{},{}\r\n", number, text(charge["method"]),
                         text(charge["from"]), text(charge["to"]), text(line["tier"]), text(line["up_to"]),
                         text(line["quantity"]), text(charge["unit"]), text(charge["share"]), text(line["price"]),
                         text(line["amount"]), currency);
    }
  }
  for (const Json& late : document.value("adjustments", Json::array())) {
    csv += fmt::format("{},adjustment,{},{},{},,,{},,,,{},{}\r\n", number, text(late["method"]), text(late["day"]),
                       text(late["day"]), text(late["bytes"]), text(late["amount"]), currency);
  }
  return csv;
}

}  // namespace fairlead::control
