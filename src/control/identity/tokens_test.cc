#include "control/identity/tokens.h"

#include "control/identity/testing/identity_test.h"

namespace fairlead::control {
namespace {

using testing::Credentials;
using testing::kDay;

class TokensTest : public testing::IdentityTest {
 protected:
  ApiResponse create(const Credentials& who, const Json& body) { return ask(who, "POST", "/v1/tokens", body); }
  std::vector<std::string> names(const Credentials& who) {
    std::vector<std::string> out;
    const Json tokens = json(ask(who, "GET", "/v1/tokens"));
    for (const Json& t : tokens.at("items")) out.push_back(t.at("name"));
    return out;
  }
};

TEST_F(TokensTest, IsShownOnceAndWorks) {
  const auto ann = browser_of(ann_);
  const auto response = create(ann, {{"name", "deploy"}, {"scope", "write"}});
  ASSERT_EQ(outcome(response), "201");
  EXPECT_EQ(last_audit(), "token.create deploy by ann@acme.example from 192.0.2.7");
  const Json made = json(response);
  EXPECT_EQ(field(response, "cache-control"), "no-store");
  EXPECT_EQ(made["scope"], "write");
  EXPECT_EQ(made["created"], "2027-01-15T08:00:00.000Z");
  EXPECT_EQ(made["expires"], "2027-04-15T08:00:00.000Z");  // 90 days
  EXPECT_EQ(made["last_used"], nullptr);
  const std::string secret = made["token"];
  EXPECT_TRUE(secret.starts_with("flt_"));
  Credentials program;
  program.token = secret;
  EXPECT_EQ(json(ask(program, "GET", "/v1/login"))["user"]["id"], ann_.id);
  EXPECT_FALSE(json(ask(program, "GET", "/v1/login")).contains("csrf"));
  const auto list = ask(ann, "GET", "/v1/tokens");
  EXPECT_EQ(list.body.find(secret), std::string::npos);
  EXPECT_EQ(json(list)["items"][0]["last_used"], "2027-01-15T08:00:00.000Z");

  EXPECT_EQ(outcome(ask(ann, "DELETE", "/v1/tokens/" + made["id"].get<std::string>())), "204");
  EXPECT_EQ(last_audit(), "token.delete deploy by ann@acme.example from 192.0.2.7");
  EXPECT_EQ(outcome(ask(program, "GET", "/v1/login")), "401 unauthorized");
}

TEST_F(TokensTest, ScopeAndTimeAreAsAskedFor) {
  const auto ann = browser_of(ann_);
  const Json made = json(create(ann, {{"name", "short"}, {"expires_in_days", 1}}));
  EXPECT_EQ(made["scope"], "read");  // the least, when nothing is said
  EXPECT_EQ(made["expires"], "2027-01-16T08:00:00.000Z");
  Credentials reader;
  reader.token = made["token"];
  EXPECT_EQ(outcome(ask(reader, "GET", "/v1/accounts/" + acme_.id)), "200");
  EXPECT_EQ(outcome(change(reader, "PATCH", "/v1/accounts/" + acme_.id, {{"time_zone", "UTC"}})), "403 forbidden");
  now_ms_ += kDay;
  EXPECT_EQ(outcome(ask(reader, "GET", "/v1/login")), "401 unauthorized");
}

TEST_F(TokensTest, NobodyMakesMoreThanTheyAre) {
  const auto reader = token_of(ann_, "read"), writer = token_of(ann_, "write"), auditor = browser_of(auditor_);
  EXPECT_EQ(outcome(create(reader, {{"name", "x"}, {"scope", "read"}})), "403 forbidden");
  EXPECT_EQ(outcome(create(writer, {{"name", "y"}, {"scope", "write"}})), "201");
  EXPECT_EQ(outcome(create(auditor, {{"name", "z"}, {"scope", "write"}})), "403 forbidden /scope forbidden");
  EXPECT_EQ(outcome(create(auditor, {{"name", "z"}, {"scope", "read"}})), "201");
  EXPECT_EQ(outcome(create({}, {{"name", "x"}})), "401 unauthorized");
  const auto read_id = json(ask(reader, "GET", "/v1/tokens"))["items"][0]["id"].get<std::string>();
  EXPECT_EQ(outcome(ask(reader, "DELETE", "/v1/tokens/" + read_id)), "403 forbidden");
}

TEST_F(TokensTest, AreTheUsersOwn) {
  const auto ann = browser_of(ann_), bob = browser_of(bob_), op = browser_of(operator_);
  const std::string id = json(create(ann, {{"name", "anns"}}))["id"];
  for (const auto& other : {bob, op}) {
    EXPECT_TRUE(names(other).empty());
    EXPECT_EQ(outcome(ask(other, "DELETE", "/v1/tokens/" + id)), "404 not_found");
  }
  EXPECT_EQ(names(ann), std::vector<std::string>{"anns"});
  EXPECT_EQ(outcome(ask(ann, "DELETE", "/v1/tokens/" + id)), "204");
  EXPECT_EQ(outcome(ask(ann, "DELETE", "/v1/tokens/" + id)), "404 not_found");
}

TEST_F(TokensTest, OfOneUserAreBounded) {
  const auto ann = browser_of(ann_);
  for (std::size_t i = 0; i < kMaxTokens; ++i) token_of(ann_, "read");
  EXPECT_EQ(outcome(create(ann, {{"name", "one more"}})), "409 wrong_state");
  EXPECT_EQ(outcome(create(browser_of(bob_), {{"name", "bobs"}})), "201");
}

TEST_F(TokensTest, OfASuspendedAccountAreNotMade) {
  const auto ann = browser_of(ann_);
  EXPECT_EQ(outcome(change(browser_of(operator_), "PATCH", "/v1/accounts/" + acme_.id, {{"state", "suspended"}})),
            "200");
  EXPECT_EQ(outcome(create(ann, {{"name", "x"}})), "403 account_suspended");
}

}  // namespace
}  // namespace fairlead::control
