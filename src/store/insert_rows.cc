#include "store/insert_rows.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "store/usage_domains.h"

namespace fairlead::store {

using base::Result;

namespace {

constexpr std::size_t kRows = 64;  // of one statement; numbered() has names for a hundred

SqlText statement(Sql into, std::initializer_list<Sql> names, Sql after, std::size_t rows) {
  SqlText sql;
  sql += into;
  for (std::size_t i = 0; i < rows; ++i) {
    const SqlText number = numbered(i);
    Sql sign = i == 0 ? Sql(" values (:") : Sql(", (:");
    for (const Sql name : names) {
      sql += sign;
      sql += name;
      sql += number;
      sign = ", :";
    }
    sql += ")";
  }
  sql += after;
  return sql;
}

// All rows of a statement as its one set of parameters.
Params together(std::vector<Params>::iterator row, std::vector<Params>::iterator end) {
  Params all;
  for (std::size_t i = 0; row != end; ++row, ++i) {
    const SqlText number = numbered(i);
    for (Param& param : *row) {
      param.name += Sql(number).text();
      all.push_back(std::move(param));
    }
  }
  return all;
}

}  // namespace

Result<void> insert_rows(Transaction& tx, Sql into, std::initializer_list<Sql> names, Sql after,
                         std::vector<Params> rows) {
  std::vector<Params> full;
  auto at = rows.begin();
  for (; std::distance(at, rows.end()) >= std::ptrdiff_t{kRows}; at += kRows) full.push_back(together(at, at + kRows));
  if (!full.empty()) {
    if (auto done = tx.execute_all(statement(into, names, after, kRows), full); !done) return done;
  }
  if (at == rows.end()) return {};
  const auto rest = static_cast<std::size_t>(std::distance(at, rows.end()));
  return tx.execute_all(statement(into, names, after, rest), {together(at, rows.end())});
}

}  // namespace fairlead::store
