// Tokens, logins and setup links: what lets somebody in, and what no longer does.
#include <atomic>
#include <thread>

#include "store/logins.h"
#include "store/setup_links.h"
#include "store/testing/store_test.h"
#include "store/tokens.h"
#include "store/users.h"

namespace fairlead::store {
namespace {

using base::Code;
using testing::kNow;

class CredentialsTest : public testing::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    const auto account = make_account("a").id;
    for (User* user : {&jo_, &al_}) {
      user->account_id = account;
      user->email = user == &jo_ ? "jo@x" : "al@x";
      *user = write([&](Transaction& tx) { return insert_user(tx, *user, kNow); });
    }
  }
  Token make_token(const User& user, std::string hash, std::optional<std::int64_t> expires_ms) {
    Token token;
    token.user_id = user.id;
    token.name = "deploy";
    token.hash = std::move(hash);
    token.scopes = "domains:read domains:write";
    token.expires_ms = expires_ms;
    return write([&](Transaction& tx) { return insert_token(tx, token, kNow); });
  }
  Login make_login(const User& user, std::string hash, std::int64_t expires_ms) {
    Login login;
    login.session_hash = std::move(hash);
    login.user_id = user.id;
    login.csrf = "csrf";
    login.expires_ms = expires_ms;
    return write([&](Transaction& tx) { return insert_login(tx, login, kNow); });
  }
  bool token_works(const std::string& hash, std::int64_t now_ms) {
    return db().read([&](Transaction& tx) { return find_token(tx, hash, now_ms); }).has_value();
  }
  bool login_works(const std::string& hash, std::int64_t now_ms) {
    return db().read([&](Transaction& tx) { return find_login(tx, hash, now_ms); }).has_value();
  }
  void disable(User user) {
    user.disabled = true;
    write([&](Transaction& tx) { return update_user(tx, user, user.revision, kNow); });
  }
  User jo_, al_;
};

