// What holds for all operations of identity together: strangers find nothing, and secrets are told once.
#include "control/api/identity_operations.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <set>

#include "control/identity/first_operator.h"
#include "control/identity/testing/identity_test.h"
#include "store/outbox.h"
#include "store/tokens.h"

namespace fairlead::control {
namespace {

using testing::Credentials;
using testing::kOtherPassword;
using testing::kPassword;

class IdentityOperationsTest : public testing::IdentityTest {
 protected:
  // Every operation of the two tags that names something of somebody, with a body that would be good.
  struct Step {
    std::string operation, method, path;
    Json body;
  };
  std::vector<Step> steps_about(const store::Account& account, const store::User& user, const std::string& token_id) {
    const std::string in_account = "/v1/accounts/" + account.id, in_user = "/v1/users/" + user.id;
    return {{"getAccount", "GET", in_account, {}},
            {"changeAccount", "PATCH", in_account, {{"time_zone", "UTC"}}},
            {"createUser", "POST", "/v1/users", {{"account_id", account.id}, {"email", "stranger@x.example"}}},
            {"getUser", "GET", in_user, {}},
            {"changeUser", "PATCH", in_user, {{"disabled", true}}},
            {"deleteUser", "DELETE", in_user, {}},
            {"deleteToken", "DELETE", "/v1/tokens/" + token_id, {}}};
  }
};

TEST_F(IdentityOperationsTest, AStrangerFindsNothing) {
  token_of(eve_, "write");
  token_of(operator_, "write");
  const auto token_id = [&](const store::User& user) {
    return read([&](store::Transaction& tx) { return store::list_tokens(tx, user.id); }).at(0).id;
  };
  store::User nobody;
  store::Account nowhere;
  nobody.id = nowhere.id = std::string(32, '0');
  const auto unknown = steps_about(nowhere, nobody, nobody.id);
  std::set<std::string> walked;
  for (const auto& who : {browser_of(ann_), token_of(ann_, "write")}) {
    for (const auto& steps :
         {steps_about(other_, eve_, token_id(eve_)), steps_about(operators_, operator_, token_id(operator_))}) {
      for (std::size_t i = 0; i < steps.size(); ++i) {
        const Step &step = steps[i], &missing = unknown[i];
        const auto response = change(who, step.method, step.path, step.body);
        EXPECT_EQ(outcome(response), "404 not_found") << step.operation;
        // To the letter what is said of something that does not exist.
        EXPECT_EQ(response.body, change(who, missing.method, missing.path, missing.body).body) << step.operation;
        walked.insert(step.operation);
      }
    }
    // Lists have nothing of others, whatever is asked for.
    for (const std::string path : {"/v1/accounts", "/v1/users", "/v1/tokens", "/v1/login"}) {
      const auto seen = ask(who, "GET", path).body;
      for (const auto& foreign : {other_.id, operators_.id, eve_.id, operator_.id})
        EXPECT_EQ(seen.find(foreign), std::string::npos) << path;
    }
    EXPECT_EQ(json(ask(who, "GET", "/v1/users?account_id=" + other_.id))["total"], 0);
    // What is for operators is closed before anything is looked for.
    EXPECT_EQ(outcome(ask(who, "POST", "/v1/users/" + eve_.id + "/password-link")), "403 forbidden");
    EXPECT_EQ(outcome(ask(who, "POST", "/v1/accounts", {{"name", "x"}})), "403 forbidden");
  }
  // Nothing happened, and nothing was written of it.
  EXPECT_EQ(audit_rows().size(), 0u);
  EXPECT_EQ(token_id(eve_).size(), 32u);

  // The walk has every operation with the name of something in its path.
  const auto contract = Contract::parse(contract_text());
  ASSERT_TRUE(contract);
  Operations ours;
  add_identity_operations(ours, context_, guard_);
  for (const Route& route : contract->routes()) {
    if (!ours.contains(route.operation_id) || route.access != Access::user) continue;
    const bool names =
        std::ranges::any_of(route.parameters, [](const Parameter& p) { return p.in == Parameter::In::path; });
    EXPECT_TRUE(!names || walked.contains(route.operation_id)) << route.operation_id;
  }
}

TEST_F(IdentityOperationsTest, NobodyGetsPastTheDoor) {
  const auto contract = Contract::parse(contract_text());
  ASSERT_TRUE(contract);
  Operations ours;
  add_identity_operations(ours, context_, guard_);
  std::size_t doors = 0;
  for (const Route& route : contract->routes()) {
    if (!ours.contains(route.operation_id) || route.access == Access::everybody) continue;
    std::string path;
    for (const auto& segment : route.segments) path += "/" + (segment.starts_with('{') ? acme_.id : segment);
    EXPECT_EQ(outcome(change({}, route.method, path, route.body ? Json::object() : Json())), "401 unauthorized")
        << path;
    ++doors;
  }
  EXPECT_EQ(doors, ours.size() - 3);  // setUpFirstOperator, logIn, setPassword
}

// Whatever is done, passwords, keys and hashes are in no answer but the one that makes them, and never in the audit.
TEST_F(IdentityOperationsTest, SecretsAreToldOnce) {
  std::vector<std::string> secrets = {kPassword, kOtherPassword, "a wrong password", "argon2"};
  std::vector<ApiResponse> answers;
  const auto keep = [&](ApiResponse response) {
    answers.push_back(response);
    EXPECT_LT(response.status, 500);
    return response;
  };
  // Takes a secret out of an answer that may have it, and lets nobody else have it from then on.
  const auto tell_once = [&](ApiResponse response, std::initializer_list<const char*> place) {
    Json body = json(response);
    Json* at = &body;
    for (const char* key : place) at = &at->at(key);
    const auto secret = at->get<std::string>();
    *at = "told";
    if (body.contains("password_link")) body["password_link"]["url"] = "told";
    if (body.contains("url")) body["url"] = "told";
    response.body = body.dump();
    answers.push_back(response);
    secrets.push_back(secret);
    secrets.push_back(Secrets::key_hash(secret));
    return secret;
  };
  keep(log_in("op@ops.example", "a wrong password"));
  const auto signed_in = keep(log_in("op@ops.example", kPassword));
  const auto op = credentials_of(signed_in);
  secrets.push_back(op.cookie);
  secrets.push_back(Secrets::key_hash(op.cookie));
  const auto invited = ask(op, "POST", "/v1/users", {{"account_id", acme_.id}, {"email", "new@acme.example"}});
  const auto new_id = json(invited)["user"]["id"].get<std::string>();
  tell_once(invited, {"password_link", "key"});
  const auto key = tell_once(ask(op, "POST", "/v1/users/" + new_id + "/password-link"), {"key"});
  keep(ask({}, "POST", "/v1/password", {{"key", key}, {"password", "short"}}));
  keep(ask({}, "POST", "/v1/password", {{"key", key}, {"password", kOtherPassword}}));
  keep(ask({}, "POST", "/v1/password", {{"key", key}, {"password", kOtherPassword}}));
  Credentials program;
  program.token = tell_once(ask(op, "POST", "/v1/tokens", {{"name", "deploy"}, {"scope", "write"}}), {"token"});
  keep(change(program, "PATCH", "/v1/users/" + ann_.id, {{"disabled", true}}));
  keep(change(program, "PATCH", "/v1/accounts/" + acme_.id, {{"name", "Acme 2"}}));
  for (const std::string path : {"/v1/users", "/v1/accounts", "/v1/tokens", "/v1/login"})
    keep(ask(program, "GET", path));
  keep(ask(program, "GET", "/v1/users/" + ann_.id));
  keep(ask(op, "PUT", "/v1/password", {{"old_password", "a wrong password"}, {"new_password", kOtherPassword}}));
  keep(ask(op, "PUT", "/v1/password", {{"old_password", kPassword}, {"new_password", kOtherPassword}}));
  keep(change(op, "DELETE", "/v1/users/" + new_id));
  keep(ask(op, "POST", "/v1/logout"));

  for (const ApiResponse& answer : answers) {
    for (const std::string& secret : secrets) EXPECT_EQ(answer.body.find(secret), std::string::npos) << answer.body;
  }
  const auto rows = audit_rows();
  EXPECT_GE(rows.size(), 10u);
  secrets.push_back(op.csrf);
  for (const store::AuditEntry& row : rows) {
    const std::string text = fmt::format("{} {} {} {} {}", row.action, row.object_type, row.object_name,
                                         row.old_value.value_or(""), row.new_value.value_or(""));
    for (const std::string& secret : secrets) EXPECT_EQ(text.find(secret), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace fairlead::control
