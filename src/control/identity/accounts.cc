#include "control/identity/accounts.h"

#include <fmt/format.h>

#include "control/audit_trail.h"
#include "control/calendar.h"
#include "control/identity/audit_values.h"
#include "control/identity/rights.h"
#include "control/in_transaction.h"
#include "model/syntax.h"
#include "model/words.h"
#include "store/policy_changes.h"

namespace fairlead::control {
namespace {

Outcome<store::Account> find_seen(store::Transaction& tx, const Caller& caller, std::string_view id) {
  if (!caller.sees(id)) return not_found("account");
  auto account = store::find_account(tx, id);
  if (!account && account.error().code == base::Code::not_found) return not_found("account");
  if (!account) return failed(account);
  return std::move(*account);
}

Outcome<void> check_time_zone(const std::string& name) {
  if (is_time_zone(name)) return {};
  return invalid("/time_zone", "unknown-time-zone", fmt::format("\"{}\" is not a time zone", model::shown(name)),
                 "an IANA name such as \"UTC\" or \"Asia/Shanghai\"");
}

Outcome<void> check_name(store::Transaction& tx, const std::string& name, std::string_view own_id) {
  const auto other = store::find_account_by_name(tx, name);
  if (!other && other.error().code == base::Code::not_found) return {};
  if (!other) return failed(other);
  if (other->id == own_id) return {};
  return refuse(409, "name_taken", "there is an account of that name",
                {{"/name", "name-taken", "there is an account of that name", "choose another"}});
}

// A customer sets the time zone and the WebSocket default; the rest is the operators'.
Outcome<void> may_set(const Caller& caller, const AccountChange& change) {
  if (caller.is_operator()) return {};
  std::vector<Detail> errors;
  const auto refuse_key = [&](bool given, const char* pointer) {
    if (given) errors.push_back({pointer, "forbidden", "only operators set this", ""});
  };
  refuse_key(change.name.has_value(), "/name");
  refuse_key(change.state.has_value(), "/state");
  refuse_key(change.identity_verified.has_value(), "/identity_verified");
  if (errors.empty()) return {};
  return refuse(403, "forbidden", "a customer sets the time zone and the WebSocket default only", std::move(errors));
}

store::Account changed(store::Account account, const AccountChange& change) {
  if (change.name) account.name = *change.name;
  if (change.state) account.state = *change.state;
  if (change.identity_verified) account.identity_verified = *change.identity_verified;
  if (change.time_zone) account.time_zone = *change.time_zone;
  if (change.websocket_default) account.websocket_default = *change.websocket_default;
  return account;
}

}  // namespace

Outcome<store::Page<store::Account>> list_accounts(Context& context, const Caller& caller,
                                                   std::string_view name_contains, const store::PageRequest& page) {
  using Accounts = store::Page<store::Account>;
  if (!caller.signed_in()) return refuse(401, "unauthorized", "sign in, or send a token");
  return read_in(context.database, [&](store::Transaction& tx) -> Outcome<Accounts> {
    if (caller.sees_all()) {
      auto all = store::list_accounts(tx, name_contains, page);
      if (!all) return failed(all);
      return std::move(*all);
    }
    auto own = find_seen(tx, caller, caller.account_id);
    if (!own) return std::unexpected(std::move(own.error()));
    Accounts one;
    if (!model::lower_case(own->name).contains(model::lower_case(name_contains))) return one;
    one.total = 1;
    if (page.after < own->name) one.items.push_back(std::move(*own));
    return one;
  });
}

Outcome<store::Account> get_account(Context& context, const Caller& caller, std::string_view id) {
  return read_in(context.database, [&](store::Transaction& tx) { return find_seen(tx, caller, id); });
}

Outcome<store::Account> create_account(Context& context, const Caller& caller, const NewAccount& wanted) {
  if (auto may = may_change(caller); !may) return std::unexpected(std::move(may.error()));
  if (!caller.is_operator()) return refuse(403, "forbidden", "this is for operators");
  if (auto ok = check_time_zone(wanted.time_zone); !ok) return std::unexpected(std::move(ok.error()));
  const std::int64_t now_ms = context.now_ms();
  return write_in(context.database, [&](store::Transaction& tx) -> Outcome<store::Account> {
    if (auto ok = check_name(tx, wanted.name, {}); !ok) return std::unexpected(std::move(ok.error()));
    store::Account account;
    account.name = wanted.name;
    account.time_zone = wanted.time_zone;
    account.identity_verified = wanted.identity_verified;
    account.websocket_default = wanted.websocket_default;
    auto made = store::insert_account(tx, std::move(account), now_ms);
    if (!made) return failed(made);
    AuditedChange change{made->id, "account.create", "account", made->name, std::nullopt, audit_value(*made)};
    if (auto told = audit(tx, caller, change, now_ms); !told) return failed(told);
    return std::move(*made);
  });
}

Outcome<store::Account> change_account(Context& context, const Caller& caller, std::string_view id,
                                       const AccountChange& change, std::optional<std::int64_t> expected_revision) {
  if (auto may = may_change(caller); !may) return std::unexpected(std::move(may.error()));
  const std::int64_t now_ms = context.now_ms();
  bool edges_hear = false;
  auto done = write_in(context.database, [&](store::Transaction& tx) -> Outcome<store::Account> {
    edges_hear = false;
    auto before = find_seen(tx, caller, id);
    if (!before) return before;
    if (auto ok = may_set(caller, change); !ok) return std::unexpected(std::move(ok.error()));
    if (expected_revision && *expected_revision != before->revision)
      return refuse(412, "revision_conflict", "somebody else has changed it since it was read; read it again");
    const store::Account wanted = changed(*before, change);
    if (wanted == *before) return before;
    if (wanted.kind == store::AccountKind::operator_ && wanted.state != store::AccountState::active)
      return refuse(409, "wrong_state", "the operators' account can be neither suspended nor closed");
    if (wanted.time_zone != before->time_zone) {
      if (auto ok = check_time_zone(wanted.time_zone); !ok) return std::unexpected(std::move(ok.error()));
    }
    if (auto ok = check_name(tx, wanted.name, wanted.id); !ok) return std::unexpected(std::move(ok.error()));
    auto after = store::update_account(tx, wanted, before->revision, now_ms);
    if (!after) return failed(after);
    if (after->state != before->state || after->identity_verified != before->identity_verified ||
        after->websocket_default != before->websocket_default) {
      const auto domains = store::record_changes_by_account(tx, after->id, now_ms);
      if (!domains) return failed(domains);
      edges_hear = *domains > 0;
    }
    AuditedChange told_of{after->id,   "account.change",     "account",
                          after->name, audit_value(*before), audit_value(*after)};
    if (auto told = audit(tx, caller, told_of, now_ms); !told) return failed(told);
    return std::move(*after);
  });
  if (done && edges_hear) context.policy_changed();
  return done;
}

}  // namespace fairlead::control
