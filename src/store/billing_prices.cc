#include "store/billing_prices.h"

#include "store/billing_due.h"
#include "store/ids.h"
#include "store/query.h"

namespace fairlead::store {

using base::Code;
using base::Result;
using base::Side;

namespace {

constexpr Sql kColumns = "id, scope, effective_day, document, created_by, created_ms";

StoredPriceBook read_book(Columns& c) {
  StoredPriceBook b;
  b.id = c.text();
  b.scope = c.text();
  b.effective_day = c.text();
  b.document = c.text();
  b.created_by = c.text();
  b.created_ms = c.integer();
  return b;
}

}  // namespace

Result<StoredPriceBook> insert_price_book(Transaction& tx, StoredPriceBook b) {
  b.id = new_id(b.created_ms);
  auto done = tx.execute(
      "insert into price_books (id, scope, effective_day, document, created_by, created_ms) "
      "values (:id, :scope, :day, :document, :by, :now)",
      {{"id", b.id},
       {"scope", b.scope},
       {"day", b.effective_day},
       {"document", b.document},
       {"by", b.created_by},
       {"now", b.created_ms}});
  if (!done) return std::unexpected(std::move(done.error()));
  // What waits for prices may have them now. (Prices that are taken back had not begun: they made nothing due.)
  auto due = b.scope.empty() ? touch_all_billing_due(tx) : touch_billing_due(tx, b.scope);
  if (!due) return std::unexpected(std::move(due.error()));
  return b;
}

Result<StoredPriceBook> find_price_book(Transaction& tx, std::string_view id) {
  return read_one(tx.query_one("select " + kColumns + " from price_books where id = :id", {{"id", id}}, "price book"),
                  read_book);
}

Result<void> delete_price_book(Transaction& tx, std::string_view id) {
  return must_change(tx.execute("delete from price_books where id = :id", {{"id", id}}), "price book");
}

Result<std::optional<StoredPriceBook>> price_book_on(Transaction& tx, std::string_view account_id,
                                                     std::string_view day) {
  // An account's id sorts after the empty scope.
  auto row = read_one(tx.query_one("select " + kColumns +
                                       " from price_books where (scope = :account or scope = '') "
                                       "and effective_day <= :day "
                                       "order by case scope when '' then 1 else 0 end, effective_day desc limit 1",
                                   {{"account", account_id}, {"day", day}}, "price book"),
                      read_book);
  if (row) return std::optional(std::move(*row));
  if (row.error().code == Code::not_found) return std::nullopt;
  return std::unexpected(std::move(row.error()));
}

Result<std::vector<StoredPriceBook>> price_books_of(Transaction& tx, std::string_view scope) {
  return read_all(tx.query("select " + kColumns + " from price_books where scope = :scope order by effective_day",
                           {{"scope", scope}}),
                  read_book);
}

Result<Page<StoredPriceBook>> list_price_books(Transaction& tx, const std::optional<std::string>& account_id,
                                               const PageRequest& page) {
  Filter filter;
  if (account_id) filter.add("(scope = :account or scope = '')", "account", *account_id);
  Filter after = filter;
  if (!page.after.empty()) {
    // "DAY.SCOPE": a day has ten characters.
    if (page.after.size() < 11 || page.after[10] != '.')
      return base::fail(Code::malformed, Side::client, "not the `next` of a page");
    after.add("(scope, effective_day) > (:after_scope, :after_day)", "after_scope", page.after.substr(11));
    after.give("after_day", page.after.substr(0, 10));
  }
  return read_page(tx, "price_books", kColumns, filter, after, "scope, effective_day", page, read_book,
                   [](const StoredPriceBook& b) { return b.effective_day + "." + b.scope; });
}

}  // namespace fairlead::store
