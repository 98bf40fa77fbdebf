#include "control/api/operator_operations.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "control/account_access.h"
#include "control/api/contract.h"
#include "control/delivery/http_client.h"
#include "control/in_transaction.h"
#include "control/policy_comparison.h"
#include "store/audit.h"
#include "store/outbox.h"
#include "store/policy_changes.h"
#include "store/users.h"

namespace fairlead::control {
namespace {

using store::Transaction;

Json parsed(const std::optional<std::string>& text) {
  if (!text) return nullptr;
  Json value = Json::parse(*text, nullptr, false);
  return value.is_discarded() ? Json() : value;
}

Json edge_json(const cluster::EdgeInfo& e) {
  return {{"id", e.id},
          {"version", e.version},
          {"state", e.state},
          {"started", date(e.started_ms)},
          {"policy_revision", e.policy_revision},
          {"policy_applied", e.policy_applied_ms > 0 ? date(e.policy_applied_ms) : Json()},
          {"policy_source", e.policy_source},
          {"domains", e.domains},
          {"sessions", e.sessions},
          {"connections", e.connections},
          {"workers", e.workers}};
}

Json some_domains(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 100;
  Json shown = Json::array();
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) shown.push_back(names[i]);
  return {{"count", names.size()}, {"names", std::move(shown)}};
}

Outcome<Reply> policy_comparison(Context& context) {
  const auto compared = compare_policy(context);
  if (!compared) return std::unexpected(compared.error());
  Json edges = Json::array();
  for (const EdgeComparison& e : compared->edges) {
    edges.push_back({{"edge", e.edge},
                     {"answered", e.answered},
                     {"policy_revision", e.revision},
                     {"domains", e.domains},
                     {"missing", some_domains(e.missing)},
                     {"surplus", some_domains(e.surplus)},
                     {"different", some_domains(e.different)}});
  }
  Reply reply;
  reply.body = {{"policy_revision", compared->revision},
                {"domains", compared->domains},
                {"unusable", some_domains(compared->unusable)},
                {"edges", std::move(edges)}};
  return reply;
}

Outcome<Reply> policy_change(Context& context, const Call& call) {
  std::int64_t number = 0;
  const std::string& text = call.path("number");
  std::from_chars(text.data(), text.data() + text.size(), number);
  std::optional<std::int64_t> made;
  const auto last = read_in(context.database, [&](Transaction& tx) -> Outcome<std::int64_t> {
    auto newest = store::last_policy_change(tx);
    if (!newest) return failed(newest);
    if (number <= *newest) {
      const auto change = store::changes_since(tx, number - 1, 1);
      if (change && !change->empty()) made = change->front().at_ms;
    }
    return *newest;
  });
  if (!last) return std::unexpected(last.error());
  if (number > *last) return not_found("policy change");
  const auto edges = context.edges.edges();
  const auto applied = context.edges.applied_at(static_cast<std::uint64_t>(number));
  std::int64_t live = 0, latest = 0;
  bool dates = made.has_value();
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const bool obeys =
        edges[i].policy_source == "control" && edges[i].policy_revision >= static_cast<std::uint64_t>(number);
    live += obeys;
    const auto at = i < applied.size() ? applied[i] : std::nullopt;
    dates = dates && obeys && at;
    if (at) latest = std::max(latest, *at);
  }
  Reply reply;
  reply.body = {{"number", number},
                {"edges", edges.size()},
                {"live", live},
                {"after_ms", dates && !edges.empty() ? Json(std::max<std::int64_t>(0, latest - *made)) : Json()}};
  return reply;
}

