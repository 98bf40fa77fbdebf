#include "control/installation_policy.h"

#include "control/testing/objects_fixture.h"

namespace fairlead::control {
namespace {

class PolicyTest : public testing::ObjectsTest {
 protected:
  static Json wish(bool automatic, bool activation, Json regions = Json::array()) {
    return {{"approve_automatically", automatic},
            {"gates",
             {{"account_verified", true},
              {"domain_ownership", true},
              {"whole_site_acceleration", true},
              {"activation", activation},
              {"icp_regions", std::move(regions)}}},
            {"billing_required", false},
            {"customers_buy_packs", false}};
  }
};

TEST_F(PolicyTest, AtFirstEveryGateStands) {
  const auto response = ask(ops_, "GET", "/v1/policy");
  EXPECT_EQ(words(response), "200");
  EXPECT_EQ(etag(response), "\"0\"");
  Json expected = wish(false, true);
  expected["revision"] = 0;
  expected["updated"] = "2027-01-15T08:00:00.000Z";
  EXPECT_EQ(Json::parse(response.body), expected);
  EXPECT_EQ(read([](store::Transaction& tx) { return installation_policy(tx); }), InstallationPolicy());
}

TEST_F(PolicyTest, IsReplacedByRevision) {
  const auto first = ask(ops_, "PUT", "/v1/policy", wish(true, true, {"mainland", "global"}), "\"0\"");
  EXPECT_EQ(words(first), "200");
  EXPECT_EQ(etag(first), "\"1\"");
  EXPECT_EQ(words(ask(ops_, "PUT", "/v1/policy", wish(false, true), "\"0\"")), "412 revision_conflict");
  EXPECT_EQ(words(ask(ops_, "PUT", "/v1/policy", wish(false, true), "")), "428 precondition_required");
  now_ms_ += 1;
  const auto policy = read([](store::Transaction& tx) { return installation_policy(tx); });
  EXPECT_TRUE(policy.approve_automatically);
  EXPECT_EQ(policy.gates.icp_regions, (std::set{store::ServiceRegion::mainland, store::ServiceRegion::global}));
  EXPECT_EQ(done(ops_, "PUT", "/v1/policy", wish(false, true))["revision"], 2);
  EXPECT_EQ(audit_actions(), (Texts{"policy.replace", "policy.replace"}));
  EXPECT_EQ(Json::parse(*audit_rows().back().new_value), wish(true, true, {"mainland", "global"}));
  EXPECT_EQ(Json::parse(*audit_rows().back().old_value), wish(false, true));
}

TEST_F(PolicyTest, EdgesHearOfGatesAndOfNothingElse) {
  add_domain(ann_, "a.example");
  add_domain(eve_, "b.example");
  const auto before = last_change();
  done(ops_, "PUT", "/v1/policy", wish(true, true));
  EXPECT_EQ(changed_after(before), Texts{});
  EXPECT_EQ(policy_changed_, 0);
  done(ops_, "PUT", "/v1/policy", wish(true, false));
  EXPECT_EQ(changed_after(before), (Texts{"a.example", "b.example"}));
  EXPECT_EQ(policy_changed_, 1);
}

TEST_F(PolicyTest, IsTheOperatorsAlone) {
  EXPECT_EQ(words(ask(auditor_, "GET", "/v1/policy")), "200");
  EXPECT_EQ(words(ask(auditor_, "PUT", "/v1/policy", wish(true, true))), "403 forbidden");
  EXPECT_EQ(words(ask(ann_, "GET", "/v1/policy")), "403 forbidden");
  EXPECT_EQ(words(ask(ann_, "PUT", "/v1/policy", wish(true, true))), "403 forbidden");
  // The service says so itself, whoever asks it.
  EXPECT_EQ(get_policy(context_, ann_).error().status, 403);
  EXPECT_EQ(get_policy(context_, Caller()).error().status, 403);
  EXPECT_EQ(replace_policy(context_, auditor_, {}, {}).error().status, 403);
  EXPECT_EQ(replace_policy(context_, ann_, {}, {}).error().status, 403);
}

TEST_F(PolicyTest, WhatIsNoPolicyIsRefused) {
  Json odd = wish(true, true);
  odd["gates"]["moon"] = true;
  EXPECT_EQ(ask(ops_, "PUT", "/v1/policy", odd).status, 422);
  EXPECT_EQ(ask(ops_, "PUT", "/v1/policy", wish(true, true, {"moon"})).status, 422);
  EXPECT_FALSE(read_installation_policy(Json::parse(R"({"gates":{"activation":1}})")));
  EXPECT_FALSE(read_installation_policy(Json::parse(R"({"gates":{"icp_regions":["moon"]}})")));
  EXPECT_FALSE(read_installation_policy(Json::parse(R"({"gates":{"icp_regions":[1]}})")));
  EXPECT_FALSE(read_installation_policy(Json::parse("[]")));
  EXPECT_EQ(*read_installation_policy(Json::parse("{}")), InstallationPolicy());
}

}  // namespace
}  // namespace fairlead::control
