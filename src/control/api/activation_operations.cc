#include "control/api/activation_operations.h"

#include "control/api/body.h"
#include "control/applications.h"
#include "control/installation_policy.h"

namespace fairlead::control {
namespace {

using store::ApplicationKind;
using store::ApplicationState;

// The value of an enumeration by the contract's word for it, which the dispatcher has checked.
template <class E>
std::optional<E> by_word(const std::optional<std::string>& word, std::initializer_list<E> values) {
  if (!word) return std::nullopt;
  for (const E value : values) {
    if (store::to_string(value) == *word) return value;
  }
  return std::nullopt;
}
std::optional<ApplicationKind> kind_of(const std::optional<std::string>& word) {
  return by_word(word, {ApplicationKind::activation, ApplicationKind::architecture_change});
}
std::optional<ApplicationState> state_of(const std::optional<std::string>& word) {
  return by_word(word, {ApplicationState::submitted, ApplicationState::approved, ApplicationState::rejected});
}

Json or_null(const std::optional<std::string>& text) { return text ? Json(*text) : Json(); }

Json shown(const ApplicationView& view) {
  const store::Application& a = view.application;
  return {{"id", a.id},
          {"kind", store::to_string(a.kind)},
          {"account_id", a.account_id},
          {"account_name", view.account_name},
          {"domain", or_null(view.domain)},
          {"fields", view.fields},
          {"state", store::to_string(a.state)},
          {"reason", a.reason},
          {"decided_by", or_null(view.decided_by)},
          {"decided", date(a.decided_ms)},
          {"revision", a.revision},
          {"created", date(a.created_ms)}};
}

Outcome<Reply> reply_of(const Outcome<ApplicationView>& view, int status) {
  if (!view) return std::unexpected(view.error());
  Reply reply;
  reply.status = status;
  reply.body = shown(*view);
  reply.revision = view->application.revision;
  return reply;
}

Outcome<Reply> reply_of(const Outcome<PolicyRecord>& record) {
  if (!record) return std::unexpected(record.error());
  Reply reply;
  reply.body = to_json(record->policy);
  reply.body["revision"] = record->revision;
  reply.body["updated"] = date(record->updated_ms);
  reply.revision = record->revision;
  return reply;
}

void add_application_operations(Operations& operations, Context& context) {
  operations["listApplications"] = [&context](const Call& call) -> Outcome<Reply> {
    ApplicationQuery query;
    query.account_id = call.query("account_id");
    query.state = state_of(call.query("state"));
    query.kind = kind_of(call.query("kind"));
    auto page = list_applications(context, call.caller, query, call.page());
    if (!page) return std::unexpected(page.error());
    Reply reply;
    reply.body = page_json(*page, shown);
    return reply;
  };
  operations["submitApplication"] = [&context](const Call& call) -> Outcome<Reply> {
    ApplicationWish wish;
    const auto kind = kind_of(text_member(call.body, "kind"));
    if (!kind) return invalid("/kind", "bad-value", "there is no such kind");
    wish.kind = *kind;
    wish.account_id = text_member(call.body, "account_id");
    wish.domain = text_member(call.body, "domain");
    wish.fields = call.body.value("fields", Json::object());
    return reply_of(submit_application(context, call.caller, wish), 201);
  };
  operations["getApplication"] = [&context](const Call& call) {
    return reply_of(get_application(context, call.caller, call.path("application_id")), 200);
  };
  for (const bool approve : {true, false}) {
    operations[approve ? "approveApplication" : "rejectApplication"] = [&context, approve](const Call& call) {
      return reply_of(decide_application(context, call.caller, call.path("application_id"), approve,
                                         text_member(call.body, "reason").value_or(""), call.expected_revision),
                      200);
    };
  }
}

}  // namespace

void add_activation_operations(Operations& operations, Context& context) {
  add_application_operations(operations, context);
  operations["getService"] = [&context](const Call& call) -> Outcome<Reply> {
    auto service = get_service(context, call.caller, call.query("account_id"));
    if (!service) return std::unexpected(service.error());
    Reply reply;
    reply.body = {{"account_id", service->account_id},
                  {"activation", to_string(service->activation)},
                  {"application_id", or_null(service->application_id)},
                  {"reason", service->reason}};
    return reply;
  };
  operations["getPolicy"] = [&context](const Call& call) { return reply_of(get_policy(context, call.caller)); };
  operations["replacePolicy"] = [&context](const Call& call) -> Outcome<Reply> {
    auto policy = read_installation_policy(call.body);
    if (!policy) return invalid("", "bad-value", policy.error().context);
    return reply_of(replace_policy(context, call.caller, *policy, call.expected_revision));
  };
}

}  // namespace fairlead::control
