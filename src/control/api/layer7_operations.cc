#include "control/api/layer7_operations.h"

#include "control/api/body.h"
#include "control/layer7.h"

namespace fairlead::control {
namespace {

Json shown(const Layer7View& view) {
  const store::Layer7Config& c = view.config;
  return {{"id", c.id},
          {"account_id", c.account_id},
          {"name", c.name},
          {"settings", view.settings},
          {"effective", view.effective},
          {"warnings", details_json(view.warnings)},
          {"domains", view.domains},
          {"revision", c.revision},
          {"created", date(c.created_ms)},
          {"updated", date(c.updated_ms)}};
}

Layer7Wish wish_of(const Json& body) {
  Layer7Wish wish;
  wish.name = text_member(body, "name").value_or("");
  if (const auto settings = body.find("settings"); settings != body.end()) wish.settings = *settings;
  return wish;
}

Outcome<Reply> reply_of(const Outcome<Layer7View>& view, int status) {
  if (!view) return std::unexpected(view.error());
  Reply reply;
  reply.status = status;
  reply.body = shown(*view);
  reply.revision = view->config.revision;
  return reply;
}

}  // namespace

void add_layer7_operations(Operations& operations, Context& context) {
  operations["listLayer7Configs"] = [&context](const Call& call) -> Outcome<Reply> {
    auto page = list_layer7(context, call.caller, call.query("account_id"), call.page());
    if (!page) return std::unexpected(page.error());
    Reply reply;
    reply.body = page_json(*page, shown);
    return reply;
  };
  operations["createLayer7Config"] = [&context](const Call& call) {
    return reply_of(create_layer7(context, call.caller, text_member(call.body, "account_id"), wish_of(call.body)), 201);
  };
  operations["getLayer7Config"] = [&context](const Call& call) {
    return reply_of(get_layer7(context, call.caller, call.path("config_id")), 200);
  };
  operations["replaceLayer7Config"] = [&context](const Call& call) {
    return reply_of(
        replace_layer7(context, call.caller, call.path("config_id"), wish_of(call.body), call.expected_revision), 200);
  };
  operations["deleteLayer7Config"] = [&context](const Call& call) -> Outcome<Reply> {
    auto done = delete_layer7(context, call.caller, call.path("config_id"), call.expected_revision);
    if (!done) return std::unexpected(done.error());
    Reply reply;
    reply.status = 204;
    return reply;
  };
}

}  // namespace fairlead::control
