#include "cli/domain_verbs.h"

#include "cli/document_json.h"
#include "cli/import/draft.h"
#include "cli/yaml_writer.h"
#include <fmt/format.h>

#include "model/words.h"

namespace fairlead::cli {
namespace {

Told<void> forward(const Told<ApiReply>& reply) {
  if (!reply) return std::unexpected(reply.error());
  return {};
}

// Warnings of the answer, to standard error: they are no part of what was asked for.
void tell_warnings(const Json& answer) {
  if (!answer.is_object() || !answer.contains("warnings") || !answer["warnings"].is_array()) return;
  for (const Json& warning : answer["warnings"]) {
    const std::string hint = warning.value("hint", "");
    std::fputs(fmt::format("warning: {}{}{}{}\n", warning.value("pointer", ""),
                           warning.value("pointer", "").empty() ? "" : ": ", warning.value("message", ""),
                           hint.empty() ? "" : " (" + hint + ")")
                   .c_str(),
               stderr);
  }
}

// "in force on 3 of 3 edges, 41 ms after the change"
std::string in_force(Desk& desk, const Json& answer) {
  const auto change = answer.value("policy_change", 0ll);
  if (change <= 0) return {};
  const auto reply = desk.api.get(api_path({"policy-changes", std::to_string(change)}));
  if (!reply || !reply->json.is_object()) return {};
  const Json after = reply->json.value("after_ms", Json());
  std::string out =
      fmt::format("in force on {} of {} edges", reply->json.value("live", 0), reply->json.value("edges", 0));
  if (after.is_number()) out += fmt::format(", {} ms after the change", after.get<long long>());
  return out;
}

std::vector<Json> gates_of(const Json& answer, const char* key, std::string_view what) {
  std::vector<Json> out;
  if (!answer.is_object() || !answer.contains(key)) return out;
  for (Json gate : answer[key]) {
    gate["for"] = what;
    out.push_back(std::move(gate));
  }
  return out;
}

const std::vector<Column> kDomainFields = {{"Name", "/name"},
                                           {"State", "/state"},
                                           {"Reason", "/state_reason"},
                                           {"Account", "/account_name"},
                                           {"Region", "/service_region"},
                                           {"ICP number", "/icp_number"},
                                           {"Certificates", "/certificates"},
                                           {"Layer 7", "/layer7_config"},
                                           {"WebSocket", "/effective/websocket/enabled"},
                                           {"Updated", "/updated"}};

}  // namespace

Told<void> domain_list(Desk& desk, const DomainListArgs& args) {
  auto query = account_query(desk, args.account);
  if (!query) return std::unexpected(query.error());
  if (!args.search.empty()) query->emplace_back("search", args.search);
  if (!args.state.empty()) query->emplace_back("state", args.state);
  const auto items = desk.api.list("/v1/domains", *query, args.most);
  if (!items) return std::unexpected(items.error());
  desk.out.list({{"NAME", "/name"},
                 {"STATE", "/state"},
                 {"WEBSOCKET", "/websocket_enabled"},
                 {"ORIGINS", "/origins", true},
                 {"ACCOUNT", "/account_name"},
                 {"UPDATED", "/updated"}},
                *items, "no domains");
  return {};
}

Told<void> domain_show(Desk& desk, const std::string& name) {
  const auto reply = desk.api.get(api_path({"domains", name}));
  if (!reply) return std::unexpected(reply.error());
  desk.out.object(kDomainFields, reply->json);
  if (!desk.out.json()) {
    desk.out.text("\n" + to_yaml(reply->json.value("settings", Json::object())));
    tell_warnings(reply->json);
  }
  return {};
}

Told<Json> origin_of(const std::string& text) {
  std::string_view rest = text;
  bool https = false;
  bool scheme = false;
  for (const auto& [prefix, secure] : {std::pair<std::string_view, bool>{"https://", true}, {"http://", false}}) {
    if (!rest.starts_with(prefix)) continue;
    rest.remove_prefix(prefix.size());
    https = secure;
    scheme = true;
  }
  const auto parts = split_host_port(rest);
  if (!parts) {
    return trouble(
        fmt::format("\"{}\" is not an origin\nfor example 10.0.0.11, 10.0.0.11:8080 or https://app.internal:8443",
                    model::shown(text)));
  }
  Json origin{{"host", parts->first}};
  if (parts->second) origin[https ? "https_port" : "http_port"] = *parts->second;
  // One port stated: the other is not where the origin listens.
  if (parts->second || scheme) origin[https ? "http_port" : "https_port"] = "off";
  return origin;
}

Told<void> domain_create(Desk& desk, const DomainCreateArgs& args) {
  Json settings = Json::object();
  if (!args.settings_file.empty()) {
    auto read = read_document(args.settings_file);
    if (!read) return std::unexpected(read.error());
    settings = std::move(*read);
  }
  bool all_https = !args.origins.empty();
  bool all_http = !args.origins.empty();
  for (const std::string& text : args.origins) {
    auto origin = origin_of(text);
    if (!origin) return std::unexpected(origin.error());
    const auto off = [&](const char* port) { return origin->contains(port) && (*origin)[port] == "off"; };
    all_https = all_https && off("http_port");
    all_http = all_http && off("https_port");
    settings["origins"].push_back(std::move(*origin));
  }
  if ((all_https || all_http) && !(settings.contains("websocket") && settings["websocket"].contains("origin_scheme"))) {
    settings["websocket"]["origin_scheme"] = all_https ? "https" : "http";
  }
  ApiCall call;
  call.body = {{"name", args.name}, {"settings", settings}};
  if (!args.account.empty()) {
    const auto id = account_id(desk, args.account);
    if (!id) return std::unexpected(id.error());
    call.body["account_id"] = *id;
  }
  if (!args.region.empty()) call.body["service_region"] = args.region;
  if (!args.icp_number.empty()) call.body["icp_number"] = args.icp_number;
  if (!args.layer7_config.empty()) call.body["layer7_config"] = args.layer7_config;
  if (!args.certificates.empty()) call.body["certificates"] = args.certificates;
  if (args.migrated) call.body["migrated"] = true;
  const auto reply = desk.api.send("POST", "/v1/domains", call);
  if (!reply) return std::unexpected(reply.error());
  if (!desk.out.json()) tell_warnings(reply->json);
  if (args.start) return domain_start_stop(desk, reply->json.value("name", args.name), "start");
  desk.out.done(
      fmt::format("{} is there, in state {}", reply->json.value("name", args.name), reply->json.value("state", "?")),
      reply->json);
  return {};
}

Told<void> domain_delete(Desk& desk, const std::string& name) {
  ApiCall call;
  call.if_match = "*";
  const auto reply = desk.api.send("DELETE", api_path({"domains", name}), call);
  if (reply) desk.out.done(fmt::format("{} is deleted", name));
  return forward(reply);
}

Told<void> domain_start_stop(Desk& desk, const std::string& name, const std::string& verb) {
  const auto reply = desk.api.send("POST", api_path({"domains", name, verb}));
  if (!reply) return std::unexpected(reply.error());
  const std::string reason = reply->json.value("state_reason", "");
  desk.out.done(fmt::format("{} is {}{}", reply->json.value("name", name), reply->json.value("state", "?"),
                            reason.empty() ? "" : ": " + reason),
                reply->json);
  if (!desk.out.json()) tell_warnings(reply->json);
  return {};
}

Told<void> domain_switch(Desk& desk, const std::string& name, bool on) {
  ApiCall call;
  call.if_match = "*";
  call.body = {{"enabled", on}};
  const auto reply = desk.api.send("PATCH", api_path({"domains", name, "websocket"}), call);
  if (!reply) return std::unexpected(reply.error());
  const std::string live = in_force(desk, reply->json);
  desk.out.done(fmt::format("WebSocket of {} is {}{}", name, reply->json.value("enabled", on) ? "on" : "off",
                            live.empty() ? "" : "; " + live),
                reply->json);
  if (!desk.out.json()) tell_warnings(reply->json);
  return {};
}

Told<void> domain_gates(Desk& desk, const std::string& name) {
  const auto reply = desk.api.get(api_path({"domains", name, "gates"}));
  if (!reply) return std::unexpected(reply.error());
  if (desk.out.json()) {
    desk.out.done("", reply->json);
    return {};
  }
  std::vector<Json> gates = gates_of(reply->json, "live", "going live");
  for (Json& gate : gates_of(reply->json, "websocket", "WebSocket")) gates.push_back(std::move(gate));
  desk.out.list({{"FOR", "/for"}, {"GATE", "/code"}, {"MET", "/met"}, {"WHAT TO DO", "/hint"}}, gates, "no gates");
  return {};
}

Told<void> domain_verify(Desk& desk, const std::string& name, bool check, bool vouch) {
  const auto reply = vouch   ? desk.api.send("POST", api_path({"domains", name, "ownership", "vouch"}))
                     : check ? desk.api.send("POST", api_path({"domains", name, "ownership", "check"}))
                             : desk.api.get(api_path({"domains", name, "ownership"}));
  if (!reply) return std::unexpected(reply.error());
  const Json& proof = reply->json;
  std::vector<Column> fields = {
      {"Verified", "/verified"}, {"By", "/method"}, {"Being checked", "/checking"}, {"Last look", "/last_result"}};
  if (proof.is_object() && !proof.value("verified", false)) {
    fields.push_back({"DNS name", "/dns/name"});
    fields.push_back({"DNS type", "/dns/type"});
    fields.push_back({"DNS value", "/dns/value"});
    if (proof.contains("http") && proof["http"].is_object()) {
      fields.push_back({"or file", "/http/url"});
      fields.push_back({"with text", "/http/body"});
    }
  }
  desk.out.object(fields, proof);
  return {};
}

Told<void> session_list(Desk& desk, const std::string& domain, const std::string& client, std::size_t most) {
  Query query;
  if (!client.empty()) query.emplace_back("client", client);
  const auto items = desk.api.list(api_path({"domains", domain, "sessions"}), query, most);
  if (!items) return std::unexpected(items.error());
  desk.out.list({{"SESSION", "/id"},
                 {"CLIENT", "/client"},
                 {"OPENED", "/opened"},
                 {"IDLE MS", "/idle_ms", true},
                 {"IN", "/bytes_in", true},
                 {"OUT", "/bytes_out", true},
                 {"ORIGIN", "/origin"},
                 {"EDGE", "/edge"},
                 {"TARGET", "/target"}},
                *items, "no live sessions");
  return {};
}

Told<void> session_end(Desk& desk, const std::string& domain, const std::string& id) {
  const auto reply = desk.api.send("DELETE", api_path({"domains", domain, "sessions", id}));
  if (reply) desk.out.done(fmt::format("session {} was asked to end (Close 1001)", id));
  return forward(reply);
}

}  // namespace fairlead::cli
