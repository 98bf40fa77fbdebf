#include "control/applications.h"

#include "control/activation_state.h"
#include "control/testing/objects_fixture.h"

namespace fairlead::control {
namespace {

class ApplicationServiceTest : public testing::ObjectsTest {
 protected:
  static Json form() {
    return {{"contact_name", "Ann"}, {"contact_email", "boss@acme.example"}, {"use_case", "live-comments"}};
  }
  static Json activation() { return {{"kind", "activation"}, {"fields", form()}}; }
  static Json change_of(std::string domain) {
    return {{"kind", "architecture_change"}, {"domain", std::move(domain)}, {"fields", form()}};
  }
  Json submit(const Caller& who, const Json& body) { return done(who, "POST", "/v1/applications", body); }
  std::string refusal(const Caller& who, const Json& body) { return words(ask(who, "POST", "/v1/applications", body)); }
  static std::string at(const Json& a, std::string_view what = "") {
    return "/v1/applications/" + a["id"].get<std::string>() + std::string(what);
  }
  Json approve(const Json& a) { return done(ops_, "POST", at(a, "/approve"), Json::object()); }
  Json reject(const Json& a) { return done(ops_, "POST", at(a, "/reject"), {{"reason", "no licence"}}); }
  Json service(const Caller& who) { return done(who, "GET", "/v1/service"); }
  ActivationState activation_state(const Caller& of) {
    return read(
        [&](store::Transaction& tx) { return activation_of(tx, must(store::find_account(tx, of.account_id))); });
  }
  bool change_approved(const store::Domain& domain) {
    return read([&](store::Transaction& tx) { return architecture_change_approved(tx, domain); });
  }
  void set_policy(bool automatic, bool gate) {
    done(ops_, "PUT", "/v1/policy",
         {{"approve_automatically", automatic},
          {"gates",
           {{"account_verified", true},
            {"domain_ownership", true},
            {"whole_site_acceleration", true},
            {"activation", gate},
            {"icp_regions", Json::array()}}}});
  }
};

TEST_F(ApplicationServiceTest, FromNoneToApproved) {
  EXPECT_EQ(service(ann_)["activation"], "none");
  EXPECT_TRUE(service(ann_)["application_id"].is_null());
  const auto response = ask(ann_, "POST", "/v1/applications", activation());
  ASSERT_EQ(words(response), "201");
  EXPECT_EQ(etag(response), "\"1\"");
  const Json a = Json::parse(response.body);
  EXPECT_EQ(a["kind"], "activation");
  EXPECT_EQ(a["account_id"], ann_.account_id);
  EXPECT_EQ(a["account_name"], "Acme");
  EXPECT_TRUE(a["domain"].is_null());
  EXPECT_EQ(a["fields"], form());
  EXPECT_EQ(a["state"], "submitted");
  EXPECT_TRUE(a["decided_by"].is_null());
  EXPECT_TRUE(a["decided"].is_null());
  EXPECT_EQ(service(ann_)["activation"], "submitted");
  EXPECT_EQ(service(ann_)["application_id"], a["id"]);
  EXPECT_EQ(activation_state(ann_), ActivationState::submitted);
  EXPECT_EQ(notice_words(), (Texts{"email op@ops.example", "webhook application.submitted"}));
  EXPECT_EQ(notice_written_, 1);
  EXPECT_EQ(policy_changed_, 0);

  add_domain(ann_, "b.example");
  add_domain(ann_, "a.example");
  add_domain(eve_, "other.example");
  const auto before = last_change();
  now_ms_ += 5000;
  EXPECT_EQ(words(ask(ops_, "POST", at(a, "/approve"), Json::object(), "\"2\"")), "412 revision_conflict");
  const Json decided = done(ops_, "POST", at(a, "/approve"), {{"reason", "welcome"}}, "\"1\"");
  EXPECT_EQ(decided["state"], "approved");
  EXPECT_EQ(decided["reason"], "welcome");
  EXPECT_EQ(decided["decided_by"], "op@ops.example");
  EXPECT_EQ(decided["decided"], "2027-01-15T08:00:05.000Z");
  EXPECT_EQ(decided["revision"], 2);
  EXPECT_EQ(done(ann_, "GET", at(a))["decided_by"], "operator");
  EXPECT_EQ(done(auditor_, "GET", at(a))["decided_by"], "op@ops.example");
  EXPECT_EQ(changed_after(before), (Texts{"a.example", "b.example"}));
  EXPECT_EQ(policy_changed_, 1);
  EXPECT_EQ(notice_written_, 2);
  EXPECT_EQ(notice_words(), (Texts{"email ann@acme.example", "email boss@acme.example", "email op@ops.example",
                                   "webhook application.approved", "webhook application.submitted"}));
  EXPECT_EQ(service(ann_)["activation"], "approved");
  EXPECT_EQ(service(ann_)["reason"], "welcome");
  EXPECT_EQ(refusal(ann_, activation()), "409 wrong_state");
  EXPECT_EQ(audit_actions(), (Texts{"application.approve", "application.submit"}));
  EXPECT_EQ(audit_row("application.approve").user_id, ops_.user_id);
  EXPECT_EQ(audit_row("application.approve").account_id, ann_.account_id);
  EXPECT_EQ(Json::parse(*audit_row("application.submit").new_value)["fields"], form());
}

TEST_F(ApplicationServiceTest, WhoIsRejectedAppliesAgain) {
  const Json first = submit(ann_, activation());
  EXPECT_EQ(refusal(ann_, activation()), "409 wrong_state");  // one waits
  const Json rejected = reject(first);
  EXPECT_EQ(rejected["state"], "rejected");
  EXPECT_EQ(service(ann_)["activation"], "rejected");
  EXPECT_EQ(service(ann_)["reason"], "no licence");
  EXPECT_EQ(notice_words(), (Texts{"email ann@acme.example", "email boss@acme.example", "email op@ops.example",
                                   "webhook application.rejected", "webhook application.submitted"}));
  // Decided once; a stale If-Match changes nothing about that.
  EXPECT_EQ(words(ask(ops_, "POST", at(first, "/approve"), Json::object())), "409 wrong_state");
  EXPECT_EQ(words(ask(ops_, "POST", at(first, "/reject"), {{"reason", "again"}}, "\"1\"")), "409 wrong_state");
  const Json second = submit(ann_, activation());  // in the same millisecond
  EXPECT_EQ(service(ann_)["activation"], "submitted");
  EXPECT_EQ(service(ann_)["application_id"], second["id"]);
  approve(second);
  EXPECT_EQ(activation_state(ann_), ActivationState::approved);
  EXPECT_EQ(activation_state(eve_), ActivationState::none);
}

TEST_F(ApplicationServiceTest, ThePolicyMayApproveAtOnce) {
  set_policy(true, true);
  add_domain(ann_, "a.example");
  const auto before = last_change();
  const Json a = submit(ann_, activation());
  EXPECT_EQ(a["state"], "approved");
  EXPECT_EQ(a["decided_by"], "automatic");
  EXPECT_EQ(activation_state(ann_), ActivationState::approved);
  EXPECT_EQ(changed_after(before), Texts{"a.example"});
  EXPECT_EQ(policy_changed_, 1);
  EXPECT_EQ(notice_words(),
            (Texts{"email ann@acme.example", "email boss@acme.example", "webhook application.approved"}));
  EXPECT_EQ(audit_actions(), (Texts{"application.approve", "application.submit", "policy.replace"}));
  EXPECT_EQ(audit_row("application.approve").user_id, std::nullopt);  // the program itself
  EXPECT_EQ(audit_row("application.submit").user_id, ann_.user_id);
  // A change of architecture is looked at by a person.
  add_domain(ann_, "old.example", true);
  EXPECT_EQ(submit(ann_, change_of("old.example"))["state"], "submitted");
}

TEST_F(ApplicationServiceTest, WhereNothingIsAskedFor) {
  EXPECT_EQ(activation_state(ops_), ActivationState::not_required);
  EXPECT_EQ(service(ops_)["activation"], "not_required");
  EXPECT_EQ(refusal(ops_, activation()), "409 wrong_state");
  EXPECT_EQ(activation_state(ann_), ActivationState::none);
  set_policy(false, false);
  EXPECT_EQ(activation_state(ann_), ActivationState::not_required);
  EXPECT_TRUE(is_activated(ActivationState::not_required));
  EXPECT_FALSE(is_activated(ActivationState::rejected));
}

TEST_F(ApplicationServiceTest, ChangesOfArchitecture) {
  const auto old = add_domain(ann_, "old.example", true);
  const auto other = add_domain(ann_, "also-old.example", true);
  const auto fresh = add_domain(ann_, "new.example");
  const auto foreign = add_domain(eve_, "eve.example", true);
  EXPECT_TRUE(change_approved(fresh));
  EXPECT_FALSE(change_approved(old));

  Json without = change_of("x");
  without.erase("domain");
  EXPECT_EQ(refusal(ann_, without), "422 invalid  missing-key");
  EXPECT_EQ(refusal(ann_, change_of("new.example")), "409 wrong_state");  // was not migrated
  EXPECT_EQ(refusal(ann_, change_of("eve.example")), "404 not_found");
  EXPECT_EQ(refusal(ann_, change_of("nowhere.example")), "404 not_found");
  EXPECT_EQ(refusal(ann_, change_of("no such name")), "404 not_found");
  Json odd = activation();
  odd["domain"] = "old.example";
  EXPECT_EQ(refusal(ann_, odd), "422 invalid /domain unexpected");

  const Json a = submit(ann_, change_of("OLD.example"));
  EXPECT_EQ(a["domain"], "old.example");
  EXPECT_EQ(refusal(ann_, change_of("old.example")), "409 wrong_state");
  const Json beside = submit(ann_, change_of("also-old.example"));  // each domain has its own
  EXPECT_FALSE(change_approved(old));
  const auto before = last_change();
  approve(a);
  EXPECT_EQ(changed_after(before), Texts{"old.example"});
  EXPECT_TRUE(change_approved(old));
  EXPECT_FALSE(change_approved(other));
  EXPECT_FALSE(change_approved(foreign));
  EXPECT_EQ(refusal(ann_, change_of("old.example")), "409 wrong_state");
  EXPECT_EQ(activation_state(ann_), ActivationState::none);  // another matter

  // Who deletes the domain while it waits leaves an application that can still be decided.
  write([&](store::Transaction& tx) { return store::delete_domain(tx, other.id, other.revision, now_ms_); });
  EXPECT_TRUE(reject(beside)["domain"].is_null());
}

TEST_F(ApplicationServiceTest, ListsAreTheDeskAndOnesOwn) {
  const Json a = submit(ann_, activation());
  now_ms_ += 1;
  const Json b = submit(eve_, activation());
  add_domain(ann_, "old.example", true);
  now_ms_ += 1;
  const Json c = submit(ann_, change_of("old.example"));
  reject(b);
  const auto ids = [&](const Caller& who, std::string query) {
    Json out = Json::array();
    const Json page = done(who, "GET", "/v1/applications" + query);
    for (const Json& item : page["items"]) out.push_back(item["id"]);
    return out;
  };
  EXPECT_EQ(ids(ops_, ""), (Json{a["id"], b["id"], c["id"]}));
  EXPECT_EQ(ids(auditor_, "?state=submitted"), (Json{a["id"], c["id"]}));
  EXPECT_EQ(ids(ops_, "?state=submitted&kind=activation"), (Json::array({a["id"]})));
  EXPECT_EQ(ids(ops_, "?account_id=" + eve_.account_id), (Json::array({b["id"]})));
  EXPECT_EQ(ids(ann_, ""), (Json{a["id"], c["id"]}));
  EXPECT_EQ(ids(ann_, "?account_id=" + eve_.account_id), Json::array());
  EXPECT_EQ(ids(ops_, "?account_id=" + std::string(32, '0')), Json::array());
  const Json first = done(ops_, "GET", "/v1/applications?limit=2");
  EXPECT_EQ(first["total"], 3);
  EXPECT_EQ(ids(ops_, "?limit=2&after=" + first["next"].get<std::string>()), (Json::array({c["id"]})));
  EXPECT_EQ(words(ask(ops_, "GET", "/v1/applications?after=nonsense")), "422 invalid ?after bad-value");
}

TEST_F(ApplicationServiceTest, OperatorsDecideAndNobodyElse) {
  const Json a = submit(ann_, activation());
  for (const Caller& who : {ann_, auditor_}) {
    EXPECT_EQ(words(ask(who, "POST", at(a, "/approve"), Json::object())), "403 forbidden");
    EXPECT_EQ(decide_application(context_, who, a["id"], true, "", {}).error().status, 403);
  }
  EXPECT_EQ(submit_application(context_, auditor_, {}).error().status, 403);
  EXPECT_EQ(words(ask(ops_, "POST", at(a, "/reject"), Json::object())), "422 invalid  missing-key");
  Json theirs = activation();
  theirs["account_id"] = eve_.account_id;
  EXPECT_EQ(submit(ops_, theirs)["account_id"], eve_.account_id);
  EXPECT_EQ(activation_state(eve_), ActivationState::submitted);
}

TEST_F(ApplicationServiceTest, WhoDecidedAndHasGoneIsNameless) {
  const Json a = submit(ann_, activation());
  approve(a);
  const Caller second =
      add_caller("More", "op2@ops.example", store::AccountKind::operator_, store::UserRole::operator_);
  write([&](store::Transaction& tx) { return store::delete_user(tx, ops_.user_id, 1); });
  EXPECT_EQ(done(second, "GET", at(a))["decided_by"], "operator");
}

}  // namespace
}  // namespace fairlead::control