TEST_P(CredentialsTest, TokenIsKeptAndEndsAtItsTime) {
  const auto token = make_token(jo_, "h1", kNow + 10), forever = make_token(jo_, "h2", std::nullopt);
  EXPECT_EQ(read([&](Transaction& tx) { return find_token(tx, "h1", kNow + 9); }), token);
  EXPECT_FALSE(token_works("h1", kNow + 10));
  EXPECT_TRUE(token_works("h2", kNow + 1'000'000'000));
  EXPECT_FALSE(token_works("h3", kNow));
  write([&](Transaction& tx) { return touch_token(tx, forever.id, kNow + 5); });
  EXPECT_EQ(read([&](Transaction& tx) { return find_token(tx, "h2", kNow); }).last_used_ms, kNow + 5);
  EXPECT_EQ(refused([](Transaction& tx) { return touch_token(tx, "nobody", kNow); }).code, Code::not_found);
  EXPECT_EQ(read([&](Transaction& tx) { return list_tokens(tx, jo_.id); }).size(), 2u);
  disable(jo_);
  EXPECT_FALSE(token_works("h2", kNow));
}

TEST_P(CredentialsTest, TokensAreDeletedByTheirUserAlone) {
  const auto one = make_token(jo_, "h1", std::nullopt);
  make_token(jo_, "h2", std::nullopt);
  make_token(al_, "h3", std::nullopt);
  Token again = one;
  EXPECT_TRUE(refused([&](Transaction& tx) { return insert_token(tx, again, kNow); }).context.starts_with("unique:"));
  EXPECT_EQ(refused([&](Transaction& tx) { return delete_token(tx, one.id, al_.id); }).code, Code::not_found);
  EXPECT_TRUE(token_works("h1", kNow));
  write([&](Transaction& tx) { return delete_token(tx, one.id, jo_.id); });
  EXPECT_FALSE(token_works("h1", kNow));
  EXPECT_EQ(write([&](Transaction& tx) { return delete_tokens_of_user(tx, jo_.id); }), 1);
  EXPECT_TRUE(token_works("h3", kNow));
  write([&](Transaction& tx) { return delete_user(tx, al_.id, 1); });  // takes the token along
  EXPECT_FALSE(token_works("h3", kNow));
}

TEST_P(CredentialsTest, LoginIsKeptExtendedAndEnded) {
  const auto login = make_login(jo_, "s1", kNow + 10);
  EXPECT_EQ(read([&](Transaction& tx) { return find_login(tx, "s1", kNow + 9); }), login);
  EXPECT_FALSE(login_works("s1", kNow + 10));
  write([&](Transaction& tx) { return extend_login(tx, "s1", kNow + 20); });
  EXPECT_TRUE(login_works("s1", kNow + 10));
  EXPECT_EQ(refused([](Transaction& tx) { return extend_login(tx, "s9", kNow); }).code, Code::not_found);
  for (int i = 0; i < 2; ++i) write([&](Transaction& tx) { return delete_login(tx, "s1"); });
  EXPECT_FALSE(login_works("s1", kNow));

  make_login(jo_, "s2", kNow + 10);
  make_login(jo_, "s3", kNow + 30);
  make_login(al_, "s4", kNow + 30);
  EXPECT_EQ(write([](Transaction& tx) { return delete_expired_logins(tx, kNow + 10); }), 1);
  EXPECT_EQ(write([&](Transaction& tx) { return delete_logins_of_user(tx, jo_.id); }), 1);
  EXPECT_TRUE(login_works("s4", kNow));
  disable(al_);
  EXPECT_FALSE(login_works("s4", kNow));
}

TEST_P(CredentialsTest, AllLoginsButOneAreEnded) {
  make_login(jo_, "s1", kNow + 10);
  make_login(jo_, "s2", kNow + 10);
  make_login(al_, "s3", kNow + 10);
  EXPECT_EQ(write([&](Transaction& tx) { return delete_other_logins(tx, jo_.id, "s1"); }), 1);
  EXPECT_TRUE(login_works("s1", kNow));
  EXPECT_FALSE(login_works("s2", kNow));
  EXPECT_TRUE(login_works("s3", kNow));
  EXPECT_EQ(write([&](Transaction& tx) { return delete_other_logins(tx, jo_.id, ""); }), 1);
}

TEST_P(CredentialsTest, SetupLinkWorksOnceForItsPurposeInItsTime) {
  const auto make = [&](std::string hash, std::optional<std::string> user_id) {
    SetupLink link;
    link.hash = std::move(hash);
    link.purpose = "password";
    link.user_id = std::move(user_id);
    link.expires_ms = kNow + 10;
    return write([&](Transaction& tx) { return insert_setup_link(tx, link, kNow); });
  };
  const auto link = make("l1", jo_.id);
  make("l2", std::nullopt);
  const auto use = [&](std::string hash, std::string purpose, std::int64_t now_ms) {
    return db().write([&](Transaction& tx) { return use_setup_link(tx, hash, purpose, now_ms); });
  };
  EXPECT_EQ(read([](Transaction& tx) { return find_setup_link(tx, "l1", "password", kNow); }), link);
  EXPECT_EQ(use("l1", "first_operator", kNow).error().code, Code::not_found);
  EXPECT_EQ(use("l1", "password", kNow + 10).error().code, Code::not_found);
  EXPECT_EQ(use("l9", "password", kNow).error().code, Code::not_found);
  EXPECT_EQ(must(use("l1", "password", kNow + 9)).used_ms, kNow + 9);
  EXPECT_EQ(use("l1", "password", kNow + 9).error().code, Code::not_found);
  EXPECT_EQ(write([](Transaction& tx) { return delete_spent_setup_links(tx, kNow); }), 1);
  EXPECT_EQ(must(use("l2", "password", kNow)).user_id, std::nullopt);

  // Those of one user, or of nobody, are ended for one purpose.
  make("l4", jo_.id);
  make("l5", std::nullopt);
  const auto end = [&](std::string purpose, std::optional<std::string> user_id) {
    return write([&](Transaction& tx) { return delete_setup_links(tx, purpose, user_id); });
  };
  EXPECT_EQ(end("first_operator", std::nullopt), 0);
  EXPECT_EQ(end("password", al_.id), 0);
  EXPECT_EQ(end("password", jo_.id), 1);
  EXPECT_EQ(use("l4", "password", kNow).error().code, Code::not_found);
  EXPECT_TRUE(read([](Transaction& tx) { return find_setup_link(tx, "l5", "password", kNow); }).user_id ==
              std::nullopt);
  EXPECT_EQ(end("password", std::nullopt), 2);  // l2 was used, and goes too
  EXPECT_EQ(use("l5", "password", kNow).error().code, Code::not_found);

  // Of eight at once one gets in.
  make("l3", std::nullopt);
  Database other = open_another();
  std::atomic<int> won = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, &mine = i % 2 == 0 ? db() : other] {
        if (mine.write([](Transaction& tx) { return use_setup_link(tx, "l3", "password", kNow); })) ++won;
      });
    }
  }
  EXPECT_EQ(won, 1);
}

FAIRLEAD_BOTH_ENGINES(CredentialsTest);

}  // namespace
}  // namespace fairlead::store
