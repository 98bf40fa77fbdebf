#include <fmt/format.h>

#include <algorithm>

#include "control/account_access.h"
#include "control/billing/bills.h"
#include "control/billing/statements.h"
#include "control/in_transaction.h"
#include "model/usage.h"
#include "store/billing_ledger.h"

namespace fairlead::control {

using Json = nlohmann::ordered_json;
using base::Result;
using store::BillingDay;
using store::Transaction;

namespace {

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

}  // namespace

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
  BillGroup group;
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
