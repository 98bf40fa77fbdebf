#include "cli/account_verbs.h"

#include <fmt/format.h>

namespace fairlead::cli {
namespace {

const std::vector<Column> kAccountFields = {{"Name", "/name"},
                                            {"Kind", "/kind"},
                                            {"State", "/state"},
                                            {"Identity verified", "/identity_verified"},
                                            {"WebSocket default", "/websocket_default"},
                                            {"Time zone", "/time_zone"},
                                            {"Activation", "/activation"},
                                            {"Created", "/created"},
                                            {"Id", "/id"}};

Told<std::string> own_account(Desk& desk) {
  const auto me = desk.api.get("/v1/login");
  if (!me) return std::unexpected(me.error());
  return me->json.value("account", Json::object()).value("id", "");
}

Told<void> change_account(Desk& desk, const std::string& name, const Json& change, const std::string& said) {
  const auto id = account_id(desk, name);
  if (!id) return std::unexpected(id.error());
  ApiCall call;
  call.if_match = "*";
  call.body = change;
  const auto reply = desk.api.send("PATCH", api_path({"accounts", *id}), call);
  if (!reply) return std::unexpected(reply.error());
  desk.out.done(fmt::format("{} {}", name, said), reply->json);
  return {};
}

}  // namespace

Told<void> account_list(Desk& desk, const std::string& search) {
  Query query;
  if (!search.empty()) query.emplace_back("search", search);
  const auto items = desk.api.list("/v1/accounts", query, 100'000);
  if (!items) return std::unexpected(items.error());
  desk.out.list(
      {{"NAME", "/name"}, {"KIND", "/kind"}, {"STATE", "/state"}, {"VERIFIED", "/identity_verified"}, {"ID", "/id"}},
      *items, "no accounts");
  return {};
}

Told<void> account_create(Desk& desk, const AccountCreateArgs& args) {
  ApiCall call;
  call.body = {{"name", args.name}};
  if (!args.time_zone.empty()) call.body["time_zone"] = args.time_zone;
  if (!args.websocket_default.empty()) call.body["websocket_default"] = args.websocket_default;
  if (args.verified) call.body["identity_verified"] = true;
  const auto reply = desk.api.send("POST", "/v1/accounts", call);
  if (!reply) return std::unexpected(reply.error());
  desk.out.done(fmt::format("account {} is there, id {}", args.name, reply->json.value("id", "?")), reply->json);
  return {};
}

Told<void> account_show(Desk& desk, const std::string& name) {
  const auto id = name.empty() ? own_account(desk) : account_id(desk, name);
  if (!id) return std::unexpected(id.error());
  const auto reply = desk.api.get(api_path({"accounts", *id}));
  if (!reply) return std::unexpected(reply.error());
  if (desk.out.json()) {
    desk.out.done("", reply->json);
    return {};
  }
  const auto service = desk.api.get("/v1/service", {{"account_id", *id}});
  if (!service) return std::unexpected(service.error());
  Json account = reply->json;
  const std::string reason = service->json.value("reason", "");
  account["activation"] = service->json.value("activation", "?") + (reason.empty() ? "" : ": " + reason);
  desk.out.object(kAccountFields, account);
  return {};
}

Told<void> account_change(Desk& desk, const AccountChangeArgs& args) {
  Json change = Json::object();
  if (!args.new_name.empty()) change["name"] = args.new_name;
  if (!args.time_zone.empty()) change["time_zone"] = args.time_zone;
  if (!args.websocket_default.empty()) change["websocket_default"] = args.websocket_default;
  if (change.empty()) return trouble("what is to be changed? Say --new-name, --time-zone or --websocket-default");
  return change_account(desk, args.name, change, "is changed");
}

Told<void> account_verify(Desk& desk, const std::string& name) {
  return change_account(desk, name, {{"identity_verified", true}}, "is verified");
}

Told<void> account_state(Desk& desk, const std::string& name, const std::string& state) {
  return change_account(desk, name, {{"state", state}}, "is " + state);
}

Told<void> user_list(Desk& desk, const std::string& account) {
  const auto query = account_query(desk, account);
  if (!query) return std::unexpected(query.error());
  const auto items = desk.api.list("/v1/users", *query, 100'000);
  if (!items) return std::unexpected(items.error());
  desk.out.list({{"E-MAIL", "/email"},
                 {"ROLE", "/role"},
                 {"DISABLED", "/disabled"},
                 {"PASSWORD SET", "/has_password"},
                 {"ACCOUNT", "/account_id"},
                 {"ID", "/id"}},
                *items, "no users");
  return {};
}

Told<void> user_create(Desk& desk, const UserCreateArgs& args) {
  ApiCall call;
  call.body = {{"email", args.email}};
  if (!args.account.empty()) {
    const auto id = account_id(desk, args.account);
    if (!id) return std::unexpected(id.error());
    call.body["account_id"] = *id;
  }
  if (!args.role.empty()) call.body["role"] = args.role;
  if (!args.password_file.empty()) {
    const auto password = read_secret(args.password_file, "");
    if (!password) return std::unexpected(password.error());
    call.body["password"] = *password;
  }
  const auto reply = desk.api.send("POST", "/v1/users", call);
  if (!reply) return std::unexpected(reply.error());
  desk.out.done(fmt::format("user {} is there", args.email), reply->json);
  const Json link = reply->json.value("password_link", Json());
  if (link.is_object()) {
    desk.out.done(fmt::format("to set a password, until {}:", link.value("expires", "")));
    desk.out.done(fmt::format("  fairlead password --link '{}'", link.value("url", "")));
  }
  return {};
}

Told<void> user_disable(Desk& desk, const std::string& email, bool disabled) {
  const auto id = user_id(desk, email);
  if (!id) return std::unexpected(id.error());
  ApiCall call;
  call.if_match = "*";
  call.body = {{"disabled", disabled}};
  const auto reply = desk.api.send("PATCH", api_path({"users", *id}), call);
  if (!reply) return std::unexpected(reply.error());
  desk.out.done(fmt::format("{} is {}", email, disabled ? "disabled; logins and tokens have ended" : "enabled"),
                reply->json);
  return {};
}

Told<void> user_role(Desk& desk, const std::string& email, const std::string& role) {
  const auto id = user_id(desk, email);
  if (!id) return std::unexpected(id.error());
  ApiCall call;
  call.if_match = "*";
  call.body = {{"role", role}};
  const auto reply = desk.api.send("PATCH", api_path({"users", *id}), call);
  if (!reply) return std::unexpected(reply.error());
  desk.out.done(fmt::format("{} is {}", email, reply->json.value("role", role)), reply->json);
  return {};
}

Told<void> user_delete(Desk& desk, const std::string& email) {
  const auto id = user_id(desk, email);
  if (!id) return std::unexpected(id.error());
  ApiCall call;
  call.if_match = "*";
  const auto reply = desk.api.send("DELETE", api_path({"users", *id}), call);
  if (!reply) return std::unexpected(reply.error());
  desk.out.done(fmt::format("{} is deleted", email));
  return {};
}

Told<void> user_password_link(Desk& desk, const std::string& email) {
  const auto id = user_id(desk, email);
  if (!id) return std::unexpected(id.error());
  const auto reply = desk.api.send("POST", api_path({"users", *id, "password-link"}));
  if (!reply) return std::unexpected(reply.error());
  desk.out.done(reply->json.value("url", ""), reply->json);
  return {};
}

}  // namespace fairlead::cli
