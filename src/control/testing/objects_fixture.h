#pragma once
// ObjectsTest: the fixture for the tests of what accounts own (certificates, layer-7 configurations, applications): a
// store in memory with two customers and an operator, and the operations behind the whole dispatcher and contract. Who
// asks is given in as a Caller. Header only.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "cluster/testing/no_edges.h"
#include "control/api/activation_operations.h"
#include "control/api/api.h"
#include "control/api/certificate_operations.h"
#include "control/api/layer7_operations.h"
#include "control/context.h"
#include "control/secrets.h"
#include "model/control_config.h"
#include "store/audit.h"
#include "store/database.h"
#include "store/domains.h"
#include "store/migrations.h"
#include "store/outbox.h"
#include "store/policy_changes.h"
#include "store/users.h"

namespace fairlead::control::testing {

class ObjectsTest : public ::testing::Test {
 protected:
  using Texts = std::vector<std::string>;
  static constexpr std::int64_t kStart = 1'800'000'000'000;
  static constexpr std::int64_t kDayMs = 24 * 3600 * 1000;

  ObjectsTest() {
    must(store::migrate(database_, kStart));
    config_.mail.server = "smtp://mail.example.com";
    config_.mail.from = "fairlead@example.com";
    model::WebhookConfig hook;
    hook.url = "https://hooks.example.com/x";
    config_.webhooks.push_back(hook);
    ops_ = add_caller("Operators", "op@ops.example", store::AccountKind::operator_, store::UserRole::operator_);
    ann_ = add_caller("Acme", "ann@acme.example", store::AccountKind::customer, store::UserRole::customer);
    eve_ = add_caller("Other", "eve@other.example", store::AccountKind::customer, store::UserRole::customer);
    auditor_ = ops_;
    auditor_.role = store::UserRole::auditor;
    auditor_.may_write = false;

    auto contract = Contract::parse(contract_text());
    if (!contract) throw std::runtime_error(base::describe(contract.error()));
    Api::Parts parts{.contract = std::move(*contract), .operations = {}, .caller_of = {}, .over_limit = {}};
    Operations ours;
    add_certificate_operations(ours, context_);
    add_layer7_operations(ours, context_);
    add_activation_operations(ours, context_);
    for (const auto& [id, operation] : ours) ours_.push_back(id);
    parts.operations = std::move(ours);
    // The others' operations are not reached by these tests.
    for (const Route& route : parts.contract.routes()) {
      parts.operations.try_emplace(route.operation_id, [](const Call&) -> Outcome<Reply> {
        return refuse(500, "internal_error", "not of this test");
      });
    }
    parts.caller_of = [this](const ApiRequest&) -> Outcome<Caller> { return caller_; };
    auto api = Api::make(std::move(parts));
    if (!api) throw std::runtime_error(base::describe(api.error()));
    api_ = *api;
  }

  // One request by `who`; `if_match`: the field, empty for none.
  ApiResponse ask(const Caller& who, std::string method, std::string path, const Json& body = {},
                  std::string if_match = "*") {
    caller_ = who;
    ApiRequest request;
    request.method = std::move(method);
    if (const auto q = path.find('?'); q != std::string::npos) {
      request.query = path.substr(q + 1);
      path.resize(q);
    }
    request.path = std::move(path);
    if (!body.is_null()) {
      request.body = body.dump();
      request.fields.emplace_back("content-type", "application/json");
    }
    if (!if_match.empty()) request.fields.emplace_back("if-match", std::move(if_match));
    return api_->handle(request);
  }
  // The same for what must succeed: the body.
  Json done(const Caller& who, std::string method, std::string path, const Json& body = {},
            std::string if_match = "*") {
    const auto response = ask(who, method, path, body, std::move(if_match));
    if (response.status >= 300) throw std::runtime_error(method + " " + path + ": " + words(response));
    return response.body.empty() ? Json() : Json::parse(response.body);
  }
  // "422 invalid /key bad-key, /chain expired"; of a success the status.
  static std::string words(const ApiResponse& response) {
    std::string out = std::to_string(response.status);
    if (response.status < 400) return out;
    const Json body = Json::parse(response.body);
    out += " " + body.value("code", "");
    std::string sign = " ";
    for (const Json& e : body.value("errors", Json::array())) {
      out += sign + e.value("pointer", "") + " " + e.value("code", "");
      sign = ", ";
    }
    return out;
  }
  static std::string etag(const ApiResponse& response) {
    for (const auto& [name, value] : response.fields) {
      if (name == "etag") return value;
    }
    return {};
  }

