#include "control/applications.h"

#include <fmt/format.h>

#include "control/account_access.h"
#include "control/audit_trail.h"
#include "control/delivery/notices.h"
#include "control/in_transaction.h"
#include "control/installation_policy.h"
#include "model/domain_settings.h"
#include "store/accounts.h"
#include "store/domains.h"
#include "store/policy_changes.h"
#include "store/recipients.h"
#include "store/users.h"

namespace fairlead::control {

using Json = nlohmann::ordered_json;
using store::Application;
using store::ApplicationKind;
using store::ApplicationState;
using store::Transaction;

namespace {

// A row that may have gone; none then.
template <class T>
Outcome<std::optional<T>> if_there(base::Result<T> found) {
  if (found) return std::optional<T>(std::move(*found));
  if (found.error().code == base::Code::not_found) return std::optional<T>();
  return failed(found);
}

Outcome<std::optional<std::string>> decided_by(Transaction& tx, const Caller& caller, const Application& a) {
  if (!a.decided_by || *a.decided_by == kAutomatic) return a.decided_by;
  if (!caller.sees_all()) return std::optional<std::string>("operator");
  auto user = if_there(store::find_user(tx, *a.decided_by));
  if (!user) return std::unexpected(user.error());
  return std::optional<std::string>(*user ? (*user)->email : "operator");  // who has gone is nameless
}

Outcome<ApplicationView> view_of(Transaction& tx, const Caller& caller, Application a) {
  ApplicationView view;
  auto account = store::find_account(tx, a.account_id);
  if (!account) return failed(account);
  view.account_name = account->name;
  if (a.domain_id) {
    auto domain = if_there(store::find_domain(tx, *a.domain_id));
    if (!domain) return std::unexpected(domain.error());
    if (*domain) view.domain = (*domain)->name;
  }
  view.fields = Json::parse(a.fields, nullptr, false);
  auto by = decided_by(tx, caller, a);
  if (!by) return std::unexpected(by.error());
  view.decided_by = std::move(*by);
  view.application = std::move(a);
  return view;
}

// The row, if it exists for the caller.
Outcome<Application> find(Transaction& tx, const Caller& caller, const std::string& id) {
  auto found = store::find_application(tx, id);
  if (found && caller.sees(found->account_id)) return std::move(*found);
  if (!found && found.error().code != base::Code::not_found) return failed(found);
  return not_found("application");
}

// The domain of an architecture change: one of the account's, and migrated.
Outcome<store::Domain> domain_for(Transaction& tx, const store::Account& account, const ApplicationWish& wish) {
  if (!wish.domain)
    return invalid("", "missing-key", "an architecture change is for a \"domain\"",
                   "the name of one that was migrated");
  const auto name = model::canonical_domain_name(*wish.domain);
  if (!name) return not_found("domain");
  auto domain = store::find_domain_by_name(tx, *name);
  if (!domain && domain.error().code != base::Code::not_found) return failed(domain);
  if (!domain || domain->account_id != account.id) return not_found("domain");
  if (!domain->migrated)
    return refuse(409, "wrong_state", fmt::format("{} was not migrated from a plain CDN: it needs no change", *name));
  return std::move(*domain);
}

// 409 when the one that counts still waits, or was approved.
Outcome<void> may_apply(const std::optional<Application>& current) {
  if (!current || current->state == ApplicationState::rejected) return {};
  const std::string_view words =
      current->state == ApplicationState::approved ? "it is approved already" : "an application waits for its decision";
  return refuse(409, "wrong_state", std::string(words));
}

std::string text_of(const Json& fields, const char* key) {
  const auto found = fields.find(key);
  return found != fields.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Event event_of(std::string type, const ApplicationView& view) {
  Event event;
  event.type = std::move(type);
  event.account_id = view.application.account_id;
  event.account_name = view.account_name;
  event.data = {{"application", view.application.id}, {"kind", store::to_string(view.application.kind)}};
  if (view.domain) event.data["domain"] = *view.domain;
  if (!view.application.reason.empty()) event.data["reason"] = view.application.reason;
  return event;
}

// Operators are told of what waits for them.
base::Result<void> tell_operators(Transaction& tx, Context& context, const ApplicationView& view, std::int64_t now) {
  Event event = event_of("application.submitted", view);
  auto addresses = store::addresses_of_operators(tx);
  if (!addresses) return std::unexpected(addresses.error());
  event.mail_to = std::move(*addresses);
  return write_notices(tx, context.config, context.secrets, event, now);
}

// The account's users and whom the application names are told of the decision.
base::Result<void> tell_customer(Transaction& tx, Context& context, const ApplicationView& view, std::int64_t now) {
  const bool approved = view.application.state == ApplicationState::approved;
  Event event = event_of(approved ? "application.approved" : "application.rejected", view);
  auto addresses = store::addresses_of_account(tx, view.application.account_id);
  if (!addresses) return std::unexpected(addresses.error());
  event.mail_to = std::move(*addresses);
  if (auto contact = text_of(view.fields, "contact_email"); !contact.empty()) event.mail_to.push_back(contact);
  return write_notices(tx, context.config, context.secrets, event, now);
}

// The audit has what the form said: it is what the decision was made by.
Outcome<void> write_audit(Transaction& tx, const Caller& caller, std::string_view action, const ApplicationView& view,
                          std::int64_t now_ms) {
  const Application& a = view.application;
  AuditedChange change;
  change.account_id = a.account_id;
  change.action = action;
  change.object_type = "application";
  change.object_name = a.id;
  if (a.revision > 1) change.old_value = Json{{"state", store::to_string(ApplicationState::submitted)}};
  Json after = {{"kind", store::to_string(a.kind)}, {"state", store::to_string(a.state)}};
  if (view.domain) after["domain"] = *view.domain;
  if (a.revision > 1) {
    after["reason"] = a.reason;
  } else {
    after["fields"] = view.fields;
  }
  change.new_value = std::move(after);
  if (auto written = audit(tx, caller, change, now_ms); !written) return failed(written);
  return {};
}

// What a decision changes is the edges' to hear: of every domain of the account, or of the one.
base::Result<void> record_changes(Transaction& tx, const ApplicationView& view, std::int64_t now) {
  if (view.application.kind == ApplicationKind::activation) {
    auto recorded = store::record_changes_by_account(tx, view.application.account_id, now);
    if (!recorded) return std::unexpected(recorded.error());
    return {};
  }
  if (!view.domain) return {};  // deleted since
  auto recorded = store::record_policy_change(tx, *view.domain, store::PolicyChangeKind::changed, now);
  if (!recorded) return std::unexpected(recorded.error());
  return {};
}

struct Decision {
  bool approve = false;
  std::string reason;
  std::string by;
  std::int64_t expected_revision = 0;
};

// Decides it with everything that follows from that. `by_whom`: for the audit and the view.
Outcome<ApplicationView> decide(Transaction& tx, Context& context, const Caller& by_whom, const Application& before,
                                const Decision& decision) {
  const std::int64_t now = context.now_ms();
  const auto state = decision.approve ? ApplicationState::approved : ApplicationState::rejected;
  auto decided =
      store::decide_application(tx, before.id, decision.expected_revision, state, decision.reason, decision.by, now);
  if (!decided) return failed(decided);
  auto view = view_of(tx, by_whom, std::move(*decided));
  if (!view) return view;
  const Caller nobody;
  const Caller& actor = decision.by == kAutomatic ? nobody : by_whom;
  const auto action = decision.approve ? "application.approve" : "application.reject";
  if (auto written = write_audit(tx, actor, action, *view, now); !written) return std::unexpected(written.error());
  if (auto recorded = record_changes(tx, *view, now); !recorded) return failed(recorded);
  if (auto told = tell_customer(tx, context, *view, now); !told) return failed(told);
  return view;
}

}  // namespace

Outcome<ApplicationView> submit_application(Context& context, const Caller& caller, const ApplicationWish& wish) {
  auto outcome = write_in(context.database, [&](Transaction& tx) -> Outcome<ApplicationView> {
    const std::int64_t now = context.now_ms();
    auto account = account_for(tx, caller, wish.account_id);
    if (!account) return std::unexpected(account.error());
    if (auto may = require_write(caller); !may) return std::unexpected(may.error());

    Application row;
    row.kind = wish.kind;
    row.account_id = account->id;
    row.fields = wish.fields.dump(-1, ' ', false, Json::error_handler_t::replace);
    base::Result<std::optional<Application>> current;
    if (wish.kind == ApplicationKind::architecture_change) {
      auto domain = domain_for(tx, *account, wish);
      if (!domain) return std::unexpected(domain.error());
      row.domain_id = domain->id;
      current = newest_architecture_change(tx, *domain);
    } else {
      if (wish.domain) return invalid("/domain", "unexpected", "an activation is for the account, not for a domain");
      if (account->kind == store::AccountKind::operator_)
        return refuse(409, "wrong_state", "an operator's account needs no activation");
      current = newest_activation(tx, account->id);
    }
    if (!current) return failed(current);
    if (auto may = may_apply(*current); !may) return std::unexpected(may.error());

    auto stored = store::insert_application(tx, std::move(row), now);
    if (!stored) return failed(stored);
    auto view = view_of(tx, caller, *stored);
    if (!view) return view;
    if (auto written = write_audit(tx, caller, "application.submit", *view, now); !written)
      return std::unexpected(written.error());

    auto policy = installation_policy(tx);
    if (!policy) return failed(policy);
    // R15's setting is for activations; R17's change of architecture is always looked at by a person.
    if (policy->approve_automatically && wish.kind == ApplicationKind::activation) {
      Decision decision;
      decision.approve = true;
      decision.by = kAutomatic;
      decision.expected_revision = stored->revision;
      return decide(tx, context, caller, *stored, decision);
    }
    if (auto told = tell_operators(tx, context, *view, now); !told) return failed(told);
    return view;
  });
  if (outcome) context.notice_written();
  if (outcome && outcome->application.state != ApplicationState::submitted) context.policy_changed();
  return outcome;
}

Outcome<store::Page<ApplicationView>> list_applications(Context& context, const Caller& caller,
                                                        const ApplicationQuery& query, const store::PageRequest& page) {
  return read_in(context.database, [&](Transaction& tx) -> Outcome<store::Page<ApplicationView>> {
    store::ApplicationFilter filter;
    filter.state = query.state;
    filter.kind = query.kind;
    if (query.account_id || !caller.sees_all()) {
      filter.account_id = listed_account(caller, query.account_id);
      if (!filter.account_id) return store::Page<ApplicationView>();
    }
    auto rows = store::list_applications(tx, filter, page);
    if (!rows && rows.error().code == base::Code::malformed)
      return invalid("?after", "bad-value", "this is not the `next` of a page");
    if (!rows) return failed(rows);
    store::Page<ApplicationView> views;
    views.total = rows->total;
    views.next = rows->next;
    for (Application& row : rows->items) {
      auto view = view_of(tx, caller, std::move(row));
      if (!view) return std::unexpected(view.error());
      views.items.push_back(std::move(*view));
    }
    return views;
  });
}

Outcome<ApplicationView> get_application(Context& context, const Caller& caller, const std::string& id) {
  return read_in(context.database, [&](Transaction& tx) -> Outcome<ApplicationView> {
    auto found = find(tx, caller, id);
    if (!found) return std::unexpected(found.error());
    return view_of(tx, caller, std::move(*found));
  });
}

Outcome<ApplicationView> decide_application(Context& context, const Caller& caller, const std::string& id, bool approve,
                                            const std::string& reason, std::optional<std::int64_t> expected_revision) {
  auto outcome = write_in(context.database, [&](Transaction& tx) -> Outcome<ApplicationView> {
    auto before = find(tx, caller, id);
    if (!before) return std::unexpected(before.error());
    if (!caller.is_operator() || !caller.may_write)
      return refuse(403, "forbidden", "applications are the operators' to decide");
    if (before->state != ApplicationState::submitted)
      return refuse(409, "wrong_state", fmt::format("it was {} already", store::to_string(before->state)));
    Decision decision;
    decision.approve = approve;
    decision.reason = reason;
    decision.by = caller.user_id;
    decision.expected_revision = expected_revision.value_or(before->revision);
    return decide(tx, context, caller, *before, decision);
  });
  if (outcome) {
    context.policy_changed();
    context.notice_written();
  }
  return outcome;
}

Outcome<ServiceView> get_service(Context& context, const Caller& caller, const std::optional<std::string>& account_id) {
  return read_in(context.database, [&](Transaction& tx) -> Outcome<ServiceView> {
    auto account = account_for(tx, caller, account_id);
    if (!account) return std::unexpected(account.error());
    auto state = activation_of(tx, *account);
    if (!state) return failed(state);
    auto application = newest_activation(tx, account->id);
    if (!application) return failed(application);
    ServiceView view;
    view.account_id = account->id;
    view.activation = *state;
    if (*application) {
      view.application_id = (*application)->id;
      view.reason = (*application)->reason;
    }
    return view;
  });
}

}  // namespace fairlead::control
