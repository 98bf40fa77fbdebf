#include "store/layer7_configs.h"

#include "store/ids.h"
#include "store/policy_changes.h"
#include "store/query.h"

namespace fairlead::store {

using base::Result;

namespace {

constexpr Sql kColumns = "id, account_id, name, settings, revision, created_ms, updated_ms";

Layer7Config read_config(Columns& c) {
  Layer7Config config;
  config.id = c.text();
  config.account_id = c.text();
  config.name = c.text();
  config.settings = c.text();
  config.revision = c.integer();
  config.created_ms = c.integer();
  config.updated_ms = c.integer();
  return config;
}

}  // namespace

Result<Layer7Config> insert_layer7_config(Transaction& tx, Layer7Config config, std::int64_t now_ms) {
  config.id = new_id(now_ms);
  config.revision = 1;
  config.created_ms = config.updated_ms = now_ms;
  auto done = tx.execute(
      "insert into layer7_configs (id, account_id, name, settings, revision, created_ms, updated_ms) "
      "values (:id, :account, :name, :settings, 1, :now, :now)",
      {{"id", config.id},
       {"account", config.account_id},
       {"name", config.name},
       {"settings", config.settings},
       {"now", now_ms}});
  if (!done) return std::unexpected(std::move(done.error()));
  return config;
}

Result<Layer7Config> find_layer7_config(Transaction& tx, std::string_view id) {
  const auto sql = "select " + kColumns + " from layer7_configs where id = :id";
  return read_one(tx.query_one(sql, {{"id", id}}, "layer-7 configuration"), read_config);
}

Result<Layer7Config> find_layer7_config_by_name(Transaction& tx, std::string_view account_id, std::string_view name) {
  const auto sql = "select " + kColumns + " from layer7_configs where account_id = :account and name = :name";
  return read_one(tx.query_one(sql, {{"account", account_id}, {"name", name}}, "layer-7 configuration"), read_config);
}

Result<Layer7Config> update_layer7_config(Transaction& tx, const Layer7Config& config, std::int64_t expected_revision,
                                          std::int64_t now_ms) {
  auto done =
      must_match(tx.execute("update layer7_configs set name = :name, settings = :settings, revision = revision + 1, "
                            "updated_ms = :now where id = :id and revision = :expected",
                            {{"name", config.name},
                             {"settings", config.settings},
                             {"now", now_ms},
                             {"id", config.id},
                             {"expected", expected_revision}}),
                 tx, "layer7_configs", config.id, expected_revision, "layer-7 configuration");
  if (!done) return std::unexpected(std::move(done.error()));
  auto recorded = record_changes_by_layer7_config(tx, config.id, now_ms);
  if (!recorded) return std::unexpected(std::move(recorded.error()));
  return find_layer7_config(tx, config.id);
}

Result<void> delete_layer7_config(Transaction& tx, std::string_view id, std::int64_t expected_revision) {
  auto free = must_be_unbound(tx, "from domains d where d.layer7_config_id = :id", id);
  if (!free) return free;
  return must_match(tx.execute("delete from layer7_configs where id = :id and revision = :expected",
                               {{"id", id}, {"expected", expected_revision}}),
                    tx, "layer7_configs", id, expected_revision, "layer-7 configuration");
}

Result<Page<Layer7Config>> list_layer7_configs(Transaction& tx, std::string_view account_id, const PageRequest& page) {
  Filter filter;
  filter.add("account_id = :account", "account", account_id);
  Filter after = filter;
  if (!page.after.empty()) after.add("name > :after", "after", page.after);
  return read_page(tx, "layer7_configs", kColumns, filter, after, "name", page, read_config,
                   [](const Layer7Config& config) { return config.name; });
}

}  // namespace fairlead::store