  template <class T>
  static T must(base::Result<T> result) {
    if (!result) throw std::runtime_error(base::describe(result.error()));
    if constexpr (!std::is_void_v<T>) return std::move(*result);
  }
  template <class F>
  auto write(F f) {
    return must(database_.write(f));
  }
  template <class F>
  auto read(F f) {
    return must(database_.read(f));
  }

  // Straight into the store.
  Caller add_caller(std::string account_name, std::string email, store::AccountKind kind, store::UserRole role) {
    return write([&](store::Transaction& tx) -> base::Result<Caller> {
      store::Account account;
      account.name = account_name;
      account.kind = kind;
      auto made = store::insert_account(tx, account, kStart);
      if (!made) return std::unexpected(made.error());
      store::User user;
      user.account_id = made->id;
      user.email = email;
      user.role = role;
      auto person = store::insert_user(tx, user, kStart);
      if (!person) return std::unexpected(person.error());
      Caller caller;
      caller.user_id = person->id;
      caller.email = email;
      caller.account_id = made->id;
      caller.account_kind = kind;
      caller.role = role;
      caller.may_write = true;
      caller.source_address = "192.0.2.7";
      caller.credential = "token";
      return caller;
    });
  }
  store::Domain add_domain(const Caller& of, std::string name, bool migrated = false) {
    store::Domain domain;
    domain.account_id = of.account_id;
    domain.name = std::move(name);
    domain.migrated = migrated;
    return write([&](store::Transaction& tx) { return store::insert_domain(tx, domain, kStart); });
  }
  store::Account account_of(const Caller& caller) {
    return read([&](store::Transaction& tx) { return store::find_account(tx, caller.account_id); });
  }

  // Names of the domains changed after `number`.
  Texts changed_after(std::int64_t number) {
    Texts names;
    for (const auto& c : read([&](store::Transaction& tx) { return store::changes_since(tx, number, 1000); }))
      names.push_back(c.domain_name);
    return names;
  }
  std::int64_t last_change() {
    return read([](store::Transaction& tx) { return store::last_policy_change(tx); });
  }
  // Newest first.
  std::vector<store::AuditEntry> audit_rows() {
    return read([](store::Transaction& tx) { return store::list_audit(tx, {}, {"", 500}); }).items;
  }
  // Sorted: rows of one millisecond are in no order.
  Texts audit_actions() {
    Texts out;
    for (const auto& row : audit_rows()) out.push_back(row.action);
    std::ranges::sort(out);
    return out;
  }
  // The newest of that action.
  store::AuditEntry audit_row(std::string_view action) {
    for (auto& row : audit_rows()) {
      if (row.action == action) return row;
    }
    throw std::runtime_error("no audit row " + std::string(action));
  }
  std::vector<store::Notice> notices() {
    return read([](store::Transaction& tx) { return store::list_notices(tx, store::NoticeState::pending, {"", 500}); })
        .items;
  }
  // "email ADDRESS" and "webhook TYPE", sorted.
  Texts notice_words() {
    Texts out;
    for (const auto& n : notices()) {
      out.push_back(n.kind == store::NoticeKind::email ? "email " + n.destination
                                                       : "webhook " + Json::parse(n.payload).value("type", ""));
    }
    std::ranges::sort(out);
    return out;
  }

  store::Database database_ = must(store::Database::open("sqlite::memory:"));
  Secrets secrets_ = Secrets::ephemeral();
  cluster::testing::NoEdges edges_;
  model::ControlConfig config_;
  std::int64_t now_ms_ = kStart;
  int policy_changed_ = 0, notice_written_ = 0;  // calls of the Context's
  Context context_{.database = database_,
                   .secrets = secrets_,
                   .edges = edges_,
                   .config = config_,
                   .now_ms = [this] { return now_ms_; },
                   .policy_changed = [this] { ++policy_changed_; },
                   .notice_written = [this] { ++notice_written_; }};
  std::shared_ptr<const Api> api_;
  Texts ours_;     // the operations under test
  Caller caller_;  // of the request under way
  Caller ops_, auditor_, ann_, eve_;
};

}  // namespace fairlead::control::testing
