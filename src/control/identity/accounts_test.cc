#include "control/identity/accounts.h"

#include "control/identity/testing/identity_test.h"
#include "store/domains.h"
#include "store/policy_changes.h"

namespace fairlead::control {
namespace {

using testing::kNow;

class AccountsTest : public testing::IdentityTest {
 protected:
  void add_domain(const store::Account& account, std::string name) {
    store::Domain domain;
    domain.account_id = account.id;
    domain.name = std::move(name);
    write([&](store::Transaction& tx) { return store::insert_domain(tx, domain, kNow); });
  }
  std::int64_t last_change() {
    return read([](store::Transaction& tx) { return store::last_policy_change(tx); });
  }
  std::vector<std::string> names(const testing::Credentials& who, const std::string& query = {}) {
    std::vector<std::string> out;
    const Json page = json(ask(who, "GET", "/v1/accounts" + query));
    for (const Json& a : page.at("items")) out.push_back(a.at("name"));
    EXPECT_GE(page.at("total").get<std::size_t>(), out.size());
    return out;
  }
  std::string at(const store::Account& account) { return "/v1/accounts/" + account.id; }
};

TEST_F(AccountsTest, IsOpenedByAnOperator) {
  const auto op = browser_of(operator_);
  const auto response = ask(op, "POST", "/v1/accounts",
                            {{"name", "Novel"}, {"time_zone", "Asia/Shanghai"}, {"websocket_default", "off"}});
  ASSERT_EQ(outcome(response), "201");
  EXPECT_EQ(field(response, "etag"), "\"1\"");
  const Json made = json(response);
  for (const char* key : {"id", "name", "kind", "state", "identity_verified", "time_zone", "websocket_default",
                          "revision", "created", "updated"})
    EXPECT_TRUE(made.contains(key)) << key;
  EXPECT_EQ(made["kind"], "customer");
  EXPECT_EQ(made["state"], "active");
  EXPECT_EQ(made["time_zone"], "Asia/Shanghai");
  EXPECT_EQ(made["websocket_default"], "off");
  EXPECT_EQ(made["identity_verified"], false);
  EXPECT_EQ(last_audit(), "account.create Novel by op@ops.example from 192.0.2.7");
  const Json plain = json(ask(op, "POST", "/v1/accounts", {{"name", "Plain"}}));
  EXPECT_EQ(plain["time_zone"], "UTC");
  EXPECT_EQ(plain["websocket_default"], "by-acceleration");

  EXPECT_EQ(outcome(ask(op, "POST", "/v1/accounts", {{"name", "Novel"}})), "409 name_taken /name name-taken");
  EXPECT_EQ(outcome(ask(op, "POST", "/v1/accounts", {{"name", "X"}, {"time_zone", "Mars/Olympus"}})),
            "422 invalid /time_zone unknown-time-zone");
  for (const auto& user : {ann_, auditor_})
    EXPECT_EQ(outcome(ask(browser_of(user), "POST", "/v1/accounts", {{"name", "X"}})), "403 forbidden");
}

TEST_F(AccountsTest, AreListedAsFarAsTheyAreSeen) {
  const auto op = browser_of(operator_), ann = browser_of(ann_);
  using Names = std::vector<std::string>;
  EXPECT_EQ(names(op), (Names{"Acme", "Operators", "Other"}));
  EXPECT_EQ(names(browser_of(auditor_)), (Names{"Acme", "Operators", "Other"}));
  EXPECT_EQ(names(op, "?search=ther"), Names{"Other"});
  EXPECT_EQ(names(op, "?limit=1&after=Acme"), Names{"Operators"});
  EXPECT_EQ(names(ann), Names{"Acme"});
  EXPECT_EQ(names(ann, "?search=acm"), Names{"Acme"});
  EXPECT_EQ(names(ann, "?search=Other"), Names{});
  EXPECT_EQ(names(ann, "?after=Acme"), Names{});
}

TEST_F(AccountsTest, ACustomerSetsZoneAndDefaultOnly) {
  const auto ann = browser_of(ann_);
  EXPECT_EQ(outcome(change(ann, "PATCH", at(acme_), {{"time_zone", "Europe/Berlin"}, {"websocket_default", "on"}})),
            "200");
  EXPECT_EQ(outcome(change(ann, "PATCH", at(acme_), {{"name", "Acme 2"}, {"time_zone", "UTC"}})),
            "403 forbidden /name forbidden");
  EXPECT_EQ(outcome(change(ann, "PATCH", at(acme_), {{"state", "active"}, {"identity_verified", true}})),
            "403 forbidden /state forbidden /identity_verified forbidden");
  for (const char* zone : {"", "Berlin", "../../etc/passwd", "posix/UTC", "localtime", "Europe", "Europe/", "/UTC",
                           "tzdata.zi", "Europe//Berlin"}) {
    EXPECT_EQ(outcome(change(ann, "PATCH", at(acme_), {{"time_zone", zone}})),
              "422 invalid /time_zone unknown-time-zone")
        << zone;
  }
  EXPECT_EQ(outcome(change(ann, "PATCH", at(other_), {{"time_zone", "UTC"}})), "404 not_found");
  EXPECT_EQ(outcome(change(ann, "PATCH", at(other_), {{"name", "mine now"}})), "404 not_found");
  const Json now = json(ask(ann, "GET", at(acme_)));
  EXPECT_EQ(now["time_zone"], "Europe/Berlin");
  EXPECT_EQ(now["name"], "Acme");
}

TEST_F(AccountsTest, AnOperatorSetsEverything) {
  const auto op = browser_of(operator_);
  EXPECT_EQ(outcome(change(op, "PATCH", at(acme_), {{"name", "Acme Ltd"}, {"identity_verified", true}})), "200");
  EXPECT_EQ(last_audit(), "account.change Acme Ltd by op@ops.example from 192.0.2.7");
  const auto row = audit_rows().front();
  EXPECT_EQ(Json::parse(*row.old_value)["name"], "Acme");
  EXPECT_EQ(Json::parse(*row.new_value)["identity_verified"], true);
  EXPECT_EQ(row.account_id, acme_.id);
  EXPECT_EQ(outcome(change(op, "PATCH", at(acme_), {{"name", "Other"}})), "409 name_taken /name name-taken");
}

TEST_F(AccountsTest, ChangesAreGuardedByRevision) {
  const auto ann = browser_of(ann_);
  const auto patch = [&](std::string zone, std::string if_match) {
    return ask(ann, "PATCH", at(acme_), {{"time_zone", zone}}, {{"if-match", if_match}});
  };
  EXPECT_EQ(outcome(ask(ann, "PATCH", at(acme_), {{"time_zone", "UTC"}})), "428 precondition_required");
  const auto response = patch("Asia/Tokyo", "\"1\"");
  EXPECT_EQ(outcome(response), "200");
  EXPECT_EQ(field(response, "etag"), "\"2\"");
  EXPECT_EQ(outcome(patch("Asia/Seoul", "\"1\"")), "412 revision_conflict");
  EXPECT_EQ(outcome(patch("Asia/Tokyo", "\"1\"")), "412 revision_conflict");
  // What changes nothing leaves no trace.
  const auto rows = audit_rows().size();
  EXPECT_EQ(field(patch("Asia/Tokyo", "\"2\""), "etag"), "\"2\"");
  EXPECT_EQ(audit_rows().size(), rows);
}

TEST_F(AccountsTest, EdgesHearOfEveryDomain) {
  add_domain(acme_, "a.example.com");
  add_domain(acme_, "b.example.com");
  add_domain(other_, "c.example.com");
  const auto op = browser_of(operator_), ann = browser_of(ann_);
  auto before = last_change();
  const auto heard = [&] { return last_change() - std::exchange(before, last_change()); };
  EXPECT_EQ(outcome(change(ann, "PATCH", at(acme_), {{"time_zone", "Asia/Tokyo"}})), "200");
  EXPECT_EQ(heard(), 0);
  EXPECT_EQ(policy_changes_, 0);
  EXPECT_EQ(outcome(change(ann, "PATCH", at(acme_), {{"websocket_default", "on"}})), "200");
  EXPECT_EQ(heard(), 2);
  EXPECT_EQ(policy_changes_, 1);
  EXPECT_EQ(outcome(change(ann, "PATCH", at(acme_), {{"websocket_default", "on"}})), "200");
  EXPECT_EQ(heard(), 0);
  EXPECT_EQ(outcome(change(op, "PATCH", at(acme_), {{"state", "suspended"}})), "200");
  EXPECT_EQ(heard(), 2);
  EXPECT_EQ(outcome(change(op, "PATCH", at(acme_), {{"state", "active"}})), "200");
  EXPECT_EQ(heard(), 2);
  EXPECT_EQ(policy_changes_, 3);
  for (const bool verified : {true, false}) {
    EXPECT_EQ(outcome(change(op, "PATCH", at(acme_), {{"identity_verified", verified}})), "200");
    EXPECT_EQ(heard(), 2) << verified;
  }
  EXPECT_EQ(policy_changes_, 5);
}

TEST_F(AccountsTest, TheOperatorsOwnStaysOpen) {
  const auto op = browser_of(operator_);
  for (const char* state : {"suspended", "closed"})
    EXPECT_EQ(outcome(change(op, "PATCH", at(operators_), {{"state", state}})), "409 wrong_state");
  EXPECT_EQ(outcome(change(op, "PATCH", at(operators_), {{"time_zone", "Asia/Tokyo"}})), "200");
}

}  // namespace
}  // namespace fairlead::control
