#include "cli/operation_verbs.h"

#include <fmt/format.h>

namespace fairlead::cli {
namespace {

Told<void> decide(Desk& desk, const std::string& id, const char* verb, const char* said, const std::string& reason) {
  ApiCall call;
  call.if_match = "*";
  call.body = Json::object();
  if (!reason.empty()) call.body["reason"] = reason;
  const auto reply = desk.api.send("POST", api_path({"applications", id, verb}), call);
  if (!reply) return std::unexpected(reply.error());
  desk.out.done(fmt::format("application of {} is {}", reply->json.value("account_name", id), said), reply->json);
  return {};
}

}  // namespace

Told<void> application_list(Desk& desk, const std::string& state, const std::string& account) {
  auto query = account_query(desk, account);
  if (!query) return std::unexpected(query.error());
  if (!state.empty()) query->emplace_back("state", state);
  const auto items = desk.api.list("/v1/applications", *query, 100'000);
  if (!items) return std::unexpected(items.error());
  desk.out.list({{"ID", "/id"},
                 {"STATE", "/state"},
                 {"KIND", "/kind"},
                 {"ACCOUNT", "/account_name"},
                 {"DOMAIN", "/domain"},
                 {"CREATED", "/created"}},
                *items, "no applications");
  return {};
}

Told<void> application_show(Desk& desk, const std::string& id) {
  const auto reply = desk.api.get(api_path({"applications", id}));
  if (!reply) return std::unexpected(reply.error());
  desk.out.object({{"Id", "/id"},
                   {"State", "/state"},
                   {"Reason", "/reason"},
                   {"Kind", "/kind"},
                   {"Account", "/account_name"},
                   {"Domain", "/domain"},
                   {"Company", "/fields/company"},
                   {"Contact", "/fields/contact_name"},
                   {"E-mail", "/fields/contact_email"},
                   {"Phone", "/fields/contact_phone"},
                   {"Use case", "/fields/use_case"},
                   {"Description", "/fields/description"},
                   {"Created", "/created"},
                   {"Decided", "/decided"},
                   {"By", "/decided_by"}},
                  reply->json);
  return {};
}

Told<void> application_submit(Desk& desk, const ApplicationArgs& args) {
  Json fields{{"contact_name", args.contact_name}, {"contact_email", args.contact_email}, {"use_case", args.use_case}};
  if (!args.company.empty()) fields["company"] = args.company;
  if (!args.contact_phone.empty()) fields["contact_phone"] = args.contact_phone;
  if (!args.description.empty()) fields["description"] = args.description;
  ApiCall call;
  call.body = {{"kind", args.domain.empty() ? "activation" : "architecture_change"}, {"fields", fields}};
  if (!args.domain.empty()) call.body["domain"] = args.domain;
  if (!args.account.empty()) {
    const auto id = account_id(desk, args.account);
    if (!id) return std::unexpected(id.error());
    call.body["account_id"] = *id;
  }
  const auto reply = desk.api.send("POST", "/v1/applications", call);
  if (!reply) return std::unexpected(reply.error());
  desk.out.done(fmt::format("application {} is {}", reply->json.value("id", "?"), reply->json.value("state", "?")),
                reply->json);
  return {};
}

Told<void> application_approve(Desk& desk, const std::string& id, const std::string& reason) {
  return decide(desk, id, "approve", "approved", reason);
}

Told<void> application_reject(Desk& desk, const std::string& id, const std::string& reason) {
  return decide(desk, id, "reject", "rejected", reason);
}

Told<void> audit(Desk& desk, const AuditArgs& args) {
  auto query = account_query(desk, args.account);
  if (!query) return std::unexpected(query.error());
  if (!args.object_type.empty()) query->emplace_back("object_type", args.object_type);
  if (!args.object_name.empty()) query->emplace_back("object_name", args.object_name);
  if (!args.action.empty()) query->emplace_back("action", args.action);
  const auto items = desk.api.list("/v1/audit", *query, args.most);
  if (!items) return std::unexpected(items.error());
  desk.out.list({{"AT", "/at"},
                 {"WHO", "/user"},
                 {"FROM", "/source_address"},
                 {"ACTION", "/action"},
                 {"WHAT", "/object_type"},
                 {"NAME", "/object_name"}},
                *items, "nothing was changed");
  return {};
}

Told<void> edge_list(Desk& desk) {
  const auto reply = desk.api.get("/v1/edges");
  if (!reply) return std::unexpected(reply.error());
  std::vector<Json> items;
  if (reply->json.is_object() && reply->json.contains("items")) {
    for (const Json& item : reply->json["items"]) items.push_back(item);
  }
  desk.out.list({{"EDGE", "/id"},
                 {"STATE", "/state"},
                 {"VERSION", "/version"},
                 {"POLICY", "/policy_revision", true},
                 {"FROM", "/policy_source"},
                 {"DOMAINS", "/domains", true},
                 {"SESSIONS", "/sessions", true},
                 {"CONNECTIONS", "/connections", true},
                 {"STARTED", "/started"}},
                items, "no edges");
  return {};
}

}  // namespace fairlead::cli
