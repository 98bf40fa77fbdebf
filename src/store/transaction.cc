#include "store/transaction.h"

#include <string>
#include <utility>

#include "store/session.h"

namespace fairlead::store {

using base::Code;
using base::Error;
using base::Result;
using base::Side;

std::optional<Error> Transaction::refuse(const Params& params) {
  if (failure_) return failure_;
  for (const Param& param : params) {
    const auto* text = std::get_if<std::string>(&param.value);
    if (text != nullptr && !is_storable(*text)) {
      failure_ = Error(Code::malformed, Side::none, param.name + ": not UTF-8, or with a NUL in it");
      return failure_;
    }
  }
  return std::nullopt;
}

Result<std::vector<Row>> Transaction::query(Sql sql, const Params& params) {
  if (auto no = refuse(params)) return std::unexpected(std::move(*no));
  auto answer = session_.query(sql.text(), params);
  if (answer) return std::move(answer->rows);
  failure_ = answer.error();
  return std::unexpected(std::move(answer.error()));
}

Result<Row> Transaction::query_one(Sql sql, const Params& params, std::string_view what) {
  auto rows = query(sql, params);
  if (!rows) return std::unexpected(std::move(rows.error()));
  if (rows->empty()) return base::fail(Code::not_found, Side::none, std::string(what));
  return std::move(rows->front());
}

Result<void> Transaction::each(Sql sql, const Params& params, const std::function<Result<void>(const Row&)>& f) {
  if (auto no = refuse(params)) return std::unexpected(std::move(*no));
  Result<void> answer;
  auto done = session_.each(sql.text(), params, [&](Row& row) {
    answer = f(row);
    return answer.has_value();
  });
  if (done) return answer;
  failure_ = done.error();
  return done;
}

Result<void> Transaction::execute_all(Sql sql, const std::vector<Params>& params) {
  for (const Params& set : params) {
    if (auto no = refuse(set)) return std::unexpected(std::move(*no));
  }
  auto done = session_.execute_all(sql.text(), params);
  if (!done) failure_ = done.error();
  return done;
}

Result<std::int64_t> Transaction::execute(Sql sql, const Params& params) {
  if (auto no = refuse(params)) return std::unexpected(std::move(*no));
  auto answer = session_.execute(sql.text(), params);
  if (answer) return answer->affected;
  failure_ = answer.error();
  return std::unexpected(std::move(answer.error()));
}

}  // namespace fairlead::store
