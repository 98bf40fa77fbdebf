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

// Behind what was done: "; in force on ...", for people.
std::string and_in_force(Desk& desk, const Json& answer) {
  if (desk.out.json()) return {};
  const std::string live = in_force(desk, answer.value("policy_change", 0ll));
  return live.empty() ? "" : "; " + live;
}

// What to do next, to standard error and for people alone.
void tell(Desk& desk, const std::string& line) {
  if (!desk.out.json()) std::fputs((line + "\n").c_str(), stderr);
}

// What a gate wants, as a command; empty: the server's own words are better.
std::string next_step(std::string_view gate, const std::string& name) {
  if (gate == "domain_ownership") return fmt::format("prove that it is yours: fairlead domain verify {}", name);
  if (gate == "account_verified") return "an operator: fairlead account verify ACCOUNT";
  if (gate == "activation") return "apply for activation: fairlead application apply";
  if (gate == "architecture_change") return fmt::format("apply for it: fairlead application apply --domain {}", name);
  if (gate == "icp_number") return fmt::format("fairlead domain change {} --icp-number NUMBER", name);
  if (gate == "whole_site_acceleration")
    return fmt::format("fairlead domain change {} --set acceleration=whole-site", name);
  return {};
}

std::vector<Json> gates_of(const Json& answer, const char* key, std::string_view what, const std::string& name) {
  std::vector<Json> out;
  if (!answer.is_object() || !answer.contains(key)) return out;
  for (Json gate : answer[key]) {
    gate["for"] = what;
    if (const std::string next = next_step(gate.value("code", ""), name); !next.empty() && !gate.value("met", false)) {
      gate["hint"] = next;
    }
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

// "websocket.connection_timeout=90s" into {"websocket": {"connection_timeout": "90s"}}. The value is YAML: true, 5,
// [a, b]; nothing after "=" takes the setting away (null, RFC 7396).
Told<void> set_value(const std::string& text, Json& settings) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return trouble(
        fmt::format("\"{}\" is not KEY=VALUE\nfor example websocket.connection_timeout=90s", model::shown(text)));
  }
  const auto value = model::parse_yaml(text.substr(equals + 1), text.substr(0, equals));
  if (!value) return std::unexpected(trouble_of(value.error()));
  Json* at = &settings;
  std::string_view key = std::string_view(text).substr(0, equals);
  for (std::size_t dot = key.find('.'); dot != std::string_view::npos; dot = key.find('.')) {
    at = &(*at)[std::string(key.substr(0, dot))];
    if (!at->is_null() && !at->is_object()) {
      return trouble(fmt::format("{}: what stands above it is no map", model::shown(text.substr(0, equals))));
    }
    key.remove_prefix(dot + 1);
  }
  (*at)[std::string(key)] = to_json(value->root);
  return {};
}

// Single values win over the file, as the more particular ones.
Told<Json> settings_of(const DomainValues& values) {
  Json settings = Json::object();
  if (!values.settings_file.empty()) {
    auto read = read_document(values.settings_file);
    if (!read) return std::unexpected(read.error());
    settings = std::move(*read);
  }
  bool all_https = !values.origins.empty();
  bool all_http = !values.origins.empty();
  if (!values.origins.empty()) settings["origins"] = Json::array();
  for (const std::string& text : values.origins) {
    auto origin = origin_of(text);
    if (!origin) return std::unexpected(origin.error());
    const auto off = [&](const char* port) { return origin->contains(port) && (*origin)[port] == "off"; };
    all_https = all_https && off("http_port");
    all_http = all_http && off("https_port");
    settings["origins"].push_back(std::move(*origin));
  }
  for (const std::string& text : values.sets) {
    if (auto done = set_value(text, settings); !done) return std::unexpected(done.error());
  }
  // Origins of one scheme alone can be reached by that alone.
  const bool stated = settings.contains("websocket") && settings["websocket"].contains("origin_scheme");
  if ((all_https || all_http) && !stated) settings["websocket"]["origin_scheme"] = all_https ? "https" : "http";
  return settings;
}

