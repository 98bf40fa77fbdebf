#include "store/billing_days.h"

#include <array>

#include "store/ids.h"
#include "store/query.h"

namespace fairlead::store {

using base::Code;
using base::Result;

namespace {

constexpr std::array<std::string_view, 2> kBases = {"frames", "wire"};
constexpr Sql kDay =
    "account_id, day, begin_s, end_s, method, period, basis, bytes_out, wire_bytes_out, peak_bytes_out, peak_at_s, "
    "peak_wire_bytes_out, peak_wire_at_s, pack_bytes, closed_ms, checks, next_check_ms, settled, statement_id";
constexpr Sql kAdjustment =
    "id, account_id, day, number, bytes_out, wire_bytes_out, peak_bytes_out, peak_wire_bytes_out, pack_bytes, "
    "found_ms, "
    "statement_id";

BillingDay read_day(Columns& c) {
  BillingDay d;
  d.account_id = c.text();
  d.day = c.text();
  d.begin_s = c.integer();
  d.end_s = c.integer();
  d.method = billing_method_of(c.text());
  d.period = billing_period_of(c.text());
  d.basis = billing_basis_of(c.text());
  d.figures.bytes_out = c.integer();
  d.figures.wire_bytes_out = c.integer();
  d.figures.peak_bytes_out = c.integer();
  d.figures.peak_at_s = c.integer();
  d.figures.peak_wire_bytes_out = c.integer();
  d.figures.peak_wire_at_s = c.integer();
  d.pack_bytes = c.integer();
  d.closed_ms = c.integer();
  d.checks = c.integer();
  d.next_check_ms = c.optional_integer();
  d.settled = c.truth();
  d.statement_id = c.optional_text();
  return d;
}

Adjustment read_adjustment(Columns& c) {
  Adjustment a;
  a.id = c.text();
  a.account_id = c.text();
  a.day = c.text();
  a.number = c.integer();
  a.bytes_out = c.integer();
  a.wire_bytes_out = c.integer();
  a.peak_bytes_out = c.integer();
  a.peak_wire_bytes_out = c.integer();
  a.pack_bytes = c.integer();
  a.found_ms = c.integer();
  a.statement_id = c.optional_text();
  return a;
}

}  // namespace

std::string_view to_string(BillingBasis basis) { return word_of(kBases, basis); }
BillingBasis billing_basis_of(std::string_view word) { return value_of<BillingBasis>(kBases, word); }

Result<void> insert_billing_day(Transaction& tx, const BillingDay& d) {
  auto done = tx.execute(
      "insert into billing_days (" + kDay +
          ") values (:account, :day, :begin_s, :end_s, :method, :period, :basis, :bytes, :wire, :peak, :peak_at, "
          ":peak_wire, :peak_wire_at, :pack, :closed, :checks, :next_check, :settled, :statement)",
      {{"account", d.account_id},
       {"day", d.day},
       {"begin_s", d.begin_s},
       {"end_s", d.end_s},
       {"method", to_string(d.method)},
       {"period", to_string(d.period)},
       {"basis", to_string(d.basis)},
       {"bytes", d.figures.bytes_out},
       {"wire", d.figures.wire_bytes_out},
       {"peak", d.figures.peak_bytes_out},
       {"peak_at", d.figures.peak_at_s},
       {"peak_wire", d.figures.peak_wire_bytes_out},
       {"peak_wire_at", d.figures.peak_wire_at_s},
       {"pack", d.pack_bytes},
       {"closed", d.closed_ms},
       {"checks", d.checks},
       {"next_check", d.next_check_ms},
       {"settled", d.settled ? 1 : 0},
       {"statement", d.statement_id}});
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

Result<std::optional<BillingDay>> last_billing_day(Transaction& tx, std::string_view account_id) {
  auto row = read_one(
      tx.query_one("select " + kDay + " from billing_days where account_id = :account order by day desc limit 1",
                   {{"account", account_id}}, "billing day"),
      read_day);
  if (row) return std::optional(std::move(*row));
  if (row.error().code == Code::not_found) return std::nullopt;
  return std::unexpected(std::move(row.error()));
}

Result<BillingDay> find_billing_day(Transaction& tx, std::string_view account_id, std::string_view day) {
  return read_one(tx.query_one("select " + kDay + " from billing_days where account_id = :account and day = :day",
                               {{"account", account_id}, {"day", day}}, "billing day"),
                  read_day);
}

Result<std::vector<BillingDay>> billing_days(Transaction& tx, std::string_view account_id, std::string_view from,
                                             std::string_view to) {
  return read_all(tx.query("select " + kDay +
                               " from billing_days where account_id = :account and day >= :from_day and "
                               "day <= :to_day order by day",
                           {{"account", account_id}, {"from_day", from}, {"to_day", to}}),
                  read_day);
}

Result<std::vector<BillingDay>> unsettled_days(Transaction& tx, std::string_view account_id) {
  return read_all(
      tx.query("select " + kDay + " from billing_days where settled = 0 and account_id = :account order by day",
               {{"account", account_id}}),
      read_day);
}

Result<std::vector<BillingDay>> days_of_statement(Transaction& tx, std::string_view statement_id) {
  return read_all(
      tx.query("select " + kDay + " from billing_days where statement_id = :id order by day", {{"id", statement_id}}),
      read_day);
}

Result<void> settle_day(Transaction& tx, const BillingDay& day, const std::optional<std::string>& statement_id) {
  return must_change(tx.execute("update billing_days set settled = 1, statement_id = :statement "
                                "where account_id = :account and day = :day and settled = 0",
                                {{"statement", statement_id}, {"account", day.account_id}, {"day", day.day}}),
                     "billing day");
}

Result<std::int64_t> accounts_closed_otherwise(Transaction& tx, std::string_view scope, std::string_view from,
                                               std::string_view until, BillingBasis basis) {
  return read_one(
      tx.query_one("select count(distinct account_id) from billing_days d "
                   "where day >= :from_day and day < :until and basis <> :basis "
                   "and (account_id = :scope or (:scope = '' and not exists (select 1 from price_books p "
                   "  where p.scope = d.account_id and p.effective_day <= d.day)))",
                   {{"from_day", from}, {"until", until}, {"basis", to_string(basis)}, {"scope", scope}}, "count"),
      [](Columns& c) { return c.integer(); });
}

Result<std::vector<BillingDay>> days_to_check(Transaction& tx, std::string_view account_id, std::int64_t now_ms,
                                              std::int64_t limit) {
  return read_all(tx.query("select " + kDay +
                               " from billing_days where next_check_ms <= :now and account_id = :account "
                               "order by day limit :limit",
                           {{"now", now_ms}, {"account", account_id}, {"limit", limit}}),
                  read_day);
}

Result<std::optional<std::int64_t>> next_check_of(Transaction& tx, std::string_view account_id) {
  return read_one(tx.query_one("select min(next_check_ms) from billing_days where account_id = :account",
                               {{"account", account_id}}, "billing day"),
                  [](Columns& c) { return c.optional_integer(); });
}

Result<void> set_next_check(Transaction& tx, const BillingDay& day, std::int64_t checks,
                            std::optional<std::int64_t> next_check_ms) {
  return must_change(
      tx.execute("update billing_days set checks = :checks, next_check_ms = :next "
                 "where account_id = :account and day = :day",
                 {{"checks", checks}, {"next", next_check_ms}, {"account", day.account_id}, {"day", day.day}}),
      "billing day");
}

Result<Adjustment> insert_adjustment(Transaction& tx, Adjustment a) {
  auto number = read_one(tx.query_one("select coalesce(max(number), 0) + 1 from billing_adjustments "
                                      "where account_id = :account",
                                      {{"account", a.account_id}}, "adjustment"),
                         [](Columns& c) { return c.integer(); });
  if (!number) return std::unexpected(std::move(number.error()));
  a.number = *number;
  a.id = new_id(a.found_ms);
  auto done = tx.execute("insert into billing_adjustments (" + kAdjustment +
                             ") values (:id, :account, :day, :number, :bytes, :wire, :peak, :peak_wire, :pack, :found, "
                             ":statement)",
                         {{"id", a.id},
                          {"account", a.account_id},
                          {"day", a.day},
                          {"number", a.number},
                          {"bytes", a.bytes_out},
                          {"wire", a.wire_bytes_out},
                          {"peak", a.peak_bytes_out},
                          {"peak_wire", a.peak_wire_bytes_out},
                          {"pack", a.pack_bytes},
                          {"found", a.found_ms},
                          {"statement", a.statement_id}});
  if (!done) return std::unexpected(std::move(done.error()));
  return a;
}

Result<std::vector<Adjustment>> adjustments_of(Transaction& tx, std::string_view account_id, std::string_view from,
                                               std::string_view to) {
  return read_all(tx.query("select " + kAdjustment +
                               " from billing_adjustments where account_id = :account and day >= :from_day "
                               "and day <= :to_day order by number",
                           {{"account", account_id}, {"from_day", from}, {"to_day", to}}),
                  read_adjustment);
}

Result<std::vector<Adjustment>> unsettled_adjustments(Transaction& tx, std::string_view account_id) {
  return read_all(tx.query("select " + kAdjustment +
                               " from billing_adjustments where statement_id is null and account_id = :account "
                               "order by number",
                           {{"account", account_id}}),
                  read_adjustment);
}

Result<std::vector<Adjustment>> adjustments_of_statement(Transaction& tx, std::string_view statement_id) {
  return read_all(
      tx.query("select " + kAdjustment + " from billing_adjustments where statement_id = :id order by number",
               {{"id", statement_id}}),
      read_adjustment);
}

Result<void> settle_adjustment(Transaction& tx, std::string_view id, std::string_view statement_id) {
  return must_change(
      tx.execute("update billing_adjustments set statement_id = :statement where id = :id and statement_id is null",
                 {{"statement", statement_id}, {"id", id}}),
      "adjustment");
}

}  // namespace fairlead::store
