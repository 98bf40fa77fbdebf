#include "control/certificates.h"

#include <gmock/gmock.h>

#include "base/clock.h"
#include "control/testing/objects_fixture.h"
#include "net/certificate_info.h"
#include "net/testing/tls_certificates.h"

namespace fairlead::control {
namespace {

using net::testing::CertificateSpec;
using net::testing::KeyKind;
using net::testing::make_certificate;
using net::testing::TestCertificate;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t kYear = 365 * 24 * 3600;

// Certificates are made by the machine's clock, so these tests' clock begins there too.
class CertificateServiceTest : public testing::ObjectsTest {
 protected:
  CertificateServiceTest() { now_ms_ = base::wall_clock_ms(); }

  static TestCertificate make(std::vector<std::string> names, KeyKind key = KeyKind::ecdsa,
                              std::int64_t until = kYear) {
    CertificateSpec spec;
    spec.common_name = names.empty() ? "none" : names.front();
    spec.names = std::move(names);
    spec.key = key;
    spec.until = until;
    return make_certificate(spec);
  }
  static Json pair(const TestCertificate& c) { return {{"chain", c.pem}, {"key", c.key_pem}}; }
  static Json body(std::string name, const TestCertificate& c) {
    Json out = pair(c);
    out["name"] = std::move(name);
    return out;
  }
  Json upload(const Caller& who, std::string name, const TestCertificate& c) {
    return done(who, "POST", "/v1/certificates", body(std::move(name), c));
  }
  static std::string at(const Json& c) { return "/v1/certificates/" + c["id"].get<std::string>(); }
  void bind(const store::Domain& domain, const Json& c) {
    write([&](store::Transaction& tx) {
      return store::bind_certificate(tx, domain.id, c["id"].get<std::string>(), now_ms_);
    });
  }
  store::Certificate row_of(const Json& c) {
    return read([&](store::Transaction& tx) { return store::find_certificate(tx, c["id"].get<std::string>()); });
  }
};

TEST_F(CertificateServiceTest, IsUploadedShownReplacedAndDeleted) {
  const auto first = make({"live.example.com", "*.example.org"});
  const auto response = ask(ann_, "POST", "/v1/certificates", body("live", first));
  ASSERT_EQ(words(response), "201");
  EXPECT_EQ(etag(response), "\"1\"");
  const Json c = Json::parse(response.body);
  EXPECT_EQ(c["account_id"], ann_.account_id);
  EXPECT_EQ(c["dns_names"], (Json{"live.example.com", "*.example.org"}));
  EXPECT_EQ(c["key_type"], "ECDSA P-256");
  EXPECT_EQ(c["chain"], first.pem);
  EXPECT_THAT(c["expires_in_days"].get<int>(), ::testing::AllOf(::testing::Ge(363), ::testing::Le(365)));
  EXPECT_EQ(c["domains"], Json::array());
  EXPECT_EQ(c["warnings"], Json::array());
  EXPECT_FALSE(c.contains("key"));
  EXPECT_EQ(done(ann_, "GET", at(c)), c);
  EXPECT_EQ(done(ann_, "GET", "/v1/certificates")["items"], Json::array({c}));

  const auto second = make({"live.example.com"}, KeyKind::rsa);
  EXPECT_EQ(words(ask(ann_, "PUT", at(c), pair(second), "\"2\"")), "412 revision_conflict");
  const Json replaced = done(ann_, "PUT", at(c), pair(second), "\"1\"");
  EXPECT_EQ(replaced["name"], "live");
  EXPECT_EQ(replaced["key_type"], "RSA 2048");
  EXPECT_EQ(replaced["revision"], 2);
  EXPECT_EQ(replaced["chain"], second.pem);
  EXPECT_EQ(words(ask(ann_, "POST", "/v1/certificates", body("live", second))), "409 name_taken");
  EXPECT_EQ(words(ask(ann_, "DELETE", at(c), {}, "\"1\"")), "412 revision_conflict");
  EXPECT_EQ(words(ask(ann_, "DELETE", at(c), {}, "\"2\"")), "204");
  EXPECT_EQ(words(ask(ann_, "GET", at(c))), "404 not_found");
  EXPECT_EQ(audit_actions(), (Texts{"certificate.delete", "certificate.replace", "certificate.upload"}));
}

TEST_F(CertificateServiceTest, TheKeyIsSealedToItsRowAndShownNowhere) {
  const auto made = make({"live.example.com"});
  const auto response = ask(ann_, "POST", "/v1/certificates", body("live", made));
  const Json c = Json::parse(response.body);
  const auto row = row_of(c);
  // A line from the middle of the key would be in anything that has the key.
  const std::string secret = made.key_pem.substr(made.key_pem.find('\n') + 1, 40);
  EXPECT_THAT(row.sealed_key, Not(HasSubstr(secret)));
  for (const std::string& text : {response.body, ask(ann_, "GET", at(c)).body, ask(ops_, "GET", at(c)).body,
                                  ask(ann_, "GET", "/v1/certificates").body,
                                  ask(ann_, "PUT", at(c), {{"chain", "x"}, {"key", made.key_pem}}).body,
                                  ask(ann_, "PUT", at(c), {{"chain", made.key_pem}, {"key", made.pem}}).body}) {
    EXPECT_THAT(text, Not(HasSubstr(secret)));
    EXPECT_THAT(text, Not(HasSubstr("PRIVATE KEY-----\\n")));
    EXPECT_THAT(text, Not(HasSubstr(row.sealed_key)));
  }
  done(ann_, "PUT", at(c), pair(make({"live.example.com"})));
  done(ann_, "DELETE", at(c));
  for (const auto& entry : audit_rows()) {
    const std::string text = entry.old_value.value_or("") + entry.new_value.value_or("");
    EXPECT_THAT(text, Not(HasSubstr("PRIVATE")));
    EXPECT_THAT(text, Not(HasSubstr(secret)));
    EXPECT_THAT(text, Not(HasSubstr(row.sealed_key)));
  }
  // The publisher gets it, from its own row alone.
  EXPECT_EQ(*private_key(context_, row), made.key_pem);
  store::Certificate moved = row;
  moved.id = std::string(32, '0');
  EXPECT_EQ(private_key(context_, moved).error().status, 500);
  const Secrets others = Secrets::ephemeral();
  Context elsewhere{.database = database_,
                    .secrets = others,
                    .edges = edges_,
                    .config = config_,
                    .now_ms = context_.now_ms,
                    .policy_changed = context_.policy_changed,
                    .notice_written = context_.notice_written};
  EXPECT_EQ(private_key(elsewhere, row).error().status, 500);
}

TEST_F(CertificateServiceTest, EveryFaultIsToldWithItsPlace) {
  const auto good = make({"a.example"});
  const auto other = make({"b.example"});
  const auto old = make({"old.example"}, KeyKind::ecdsa, -60);
  const auto refusal = [&](const std::string& chain, const std::string& key) {
    return words(ask(ann_, "POST", "/v1/certificates", {{"name", "x"}, {"chain", chain}, {"key", key}}));
  };
  EXPECT_EQ(refusal("x", "y"), "422 invalid /chain bad-chain, /key bad-key");
  EXPECT_EQ(refusal(good.pem, other.key_pem), "422 invalid /key key-mismatch");
  EXPECT_EQ(refusal(good.pem, net::testing::encrypt_key(good.key_pem)), "422 invalid /key bad-key");
  EXPECT_EQ(refusal(good.pem + other.pem, good.key_pem), "422 invalid /chain chain-order");
  EXPECT_EQ(refusal(old.pem, other.key_pem), "422 invalid /key key-mismatch, /chain expired");
  EXPECT_EQ(refusal(good.pem + good.key_pem, good.key_pem), "422 invalid /chain key-in-chain");
  const auto small = make({"a.example"}, KeyKind::rsa_small);
  EXPECT_EQ(refusal(small.pem, small.key_pem), "422 invalid /key weak-key");
  // A replacement is judged in the same way, and what was there stays.
  const Json c = upload(ann_, "a", good);
  EXPECT_EQ(words(ask(ann_, "PUT", at(c), pair(old))), "422 invalid /chain expired");
  EXPECT_EQ(done(ann_, "GET", at(c)), c);
}

TEST_F(CertificateServiceTest, ReplacingIsAChangeOfEveryDomainBoundToIt) {
  const Json c = upload(ann_, "a", make({"a.example", "b.example"}));
  bind(add_domain(ann_, "b.example"), c);
  bind(add_domain(ann_, "a.example"), c);
  add_domain(ann_, "c.example");
  EXPECT_EQ(words(ask(ann_, "DELETE", at(c))), "409 in_use");
  const auto before = last_change();
  const int calls = policy_changed_;
  const Json replaced = done(ann_, "PUT", at(c), pair(make({"a.example"})));
  EXPECT_EQ(changed_after(before), (Texts{"a.example", "b.example"}));
  EXPECT_EQ(policy_changed_, calls + 1);
  EXPECT_EQ(replaced["domains"], (Json{"a.example", "b.example"}));
  ASSERT_EQ(replaced["warnings"].size(), 1u);
  EXPECT_EQ(replaced["warnings"][0]["code"], "name-not-covered");
  EXPECT_THAT(replaced["warnings"][0]["message"].get<std::string>(), HasSubstr("b.example"));
}

TEST_F(CertificateServiceTest, NoDomainGetsTwoKeysOfOneFamily) {
  const auto domain = add_domain(ann_, "a.example");
  const Json ecdsa = upload(ann_, "ecdsa", make({"a.example"}));
  const Json rsa = upload(ann_, "rsa", make({"a.example"}, KeyKind::rsa));
  bind(domain, ecdsa);
  bind(domain, rsa);
  EXPECT_EQ(words(ask(ann_, "PUT", at(rsa), pair(make({"a.example"})))), "422 invalid /key same-key-type");
  EXPECT_EQ(words(ask(ann_, "PUT", at(rsa), pair(make({"a.example"}, KeyKind::ed25519)))), "200");
  EXPECT_EQ(words(ask(ann_, "PUT", at(ecdsa), pair(make({"a.example"})))), "200");
}

TEST_F(CertificateServiceTest, TheEndIsWarnedOf) {
  const Json c = upload(ann_, "a", make({"a.example"}, KeyKind::ecdsa, 40 * 24 * 3600));
  EXPECT_EQ(c["warnings"], Json::array());
  now_ms_ += 20 * kDayMs;
  EXPECT_EQ(done(ann_, "GET", at(c))["warnings"][0]["code"], "expires-soon");
  now_ms_ += 21 * kDayMs;
  const Json late = done(ann_, "GET", at(c));
  EXPECT_EQ(late["warnings"][0]["code"], "expired");
  EXPECT_LT(late["expires_in_days"], 0);
}

TEST_F(CertificateServiceTest, ItsPeopleAreToldOnceForEachTerm) {
  upload(ann_, "a", make({"a.example"}, KeyKind::ecdsa, 40 * 24 * 3600));
  upload(eve_, "far", make({"far.example"}));
  const auto told_after = [&](std::int64_t days) {
    now_ms_ += days * kDayMs;
    const auto told = write_expiry_notices(context_);
    if (!told) throw std::runtime_error(told.error().detail);
    EXPECT_EQ(*write_expiry_notices(context_), 0) << "the second time on one day";
    return *told;
  };
  EXPECT_EQ(told_after(5), 0);  // 35 days before
  EXPECT_EQ(notice_written_, 0);
  EXPECT_EQ(told_after(6), 1);  // 29
  EXPECT_EQ(notice_written_, 1);
  EXPECT_EQ(notice_words(), (Texts{"email ann@acme.example", "webhook certificate.expiring"}));
  EXPECT_EQ(told_after(10), 0);  // 19
  EXPECT_EQ(told_after(6), 1);   // 13
  EXPECT_EQ(told_after(7), 1);   // 6
  EXPECT_EQ(told_after(1), 0);   // 5
  EXPECT_EQ(told_after(4), 1);   // the last day
  EXPECT_EQ(told_after(2), 0);   // it has ended
  EXPECT_EQ(notice_words().size(), 8u);
}

TEST_F(CertificateServiceTest, TheNearestTermIsEnoughAndANewEndCountsAnew) {
  const Json c = upload(ann_, "a", make({"a.example"}, KeyKind::ecdsa, 5 * 24 * 3600));
  EXPECT_EQ(*write_expiry_notices(context_), 1);  // not three, for 7, 14 and 30 days
  const auto hook = notices().front().kind == store::NoticeKind::webhook ? notices().front() : notices().back();
  const Json data = Json::parse(hook.payload)["data"];
  EXPECT_EQ(data["certificate"], "a");
  EXPECT_EQ(data["names"], "a.example");
  EXPECT_THAT(data["days"].get<std::string>(), ::testing::AnyOf("4", "5"));
  done(ann_, "PUT", at(c), pair(make({"a.example"}, KeyKind::ecdsa, 6 * 24 * 3600)));
  EXPECT_EQ(*write_expiry_notices(context_), 1);
}

TEST_F(CertificateServiceTest, ManyAreToldInSeveralTransactions) {
  const auto made = make({"a.example"}, KeyKind::ecdsa, 5 * 24 * 3600);
  for (int i = 0; i < 230; ++i) upload(ann_, fmt::format("c{}", i), made);
  EXPECT_EQ(*write_expiry_notices(context_), 230);
  EXPECT_EQ(*write_expiry_notices(context_), 0);
}

TEST_F(CertificateServiceTest, OperatorsMayForAnyAccountAndAuditorsLook) {
  Json wish = body("theirs", make({"a.example"}));
  wish["account_id"] = ann_.account_id;
  const Json c = done(ops_, "POST", "/v1/certificates", wish);
  EXPECT_EQ(c["account_id"], ann_.account_id);
  EXPECT_EQ(done(ops_, "GET", "/v1/certificates")["total"], 0);  // their own
  EXPECT_EQ(done(auditor_, "GET", "/v1/certificates?account_id=" + ann_.account_id)["total"], 1);
  // Of an account that does not exist, or not for the caller, the list is empty.
  EXPECT_EQ(done(ops_, "GET", "/v1/certificates?account_id=" + std::string(32, '0'))["total"], 0);
  EXPECT_EQ(done(eve_, "GET", "/v1/certificates?account_id=" + ann_.account_id)["total"], 0);
  EXPECT_EQ(done(ann_, "GET", "/v1/certificates?account_id=" + ann_.account_id)["total"], 1);
  // The services say so themselves.
  EXPECT_EQ(upload_certificate(context_, auditor_, {}).error().status, 403);
  EXPECT_EQ(replace_certificate(context_, auditor_, c["id"], "", "", {}).error().status, 403);
  EXPECT_EQ(delete_certificate(context_, auditor_, c["id"], {}).error().status, 403);
}

}  // namespace
}  // namespace fairlead::control
