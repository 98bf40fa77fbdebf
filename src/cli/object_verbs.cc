#include "cli/object_verbs.h"

#include "cli/document_json.h"
#include "cli/yaml_writer.h"
#include <fmt/format.h>

namespace fairlead::cli {
namespace {

// The item of that name in a list of the account's; null when there is none.
Told<Json> named(Desk& desk, std::string_view path, const Query& query, const std::string& name) {
  Json found;
  const auto done = desk.api.each(path, query, [&](const Json& item) {
    if (item.value("name", "") == name) found = item;
    return found.is_null();
  });
  if (!done) return std::unexpected(done.error());
  return found;
}

// Makes, or replaces with If-Match of what was just read. `extra` is for making alone.
Told<ApiReply> put_named(Desk& desk, const std::string& collection, const Query& query, const std::string& name,
                         const Json& body, bool name_in_replace) {
  const auto known = named(desk, "/v1/" + collection, query, name);
  if (!known) return std::unexpected(known.error());
  ApiCall call;
  call.body = body;
  if (known->is_null()) {
    call.body["name"] = name;
    for (const auto& [key, value] : query) call.body[key] = value;
    return desk.api.send("POST", "/v1/" + collection, call);
  }
  if (name_in_replace) call.body["name"] = name;
  call.if_match = fmt::format("\"{}\"", known->value("revision", 0));
  return desk.api.send("PUT", api_path({collection, known->value("id", "")}), call);
}

Told<void> delete_by_id(Desk& desk, const std::string& collection, const Told<std::string>& id,
                        const std::string& name) {
  if (!id) return std::unexpected(id.error());
  ApiCall call;
  call.if_match = "*";
  const auto reply = desk.api.send("DELETE", api_path({collection, *id}), call);
  if (!reply) return std::unexpected(reply.error());
  desk.out.done(fmt::format("{} is deleted", name));
  return {};
}

}  // namespace

Told<void> certificate_list(Desk& desk, const std::string& account) {
  const auto query = account_query(desk, account);
  if (!query) return std::unexpected(query.error());
  const auto items = desk.api.list("/v1/certificates", *query, 100'000);
  if (!items) return std::unexpected(items.error());
  desk.out.list({{"NAME", "/name"},
                 {"FOR", "/dns_names"},
                 {"KEY", "/key_type"},
                 {"DAYS LEFT", "/expires_in_days", true},
                 {"DOMAINS", "/domains"},
                 {"ID", "/id"}},
                *items, "no certificates");
  return {};
}

Told<void> certificate_show(Desk& desk, const std::string& name, const std::string& account) {
  const auto id = certificate_id(desk, name, account);
  if (!id) return std::unexpected(id.error());
  const auto reply = desk.api.get(api_path({"certificates", *id}));
  if (!reply) return std::unexpected(reply.error());
  desk.out.object({{"Name", "/name"},
                   {"For", "/dns_names"},
                   {"Key", "/key_type"},
                   {"From", "/not_before"},
                   {"Until", "/not_after"},
                   {"Days left", "/expires_in_days"},
                   {"Domains", "/domains"},
                   {"Id", "/id"}},
                  reply->json);
  return {};
}

Told<void> certificate_upload(Desk& desk, const std::string& name, const std::string& chain_file,
                              const std::string& key_file, const std::string& account) {
  const auto query = account_query(desk, account);
  if (!query) return std::unexpected(query.error());
  const auto chain = read_text(chain_file);
  if (!chain) return std::unexpected(chain.error());
  const auto key = read_text(key_file);
  if (!key) return std::unexpected(key.error());
  const auto reply = put_named(desk, "certificates", *query, name, {{"chain", *chain}, {"key", *key}}, false);
  if (!reply) return std::unexpected(reply.error());
  desk.out.done(fmt::format("certificate {} is for {}, until {}", name,
                            cell_text(reply->json.value("dns_names", Json())), reply->json.value("not_after", "?")),
                reply->json);
  return {};
}

Told<void> certificate_delete(Desk& desk, const std::string& name, const std::string& account) {
  return delete_by_id(desk, "certificates", certificate_id(desk, name, account), name);
}

Told<void> layer7_list(Desk& desk, const std::string& account) {
  const auto query = account_query(desk, account);
  if (!query) return std::unexpected(query.error());
  const auto items = desk.api.list("/v1/layer7-configs", *query, 100'000);
  if (!items) return std::unexpected(items.error());
  desk.out.list({{"NAME", "/name"}, {"DOMAINS", "/domains", true}, {"UPDATED", "/updated"}, {"ID", "/id"}}, *items,
                "no layer-7 configurations");
  return {};
}

Told<void> layer7_show(Desk& desk, const std::string& name, const std::string& account) {
  const auto id = layer7_config_id(desk, name, account);
  if (!id) return std::unexpected(id.error());
  const auto reply = desk.api.get(api_path({"layer7-configs", *id}));
  if (!reply) return std::unexpected(reply.error());
  desk.out.object({{"Name", "/name"}, {"Domains", "/domains"}, {"Updated", "/updated"}}, reply->json);
  desk.out.text("\n" + to_yaml(reply->json.value("settings", Json::object())));
  return {};
}

Told<void> layer7_set(Desk& desk, const std::string& name, const std::string& file, const std::string& account) {
  const auto query = account_query(desk, account);
  if (!query) return std::unexpected(query.error());
  const auto settings = read_document(file);
  if (!settings) return std::unexpected(settings.error());
  const auto reply = put_named(desk, "layer7-configs", *query, name, {{"settings", *settings}}, true);
  if (!reply) return std::unexpected(reply.error());
  desk.out.done(fmt::format("layer-7 configuration {} is set, for {} domains", name, reply->json.value("domains", 0)),
                reply->json);
  return {};
}

Told<void> layer7_delete(Desk& desk, const std::string& name, const std::string& account) {
  return delete_by_id(desk, "layer7-configs", layer7_config_id(desk, name, account), name);
}

}  // namespace fairlead::cli
