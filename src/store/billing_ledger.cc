#include "store/billing_ledger.h"

#include <fmt/format.h>

#include <charconv>

#include "store/ids.h"
#include "store/query.h"

namespace fairlead::store {

using base::Code;
using base::Result;
using base::Side;

namespace {

constexpr Sql kColumns = "transaction_id, line, account_id, at_ms, kind, unit, debit, credit, amount, reference";

LedgerEntry read_entry(Columns& c) {
  LedgerEntry e;
  e.transaction_id = c.text();
  e.line = c.integer();
  e.account_id = c.text();
  e.at_ms = c.integer();
  e.kind = c.text();
  e.unit = c.text();
  e.debit = c.text();
  e.credit = c.text();
  e.amount = c.integer();
  e.reference = c.text();
  return e;
}

Result<void> write_entry(Transaction& tx, const LedgerEntry& e) {
  if (e.amount <= 0 || e.debit == e.credit)
    return base::fail(Code::internal, Side::none,
                      fmt::format("ledger: {} of {} from {} to {}", e.amount, e.unit, e.credit, e.debit));
  auto done = tx.execute("insert into ledger (" + kColumns +
                             ") values (:transaction, :line, :account, :now, :kind, :unit, :debit, :credit, :amount, "
                             ":reference)",
                         {{"transaction", e.transaction_id},
                          {"line", e.line},
                          {"account", e.account_id},
                          {"now", e.at_ms},
                          {"kind", e.kind},
                          {"unit", e.unit},
                          {"debit", e.debit},
                          {"credit", e.credit},
                          {"amount", e.amount},
                          {"reference", e.reference}});
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

Result<void> must_not_be_overdrawn(Transaction& tx, const LedgerEntry& e) {
  if (!e.credit.starts_with("pack:")) return {};
  auto balance = ledger_balance(tx, e.account_id, e.unit, e.credit);
  if (!balance) return std::unexpected(std::move(balance.error()));
  if (*balance >= 0) return {};
  return base::fail(Code::internal, Side::none, fmt::format("ledger: {} would have {} bytes", e.credit, *balance));
}

}  // namespace

Result<std::string> append_ledger(Transaction& tx, std::string_view kind, std::vector<LedgerEntry> entries,
                                  std::int64_t now_ms) {
  if (entries.empty()) return std::string();
  const std::string id = new_id(now_ms);
  std::int64_t line = 0;
  for (LedgerEntry& e : entries) {
    e.transaction_id = id;
    e.line = ++line;
    e.kind = kind;
    e.at_ms = now_ms;
    if (auto done = write_entry(tx, e); !done) return std::unexpected(std::move(done.error()));
  }
  for (const LedgerEntry& e : entries) {
    if (auto sound = must_not_be_overdrawn(tx, e); !sound) return std::unexpected(std::move(sound.error()));
  }
  return id;
}

Result<std::int64_t> ledger_balance(Transaction& tx, std::string_view account_id, std::string_view unit,
                                    std::string_view ledger_account) {
  return read_one(
      tx.query_one("select cast(coalesce(sum(case when debit = :name then amount else -amount end), 0) as bigint) "
                   "from ledger where account_id = :account and unit = :unit and (debit = :name or credit = :name)",
                   {{"name", ledger_account}, {"account", account_id}, {"unit", unit}}, "balance"),
      [](Columns& c) { return c.integer(); });
}

Result<std::vector<LedgerBalance>> ledger_balances(Transaction& tx, std::string_view account_id) {
  return read_all(tx.query("select unit, name, cast(sum(amount) as bigint) from ("
                           "select unit, debit as name, amount from ledger where account_id = :account "
                           "union all select unit, credit, -amount from ledger where account_id = :account) moved "
                           "group by unit, name order by unit, name",
                           {{"account", account_id}}),
                  [](Columns& c) {
                    LedgerBalance b;
                    b.unit = c.text();
                    b.account = c.text();
                    b.balance = c.integer();
                    return b;
                  });
}

Result<std::vector<LedgerEntry>> ledger_of_reference(Transaction& tx, std::string_view account_id,
                                                     std::string_view reference) {
  return read_all(tx.query("select " + kColumns +
                               " from ledger where account_id = :account and reference = :reference "
                               "order by transaction_id, line",
                           {{"account", account_id}, {"reference", reference}}),
                  read_entry);
}

Result<Page<LedgerEntry>> list_ledger(Transaction& tx, std::string_view account_id, std::string_view touching,
                                      const PageRequest& page) {
  Filter filter;
  filter.add("account_id = :account", "account", account_id);
  if (!touching.empty()) filter.add("(debit = :name or credit = :name)", "name", touching);
  Filter after = filter;
  if (!page.after.empty()) {
    auto key = parse_time_key(page.after);  // "LINE.TRANSACTION"
    if (!key) return std::unexpected(std::move(key.error()));
    after.add("(transaction_id, line) > (:after_id, :after_line)", "after_id", key->id);
    after.give("after_line", key->at_ms);
  }
  return read_page(tx, "ledger", kColumns, filter, after, "transaction_id, line", page, read_entry,
                   [](const LedgerEntry& e) { return to_text(TimeKey{e.line, e.transaction_id}); });
}

}  // namespace fairlead::store
