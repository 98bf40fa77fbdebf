// A walk with another account's credentials through every operation on what accounts own (R26): what is not one's own
// does not exist, whatever is done to it and however it is named.

#include "control/testing/objects_fixture.h"
#include "net/testing/tls_certificates.h"

namespace fairlead::control {
namespace {

class WalkTest : public testing::ObjectsTest {
 protected:
  WalkTest() { now_ms_ = base::wall_clock_ms(); }
};

struct Step {
  std::string operation, method, path;
  Json body;
};

TEST_F(WalkTest, WhatIsAnothersDoesNotExist) {
  const auto made = net::testing::make_certificate({.names = {"a.example"}, .until = 365 * 24 * 3600});
  const Json pair = {{"chain", made.pem}, {"key", made.key_pem}};
  const Json form = {{"contact_name", "Ann"}, {"contact_email", "ann@acme.example"}, {"use_case", "quotes"}};
  const auto with = [](Json body, const Json& more) {
    body.update(more);
    return body;
  };
  add_domain(ann_, "old.example", true);
  const std::string certificate = done(ann_, "POST", "/v1/certificates", with(pair, {{"name", "a"}}))["id"];
  const std::string config =
      done(ann_, "POST", "/v1/layer7-configs", {{"name", "a"}, {"settings", Json::object()}})["id"];
  const Json apply = {{"kind", "activation"}, {"fields", form}};
  const std::string application = done(ann_, "POST", "/v1/applications", apply)["id"];

  const std::string theirs = "?account_id=" + ann_.account_id;
  const Json named = {{"account_id", ann_.account_id}};
  const Json layer7 = {{"name", "b"}, {"settings", Json::object()}};
  const std::vector<Step> steps = {
      {"listCertificates", "GET", "/v1/certificates" + theirs, {}},
      {"uploadCertificate", "POST", "/v1/certificates", with(with(pair, {{"name", "b"}}), named)},
      {"getCertificate", "GET", "/v1/certificates/" + certificate, {}},
      {"replaceCertificate", "PUT", "/v1/certificates/" + certificate, pair},
      {"deleteCertificate", "DELETE", "/v1/certificates/" + certificate, {}},
      {"listLayer7Configs", "GET", "/v1/layer7-configs" + theirs, {}},
      {"createLayer7Config", "POST", "/v1/layer7-configs", with(layer7, named)},
      {"getLayer7Config", "GET", "/v1/layer7-configs/" + config, {}},
      {"replaceLayer7Config", "PUT", "/v1/layer7-configs/" + config, layer7},
      {"deleteLayer7Config", "DELETE", "/v1/layer7-configs/" + config, {}},
      {"getService", "GET", "/v1/service" + theirs, {}},
      {"listApplications", "GET", "/v1/applications" + theirs, {}},
      {"submitApplication", "POST", "/v1/applications", with(apply, named)},
      {"getApplication", "GET", "/v1/applications/" + application, {}},
  };
  const Json nothing = {{"items", Json::array()}, {"total", 0}, {"next", nullptr}};
  const auto rows = audit_rows().size();
  std::set<std::string> walked;
  for (const Step& step : steps) {
    if (step.operation.starts_with("list")) {  // of an account that is none of theirs: empty, as of none at all
      EXPECT_EQ(done(eve_, step.method, step.path), nothing) << step.operation;
    } else {
      EXPECT_EQ(words(ask(eve_, step.method, step.path, step.body)), "404 not_found") << step.operation;
    }
    walked.insert(step.operation);
  }
  // The same words as for what is not there at all, wrong bodies or right ones.
  const std::string nowhere(32, '0');
  EXPECT_EQ(ask(eve_, "GET", "/v1/certificates/" + nowhere).body,
            ask(eve_, "GET", "/v1/certificates/" + certificate).body);
  EXPECT_EQ(ask(eve_, "GET", "/v1/layer7-configs/" + nowhere).body,
            ask(eve_, "GET", "/v1/layer7-configs/" + config).body);
  EXPECT_EQ(ask(eve_, "GET", "/v1/applications/" + nowhere).body,
            ask(eve_, "GET", "/v1/applications/" + application).body);
  const Json broken = {{"chain", "x"}, {"key", "y"}};
  EXPECT_EQ(words(ask(eve_, "PUT", "/v1/certificates/" + certificate, broken)), "404 not_found");
  const Json bad = {{"name", "b"}, {"settings", {{"nonsense", 1}}}};
  EXPECT_EQ(words(ask(eve_, "PUT", "/v1/layer7-configs/" + config, bad)), "404 not_found");
  // Another's domain cannot be applied for.
  const Json change = {{"kind", "architecture_change"}, {"domain", "old.example"}, {"fields", form}};
  EXPECT_EQ(words(ask(eve_, "POST", "/v1/applications", change)), "404 not_found");
  // What is the operators' is theirs, and the dispatcher says so before anything is looked for.
  for (const char* word : {"/approve", "/reject"})
    EXPECT_EQ(words(ask(eve_, "POST", "/v1/applications/" + application + word, {{"reason", "x"}})), "403 forbidden");
  EXPECT_EQ(words(ask(eve_, "GET", "/v1/policy")), "403 forbidden");
  EXPECT_EQ(words(ask(eve_, "PUT", "/v1/policy", Json::object())), "403 forbidden");
  walked.insert({"approveApplication", "rejectApplication", "getPolicy", "replacePolicy"});
  EXPECT_EQ(walked, std::set<std::string>(ours_.begin(), ours_.end())) << "an operation was not walked";

  // One's own lists are empty, and none of it left a trace.
  for (const char* list : {"/v1/certificates", "/v1/layer7-configs", "/v1/applications"}) {
    const Json page = done(eve_, "GET", list);
    EXPECT_EQ(page["total"], 0) << list;
    EXPECT_EQ(page["items"], Json::array()) << list;
  }
  EXPECT_EQ(done(eve_, "GET", "/v1/service")["activation"], "none");
  EXPECT_EQ(audit_rows().size(), rows);
  EXPECT_EQ(done(ann_, "GET", "/v1/certificates/" + certificate)["revision"], 1);
  EXPECT_EQ(done(ann_, "GET", "/v1/layer7-configs/" + config)["revision"], 1);
  EXPECT_EQ(done(ann_, "GET", "/v1/applications/" + application)["state"], "submitted");
}

TEST_F(WalkTest, NobodyGetsNothing) {
  const Caller nobody;
  for (const char* path : {"/v1/certificates", "/v1/layer7-configs", "/v1/applications", "/v1/service", "/v1/policy"})
    EXPECT_EQ(words(ask(nobody, "GET", path)), "401 unauthorized") << path;
}

}  // namespace
}  // namespace fairlead::control