// What is none of the settings. "none" takes a binding away.
void add_bindings(const DomainValues& values, Json& body) {
  if (!values.region.empty()) body["service_region"] = values.region;
  if (!values.icp_number.empty()) body["icp_number"] = values.icp_number;
  if (!values.layer7_config.empty())
    body["layer7_config"] = values.layer7_config == "none" ? Json() : Json(values.layer7_config);
  if (!values.certificates.empty()) {
    body["certificates"] = Json::array();
    for (const std::string& name : values.certificates) {
      if (name != "none") body["certificates"].push_back(name);
    }
  }
}

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
  const auto settings = settings_of(args.values);
  if (!settings) return std::unexpected(settings.error());
  ApiCall call;
  call.body = {{"name", args.name}, {"settings", *settings}};
  if (!args.account.empty()) {
    const auto id = account_id(desk, args.account);
    if (!id) return std::unexpected(id.error());
    call.body["account_id"] = *id;
  }
  add_bindings(args.values, call.body);
  if (args.migrated) call.body["migrated"] = true;
  const auto reply = desk.api.send("POST", "/v1/domains", call);
  if (!reply) return std::unexpected(reply.error());
  if (args.start) return domain_start_stop(desk, reply->json.value("name", args.name), "start");
  desk.out.done(
      fmt::format("domain {} is there, {}", reply->json.value("name", args.name), reply->json.value("state", "?")),
      reply->json);
  if (!desk.out.json()) tell_warnings(reply->json);
  tell(desk, fmt::format("what it needs to go live: fairlead domain gates {}", args.name));
  return {};
}

Told<void> domain_change(Desk& desk, const std::string& name, const DomainValues& values, bool dry_run) {
  const auto settings = settings_of(values);
  if (!settings) return std::unexpected(settings.error());
  ApiCall call;
  call.if_match = "*";  // a merge patch changes what it names, whatever else there is
  call.body = Json::object();
  if (!settings->empty()) call.body["settings"] = *settings;
  add_bindings(values, call.body);
  if (call.body.empty()) {
    return trouble("what is to be changed? For example: --set websocket.connection_timeout=90s");
  }
  if (dry_run) call.query = {{"dry_run", "true"}};
  const auto reply = desk.api.send("PATCH", api_path({"domains", name}), call);
  if (!reply) return std::unexpected(reply.error());
  if (dry_run) {
    desk.out.done(fmt::format("{} could be changed so", name), reply->json);
  } else {
    desk.out.done(fmt::format("{} is changed{}", name,
                              reply->json.value("state", "") == "online" ? and_in_force(desk, reply->json) : ""),
                  reply->json);
  }
  if (!desk.out.json()) tell_warnings(reply->json);
  return {};
}

Told<void> domain_websocket(Desk& desk, const std::string& name) {
  const auto reply = desk.api.get(api_path({"domains", name, "websocket"}));
  if (!reply) return std::unexpected(reply.error());
  if (desk.out.json()) {
    desk.out.done("", reply->json);
    return {};
  }
  Json shown = reply->json;
  shown["enabled"] = reply->json.value("enabled", false) ? "on" : "off";
  desk.out.object({{"Switch", "/enabled"},
                   {"Gates met", "/usable"},
                   {"Live sessions", "/live_sessions"},
                   {"By default", "/defaulted"}},
                  shown);
  desk.out.text("\n" + to_yaml(reply->json.value("effective", Json::object())));
  tell_warnings(reply->json);
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
  const std::string state = reply->json.value("state", "?");
  // Nothing has reached the edges while the proof is being looked for.
  desk.out.done(fmt::format("{} is {}{}{}", reply->json.value("name", name), state, reason.empty() ? "" : ": " + reason,
                            state == "checking" ? "" : and_in_force(desk, reply->json)),
                reply->json);
  if (state == "checking")
    tell(desk, fmt::format("how it is proved, and what was found: fairlead domain verify {}", name));
  if (!desk.out.json()) tell_warnings(reply->json);
  return {};
}

Told<void> domain_switch(Desk& desk, const std::string& name, bool on) {
  ApiCall call;
  call.if_match = "*";
  call.body = {{"enabled", on}};
  const auto reply = desk.api.send("PATCH", api_path({"domains", name, "websocket"}), call);
  if (!reply) return std::unexpected(reply.error());
  desk.out.done(fmt::format("WebSocket of {} is {}{}", name, reply->json.value("enabled", on) ? "on" : "off",
                            and_in_force(desk, reply->json)),
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
  std::vector<Json> gates = gates_of(reply->json, "live", "going live", name);
  for (Json& gate : gates_of(reply->json, "websocket", "WebSocket", name)) gates.push_back(std::move(gate));
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