Outcome<Reply> audit_page(Context& context, const Call& call) {
  store::AuditFilter filter;
  filter.account_id = call.query("account_id");
  filter.object_type = call.query("object_type");
  filter.object_name = call.query("object_name");
  filter.action = call.query("action");
  for (const auto& [name, to] : {std::pair{"start_time", &filter.from_ms}, {"end_time", &filter.before_ms}}) {
    const auto text = call.query(name);
    if (!text) continue;
    *to = parse_date(*text);
    if (!*to) return invalid(std::string("?") + name, "bad-value", "this is no RFC 3339 date", "2026-05-04T12:00:00Z");
  }
  const bool all = call.caller.sees_all();
  if (filter.account_id || !all) {
    filter.account_id = listed_account(call.caller, filter.account_id);
    if (!filter.account_id) {
      Reply reply;
      reply.body = page_json(store::Page<store::AuditEntry>(), [](const auto&) { return Json(); });
      return reply;
    }
  }
  return read_in(context.database, [&](Transaction& tx) -> Outcome<Reply> {
    const auto page = store::list_audit(tx, filter, call.page());
    if (!page && page.error().code == base::Code::malformed) {
      return invalid("?after", "bad-value", "this is no `next` of a page");
    }
    if (!page) return failed(page);
    std::map<std::string, Json> users;
    std::set<std::string> own;  // of them, those of the caller's account
    for (const auto& entry : page->items) {
      if (!entry.user_id || users.contains(*entry.user_id)) continue;
      auto user = store::find_user(tx, *entry.user_id);
      if (!user && user.error().code != base::Code::not_found) return failed(user);
      const bool theirs = user && (all || user->account_id == call.caller.account_id);
      if (theirs) own.insert(*entry.user_id);
      users[*entry.user_id] = theirs         ? Json(user->email)
                              : all || !user ? Json("user " + *entry.user_id)
                                             : Json("operator");
      if (!all && !user) users[*entry.user_id] = "deleted user";
    }
    Reply reply;
    reply.body = page_json(*page, [&](const store::AuditEntry& e) -> Json {
      // Where an operator sat is nobody's business, nor where one did who is deleted now.
      const bool stranger = !all && e.user_id && !own.contains(*e.user_id);
      return {{"id", e.id},
              {"at", date(e.at_ms)},
              {"account_id", e.account_id ? Json(*e.account_id) : Json()},
              {"user", e.user_id ? users[*e.user_id] : Json()},
              {"source_address", stranger ? std::string() : e.source_address},
              {"action", e.action},
              {"object_type", e.object_type},
              {"object_name", e.object_name},
              {"old_value", parsed(e.old_value)},
              {"new_value", parsed(e.new_value)}};
    });
    return reply;
  });
}

Outcome<Reply> notice_page(Context& context, const Call& call) {
  const std::string word = call.query("state").value_or("");
  auto state = store::NoticeState::pending;
  if (word == "done") state = store::NoticeState::done;
  if (word == "failed") state = store::NoticeState::failed;
  return read_in(context.database, [&](Transaction& tx) -> Outcome<Reply> {
    const auto page = store::list_notices(tx, state, call.page());
    if (!page && page.error().code == base::Code::malformed) {
      return invalid("?after", "bad-value", "this is no `next` of a page");
    }
    if (!page) return failed(page);
    Reply reply;
    reply.body = page_json(*page, [](const store::Notice& n) -> Json {
      const bool pending = n.state == store::NoticeState::pending;
      return {{"id", n.id},
              {"kind", to_string(n.kind)},
              {"destination", n.kind == store::NoticeKind::webhook ? url_place(n.destination) : n.destination},
              {"state", to_string(n.state)},
              {"attempts", n.attempts},
              {"next_attempt", pending ? date(n.next_attempt_ms) : Json()},
              {"last_error", n.last_error},
              {"created", date(n.created_ms)}};
    });
    return reply;
  });
}

}  // namespace

void add_operator_operations(Operations& operations, Context& context) {
  operations["getContract"] = [](const Call&) -> Outcome<Reply> {
    Reply reply;
    reply.text = std::string(contract_text());
    reply.content_type = "application/yaml";
    return reply;
  };
  operations["listEdges"] = [&context](const Call&) -> Outcome<Reply> {
    const auto newest = read_in(context.database, [](Transaction& tx) -> Outcome<std::int64_t> {
      auto number = store::last_policy_change(tx);
      if (!number) return failed(number);
      return *number;
    });
    if (!newest) return std::unexpected(newest.error());
    Json items = Json::array();
    for (const auto& e : context.edges.edges()) items.push_back(edge_json(e));
    Reply reply;
    reply.body = {{"items", items}, {"policy_revision", *newest}};
    return reply;
  };
  operations["comparePolicy"] = [&context](const Call&) { return policy_comparison(context); };
  operations["getPolicyChange"] = [&context](const Call& call) { return policy_change(context, call); };
  operations["listAudit"] = [&context](const Call& call) { return audit_page(context, call); };
  operations["listNotices"] = [&context](const Call& call) { return notice_page(context, call); };
}

}  // namespace fairlead::control
