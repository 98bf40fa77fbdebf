#include "store/domains.h"

#include <array>

#include "model/syntax.h"
#include "store/ids.h"
#include "store/metered_domains.h"
#include "store/policy_changes.h"
#include "store/query.h"

namespace fairlead::store {

using base::Result;
using model::lower_case;

namespace {

constexpr std::array<std::string_view, 5> kStates = {"configuring", "online", "offline", "checking", "check_failed"};

constexpr std::array<std::string_view, 3> kRegions = {"mainland", "overseas", "global"};

constexpr Sql kColumns =
    "id, account_id, name, settings, state, state_reason, layer7_config_id, service_region, icp_number, migrated, "
    "ownership_token, ownership_method, ownership_verified_ms, ownership_result, checks, next_check_ms, revision, "
    "created_ms, updated_ms";

Domain read_domain(Columns& c) {
  Domain d;
  d.id = c.text();
  d.account_id = c.text();
  d.name = c.text();
  d.settings = c.text();
  d.state = value_of<DomainState>(kStates, c.text());
  d.state_reason = c.text();
  d.layer7_config_id = c.optional_text();
  d.service_region = value_of<ServiceRegion>(kRegions, c.text());
  d.icp_number = c.text();
  d.migrated = c.truth();
  d.ownership.token = c.text();
  d.ownership.method = c.text();
  d.ownership.verified_ms = c.optional_integer();
  d.ownership.last_result = c.text();
  d.ownership.checks = c.integer();
  d.ownership.next_check_ms = c.optional_integer();
  d.revision = c.integer();
  d.created_ms = c.integer();
  d.updated_ms = c.integer();
  return d;
}

// Nobody's configuration but one's own: a foreign id is as good as none.
Result<void> check_layer7_config(Transaction& tx, std::string_view account_id, const std::optional<std::string>& id) {
  if (!id) return {};
  auto row = tx.query_one("select id from layer7_configs where id = :id and account_id = :account",
                          {{"id", *id}, {"account", account_id}}, "layer-7 configuration");
  if (!row) return std::unexpected(std::move(row.error()));
  return {};
}

}  // namespace

std::string_view to_string(DomainState state) { return word_of(kStates, state); }
std::string_view to_string(ServiceRegion region) { return word_of(kRegions, region); }

Result<Domain> insert_domain(Transaction& tx, Domain d, std::int64_t now_ms) {
  if (auto bound = check_layer7_config(tx, d.account_id, d.layer7_config_id); !bound)
    return std::unexpected(std::move(bound.error()));
  d.id = new_id(now_ms);
  d.name = lower_case(d.name);
  d.revision = 1;
  d.created_ms = d.updated_ms = now_ms;
  auto done = tx.execute(
      "insert into domains (id, account_id, name, settings, state, state_reason, layer7_config_id, service_region, "
      "icp_number, migrated, ownership_token, ownership_method, ownership_verified_ms, ownership_result, checks, "
      "next_check_ms, revision, created_ms, updated_ms) values (:id, :account, :name, :settings, :state, :reason, "
      ":layer7, :region, :icp, :migrated, :token, :method, :verified, :result, :checks, :next, 1, :now, :now)",
      {{"id", d.id},
       {"account", d.account_id},
       {"name", d.name},
       {"settings", d.settings},
       {"state", to_string(d.state)},
       {"reason", d.state_reason},
       {"layer7", d.layer7_config_id},
       {"region", to_string(d.service_region)},
       {"icp", d.icp_number},
       {"migrated", d.migrated},
       {"token", d.ownership.token},
       {"method", d.ownership.method},
       {"verified", d.ownership.verified_ms},
       {"result", d.ownership.last_result},
       {"checks", d.ownership.checks},
       {"next", d.ownership.next_check_ms},
       {"now", now_ms}});
  if (!done) return std::unexpected(std::move(done.error()));
  const MeteredDomain metered{
      .domain_id = d.id, .account_id = d.account_id, .name = d.name, .created_ms = now_ms, .deleted_ms = {}};
  if (auto kept = insert_metered_domain(tx, metered); !kept) return std::unexpected(std::move(kept.error()));
  auto number = record_policy_change(tx, d.name, PolicyChangeKind::changed, now_ms);
  if (!number) return std::unexpected(std::move(number.error()));
  return d;
}

Result<Domain> find_domain(Transaction& tx, std::string_view id) {
  const auto sql = "select " + kColumns + " from domains where id = :id";
  return read_one(tx.query_one(sql, {{"id", id}}, "domain"), read_domain);
}

Result<Domain> find_domain_by_name(Transaction& tx, std::string_view name) {
  const auto sql = "select " + kColumns + " from domains where name = :name";
  return read_one(tx.query_one(sql, {{"name", lower_case(name)}}, "domain"), read_domain);
}

Result<Domain> update_domain(Transaction& tx, const Domain& d, std::int64_t expected_revision, std::int64_t now_ms) {
  auto present = find_domain(tx, d.id);
  if (!present) return present;
  if (auto bound = check_layer7_config(tx, present->account_id, d.layer7_config_id); !bound)
    return std::unexpected(std::move(bound.error()));
  auto done = must_match(tx.execute("update domains set settings = :settings, state = :state, state_reason = :reason, "
                                    "layer7_config_id = :layer7, service_region = :region, icp_number = :icp, "
                                    "migrated = :migrated, revision = revision + 1, updated_ms = :now "
                                    "where id = :id and revision = :expected",
                                    {{"settings", d.settings},
                                     {"state", to_string(d.state)},
                                     {"reason", d.state_reason},
                                     {"layer7", d.layer7_config_id},
                                     {"region", to_string(d.service_region)},
                                     {"icp", d.icp_number},
                                     {"migrated", d.migrated},
                                     {"now", now_ms},
                                     {"id", d.id},
                                     {"expected", expected_revision}}),
                         tx, "domains", d.id, expected_revision, "domain");
  if (!done) return std::unexpected(std::move(done.error()));
  auto number = record_policy_change(tx, present->name, PolicyChangeKind::changed, now_ms);
  if (!number) return std::unexpected(std::move(number.error()));
  return find_domain(tx, d.id);
}

Result<void> update_ownership(Transaction& tx, std::string_view id, const Ownership& o) {
  auto done = tx.execute(
      "update domains set ownership_token = :token, ownership_method = :method, ownership_verified_ms = :verified, "
      "ownership_result = :result, checks = :checks, next_check_ms = :next where id = :id",
      {{"token", o.token},
       {"method", o.method},
       {"verified", o.verified_ms},
       {"result", o.last_result},
       {"checks", o.checks},
       {"next", o.next_check_ms},
       {"id", id}});
  if (!done) return std::unexpected(std::move(done.error()));
  if (*done == 0) return base::fail(base::Code::not_found, base::Side::none, "domain");
  return {};
}

Result<std::vector<Domain>> domains_to_check(Transaction& tx, std::int64_t now_ms, std::int64_t limit) {
  const auto sql = "select " + kColumns +
                   " from (select *, row_number() over (partition by account_id order by next_check_ms, id) as turn "
                   "from domains where next_check_ms <= :now) as due order by turn, next_check_ms, id limit :limit";
  return read_all(tx.query(sql, {{"now", now_ms}, {"limit", limit}}), read_domain);
}

Result<std::optional<std::int64_t>> next_domain_check_ms(Transaction& tx) {
  return read_one(tx.query_one("select min(next_check_ms) from domains", {}, "domain"),
                  [](Columns& c) { return c.optional_integer(); });
}

Result<void> delete_domain(Transaction& tx, std::string_view id, std::int64_t expected_revision, std::int64_t now_ms) {
  auto present = find_domain(tx, id);
  if (!present) return std::unexpected(std::move(present.error()));
  auto done = must_match(tx.execute("delete from domains where id = :id and revision = :expected",
                                    {{"id", id}, {"expected", expected_revision}}),
                         tx, "domains", id, expected_revision, "domain");
  if (!done) return done;
  if (auto noted = note_metered_domain_deleted(tx, id, now_ms); !noted) return noted;
  auto number = record_policy_change(tx, present->name, PolicyChangeKind::removed, now_ms);
  if (!number) return std::unexpected(std::move(number.error()));
  return {};
}

Result<Page<Domain>> list_domains(Transaction& tx, const DomainFilter& wanted, const PageRequest& page) {
  Filter filter;
  filter.equal("account_id", "account", wanted.account_id);
  filter.equal("layer7_config_id", "layer7", wanted.layer7_config_id);
  if (wanted.state) filter.add("state = :state", "state", to_string(*wanted.state));
  if (!wanted.name_contains.empty())
    filter.add("name like :pattern escape '!'", "pattern", contains_pattern(lower_case(wanted.name_contains)));
  Filter after = filter;
  if (!page.after.empty()) after.add("name > :after", "after", page.after);
  return read_page(tx, "domains", kColumns, filter, after, "name", page, read_domain,
                   [](const Domain& d) { return d.name; });
}

}  // namespace fairlead::store
