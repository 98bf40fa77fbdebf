#include "store/users.h"

#include "store/testing/store_test.h"

namespace fairlead::store {
namespace {

using base::Code;
using testing::kNow;

class UsersTest : public testing::StoreTest {
 protected:
  User make(std::string account_id, std::string email) {
    User user;
    user.account_id = std::move(account_id);
    user.email = std::move(email);
    return write([&](Transaction& tx) { return insert_user(tx, user, kNow); });
  }
};

TEST_P(UsersTest, EveryFieldIsKept) {
  const auto account = make_account("a").id;
  const auto made = make(account, "Jo@Example.com");
  EXPECT_EQ(made.email, "jo@example.com");
  EXPECT_EQ(read([&](Transaction& tx) { return find_user(tx, made.id); }), made);
  EXPECT_EQ(read([&](Transaction& tx) { return find_user_by_email(tx, "JO@example.com"); }), made);
  User changed = made;
  for (const auto role : {UserRole::operator_, UserRole::auditor}) {
    changed.email = std::string(to_string(role)) + "@example.com";
    changed.role = role;
    changed.password_hash = "$argon2id$v=19$m=65536,t=2,p=1$c2FsdA$aGFzaA";
    changed.disabled = !changed.disabled;
    const auto updated = write([&](Transaction& tx) { return update_user(tx, changed, changed.revision, kNow + 1); });
    ++changed.revision;
    changed.updated_ms = kNow + 1;
    EXPECT_EQ(updated, changed);
  }
  EXPECT_EQ(refused([&](Transaction& tx) { return delete_user(tx, made.id, 1); }).context,
            "revision: 3 is the present one of this user, 1 was expected");
  write([&](Transaction& tx) { return delete_user(tx, made.id, 3); });
  EXPECT_EQ(db().read([&](Transaction& tx) { return find_user(tx, made.id); }).error().code, Code::not_found);
  EXPECT_EQ(refused([&](Transaction& tx) { return update_user(tx, changed, 3, kNow); }).code, Code::not_found);
}

TEST_P(UsersTest, OperatorsAreCounted) {
  const auto account = make_account("a").id;
  const auto count = [&](std::string except) {
    return read([&](Transaction& tx) { return count_able_operators(tx, except); });
  };
  EXPECT_EQ(read(count_operators), 0);
  std::vector<User> users;
  for (const char* email : {"able@x", "new@x", "disabled@x", "auditor@x", "customer@x"}) {
    User user = make(account, email);
    user.role = user.email == "auditor@x"    ? UserRole::auditor
                : user.email == "customer@x" ? UserRole::customer
                                             : UserRole::operator_;
    user.password_hash = user.email == "new@x" ? "" : "hash";
    user.disabled = user.email == "disabled@x";
    users.push_back(write([&](Transaction& tx) { return update_user(tx, user, 1, kNow); }));
  }
  EXPECT_EQ(read(count_operators), 3);
  EXPECT_EQ(count(""), 1);
  EXPECT_EQ(count(users[1].id), 1);
  EXPECT_EQ(count(users[0].id), 0);
}

TEST_P(UsersTest, WhatIsTakenOrNowhereIsRefused) {
  const auto account = make_account("a").id;
  make(account, "jo@example.com");
  const auto insert = [&](std::string account_id, std::string email) {
    return refused([&](Transaction& tx) {
             User user;
             user.account_id = account_id;
             user.email = email;
             return insert_user(tx, user, kNow);
           })
        .context;
  };
  EXPECT_TRUE(insert(account, "JO@EXAMPLE.COM").starts_with("unique:"));
  EXPECT_TRUE(insert("nobody", "x@example.com").starts_with("foreign key:"));
  EXPECT_EQ(db().read([](Transaction& tx) { return find_user_by_email(tx, "x@example.com"); }).error().code,
            Code::not_found);
}

TEST_P(UsersTest, ListIsByAddress) {
  const auto a = make_account("a").id, b = make_account("b").id;
  make(a, "c@x");
  make(b, "b@x");
  make(a, "a@x");
  const auto all = read([&](Transaction& tx) { return list_users(tx, std::nullopt, {"", 2}); });
  EXPECT_EQ(all.total, 3);
  ASSERT_EQ(all.items.size(), 2u);
  EXPECT_EQ(all.items[1].email, "b@x");
  const auto rest = read([&](Transaction& tx) { return list_users(tx, std::nullopt, {all.next, 2}); });
  ASSERT_EQ(rest.items.size(), 1u);
  EXPECT_EQ(rest.items[0].email, "c@x");
  EXPECT_EQ(read([&](Transaction& tx) { return list_users(tx, a, {}); }).total, 2);
}

FAIRLEAD_BOTH_ENGINES(UsersTest);

}  // namespace
}  // namespace fairlead::store
