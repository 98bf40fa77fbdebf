#include "cli/operation_verbs.h"

#include "cli/apply_plan.h"
#include <fmt/format.h>

namespace fairlead::cli {
namespace {

Told<void> decide(Desk& desk, const std::string& id_or_account, const char* verb, const char* said,
                  const std::string& reason) {
  const auto id = application_id(desk, id_or_account);
  if (!id) return std::unexpected(id.error());
  ApiCall call;
  call.if_match = "*";
  call.body = Json::object();
  if (!reason.empty()) call.body["reason"] = reason;
  const auto reply = desk.api.send("POST", api_path({"applications", *id, verb}), call);
  if (!reply) return std::unexpected(reply.error());
  desk.out.done(fmt::format("application of {} is {}", reply->json.value("account_name", id_or_account), said),
                reply->json);
  return {};
}

const std::vector<Column> kPolicyFields = {{"Approve automatically", "/approve_automatically"},
                                           {"Gate: account verified", "/gates/account_verified"},
                                           {"Gate: domain ownership", "/gates/domain_ownership"},
                                           {"Gate: whole-site acceleration", "/gates/whole_site_acceleration"},
                                           {"Gate: activation", "/gates/activation"},
                                           {"Gate: ICP number in", "/gates/icp_regions"},
                                           {"Gate: billing method", "/billing_required"},
                                           {"Customers buy packs", "/customers_buy_packs"}};

}  // namespace

Told<void> application_list(Desk& desk, const std::string& state, const std::string& kind, const std::string& account) {
  auto query = account_query(desk, account);
  if (!query) return std::unexpected(query.error());
  if (!state.empty()) query->emplace_back("state", state);
  if (!kind.empty()) query->emplace_back("kind", kind);
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

Told<void> application_show(Desk& desk, const std::string& id_or_account) {
  const auto id = application_id(desk, id_or_account);
  if (!id) return std::unexpected(id.error());
  const auto reply = desk.api.get(api_path({"applications", *id}));
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
                   {"Sessions", "/fields/expected_sessions"},
                   {"Mbit/s", "/fields/expected_bandwidth_mbps"},
                   {"Created", "/created"},
                   {"Decided", "/decided"},
                   {"By", "/decided_by"}},
                  reply->json);
  return {};
}

Told<void> application_apply(Desk& desk, const ApplicationArgs& args) {
  Json fields{{"contact_name", args.contact_name}, {"contact_email", args.contact_email}, {"use_case", args.use_case}};
  // Who applies for themselves is the contact, unless they say otherwise.
  if (args.contact_name.empty() || args.contact_email.empty()) {
    if (!args.account.empty()) return trouble("who can be asked? Say --contact-name and --contact-email");
    const auto me = desk.api.get("/v1/login");
    if (!me) return std::unexpected(me.error());
    if (args.contact_name.empty()) fields["contact_name"] = me->json.value("account", Json::object()).value("name", "");
    if (args.contact_email.empty()) fields["contact_email"] = me->json.value("user", Json::object()).value("email", "");
  }
  if (!args.company.empty()) fields["company"] = args.company;
  if (!args.contact_phone.empty()) fields["contact_phone"] = args.contact_phone;
  if (!args.description.empty()) fields["description"] = args.description;
  if (args.expected_sessions >= 0) fields["expected_sessions"] = args.expected_sessions;
  if (args.expected_bandwidth_mbps >= 0) fields["expected_bandwidth_mbps"] = args.expected_bandwidth_mbps;
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
  desk.out.done(fmt::format("application {} of {} is {}", reply->json.value("id", "?"),
                            reply->json.value("account_name", "?"), reply->json.value("state", "?")),
                reply->json);
  return {};
}

Told<void> application_approve(Desk& desk, const std::string& id_or_account, const std::string& reason) {
  return decide(desk, id_or_account, "approve", "approved", reason);
}

Told<void> application_reject(Desk& desk, const std::string& id_or_account, const std::string& reason) {
  return decide(desk, id_or_account, "reject", "rejected", reason);
}

Told<void> audit(Desk& desk, const AuditArgs& args) {
  auto query = account_query(desk, args.account);
  if (!query) return std::unexpected(query.error());
  if (!args.object_type.empty()) query->emplace_back("object_type", args.object_type);
  if (!args.object_name.empty()) query->emplace_back("object_name", args.object_name);
  if (!args.action.empty()) query->emplace_back("action", args.action);
  if (!args.since.empty()) query->emplace_back("start_time", args.since);
  if (!args.until.empty()) query->emplace_back("end_time", args.until);
  const auto items = desk.api.list("/v1/audit", *query, args.most);
  if (!items) return std::unexpected(items.error());
  const std::vector<Column> columns = {{"AT", "/at"},         {"WHO", "/user"},         {"FROM", "/source_address"},
                                       {"ACTION", "/action"}, {"WHAT", "/object_type"}, {"NAME", "/object_name"}};
  if (!args.values || desk.out.json()) {
    desk.out.list(columns, *items, "nothing was changed");
    return {};
  }
  for (const Json& item : *items) {
    desk.out.object(columns, item);
    for (const Difference& one : differences_of(item.value("old_value", Json()), item.value("new_value", Json()))) {
      desk.out.done(fmt::format("    {}: {} -> {}", one.path, cell_text(one.before), cell_text(one.after)));
    }
    desk.out.text("\n");
  }
  return {};
}

