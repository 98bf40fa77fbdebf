// The first operator, and passwords by links and by their old ones.
#include "control/identity/first_operator.h"

#include <gmock/gmock.h>

#include <thread>

#include "control/identity/passwords.h"
#include "control/identity/testing/identity_test.h"

namespace fairlead::control {
namespace {

using ::testing::HasSubstr;
using testing::kDay;
using testing::kNow;
using testing::kOtherPassword;
using testing::kPassword;

class FirstOperatorTest : public testing::EmptyInstallationTest {
 protected:
  OneTimeLink link() {
    auto made = first_start_link(context_);
    if (!made || !*made) throw std::runtime_error("there is no link");
    return **made;
  }
  ApiResponse set_up(const std::string& key, Json more = Json::object()) {
    Json body = {{"key", key}, {"email", "Op@Ops.example"}, {"password", kPassword}};
    body.update(more);
    return ask({}, "POST", "/v1/setup", body);
  }
};

TEST_F(FirstOperatorTest, IsMadeByTheLinkOnce) {
  const auto made = link();
  EXPECT_EQ(made.url, "https://console.example.com/setup#" + made.key);
  EXPECT_EQ(made.expires_ms, kNow + kDay);
  const auto response = set_up(made.key, {{"account_name", "The fleet"}});
  ASSERT_EQ(outcome(response), "201");
  const Json body = json(response);
  EXPECT_EQ(body["user"]["email"], "op@ops.example");
  EXPECT_EQ(body["user"]["role"], "operator");
  EXPECT_EQ(body["account"]["kind"], "operator");
  EXPECT_EQ(body["account"]["name"], "The fleet");
  EXPECT_EQ(outcome(ask(credentials_of(response), "GET", "/v1/users")), "200");
  EXPECT_EQ(outcome(log_in("op@ops.example", kPassword)), "200");
  EXPECT_EQ(outcome(set_up(made.key, {{"email", "second@ops.example"}})), "403 link_invalid");
  EXPECT_EQ(outcome(log_in("second@ops.example", kPassword)), "401 bad_credentials");
  const auto again = first_start_link(context_);
  ASSERT_TRUE(again);
  EXPECT_FALSE(*again);
}

TEST_F(FirstOperatorTest, EachStartEndsTheLinksOfEarlierOnes) {
  const auto one = link(), two = link();
  EXPECT_NE(one.key, two.key);
  EXPECT_EQ(outcome(set_up(one.key)), "403 link_invalid");
  EXPECT_EQ(outcome(set_up(Secrets::key_hash(two.key))), "403 link_invalid");
  now_ms_ += kDay;
  EXPECT_EQ(outcome(set_up(two.key)), "403 link_invalid");
  EXPECT_EQ(outcome(set_up(link().key)), "201");
}

TEST_F(FirstOperatorTest, WhatWasRefusedDoesNotUseTheLinkUp) {
  const auto made = link();
  add_account("Operators", store::AccountKind::customer);
  EXPECT_EQ(outcome(set_up(made.key, {{"password", "password1234"}})), "422 invalid /password too-common");
  EXPECT_EQ(outcome(set_up(made.key)), "409 name_taken /account_name name-taken");
  EXPECT_EQ(audit_rows().size(), 0u);
  EXPECT_EQ(outcome(set_up(made.key, {{"account_name", "Fleet"}})), "201");
}

TEST_F(FirstOperatorTest, OfTwoAtOnceOneSucceeds) {
  const auto key = link().key;
  std::atomic<int> made = 0, refused = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        const auto response = set_up(
            key, {{"email", std::to_string(i) + "@ops.example"}, {"account_name", "Fleet " + std::to_string(i)}});
        if (outcome(response) == "201") ++made;
        if (outcome(response) == "403 link_invalid") ++refused;
      });
    }
  }
  EXPECT_EQ(made, 1);
  EXPECT_EQ(refused, 3);
}

TEST_F(FirstOperatorTest, IsNotMadeByALinkForAPassword) {
  const auto account = add_account("Acme", store::AccountKind::customer);
  const auto ann = add_user(account, "ann@acme.example", store::UserRole::customer);
  const auto other =
      write([&](store::Transaction& tx) { return make_one_time_link(tx, context_, kPasswordPurpose, ann.id, kNow); });
  EXPECT_EQ(outcome(set_up(other.key)), "403 link_invalid");
  EXPECT_EQ(outcome(ask({}, "POST", "/v1/password", {{"key", link().key}, {"password", kOtherPassword}})),
            "403 link_invalid");
}

