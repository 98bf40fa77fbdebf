#include "store/usage_sums.h"

#include "store/query.h"

namespace fairlead::store {

using base::Result;

namespace {

// No id of ids.h has a colon in it, and those of metered_id_of_name() begin otherwise.
constexpr std::string_view kPrefix = "sum:";

}  // namespace

std::string usage_sum_id(std::string_view account_id) { return std::string(kPrefix) + std::string(account_id); }

bool is_usage_sum(std::string_view domain_id) { return domain_id.starts_with(kPrefix); }

Result<std::map<std::string, std::int64_t>> list_usage_sums(Transaction& tx) {
  auto rows = tx.query("select sum_id, since_s from usage_sums");
  if (!rows) return std::unexpected(std::move(rows.error()));
  std::map<std::string, std::int64_t> sums;
  for (const Row& row : *rows) {
    Columns c(row);
    std::string id = c.text();
    sums.emplace(std::move(id), c.integer());
  }
  return sums;
}

Result<std::optional<std::int64_t>> find_usage_sum(Transaction& tx, std::string_view account_id) {
  auto rows = tx.query("select since_s from usage_sums where sum_id = :id", {{"id", usage_sum_id(account_id)}});
  if (!rows) return std::unexpected(std::move(rows.error()));
  if (rows->empty()) return std::nullopt;
  return Columns(rows->front()).integer();
}

Result<void> restart_usage_sum(Transaction& tx, std::string_view sum_id, std::int64_t since_s) {
  auto done = tx.execute("update usage_sums set since_s = :since where sum_id = :id and since_s < :since",
                         {{"since", since_s}, {"id", sum_id}});
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

Result<void> begin_usage_sum(Transaction& tx, std::string_view account_id, std::int64_t since_s) {
  auto done =
      tx.execute("insert into usage_sums (sum_id, since_s) values (:id, :since) on conflict (sum_id) do nothing",
                 {{"id", usage_sum_id(account_id)}, {"since", since_s}});
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

Result<std::vector<std::string>> list_unsummed(Transaction& tx, std::int64_t least) {
  const auto sums = list_usage_sums(tx);
  if (!sums) return std::unexpected(sums.error());
  auto rows = tx.query("select account_id, count(*) from metered_domains group by account_id order by account_id");
  if (!rows) return std::unexpected(std::move(rows.error()));
  std::vector<std::string> unsummed;
  std::int64_t all = 0;
  for (const Row& row : *rows) {
    Columns c(row);
    std::string account = c.text();
    const std::int64_t domains = c.integer();
    all += domains;
    if (account.empty() || domains < least || sums->contains(usage_sum_id(account))) continue;
    unsummed.push_back(std::move(account));
  }
  if (all >= least && !sums->contains(usage_sum_id(""))) unsummed.emplace_back();
  return unsummed;
}

}  // namespace fairlead::store
