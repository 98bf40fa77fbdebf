#include "control/layer7.h"

#include "control/testing/objects_fixture.h"

namespace fairlead::control {
namespace {

class Layer7Test : public testing::ObjectsTest {
 protected:
  static Json wish(std::string name, Json settings = Json::object()) {
    return {{"name", std::move(name)}, {"settings", std::move(settings)}};
  }
  Json create(const Caller& who, const Json& body) { return done(who, "POST", "/v1/layer7-configs", body); }
  static std::string at(const Json& config) { return "/v1/layer7-configs/" + config["id"].get<std::string>(); }
  void bind(store::Domain domain, const Json& config) {
    domain.layer7_config_id = config["id"].get<std::string>();
    write([&](store::Transaction& tx) { return store::update_domain(tx, domain, domain.revision, kStart); });
  }
};

TEST_F(Layer7Test, IsMadeShownReplacedAndDeleted) {
  const auto made = ask(ann_, "POST", "/v1/layer7-configs", wish("slow", {{"client_header_timeout", "90s"}}));
  ASSERT_EQ(words(made), "201");
  EXPECT_EQ(etag(made), "\"1\"");
  const Json config = Json::parse(made.body);
  EXPECT_EQ(config["account_id"], ann_.account_id);
  EXPECT_EQ(config["settings"], (Json{{"client_header_timeout", "90s"}}));
  EXPECT_EQ(config["effective"]["client_header_timeout"], "90s");
  EXPECT_EQ(config["effective"]["proxy_connect_timeout"], "4s");
  EXPECT_EQ(config["warnings"], Json::array());
  EXPECT_EQ(config["domains"], 0);
  EXPECT_EQ(done(ann_, "GET", at(config)), config);
  const Json page = done(ann_, "GET", "/v1/layer7-configs");
  EXPECT_EQ(page["total"], 1);
  EXPECT_EQ(page["items"][0], config);

  const auto changed = wish("slower", {{"client_header_timeout", "100s"}});
  EXPECT_EQ(words(ask(ann_, "PUT", at(config), changed, "\"2\"")), "412 revision_conflict");
  const auto replaced = done(ann_, "PUT", at(config), changed, "\"1\"");
  EXPECT_EQ(replaced["name"], "slower");
  EXPECT_EQ(replaced["revision"], 2);
  EXPECT_EQ(replaced["effective"]["client_header_timeout"], "100s");
  EXPECT_EQ(words(ask(ann_, "DELETE", at(config), {}, "\"1\"")), "412 revision_conflict");
  EXPECT_EQ(words(ask(ann_, "DELETE", at(config), {}, "\"2\"")), "204");
  EXPECT_EQ(words(ask(ann_, "GET", at(config))), "404 not_found");
  EXPECT_EQ(audit_actions(), (Texts{"layer7.create", "layer7.delete", "layer7.replace"}));
  const auto row = audit_row("layer7.replace");
  EXPECT_EQ(row.account_id, ann_.account_id);
  EXPECT_EQ(row.user_id, ann_.user_id);
  EXPECT_EQ(Json::parse(*row.old_value)["settings"]["client_header_timeout"], "90s");
  EXPECT_EQ(Json::parse(*row.new_value)["settings"]["client_header_timeout"], "100s");
}

TEST_F(Layer7Test, EveryFaultIsToldWithItsPlace) {
  const Json settings = {{"client_header_timeout", "soon"}, {"proxy_send_timeout", "1s"}, {"nonsense", 1}};
  const auto refused = ask(ann_, "POST", "/v1/layer7-configs", wish("a", settings));
  EXPECT_EQ(refused.status, 422);
  const Json problem = Json::parse(refused.body);
  std::set<std::string> places;
  for (const Json& e : problem["errors"]) places.insert(e["pointer"].get<std::string>());
  EXPECT_EQ(places, (std::set<std::string>{"/settings/client_header_timeout", "/settings/proxy_send_timeout",
                                           "/settings/nonsense"}));
  EXPECT_EQ(words(ask(ann_, "POST", "/v1/layer7-configs", wish("a", {{"ssl_ciphers", "NO-SUCH-CIPHER"}}))),
            "422 invalid /settings/ssl_ciphers bad-value");
  EXPECT_TRUE(audit_rows().empty());
}

TEST_F(Layer7Test, TheCustomersRangeRefusesCustomersAndWarnsOperators) {
  const Json settings = {{"client_header_timeout", "5s"}};
  EXPECT_EQ(words(ask(ann_, "POST", "/v1/layer7-configs", wish("a", settings))),
            "422 invalid /settings/client_header_timeout out-of-range");
  Json body = wish("a", settings);
  body["account_id"] = ann_.account_id;
  const Json made = create(ops_, body);
  ASSERT_EQ(made["warnings"].size(), 1u);
  EXPECT_EQ(made["warnings"][0]["pointer"], "/settings/client_header_timeout");
  EXPECT_EQ(made["warnings"][0]["code"], "customer-range");
  // The customer sees it as it is, but cannot write it again.
  EXPECT_EQ(done(ann_, "GET", at(made)), made);
  EXPECT_EQ(ask(ann_, "PUT", at(made), wish("a", settings)).status, 422);
  // Beyond what an edge obeys nobody gets.
  EXPECT_EQ(ask(ops_, "POST", "/v1/layer7-configs", wish("b", {{"client_header_timeout", "10h"}})).status, 422);
}

TEST_F(Layer7Test, AChangeIsOneOfEveryDomainBoundToIt) {
  const Json config = create(ann_, wish("a"));
  bind(add_domain(ann_, "b.example"), config);
  bind(add_domain(ann_, "a.example"), config);
  add_domain(ann_, "c.example");
  EXPECT_EQ(done(ann_, "GET", at(config))["domains"], 2);
  const auto before = last_change();
  EXPECT_EQ(policy_changed_, 0);
  done(ann_, "PUT", at(config), wish("a", {{"keepalive_timeout", "30s"}}));
  EXPECT_EQ(changed_after(before), (Texts{"a.example", "b.example"}));
  EXPECT_EQ(policy_changed_, 1);
  EXPECT_EQ(words(ask(ann_, "DELETE", at(config))), "409 in_use");
}

TEST_F(Layer7Test, NamesAreUniqueWithinTheAccount) {
  create(ann_, wish("a"));
  EXPECT_EQ(words(ask(ann_, "POST", "/v1/layer7-configs", wish("a"))), "409 name_taken");
  create(eve_, wish("a"));
  const Json b = create(ann_, wish("b"));
  EXPECT_EQ(words(ask(ann_, "PUT", at(b), wish("a"))), "409 name_taken");
}

TEST_F(Layer7Test, ListsGoByPages) {
  for (const char* name : {"c", "a", "b"}) create(ann_, wish(name));
  const Json first = done(ann_, "GET", "/v1/layer7-configs?limit=2");
  EXPECT_EQ(first["total"], 3);
  EXPECT_EQ(first["items"][1]["name"], "b");
  const Json rest = done(ann_, "GET", "/v1/layer7-configs?limit=2&after=" + first["next"].get<std::string>());
  ASSERT_EQ(rest["items"].size(), 1u);
  EXPECT_EQ(rest["items"][0]["name"], "c");
  EXPECT_TRUE(rest["next"].is_null());
}

TEST_F(Layer7Test, WhoMayLookMayNotChange) {
  const Json config = create(ann_, wish("a"));
  EXPECT_EQ(words(ask(auditor_, "GET", at(config))), "200");
  EXPECT_EQ(done(auditor_, "GET", "/v1/layer7-configs?account_id=" + ann_.account_id)["total"], 1);
  EXPECT_EQ(done(eve_, "GET", "/v1/layer7-configs?account_id=" + ann_.account_id)["total"], 0);
  // The services say so themselves.
  EXPECT_EQ(create_layer7(context_, auditor_, ann_.account_id, {}).error().status, 403);
  EXPECT_EQ(replace_layer7(context_, auditor_, config["id"], {}, {}).error().status, 403);
  EXPECT_EQ(delete_layer7(context_, auditor_, config["id"], {}).error().status, 403);
  Caller reader = ann_;
  reader.may_write = false;
  EXPECT_EQ(create_layer7(context_, reader, {}, {}).error().status, 403);
}

}  // namespace
}  // namespace fairlead::control