class PasswordTest : public testing::IdentityTest {
 protected:
  std::string link_for(const store::User& user) {
    return json(ask(browser_of(operator_), "POST", "/v1/users/" + user.id + "/password-link")).at("key");
  }
  ApiResponse set(const std::string& key, const std::string& password) {
    return ask({}, "POST", "/v1/password", {{"key", key}, {"password", password}});
  }
  ApiResponse change_own(const testing::Credentials& who, const std::string& from, const std::string& to) {
    return ask(who, "PUT", "/v1/password", {{"old_password", from}, {"new_password", to}});
  }
  bool works(const testing::Credentials& who) { return ask(who, "GET", "/v1/login").status == 200; }
};

TEST_F(PasswordTest, IsSetByTheLinkOnceAndEndsEverything) {
  const auto cookie = browser_of(ann_), token = token_of(ann_, "write"), bob = browser_of(bob_);
  const auto key = link_for(ann_);
  EXPECT_EQ(last_audit(), "user.password_link ann@acme.example by op@ops.example from 192.0.2.7");
  EXPECT_EQ(outcome(set(key, "too short")), "422 invalid /password too-short");
  EXPECT_EQ(outcome(set(key, "ann@acme.example")), "422 invalid /password is-email");
  EXPECT_EQ(outcome(set(key, kOtherPassword)), "204");
  EXPECT_EQ(last_audit(), "user.password ann@acme.example by ann@acme.example from 192.0.2.7");
  EXPECT_FALSE(works(cookie));
  EXPECT_FALSE(works(token));
  EXPECT_TRUE(works(bob));
  EXPECT_EQ(outcome(log_in("ann@acme.example", kPassword)), "401 bad_credentials");
  EXPECT_EQ(outcome(log_in("ann@acme.example", kOtherPassword)), "200");
  EXPECT_EQ(outcome(set(key, kPassword)), "403 link_invalid");
}

TEST_F(PasswordTest, LinkEndsWithItsDayItsSuccessorAndItsUser) {
  const auto old = link_for(ann_), next = link_for(ann_), bobs = link_for(bob_);
  EXPECT_EQ(outcome(set(old, kOtherPassword)), "403 link_invalid");
  const auto disabled = change(browser_of(operator_), "PATCH", "/v1/users/" + bob_.id, {{"disabled", true}});
  EXPECT_EQ(outcome(disabled), "200");
  EXPECT_EQ(outcome(set(bobs, kOtherPassword)), "403 link_invalid");
  EXPECT_EQ(outcome(ask(browser_of(operator_), "POST", "/v1/users/" + bob_.id + "/password-link")), "409 wrong_state");
  now_ms_ += kDay;
  EXPECT_EQ(outcome(set(next, kOtherPassword)), "403 link_invalid");
  EXPECT_EQ(outcome(ask(browser_of(ann_), "POST", "/v1/users/" + ann_.id + "/password-link")), "403 forbidden");
  EXPECT_EQ(outcome(ask(browser_of(operator_), "POST", "/v1/users/" + acme_.id + "/password-link")), "404 not_found");
}

TEST_F(PasswordTest, IsChangedByWhoKnowsTheOldOne) {
  const auto mine = browser_of(ann_), elsewhere = browser_of(ann_), token = token_of(ann_, "write");
  const auto key = link_for(ann_);
  EXPECT_EQ(outcome(change_own(mine, "not the password", kOtherPassword)),
            "401 bad_credentials /old_password wrong-password");
  EXPECT_EQ(last_audit(), "user.password_refused ann@acme.example by ann@acme.example from 192.0.2.7");
  EXPECT_EQ(outcome(change_own(mine, kPassword, "abcabcabcabc")), "422 invalid /new_password too-common");
  EXPECT_TRUE(works(elsewhere));
  EXPECT_EQ(outcome(change_own(mine, kPassword, kOtherPassword)), "204");
  EXPECT_TRUE(works(mine));
  EXPECT_FALSE(works(elsewhere));
  EXPECT_FALSE(works(token));
  EXPECT_EQ(outcome(set(key, kPassword)), "403 link_invalid");
  EXPECT_EQ(outcome(log_in("ann@acme.example", kOtherPassword)), "200");
}

TEST_F(PasswordTest, GuessingTheOldOneIsThrottled) {
  const auto mine = browser_of(ann_);
  ApiResponse response;
  for (int i = 0; i < 20 && response.status != 429; ++i)
    response = change_own(mine, "not the password", kOtherPassword);
  EXPECT_EQ(outcome(response), "429 rate_limited");
  EXPECT_NE(field(response, "retry-after"), "");
}

TEST_F(PasswordTest, AnAuditorChangesTheirOwnAReadTokenDoesNot) {
  EXPECT_EQ(outcome(change_own(browser_of(auditor_), kPassword, kOtherPassword)), "204");
  EXPECT_EQ(outcome(change_own(token_of(ann_, "read"), kPassword, kOtherPassword)), "403 forbidden");
  EXPECT_EQ(outcome(change_own({}, kPassword, kOtherPassword)), "401 unauthorized");
}

}  // namespace
}  // namespace fairlead::control
