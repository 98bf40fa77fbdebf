#include "control/identity/users.h"

#include <gmock/gmock.h>

#include <thread>

#include "control/identity/testing/identity_test.h"
#include "store/outbox.h"

namespace fairlead::control {
namespace {

using testing::Credentials;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kOtherPassword;
using testing::kPassword;

class UsersTest : public testing::IdentityTest {
 protected:
  std::string at(const store::User& user) { return "/v1/users/" + user.id; }
  ApiResponse create(const Credentials& who, const Json& body) { return ask(who, "POST", "/v1/users", body); }
  std::vector<std::string> emails(const Credentials& who, const std::string& query = {}) {
    std::vector<std::string> out;
    const Json page = json(ask(who, "GET", "/v1/users" + query));
    for (const Json& u : page.at("items")) out.push_back(u.at("email"));
    return out;
  }
  std::vector<store::Notice> notices() {
    store::PageRequest page;
    return read([&](store::Transaction& tx) { return store::list_notices(tx, store::NoticeState::pending, page); })
        .items;
  }
  bool works(const Credentials& who) { return ask(who, "GET", "/v1/login").status == 200; }
};

TEST_F(UsersTest, AreListedAsFarAsTheyAreSeen) {
  EXPECT_THAT(emails(browser_of(operator_)), ElementsAre("ann@acme.example", "aud@ops.example", "bob@acme.example",
                                                         "eve@other.example", "op@ops.example"));
  EXPECT_THAT(emails(browser_of(auditor_), "?account_id=" + acme_.id),
              ElementsAre("ann@acme.example", "bob@acme.example"));
  EXPECT_THAT(emails(browser_of(ann_)), ElementsAre("ann@acme.example", "bob@acme.example"));
  EXPECT_THAT(emails(browser_of(ann_), "?account_id=" + acme_.id), ElementsAre("ann@acme.example", "bob@acme.example"));
  EXPECT_THAT(emails(browser_of(ann_), "?account_id=" + other_.id), ElementsAre());
  EXPECT_THAT(emails(browser_of(ann_), "?limit=1&after=ann@acme.example"), ElementsAre("bob@acme.example"));
}

TEST_F(UsersTest, AnOperatorInvitesAndIsShownTheLink) {
  const auto response = create(browser_of(operator_), {{"account_id", acme_.id}, {"email", "New@Acme.example"}});
  ASSERT_EQ(outcome(response), "201");
  EXPECT_EQ(field(response, "etag"), "\"1\"");
  EXPECT_EQ(field(response, "cache-control"), "no-store");
  const Json made = json(response);
  for (const char* key :
       {"id", "account_id", "email", "role", "disabled", "has_password", "revision", "created", "updated"})
    EXPECT_TRUE(made["user"].contains(key)) << key;
  EXPECT_EQ(made["user"]["email"], "new@acme.example");
  EXPECT_EQ(made["user"]["role"], "customer");
  EXPECT_EQ(made["user"]["has_password"], false);
  const std::string key = made["password_link"]["key"];
  EXPECT_EQ(made["password_link"]["url"], "https://console.example.com/password#" + key);
  EXPECT_EQ(made["password_link"]["expires"], "2027-01-16T08:00:00.000Z");
  EXPECT_EQ(notices_, 1);
  ASSERT_EQ(notices().size(), 1u);
  EXPECT_EQ(notices()[0].destination, "new@acme.example");
  EXPECT_EQ(outcome(log_in("new@acme.example", kPassword)), "401 bad_credentials");
  EXPECT_EQ(outcome(ask({}, "POST", "/v1/password", {{"key", key}, {"password", kOtherPassword}})), "204");
  EXPECT_EQ(outcome(log_in("new@acme.example", kOtherPassword)), "200");
}

TEST_F(UsersTest, ACustomerAddsToTheirOwnAccount) {
  const auto ann = browser_of(ann_);
  const Json made = json(create(ann, {{"email", "new@acme.example"}}));
  EXPECT_EQ(made["user"]["account_id"], acme_.id);
  EXPECT_FALSE(made.contains("password_link"));  // it goes to the address alone
  EXPECT_EQ(notices().size(), 1u);
  EXPECT_EQ(last_audit(), "user.create new@acme.example by ann@acme.example from 192.0.2.7");

  const auto ready = create(ann, {{"email", "ready@acme.example"}, {"password", kOtherPassword}, {"role", "customer"}});
  EXPECT_EQ(json(ready)["user"]["has_password"], true);
  EXPECT_EQ(notices().size(), 1u);
  EXPECT_EQ(outcome(log_in("ready@acme.example", kOtherPassword)), "200");

  EXPECT_EQ(outcome(create(ann, {{"email", "x@acme.example"}, {"account_id", other_.id}})), "404 not_found");
  EXPECT_EQ(outcome(create(ann, {{"email", "x@acme.example"}, {"role", "operator"}})), "422 invalid /role wrong-role");
  EXPECT_EQ(outcome(create(ann, {{"email", "EVE@other.example"}})), "409 name_taken /email name-taken");
  EXPECT_EQ(outcome(create(ann, {{"email", "x@acme.example"}, {"password", "x@acme.example"}})),
            "422 invalid /password is-email");
  EXPECT_EQ(outcome(create(token_of(ann_, "read"), {{"email", "x@acme.example"}})), "403 forbidden");
  EXPECT_EQ(emails(ann).size(), 4u);
}

TEST_F(UsersTest, ACustomerAddsSoManyAndNoMore) {
  for (std::int64_t i = 2; i < kMaxUsersOfAccount; ++i)
    add_user(acme_, std::to_string(i) + "@acme.example", store::UserRole::customer);
  EXPECT_EQ(outcome(create(browser_of(ann_), {{"email", "x@acme.example"}})), "409 wrong_state");
  EXPECT_EQ(outcome(create(browser_of(operator_), {{"email", "x@acme.example"}, {"account_id", acme_.id}})), "201");
}

TEST_F(UsersTest, RolesBelongToKindsOfAccount) {
  const auto op = browser_of(operator_);
  const auto add = [&](const store::Account& account, Json role) {
    Json body = {{"account_id", account.id}, {"email", "x@x.example"}};
    if (!role.is_null()) body["role"] = role;
    return outcome(create(op, body));
  };
  EXPECT_EQ(add(acme_, "operator"), "422 invalid /role wrong-role");
  EXPECT_EQ(add(acme_, "auditor"), "422 invalid /role wrong-role");
  EXPECT_EQ(add(operators_, "customer"), "422 invalid /role wrong-role");
  EXPECT_EQ(add(operators_, nullptr), "422 invalid  missing-key");
  EXPECT_EQ(add(operators_, "auditor"), "201");
  EXPECT_EQ(outcome(change(op, "PATCH", at(ann_), {{"role", "operator"}})), "422 invalid /role wrong-role");
  EXPECT_EQ(outcome(change(op, "PATCH", at(auditor_), {{"role", "customer"}})), "422 invalid /role wrong-role");
  EXPECT_EQ(outcome(change(op, "PATCH", at(auditor_), {{"role", "operator"}})), "200");
}

TEST_F(UsersTest, DisablingOrAnotherRoleEndsWhatTheyHad) {
  const auto op = browser_of(operator_);
  const auto bob = browser_of(bob_), bobs = token_of(bob_, "write"), ann = browser_of(ann_);
  const auto response = change(ann, "PATCH", at(bob_), {{"disabled", true}});
  EXPECT_EQ(json(response)["disabled"], true);
  EXPECT_EQ(field(response, "etag"), "\"2\"");
  EXPECT_EQ(last_audit(), "user.change bob@acme.example by ann@acme.example from 192.0.2.7");
  EXPECT_EQ(outcome(log_in("bob@acme.example", kPassword)), "401 bad_credentials");
  EXPECT_EQ(outcome(change(ann, "PATCH", at(bob_), {{"disabled", false}})), "200");
  EXPECT_FALSE(works(bob));  // what was ended does not come back
  EXPECT_FALSE(works(bobs));
  EXPECT_EQ(outcome(log_in("bob@acme.example", kPassword)), "200");

  const auto auditor = browser_of(auditor_), reader = token_of(auditor_, "read");
  EXPECT_EQ(outcome(change(op, "PATCH", at(auditor_), {{"role", "operator"}})), "200");
  EXPECT_FALSE(works(auditor));
  EXPECT_FALSE(works(reader));
  EXPECT_TRUE(works(ann));
}

TEST_F(UsersTest, ACustomerNeitherEndsThemselvesNorChangesRoles) {
  const auto ann = browser_of(ann_);
  EXPECT_EQ(outcome(change(ann, "PATCH", at(ann_), {{"disabled", true}})), "403 forbidden");
  EXPECT_EQ(outcome(change(ann, "DELETE", at(ann_))), "403 forbidden");
  EXPECT_EQ(outcome(change(ann, "PATCH", at(bob_), {{"role", "operator"}})), "403 forbidden /role forbidden");
  EXPECT_EQ(outcome(change(ann, "PATCH", at(ann_), {{"role", "operator"}})), "403 forbidden /role forbidden");
  EXPECT_EQ(outcome(change(ann, "DELETE", at(bob_))), "204");
  EXPECT_EQ(last_audit(), "user.delete bob@acme.example by ann@acme.example from 192.0.2.7");
  EXPECT_EQ(outcome(ask(ann, "GET", at(bob_))), "404 not_found");
}

TEST_F(UsersTest, ChangesAreGuardedByRevision) {
  const auto op = browser_of(operator_);
  const ApiFields stale = {{"if-match", "\"7\""}}, good = {{"if-match", "\"1\""}};
  EXPECT_EQ(outcome(ask(op, "PATCH", at(ann_), {{"disabled", true}}, stale)), "412 revision_conflict");
  EXPECT_EQ(outcome(ask(op, "DELETE", at(ann_), {}, stale)), "412 revision_conflict");
  EXPECT_EQ(outcome(ask(op, "DELETE", at(ann_), {})), "428 precondition_required");
  EXPECT_EQ(outcome(ask(op, "PATCH", at(ann_), {{"disabled", false}}, good)), "200");
  EXPECT_EQ(audit_rows().size(), 0u);  // it was so before
  EXPECT_EQ(outcome(ask(op, "DELETE", at(ann_), {}, good)), "204");
}

TEST_F(UsersTest, TheLastOperatorStays) {
  const auto op = browser_of(operator_);
  const auto each = [&] {
    return std::vector<std::string>{outcome(change(op, "PATCH", at(operator_), {{"disabled", true}})),
                                    outcome(change(op, "PATCH", at(operator_), {{"role", "auditor"}})),
                                    outcome(change(op, "DELETE", at(operator_)))};
  };
  EXPECT_THAT(each(), ::testing::Each("409 last_operator"));
  // Neither an operator who cannot sign in yet nor one who is disabled is another one.
  const auto invited = add_user(operators_, "new@ops.example", store::UserRole::operator_, /*with_password=*/false);
  const auto second = add_user(operators_, "second@ops.example", store::UserRole::operator_);
  EXPECT_EQ(outcome(change(op, "PATCH", at(second), {{"disabled", true}})), "200");
  EXPECT_THAT(each(), ::testing::Each("409 last_operator"));
  EXPECT_EQ(outcome(change(op, "DELETE", at(invited))), "204");
  EXPECT_EQ(outcome(change(op, "PATCH", at(second), {{"disabled", false}})), "200");
  EXPECT_EQ(outcome(change(op, "PATCH", at(operator_), {{"role", "auditor"}})), "200");
  EXPECT_FALSE(works(op));
}

// Two operators, each ending the other at the same moment: one is left.
TEST_F(UsersTest, OneOperatorIsLeftOfTwoThatEndEachOther) {
  const auto second = add_user(operators_, "second@ops.example", store::UserRole::operator_);
  const auto one = token_of(operator_, "write"), two = token_of(second, "write");
  {
    std::jthread a([&] { change(one, "DELETE", at(second)); });
    std::jthread b([&] { change(two, "PATCH", at(operator_), {{"disabled", true}}); });
  }
  EXPECT_EQ(works(one) + works(two), 1);
}

}  // namespace
}  // namespace fairlead::control