Told<void> notice_list(Desk& desk, const std::string& state, std::size_t most) {
  const auto items = desk.api.list("/v1/notices", {{"state", state}}, most);
  if (!items) return std::unexpected(items.error());
  desk.out.list({{"CREATED", "/created"},
                 {"KIND", "/kind"},
                 {"TO", "/destination"},
                 {"STATE", "/state"},
                 {"TRIES", "/attempts", true},
                 {"NEXT TRY", "/next_attempt"},
                 {"LAST ERROR", "/last_error"}},
                *items, "no notices");
  return {};
}

Told<void> policy_show(Desk& desk) {
  const auto reply = desk.api.get("/v1/policy");
  if (!reply) return std::unexpected(reply.error());
  desk.out.object(kPolicyFields, reply->json);
  return {};
}

Told<void> policy_set(Desk& desk, const PolicyArgs& args) {
  const auto now = desk.api.get("/v1/policy");
  if (!now) return std::unexpected(now.error());
  ApiCall call;
  call.if_match = now->etag;
  call.body = {{"approve_automatically", now->json.value("approve_automatically", false)},
               {"gates", now->json.value("gates", Json::object())},
               {"billing_required", now->json.value("billing_required", false)},
               {"customers_buy_packs", now->json.value("customers_buy_packs", false)}};
  const auto put = [](Json& where, const std::string& value) {
    if (!value.empty()) where = value == "on";
  };
  put(call.body["approve_automatically"], args.approve_automatically);
  put(call.body["billing_required"], args.billing_required);
  put(call.body["customers_buy_packs"], args.customers_buy_packs);
  for (const auto& [gate, value] : args.gates) put(call.body["gates"][gate], value);
  if (!args.icp_regions.empty()) {
    Json& regions = call.body["gates"]["icp_regions"] = Json::array();
    for (const std::string& region : args.icp_regions) {
      if (region != "none") regions.push_back(region);
    }
  }
  const auto reply = desk.api.send("PUT", "/v1/policy", call);
  if (!reply) return std::unexpected(reply.error());
  desk.out.object(kPolicyFields, reply->json);
  return {};
}

Told<void> edge_list(Desk& desk) {
  const auto items = desk.api.whole("/v1/edges");
  if (!items) return std::unexpected(items.error());
  desk.out.list({{"EDGE", "/id"},
                 {"STATE", "/state"},
                 {"VERSION", "/version"},
                 {"POLICY", "/policy_revision", true},
                 {"FROM", "/policy_source"},
                 {"DOMAINS", "/domains", true},
                 {"SESSIONS", "/sessions", true},
                 {"CONNECTIONS", "/connections", true},
                 {"STARTED", "/started"}},
                *items, "no edges");
  return {};
}

Told<void> edge_compare(Desk& desk) {
  const auto reply = desk.api.get("/v1/policy-comparison");
  if (!reply) return std::unexpected(reply.error());
  std::vector<Json> items;
  std::size_t silent = 0, differ = 0;
  for (const Json& edge : reply->json.value("edges", Json::array())) {
    silent += !edge.value("answered", false);
    Json item = edge;
    std::string names;
    for (const char* kind : {"missing", "surplus", "different"}) {
      const Json some = edge.value(kind, Json::object());
      differ += some.value("count", std::size_t{0});
      for (const Json& name : some.value("names", Json::array())) {
        names += (names.empty() ? "" : " ") + name.get<std::string>();
      }
    }
    item["names"] = names.empty() ? Json() : Json(names);
    items.push_back(std::move(item));
  }
  if (desk.out.json()) {
    desk.out.object({}, reply->json);
  } else {
    desk.out.list({{"EDGE", "/edge"},
                   {"ANSWERED", "/answered"},
                   {"POLICY", "/policy_revision", true},
                   {"DOMAINS", "/domains", true},
                   {"MISSING", "/missing/count", true},
                   {"SURPLUS", "/surplus/count", true},
                   {"DIFFERENT", "/different/count", true},
                   {"NAMES", "/names"}},
                  items, "no edges");
  }
  if (silent > 0) return trouble(fmt::format("{} of {} edges did not answer", silent, items.size()));
  if (differ > 0) {
    return trouble(
        fmt::format("edges and store differ in {} places\na change of the last moment may be on its way: look "
                    "again",
                    differ));
  }
  return {};
}

}  // namespace fairlead::cli
