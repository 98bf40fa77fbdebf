#include "control/layer7.h"

#include "base/log.h"
#include "control/account_access.h"
#include "control/audit_trail.h"
#include "control/in_transaction.h"
#include "model/domain_settings.h"
#include "model/write_domain.h"
#include "net/tls_ciphers.h"
#include "store/domains.h"

namespace fairlead::control {

using Json = nlohmann::ordered_json;
using store::Layer7Config;
using store::Transaction;

namespace {

constexpr std::string_view kWhere = "/settings";

void put_under(std::vector<Detail>& details) {
  for (Detail& detail : details) detail.pointer.insert(0, kWhere);
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// What a text says: its effective settings and warnings, or every error in it.
struct Checked {
  Json effective;
  std::vector<Detail> warnings;
};

Outcome<Checked> check(const std::string& settings, bool customer_ranges) {
  model::SettingsRules rules;
  rules.customer_ranges = customer_ranges;
  const auto reading = model::read_layer7_json(settings, rules);
  if (!reading.layer7) {
    auto errors = errors_of(reading.problems);
    put_under(errors);
    return invalid(std::move(errors));
  }
  // Which ciphers there are is the TLS library's to say.
  if (const std::string& ciphers = reading.layer7->ssl_ciphers; !ciphers.empty()) {
    if (const auto usable = net::check_tls_ciphers(ciphers); !usable)
      return invalid("/settings/ssl_ciphers", "bad-value", usable.error().context,
                     "names separated by \":\" as OpenSSL writes them: ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE+AESGCM");
  }
  Checked checked;
  checked.effective = Json::parse(model::write_layer7(*reading.layer7), nullptr, false);
  checked.warnings = warnings_of(reading.problems);
  put_under(checked.warnings);
  return checked;
}

Outcome<Layer7View> view_of(Transaction& tx, Layer7Config row) {
  Layer7View view;
  store::DomainFilter bound;
  bound.layer7_config_id = row.id;
  store::PageRequest one;
  one.limit = 1;
  auto domains = store::list_domains(tx, bound, one);
  if (!domains) return failed(domains);
  view.domains = domains->total;
  view.settings = Json::parse(row.settings, nullptr, false);
  // It was checked when it was written; what an operator let pass is a warning to everybody.
  auto checked = check(row.settings, false);
  if (checked && !view.settings.is_discarded()) {
    view.effective = std::move(checked->effective);
    view.warnings = std::move(checked->warnings);
  } else {
    base::log_error("layer-7 configuration {}: what is stored cannot be read", row.id);
    return refuse(500, "internal_error", "");
  }
  view.config = std::move(row);
  return view;
}

// The row, if it exists for the caller.
Outcome<Layer7Config> find(Transaction& tx, const Caller& caller, const std::string& id) {
  auto found = store::find_layer7_config(tx, id);
  if (found && caller.sees(found->account_id)) return std::move(*found);
  if (!found && found.error().code != base::Code::not_found) return failed(found);
  return not_found("layer-7 configuration");
}

Json summary(const Layer7Config& config) {
  return {{"name", config.name}, {"settings", Json::parse(config.settings, nullptr, false)}};
}

Outcome<void> write_audit(Transaction& tx, const Caller& caller, std::string_view action, const Layer7Config* before,
                          const Layer7Config* after, std::int64_t now_ms) {
  AuditedChange change;
  change.account_id = (after ? after : before)->account_id;
  change.action = action;
  change.object_type = "layer7_config";
  change.object_name = (after ? after : before)->name;
  if (before) change.old_value = summary(*before);
  if (after) change.new_value = summary(*after);
  if (auto written = audit(tx, caller, change, now_ms); !written) return failed(written);
  return {};
}

}  // namespace

Outcome<store::Page<Layer7View>> list_layer7(Context& context, const Caller& caller,
                                             const std::optional<std::string>& account_id,
                                             const store::PageRequest& page) {
  return read_in(context.database, [&](Transaction& tx) -> Outcome<store::Page<Layer7View>> {
    const auto of = listed_account(caller, account_id);
    if (!of) return store::Page<Layer7View>();
    auto rows = store::list_layer7_configs(tx, *of, page);
    if (!rows) return failed(rows);
    store::Page<Layer7View> views;
    views.total = rows->total;
    views.next = rows->next;
    for (Layer7Config& row : rows->items) {
      auto view = view_of(tx, std::move(row));
      if (!view) return std::unexpected(view.error());
      views.items.push_back(std::move(*view));
    }
    return views;
  });
}

Outcome<Layer7View> get_layer7(Context& context, const Caller& caller, const std::string& id) {
  return read_in(context.database, [&](Transaction& tx) -> Outcome<Layer7View> {
    auto found = find(tx, caller, id);
    if (!found) return std::unexpected(found.error());
    return view_of(tx, std::move(*found));
  });
}

Outcome<Layer7View> create_layer7(Context& context, const Caller& caller, const std::optional<std::string>& account_id,
                                  const Layer7Wish& wish) {
  const std::string settings = dump(wish.settings);
  return write_in(context.database, [&](Transaction& tx) -> Outcome<Layer7View> {
    auto account = account_for(tx, caller, account_id);
    if (!account) return std::unexpected(account.error());
    if (auto may = require_write(caller); !may) return std::unexpected(may.error());
    if (auto good = check(settings, !caller.is_operator()); !good) return std::unexpected(good.error());
    Layer7Config row;
    row.account_id = account->id;
    row.name = wish.name;
    row.settings = settings;
    const std::int64_t now = context.now_ms();
    auto stored = store::insert_layer7_config(tx, std::move(row), now);
    if (!stored) return failed(stored);
    if (auto written = write_audit(tx, caller, "layer7.create", nullptr, &*stored, now); !written)
      return std::unexpected(written.error());
    return view_of(tx, std::move(*stored));
  });
}

Outcome<Layer7View> replace_layer7(Context& context, const Caller& caller, const std::string& id,
                                   const Layer7Wish& wish, std::optional<std::int64_t> expected_revision) {
  const std::string settings = dump(wish.settings);
  auto outcome = write_in(context.database, [&](Transaction& tx) -> Outcome<Layer7View> {
    auto before = find(tx, caller, id);
    if (!before) return std::unexpected(before.error());
    if (auto may = require_write(caller); !may) return std::unexpected(may.error());
    if (auto good = check(settings, !caller.is_operator()); !good) return std::unexpected(good.error());
    Layer7Config row = *before;
    row.name = wish.name;
    row.settings = settings;
    const std::int64_t now = context.now_ms();
    auto stored = store::update_layer7_config(tx, row, expected_revision.value_or(before->revision), now);
    if (!stored) return failed(stored);
    if (auto written = write_audit(tx, caller, "layer7.replace", &*before, &*stored, now); !written)
      return std::unexpected(written.error());
    return view_of(tx, std::move(*stored));
  });
  if (outcome) context.policy_changed();
  return outcome;
}

Outcome<void> delete_layer7(Context& context, const Caller& caller, const std::string& id,
                            std::optional<std::int64_t> expected_revision) {
  return write_in(context.database, [&](Transaction& tx) -> Outcome<void> {
    auto before = find(tx, caller, id);
    if (!before) return std::unexpected(before.error());
    if (auto may = require_write(caller); !may) return may;
    auto deleted = store::delete_layer7_config(tx, id, expected_revision.value_or(before->revision));
    if (!deleted) return failed(deleted);
    return write_audit(tx, caller, "layer7.delete", &*before, nullptr, context.now_ms());
  });
}

}  // namespace fairlead::control
