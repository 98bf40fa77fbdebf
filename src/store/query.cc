#include "store/query.h"

#include <fmt/format.h>

#include <charconv>

#include "store/ids.h"

namespace fairlead::store {

using base::Code;
using base::Error;
using base::Result;
using base::Side;

Result<void> must_change(Result<std::int64_t> affected, std::string_view what) {
  if (!affected) return std::unexpected(std::move(affected.error()));
  if (*affected == 0) return base::fail(Code::not_found, Side::none, std::string(what));
  return {};
}

Error why_unchanged(Transaction& tx, Sql table, std::string_view id, std::int64_t expected, std::string_view what) {
  auto row = tx.query_one("select revision from " + table + " where id = :id", {{"id", id}}, what);
  if (!row) return std::move(row.error());
  return Error(Code::conflict, Side::none,
               fmt::format("revision: {} is the present one of this {}, {} was expected", Columns(*row).integer(), what,
                           expected));
}

Result<void> must_match(Result<std::int64_t> affected, Transaction& tx, Sql table, std::string_view id,
                        std::int64_t expected, std::string_view what) {
  if (!affected) return std::unexpected(std::move(affected.error()));
  if (*affected == 0) return std::unexpected(why_unchanged(tx, table, id, expected, what));
  return {};
}

Result<void> must_be_unbound(Transaction& tx, Sql from, std::string_view id) {
  constexpr int kNamed = 10;
  // The count comes with every row, so there is one statement.
  auto rows = tx.query("select d.name, count(*) over () " + from + " order by d.name limit :named",
                       {{"id", id}, {"named", kNamed}});
  if (!rows) return std::unexpected(std::move(rows.error()));
  if (rows->empty()) return {};
  std::string text = "bound: still used by ";
  std::int64_t more = 0;
  for (const Row& row : *rows) {
    Columns columns(row);
    if (&row != &rows->front()) text += ", ";
    text += columns.text();
    more = columns.integer() - std::ssize(*rows);
  }
  if (more > 0) text += fmt::format(" and {} more", more);
  return base::fail(Code::conflict, Side::none, std::move(text));
}

Params Filter::params_and(Param more) const {
  Params all = params_;
  all.push_back(std::move(more));
  return all;
}

std::string contains_pattern(std::string_view text) {
  std::string pattern = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '!') pattern += '!';
    pattern += c;
  }
  return pattern + "%";
}

std::string to_text(const TimeKey& key) { return fmt::format("{}.{}", key.at_ms, key.id); }

Result<TimeKey> parse_time_key(std::string_view text) {
  TimeKey key;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), key.at_ms);
  const std::string_view rest = text.substr(static_cast<std::size_t>(end - text.data()));
  if (failed != std::errc() || rest.size() != kIdLength + 1 || rest[0] != '.')
    return base::fail(Code::malformed, Side::client, "not the `next` of a page");
  key.id = rest.substr(1);
  return key;
}

}  // namespace fairlead::store
