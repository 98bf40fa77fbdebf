// Signing in, the cookie, and what a request with credentials may do.
#include "control/identity/sign_in.h"

#include <gmock/gmock.h>

#include "control/identity/testing/identity_test.h"
#include "store/logins.h"
#include "store/tokens.h"

namespace fairlead::control {
namespace {

using testing::Credentials;
using ::testing::HasSubstr;
using testing::kDay;
using testing::kHour;
using testing::kMinute;
using testing::kNow;
using testing::kPassword;
using ::testing::Not;

class SignInTest : public testing::IdentityTest {
 protected:
  void disable(const store::User& user) {
    write([&](store::Transaction& tx) {
      store::User now = user;
      now.disabled = true;
      return store::update_user(tx, now, user.revision, kNow);
    });
  }
  void set_state(const store::Account& account, store::AccountState state) {
    write([&](store::Transaction& tx) -> base::Result<store::Account> {
      auto now = store::find_account(tx, account.id);
      if (!now) return now;
      now->state = state;
      return store::update_account(tx, *now, now->revision, kNow);
    });
  }
};

TEST_F(SignInTest, GivesACookieThatWorksAndIsNowhereElse) {
  const auto response = log_in("Ann@ACME.example", kPassword);
  ASSERT_EQ(outcome(response), "200");
  const Json body = json(response);
  EXPECT_EQ(body["user"]["email"], "ann@acme.example");
  EXPECT_EQ(body["user"]["has_password"], true);
  EXPECT_EQ(body["account"]["name"], "Acme");
  EXPECT_EQ(body["may_write"], true);
  EXPECT_EQ(body["expires"], "2027-01-15T20:00:00.000Z");
  const auto who = credentials_of(response);
  EXPECT_EQ(who.cookie.size(), 47u);
  EXPECT_THAT(response.body, Not(HasSubstr(who.cookie)));
  EXPECT_EQ(field(response, "set-cookie"),
            "fairlead-session=" + who.cookie + "; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict");
  EXPECT_EQ(field(response, "cache-control"), "no-store");
  EXPECT_EQ(last_audit(), "login.succeeded ann@acme.example by ann@acme.example from 192.0.2.7");

  const auto me = ask(who, "GET", "/v1/login");
  EXPECT_EQ(outcome(me), "200");
  EXPECT_EQ(json(me)["user"]["id"], ann_.id);
  EXPECT_EQ(json(me)["csrf"], body["csrf"]);
  EXPECT_EQ(credentials_of(me).cookie, who.cookie);
}

TEST_F(SignInTest, CookieIsSecureWhereTheBrowserSpeaksTls) {
  const auto set_cookie = [&](ApiFields fields) {
    return field(log_in("ann@acme.example", kPassword, fields), "set-cookie");
  };
  EXPECT_THAT(set_cookie({}), Not(HasSubstr("; Secure")));
  EXPECT_THAT(set_cookie({{"host", "console.example.com"}}), HasSubstr("; Secure"));  // behind an edge
  EXPECT_THAT(set_cookie({{"host", "other.example.com"}}), Not(HasSubstr("; Secure")));
  tls_ = true;
  EXPECT_THAT(set_cookie({}), HasSubstr("; Secure"));
}

TEST_F(SignInTest, SaysNothingAboutWhyItRefused) {
  add_user(acme_, "new@acme.example", store::UserRole::customer, /*with_password=*/false);
  disable(bob_);
  const std::string wrong = log_in("ann@acme.example", "not the password").body;
  EXPECT_EQ(log_in("nobody@acme.example", kPassword).body, wrong);
  EXPECT_EQ(log_in("new@acme.example", kPassword).body, wrong);
  EXPECT_EQ(log_in("bob@acme.example", kPassword).body, wrong);
  const auto response = log_in("ann@acme.example", "not the password");
  EXPECT_EQ(outcome(response), "401 bad_credentials");
  EXPECT_EQ(field(response, "set-cookie"), "");
  EXPECT_EQ(last_audit(), "login.failed ann@acme.example by nobody from 192.0.2.7");
  EXPECT_EQ(audit_rows().size(), 5u);
}

TEST_F(SignInTest, OfASuspendedAccountIsSaidAfterThePasswordWasRight) {
  set_state(acme_, store::AccountState::suspended);
  EXPECT_EQ(outcome(log_in("ann@acme.example", "not the password")), "401 bad_credentials");
  EXPECT_EQ(outcome(log_in("ann@acme.example", kPassword)), "403 account_suspended");
  EXPECT_EQ(last_audit(), "login.refused ann@acme.example by nobody from 192.0.2.7");
  set_state(acme_, store::AccountState::closed);
  EXPECT_EQ(outcome(log_in("ann@acme.example", kPassword)), "403 account_suspended");
}

TEST_F(SignInTest, IsThrottledAfterFailures) {
  ApiResponse response;
  for (int i = 0; i < 20; ++i) {
    response = log_in("ann@acme.example", "not the password");
    if (response.status != 401) break;
  }
  ASSERT_EQ(outcome(response), "429 rate_limited");
  const std::size_t rows = audit_rows().size();
  EXPECT_GT(std::stoi(field(response, "retry-after")), 0);
  // The right password is not looked at, in whatever case the address is written; another client is not concerned.
  EXPECT_EQ(outcome(log_in("ANN@acme.example", kPassword)), "429 rate_limited");
  EXPECT_EQ(audit_rows().size(), rows);
  source_ = "192.0.2.8";
  EXPECT_EQ(outcome(log_in("ann@acme.example", kPassword)), "200");
  source_ = "192.0.2.7";
  now_ms_ += std::stoi(field(response, "retry-after")) * 1000;
  EXPECT_EQ(outcome(log_in("ann@acme.example", kPassword)), "200");
}

TEST_F(SignInTest, OutEndsThisLoginAlone) {
  const auto one = browser_of(ann_), two = browser_of(ann_);
  const auto response = ask(one, "POST", "/v1/logout");
  EXPECT_EQ(outcome(response), "204");
  EXPECT_EQ(field(response, "set-cookie"), "fairlead-session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
  EXPECT_EQ(last_audit(), "login.ended ann@acme.example by ann@acme.example from 192.0.2.7");
  EXPECT_EQ(outcome(ask(one, "GET", "/v1/login")), "401 unauthorized");
  EXPECT_EQ(outcome(ask(two, "GET", "/v1/login")), "200");
  EXPECT_EQ(outcome(ask(token_of(ann_, "write"), "POST", "/v1/logout")), "409 wrong_state");
  EXPECT_EQ(outcome(ask(browser_of(auditor_), "POST", "/v1/logout")), "204");
}

TEST_F(SignInTest, LastsAsLongAsItIsUsedAndIsExtendedOnceAMinute) {
  const auto who = browser_of(ann_);
  const auto end_of = [&] {
    return read([&](store::Transaction& tx) { return store::find_login(tx, Secrets::key_hash(who.cookie), now_ms_); })
        .expires_ms;
  };
  now_ms_ = kNow + kMinute - 1;
  EXPECT_EQ(outcome(ask(who, "GET", "/v1/login")), "200");
  EXPECT_EQ(end_of(), kNow + 12 * kHour);
  now_ms_ = kNow + kMinute;
  EXPECT_EQ(outcome(ask(who, "GET", "/v1/login")), "200");
  EXPECT_EQ(end_of(), kNow + kMinute + 12 * kHour);
  now_ms_ += 11 * kHour;
  EXPECT_EQ(outcome(ask(who, "GET", "/v1/login")), "200");
  now_ms_ += 12 * kHour - 1;
  EXPECT_EQ(outcome(ask(who, "GET", "/v1/login")), "200");
  now_ms_ += 12 * kHour;
  EXPECT_EQ(outcome(ask(who, "GET", "/v1/login")), "401 unauthorized");
  // What has ended is forgotten with the next login.
  EXPECT_EQ(outcome(log_in("ann@acme.example", kPassword)), "200");
  EXPECT_EQ(write([&](store::Transaction& tx) { return store::delete_logins_of_user(tx, ann_.id); }), 1);
}

TEST_F(SignInTest, AChangeByCookieNeedsTheCsrfAndAPageOfOurs) {
  const auto who = browser_of(ann_);
  const std::string path = "/v1/accounts/" + acme_.id;
  const auto change = [&](std::string csrf, ApiFields fields) {
    Credentials with = who;
    with.csrf = std::move(csrf);
    fields.emplace_back("if-match", "*");
    return outcome(ask(with, "PATCH", path, {{"websocket_default", "on"}}, fields));
  };
  EXPECT_EQ(change("", {}), "403 csrf_required");
  EXPECT_EQ(change(browser_of(ann_).csrf, {}), "403 csrf_required");  // of another login
  EXPECT_EQ(change(who.csrf, {}), "200");
  for (const char* origin : {"http://127.0.0.1:9180", "https://console.example.com", "https://console.example.com:443"})
    EXPECT_EQ(change(who.csrf, {{"origin", origin}}), "200") << origin;
  for (const char* origin : {"null", "http://127.0.0.1", "http://console.example.com",
                             "https://console.example.com.evil", "https://evil.example", "console.example.com", ""})
    EXPECT_EQ(change(who.csrf, {{"origin", origin}}), "403 csrf_required") << origin;
  EXPECT_EQ(change(who.csrf, {{"host", "[::1]:80"}, {"origin", "http://[::1]"}}), "200");
  tls_ = true;
  EXPECT_EQ(change(who.csrf, {{"origin", "http://127.0.0.1:9180"}}), "403 csrf_required");
  EXPECT_EQ(change(who.csrf, {{"origin", "https://127.0.0.1:9180"}}), "200");
  tls_ = false;
  // Reading needs neither, and a token never does.
  Credentials reader = who;
  reader.csrf.clear();
  EXPECT_EQ(outcome(ask(reader, "GET", path, {}, {{"origin", "https://evil.example"}})), "200");
  EXPECT_EQ(outcome(ask(token_of(ann_, "write"), "PATCH", path, {{"websocket_default", "off"}}, {{"if-match", "*"}})),
            "200");
  // Nor is anybody signed in by a foreign page.
  EXPECT_EQ(outcome(log_in("ann@acme.example", kPassword, {{"origin", "https://evil.example"}})), "403 csrf_required");
}

TEST_F(SignInTest, TheTokenCountsWhenThereIsACookieToo) {
  Credentials both = browser_of(ann_);
  both.token = token_of(eve_, "read").token;
  EXPECT_EQ(json(ask(both, "GET", "/v1/login"))["user"]["email"], "eve@other.example");
  both.token = "flt_unknown";
  EXPECT_EQ(outcome(ask(both, "GET", "/v1/login")), "401 unauthorized");
}

TEST_F(SignInTest, TokensThatAreNoneAreRefused) {
  const auto good = token_of(ann_, "read").token;
  const auto with = [&](std::string authorization) {
    return outcome(ask({}, "GET", "/v1/login", {}, {{"authorization", std::move(authorization)}}));
  };
  EXPECT_EQ(with("Bearer " + good), "200");
  EXPECT_EQ(with("bearer  " + good), "200");
  for (const std::string& bad :
       {std::string(), std::string("Bearer"), std::string("Bearer "), "Bearer " + good + "x", "Bearer x" + good,
        "Basic " + good, good, "Bearer " + std::string(5000, 'a'), "Bearer " + Secrets::key_hash(good)})
    EXPECT_EQ(with(bad), "401 unauthorized") << bad;
  EXPECT_EQ(outcome(ask({}, "GET", "/v1/login")), "401 unauthorized");
  now_ms_ += kDay;
  EXPECT_EQ(with("Bearer " + good), "401 unauthorized");
}

TEST_F(SignInTest, ATokensUseIsNotedOnceAMinute) {
  const auto who = token_of(ann_, "read");
  const auto last_used = [&] {
    return read([&](store::Transaction& tx) { return store::list_tokens(tx, ann_.id); }).at(0).last_used_ms;
  };
  EXPECT_EQ(last_used(), std::nullopt);
  ask(who, "GET", "/v1/login");
  EXPECT_EQ(last_used(), kNow);
  now_ms_ = kNow + kMinute - 1;
  ask(who, "GET", "/v1/login");
  EXPECT_EQ(last_used(), kNow);
  now_ms_ = kNow + kMinute;
  ask(who, "GET", "/v1/login");
  EXPECT_EQ(last_used(), kNow + kMinute);
}

TEST_F(SignInTest, AuditorsReadTokensAndSuspendedAccountsLookOnly) {
  const Json body = {{"websocket_default", "on"}};
  EXPECT_EQ(outcome(change(browser_of(auditor_), "PATCH", "/v1/accounts/" + acme_.id, body)), "403 forbidden");
  EXPECT_EQ(outcome(change(token_of(operator_, "read"), "PATCH", "/v1/accounts/" + acme_.id, body)), "403 forbidden");
  EXPECT_EQ(outcome(ask(browser_of(auditor_), "GET", "/v1/accounts/" + acme_.id)), "200");
  EXPECT_EQ(outcome(ask(token_of(operator_, "read"), "GET", "/v1/accounts/" + acme_.id)), "200");

  const auto ann = browser_of(ann_), program = token_of(ann_, "write");
  set_state(acme_, store::AccountState::suspended);
  for (const auto& who : {ann, program}) {
    const auto me = ask(who, "GET", "/v1/login");
    EXPECT_EQ(outcome(me), "200");
    EXPECT_EQ(json(me)["may_write"], false);
    EXPECT_EQ(outcome(change(who, "PATCH", "/v1/accounts/" + acme_.id, body)), "403 account_suspended");
  }
  set_state(acme_, store::AccountState::closed);
  EXPECT_EQ(outcome(ask(ann, "GET", "/v1/login")), "401 unauthorized");
  EXPECT_EQ(outcome(ask(program, "GET", "/v1/login")), "401 unauthorized");
}

TEST_F(SignInTest, OfADisabledUserWorksNoMore) {
  const auto ann = browser_of(ann_), program = token_of(ann_, "write");
  disable(ann_);
  EXPECT_EQ(outcome(ask(ann, "GET", "/v1/login")), "401 unauthorized");
  EXPECT_EQ(outcome(ask(program, "GET", "/v1/login")), "401 unauthorized");
}

}  // namespace
}  // namespace fairlead::control
