#pragma once
// What the table files of this folder share: rows into values, conditions into SQL, revisions into conflicts. Internal
// to src/store. Statements are put together from constant pieces only; values are always parameters.

#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/page.h"
#include "store/transaction.h"

namespace fairlead::store {

// An enumeration's words, in the order of its values, as a column holds them.
template <class E, std::size_t N>
std::string_view word_of(const std::array<std::string_view, N>& words, E value) {
  return words.at(static_cast<std::size_t>(value));
}
template <class E, std::size_t N>
E value_of(const std::array<std::string_view, N>& words, std::string_view word) {
  for (std::size_t i = 0; i < N; ++i) {
    if (words[i] == word) return static_cast<E>(i);
  }
  throw std::logic_error("store: a column holds the unknown word " + std::string(word));
}

// Rows as `read(Columns&)` makes them.
template <class Read, class T = std::invoke_result_t<Read, Columns&>>
base::Result<std::vector<T>> read_all(base::Result<std::vector<Row>> rows, Read read) {
  if (!rows) return std::unexpected(std::move(rows.error()));
  std::vector<T> values;
  values.reserve(rows->size());
  for (const Row& row : *rows) {
    Columns columns(row);
    values.push_back(read(columns));
  }
  return values;
}
template <class Read, class T = std::invoke_result_t<Read, Columns&>>
base::Result<T> read_one(base::Result<Row> row, Read read) {
  if (!row) return std::unexpected(std::move(row.error()));
  Columns columns(*row);
  return read(columns);
}

// The outcome of a statement that must change a row: not_found with `what` when it changed none.
base::Result<void> must_change(base::Result<std::int64_t> affected, std::string_view what);

// Why "... where id = :id and revision = :expected" changed no row of `table`: not_found, or a conflict "revision: N is
// the present one, M was expected".
base::Error why_unchanged(Transaction& tx, Sql table, std::string_view id, std::int64_t expected,
                          std::string_view what);
// The same as must_change, with that answer.
base::Result<void> must_match(base::Result<std::int64_t> affected, Transaction& tx, Sql table, std::string_view id,
                              std::int64_t expected, std::string_view what);

// Conflict "bound: still used by a.example.com, b.example.com and 3 more" when domains are found. `from`: SQL that
// calls them d and takes :id.
base::Result<void> must_be_unbound(Transaction& tx, Sql from, std::string_view id);

// The conditions of a list.
class Filter {
 public:
  void add(Sql piece) { where_ += (where_.empty() ? Sql(" where ") : Sql(" and ")) + piece; }
  template <class V>
  void add(Sql piece, std::string_view name, V&& value) {
    add(piece);
    give(name, std::forward<V>(value));
  }
  // A further value of the last condition.
  template <class V>
  void give(std::string_view name, V&& value) {
    params_.emplace_back(name, std::forward<V>(value));
  }
  // "column = :name", when there is a value.
  template <class V>
  void equal(Sql column, Sql name, const std::optional<V>& value) {
    if (value) add(column + " = :" + name, name.text(), *value);
  }
  Sql where() const { return where_; }
  const Params& params() const { return params_; }
  Params params_and(Param more) const;

 private:
  SqlText where_;
  Params params_;
};

// A LIKE pattern for "contains `text`", with "!" as its escape.
std::string contains_pattern(std::string_view text);

// The place of a row in a list by time: "MILLISECONDS.ID".
struct TimeKey {
  std::int64_t at_ms = 0;
  std::string id;
};
std::string to_text(const TimeKey& key);
base::Result<TimeKey> parse_time_key(std::string_view text);

// A page of a list: rows of "select COLUMNS from TABLE" in `order`, after the rows of `after`. `filter` counts the
// total; `after` has its conditions too. `key(item)` names an item's place.
template <class Read, class Key, class T = std::invoke_result_t<Read, Columns&>>
base::Result<Page<T>> read_page(Transaction& tx, Sql table, Sql columns, const Filter& filter, const Filter& after,
                                Sql order, const PageRequest& request, Read read, Key key) {
  Page<T> page;
  const SqlText from = " from " + table;
  auto total = tx.query_one("select count(*)" + from + filter.where(), filter.params(), table.text());
  if (!total) return std::unexpected(std::move(total.error()));
  page.total = Columns(*total).integer();
  // One row more than asked for says whether there is a next page.
  auto items = read_all(tx.query("select " + columns + from + after.where() + " order by " + order + " limit :limit",
                                 after.params_and(Param("limit", request.rows() + 1))),
                        read);
  if (!items) return std::unexpected(std::move(items.error()));
  page.items = std::move(*items);
  if (std::ssize(page.items) > request.rows()) {
    page.items.pop_back();
    page.next = key(page.items.back());
  }
  return page;
}

}  // namespace fairlead::store
