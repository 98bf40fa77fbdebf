#include "store/billing_statements.h"

#include <charconv>

#include "store/ids.h"
#include "store/query.h"

namespace fairlead::store {

using base::Code;
using base::Result;
using base::Side;

namespace {

constexpr Sql kColumns =
    "id, number, account_id, period, from_day, to_day, currency, amount_micro, document, issued_ms";
constexpr Sql kListed = "id, number, account_id, period, from_day, to_day, currency, amount_micro, '', issued_ms";

Statement read_statement(Columns& c) {
  Statement s;
  s.id = c.text();
  s.number = c.integer();
  s.account_id = c.text();
  s.period = billing_period_of(c.text());
  s.from_day = c.text();
  s.to_day = c.text();
  s.currency = c.text();
  s.amount_micro = c.integer();
  s.document = c.text();
  s.issued_ms = c.integer();
  return s;
}

}  // namespace

Result<std::int64_t> next_statement_number(Transaction& tx) {
  return read_one(tx.query_one("select coalesce(max(number), 0) + 1 from statements", {}, "statement"),
                  [](Columns& c) { return c.integer(); });
}

Result<Statement> insert_statement(Transaction& tx, Statement s) {
  if (s.id.empty()) s.id = new_id(s.issued_ms);
  auto done = tx.execute("insert into statements (" + kColumns +
                             ") values (:id, :number, :account, :period, :from_day, :to_day, :currency, :amount, "
                             ":document, :issued)",
                         {{"id", s.id},
                          {"number", s.number},
                          {"account", s.account_id},
                          {"period", to_string(s.period)},
                          {"from_day", s.from_day},
                          {"to_day", s.to_day},
                          {"currency", s.currency},
                          {"amount", s.amount_micro},
                          {"document", s.document},
                          {"issued", s.issued_ms}});
  if (!done) return std::unexpected(std::move(done.error()));
  return s;
}

Result<Statement> find_statement(Transaction& tx, std::int64_t number) {
  return read_one(
      tx.query_one("select " + kColumns + " from statements where number = :number", {{"number", number}}, "bill"),
      read_statement);
}

Result<std::optional<Statement>> last_statement(Transaction& tx, std::string_view account_id) {
  auto row = read_one(
      tx.query_one("select " + kListed + " from statements where account_id = :account order by number desc limit 1",
                   {{"account", account_id}}, "bill"),
      read_statement);
  if (row) return std::optional(std::move(*row));
  if (row.error().code == Code::not_found) return std::nullopt;
  return std::unexpected(std::move(row.error()));
}

Result<Page<Statement>> list_statements(Transaction& tx, const std::optional<std::string>& account_id,
                                        const PageRequest& page) {
  Filter filter;
  filter.equal("account_id", "account", account_id);
  Filter after = filter;
  if (!page.after.empty()) {
    std::int64_t number = 0;
    const char* end = page.after.data() + page.after.size();
    const auto [at, failed] = std::from_chars(page.after.data(), end, number);
    if (failed != std::errc() || at != end)
      return base::fail(Code::malformed, Side::client, "not the `next` of a page");
    after.add("number < :after", "after", number);
  }
  return read_page(tx, "statements", kListed, filter, after, "number desc", page, read_statement,
                   [](const Statement& s) { return std::to_string(s.number); });
}

}  // namespace fairlead::store
