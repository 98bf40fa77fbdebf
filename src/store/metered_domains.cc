#include "store/metered_domains.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "store/query.h"
#include "store/usage_domains.h"

namespace fairlead::store {

using base::Result;

namespace {

constexpr std::size_t kNamed = 100;  // names in one statement

constexpr Sql kColumns = "domain_id, account_id, name, created_ms, deleted_ms";
constexpr Sql kInsert =
    "insert into metered_domains (domain_id, account_id, name, created_ms, deleted_ms) "
    "values (:id, :account, :name, :created, :deleted)";

MeteredDomain read_domain(Columns& c) {
  MeteredDomain d;
  d.domain_id = c.text();
  d.account_id = c.text();
  d.name = c.text();
  d.created_ms = c.integer();
  d.deleted_ms = c.optional_integer();
  return d;
}

Result<void> insert(Transaction& tx, Sql sql, const MeteredDomain& d) {
  auto done = tx.execute(sql, {{"id", d.domain_id},
                               {"account", d.account_id},
                               {"name", d.name},
                               {"created", d.created_ms},
                               {"deleted", d.deleted_ms}});
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

}  // namespace

// No id of ids.h has a colon in it.
std::string metered_id_of_name(std::string_view name) { return "name:" + std::string(name); }

Result<void> insert_metered_domain(Transaction& tx, const MeteredDomain& d) { return insert(tx, kInsert, d); }

Result<void> ensure_metered_domain(Transaction& tx, const MeteredDomain& d) {
  return insert(tx, kInsert + " on conflict (domain_id) do nothing", d);
}

Result<void> note_metered_domain_deleted(Transaction& tx, std::string_view domain_id, std::int64_t now_ms) {
  return must_change(tx.execute("update metered_domains set deleted_ms = :now where domain_id = :id",
                                {{"now", now_ms}, {"id", domain_id}}),
                     "metered domain");
}

Result<MeteredDomain> find_metered_domain(Transaction& tx, std::string_view domain_id) {
  const auto sql = "select " + kColumns + " from metered_domains where domain_id = :id";
  return read_one(tx.query_one(sql, {{"id", domain_id}}, "metered domain"), read_domain);
}

Result<std::vector<MeteredDomain>> list_metered_domains(Transaction& tx, const std::optional<std::string>& account_id) {
  Filter filter;
  filter.equal("account_id", "account", account_id);
  return read_all(tx.query("select " + kColumns + " from metered_domains" + filter.where() +
                               " order by name, created_ms, domain_id",
                           filter.params()),
                  read_domain);
}

Result<std::vector<MeteredDomain>> list_metered_domains_named(Transaction& tx,
                                                              const std::optional<std::string>& account_id,
                                                              const std::vector<std::string>& names) {
  std::vector<MeteredDomain> found;
  for (std::size_t begin = 0; begin < names.size(); begin += kNamed) {
    const std::size_t end = std::min(begin + kNamed, names.size());
    SqlText sql;
    sql += "select " + kColumns + " from metered_domains where name in (";
    Params params;
    for (std::size_t i = begin; i < end; ++i) {
      const SqlText name = numbered(i - begin);
      sql += i == begin ? Sql(":") : Sql(", :");
      sql += name;
      params.emplace_back(Sql(name).text(), names[i]);
    }
    sql += ")";
    if (account_id) {
      sql += " and account_id = :account";
      params.emplace_back("account", *account_id);
    }
    auto some = read_all(tx.query(sql, params), read_domain);
    if (!some) return some;
    std::ranges::move(*some, std::back_inserter(found));
  }
  const auto place = [](const MeteredDomain& d) { return std::tie(d.name, d.created_ms, d.domain_id); };
  std::ranges::sort(found, {}, place);
  // One that was named twice.
  found.erase(std::ranges::unique(found, {}, &MeteredDomain::domain_id).begin(), found.end());
  return found;
}

}  // namespace fairlead::store
