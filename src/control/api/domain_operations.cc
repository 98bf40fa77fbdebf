#include "control/api/domain_operations.h"

#include "control/domains/domain_service.h"
#include "control/domains/ownership_service.h"
#include "control/in_transaction.h"
#include "model/write_domain.h"

namespace fairlead::control {
namespace {

Json parsed(const std::string& text) {
  Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json::object() : value;
}

// Warnings of the settings, and that what is configured is not yet in force.
std::vector<Detail> warnings(const Composition& c) {
  auto out = warnings_of(c.reading.problems);
  // Settings that were right once and are no longer (a range became narrower), or that are still empty.
  for (Detail& d : errors_of(c.reading.problems)) out.push_back(std::move(d));
  for (Detail& d : out) d.pointer = "/settings" + d.pointer;
  if (c.reading.policy && c.reading.policy->websocket.enabled && !c.websocket_usable()) {
    for (Detail& d : Composition::unmet(c.websocket)) {
      d.pointer = "/settings/websocket";
      out.push_back(std::move(d));
    }
  }
  return out;
}

Json effective(const Composition& c) {
  if (!c.reading.policy) return nullptr;
  Json all = parsed(model::write_domain(*c.reading.policy, model::DomainText::shown));
  all.erase("name");
  return all;
}

Json domain_json(const DomainView& view) {
  const Composition& c = view.now;
  const store::Domain& d = c.domain;
  return {{"id", d.id},
          {"name", d.name},
          {"account_id", d.account_id},
          {"account_name", c.account.name},
          {"state", to_string(d.state)},
          {"state_reason", c.reason()},
          {"service_region", to_string(d.service_region)},
          {"icp_number", d.icp_number},
          {"migrated", d.migrated},
          {"settings", parsed(d.settings)},
          {"effective", effective(c)},
          {"layer7_config", c.layer7 ? Json(c.layer7->name) : Json()},
          {"certificates", view.certificates},
          {"warnings", details_json(warnings(c))},
          {"revision", d.revision},
          {"policy_change", view.policy_change},
          {"created", date(d.created_ms)},
          {"updated", date(d.updated_ms)}};
}

Outcome<Reply> domain_reply(const Outcome<DomainView>& view, int status = 200) {
  if (!view) return std::unexpected(view.error());
  Reply reply;
  reply.status = status;
  reply.body = domain_json(*view);
  reply.revision = view->now.domain.revision;
  return reply;
}

Json summary_json(const Composition& c) {
  const store::Domain& d = c.domain;
  const auto& policy = c.reading.policy;
  const bool whole = !policy || policy->acceleration == model::Acceleration::whole_site;
  return {{"id", d.id},
          {"name", d.name},
          {"account_id", d.account_id},
          {"account_name", c.account.name},
          {"state", to_string(d.state)},
          {"state_reason", c.reason()},
          {"acceleration", whole ? "whole-site" : "static"},
          {"websocket_enabled", policy && policy->websocket.enabled},
          {"origins", policy ? policy->origins.size() : 0},
          {"revision", d.revision},
          {"updated", date(d.updated_ms)}};
}

Json gates_json(const std::vector<Gate>& gates) {
  Json out = Json::array();
  for (const Gate& g : gates) {
    out.push_back({{"code", g.code}, {"met", g.met}, {"message", g.message}, {"hint", g.hint}});
  }
  return out;
}

// Keys of `all` that `set` does not have, as a path: "heartbeat.interval".
void add_defaulted(const Json& all, const Json& set, const std::string& before, Json& out) {
  for (const auto& [key, value] : all.items()) {
    const bool there = set.is_object() && set.contains(key);
    if (value.is_object()) {
      add_defaulted(value, there ? set[key] : Json::object(), before + key + ".", out);
    } else if (!there) {
      out.push_back(before + key);
    }
  }
}

Outcome<Reply> websocket_reply(Context& context, const Outcome<DomainView>& view) {
  if (!view) return std::unexpected(view.error());
  const Composition& c = view->now;
  Json settings = Json::object(), all = Json::object(), defaulted = Json::array();
  const Json written = parsed(c.domain.settings);
  if (written.contains("websocket") && written["websocket"].is_object()) settings = written["websocket"];
  if (const Json e = effective(c); e.is_object() && e.contains("websocket")) all = e["websocket"];
  add_defaulted(all, settings, "", defaulted);
  Json sessions;
  if (const auto counts = context.edges.count_sessions({c.domain.name}); counts && counts->size() == 1) {
    sessions = counts->front();
  }
  Json told = Json::array();
  for (const Detail& d : warnings(c)) {
    if (d.pointer.starts_with("/settings/websocket")) told.push_back(details_json({d}).front());
  }
  Reply reply;
  reply.body = {{"enabled", c.reading.policy && c.reading.policy->websocket.enabled},
                {"usable", c.websocket_usable()},
                {"settings", settings},
                {"effective", all},
                {"defaulted", defaulted},
                {"gates", gates_json(c.websocket)},
                {"warnings", told},
                {"live_sessions", sessions},
                {"revision", c.domain.revision},
                {"policy_change", view->policy_change}};
  reply.revision = c.domain.revision;
  return reply;
}

Outcome<Reply> ownership_reply(const Outcome<OwnershipView>& view, int status = 200) {
  if (!view) return std::unexpected(view.error());
  const store::Ownership& o = view->domain.ownership;
  Reply reply;
  reply.status = status;
  reply.body = {{"verified", !o.method.empty()},
                {"method", o.method.empty() ? Json() : Json(o.method)},
                {"verified_at", date(o.verified_ms)},
                {"checking", o.next_check_ms.has_value()},
                {"last_result", o.last_result},
                {"dns", {{"name", view->dns_name}, {"type", "TXT"}, {"value", view->dns_value}}},
                {"http", Json()}};
  if (!view->http_url.empty()) reply.body["http"] = {{"url", view->http_url}, {"body", o.token}};
  return reply;
}

Json session_json(const cluster::SessionInfo& s) {
  return {{"id", s.id},
          {"edge", s.edge},
          {"domain", s.domain},
          {"client", s.client},
          {"client_port", s.client_port},
          {"protocol", s.protocol},
          {"tls", s.tls},
          {"target", s.target},
          {"origin", s.origin},
          {"opened", date(s.opened_ms)},
          {"idle_ms", s.idle_ms},
          {"bytes_in", s.bytes_in},
          {"bytes_out", s.bytes_out},
          {"frames_in", s.frames_in},
          {"frames_out", s.frames_out},
          {"messages_in", s.messages_in},
          {"messages_out", s.messages_out},
          {"closing", s.closing}};
}

// The domain's own name, if it exists for the caller.
Outcome<std::string> name_of(Context& context, const Call& call) {
  return read_in(context.database, [&](store::Transaction& tx) -> Outcome<std::string> {
    auto domain = visible_domain(tx, call.caller, call.path("domain"));
    if (!domain) return std::unexpected(domain.error());
    return domain->name;
  });
}

Outcome<Reply> edge_failure(const base::Error& error) {
  if (error.code == base::Code::not_found) return not_found("session");
  return refuse(503, "edge_unavailable", "an edge did not answer");
}

Outcome<Reply> sessions_reply(Context& context, const Call& call) {
  const auto name = name_of(context, call);
  if (!name) return std::unexpected(name.error());
  cluster::SessionQuery query;
  query.domains = {*name};
  query.client = call.query("client").value_or("");
  query.after = call.query("after").value_or("");
  query.limit = static_cast<std::size_t>(call.page().rows());
  const auto page = context.edges.sessions(query);
  if (!page) return edge_failure(page.error());
  Json items = Json::array();
  for (const auto& s : page->sessions) items.push_back(session_json(s));
  Reply reply;
  reply.body = {{"items", items}, {"total", page->total}, {"next", page->next.empty() ? Json() : Json(page->next)}};
  return reply;
}

template <class T>
std::optional<T> member(const Json& body, const char* key) {
  if (!body.contains(key) || body[key].is_null()) return std::nullopt;
  return body[key].get<T>();
}

std::optional<store::DomainState> state_of(const std::optional<std::string>& word) {
  using store::DomainState;
  for (const DomainState s : {DomainState::configuring, DomainState::online, DomainState::offline,
                              DomainState::checking, DomainState::check_failed}) {
    if (word == to_string(s)) return s;
  }
  return std::nullopt;
}

store::ServiceRegion region_of(const std::optional<std::string>& word) {
  if (word == "mainland") return store::ServiceRegion::mainland;
  if (word == "global") return store::ServiceRegion::global;
  return store::ServiceRegion::overseas;
}

}  // namespace

void add_domain_operations(Operations& operations, Context& context, std::function<void()> check_asked) {
  operations["listDomains"] = [&context](const Call& call) -> Outcome<Reply> {
    DomainListFilter filter;
    filter.account_id = call.query("account_id");
    filter.search = call.query("search").value_or("");
    filter.state = state_of(call.query("state"));
    filter.layer7_config_id = call.query("layer7_config");
    const auto page = list_domains(context, call.caller, filter, call.page());
    if (!page) return std::unexpected(page.error());
    Reply reply;
    reply.body = page_json(*page, summary_json);
    return reply;
  };
  operations["createDomain"] = [&context](const Call& call) {
    DomainCreate wanted;
    wanted.name = call.body["name"].get<std::string>();
    wanted.account_id = member<std::string>(call.body, "account_id");
    wanted.service_region = region_of(member<std::string>(call.body, "service_region"));
    wanted.icp_number = member<std::string>(call.body, "icp_number").value_or("");
    wanted.migrated = member<bool>(call.body, "migrated").value_or(false);
    if (call.body.contains("settings")) wanted.settings = call.body["settings"];
    wanted.layer7_config = member<std::string>(call.body, "layer7_config");
    wanted.certificates =
        member<std::vector<std::string>>(call.body, "certificates").value_or(std::vector<std::string>());
    const bool dry_run = call.query_flag("dry_run");
    return domain_reply(create_domain(context, call.caller, wanted, dry_run), dry_run ? 200 : 201);
  };
  operations["getDomain"] = [&context](const Call& call) {
    return domain_reply(get_domain(context, call.caller, call.path("domain")));
  };
  for (const bool merge : {false, true}) {
    operations[merge ? "changeDomain" : "replaceDomain"] = [&context, merge](const Call& call) {
      return domain_reply(change_domain(context, call.caller, call.path("domain"), call.body, merge,
                                        call.expected_revision, call.query_flag("dry_run")));
    };
  }
  operations["deleteDomain"] = [&context](const Call& call) -> Outcome<Reply> {
    if (auto done = delete_domain(context, call.caller, call.path("domain"), call.expected_revision); !done) {
      return std::unexpected(done.error());
    }
    Reply reply;
    reply.status = 204;
    return reply;
  };
  operations["startDomain"] = [&context, check_asked](const Call& call) {
    auto done = domain_reply(start_domain(context, call.caller, call.path("domain")));
    check_asked();
    return done;
  };
  operations["stopDomain"] = [&context](const Call& call) {
    return domain_reply(stop_domain(context, call.caller, call.path("domain")));
  };
  operations["getWebSocket"] = [&context](const Call& call) {
    return websocket_reply(context, get_domain(context, call.caller, call.path("domain")));
  };
  operations["changeWebSocket"] = [&context](const Call& call) {
    return websocket_reply(
        context, change_websocket(context, call.caller, call.path("domain"), call.body, call.expected_revision));
  };
  operations["getGates"] = [&context](const Call& call) -> Outcome<Reply> {
    const auto view = get_domain(context, call.caller, call.path("domain"));
    if (!view) return std::unexpected(view.error());
    Reply reply;
    reply.body = {{"live", gates_json(view->now.live)}, {"websocket", gates_json(view->now.websocket)}};
    return reply;
  };
  operations["getOwnership"] = [&context](const Call& call) {
    return ownership_reply(get_ownership(context, call.caller, call.path("domain")));
  };
  operations["checkOwnership"] = [&context, check_asked](const Call& call) {
    auto done = ownership_reply(ask_for_check(context, call.caller, call.path("domain")), 202);
    check_asked();
    return done;
  };
  operations["vouchForOwnership"] = [&context](const Call& call) {
    return ownership_reply(vouch(context, call.caller, call.path("domain")));
  };
  operations["listSessions"] = [&context](const Call& call) { return sessions_reply(context, call); };
  operations["endSession"] = [&context](const Call& call) -> Outcome<Reply> {
    const auto name = name_of(context, call);
    if (!name) return std::unexpected(name.error());
    if (auto done = context.edges.end_session(*name, call.path("session_id")); !done) return edge_failure(done.error());
    const auto told = write_in(context.database, [&](store::Transaction& tx) {
      return audit_session_end(tx, call.caller, *name, call.path("session_id"), context.now_ms());
    });
    if (!told) return std::unexpected(told.error());
    Reply reply;
    reply.status = 202;
    return reply;
  };
}

}  // namespace fairlead::control
