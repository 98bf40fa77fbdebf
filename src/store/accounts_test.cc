#include "store/accounts.h"

#include "store/testing/store_test.h"

namespace fairlead::store {
namespace {

using base::Code;
using testing::kNow;

class AccountsTest : public testing::StoreTest {};

TEST_P(AccountsTest, EveryFieldIsKept) {
  Account a;
  a.name = "Acme";
  a.kind = AccountKind::operator_;
  a.identity_verified = true;
  a.time_zone = "Asia/Shanghai";
  a.state = AccountState::suspended;
  const auto made = write([&](Transaction& tx) { return insert_account(tx, a, kNow); });
  EXPECT_EQ(made.revision, 1);
  EXPECT_EQ(made.created_ms, kNow);
  EXPECT_EQ(made.kind, AccountKind::operator_);
  EXPECT_EQ(read([&](Transaction& tx) { return find_account(tx, made.id); }), made);
  EXPECT_EQ(read([&](Transaction& tx) { return find_account_by_name(tx, "Acme"); }), made);

  Account changed = made;
  changed.name = "Acme & Sons";
  changed.identity_verified = false;
  changed.email_verified = true;
  changed.time_zone = "UTC";
  changed.state = AccountState::closed;
  const auto updated = write([&](Transaction& tx) { return update_account(tx, changed, 1, kNow + 5); });
  changed.revision = 2;
  changed.updated_ms = kNow + 5;
  EXPECT_EQ(updated, changed);
  EXPECT_EQ(read([&](Transaction& tx) { return find_account(tx, made.id); }), changed);
}

TEST_P(AccountsTest, WhatIsNotThereOrTakenIsRefused) {
  const auto a = make_account("a"), b = make_account("b");
  EXPECT_EQ(db().read([](Transaction& tx) { return find_account(tx, "nobody"); }).error().code, Code::not_found);
  EXPECT_EQ(db().read([](Transaction& tx) { return find_account_by_name(tx, "c"); }).error().code, Code::not_found);
  Account renamed = b;
  renamed.name = "a";
  EXPECT_TRUE(
      refused([&](Transaction& tx) { return update_account(tx, renamed, 1, kNow); }).context.starts_with("unique:"));
  renamed.name = "c";
  const auto stale = refused([&](Transaction& tx) { return update_account(tx, renamed, 7, kNow); });
  EXPECT_EQ(stale.code, Code::conflict);
  EXPECT_EQ(stale.context, "revision: 1 is the present one of this account, 7 was expected");
  renamed.id = "nobody";
  EXPECT_EQ(refused([&](Transaction& tx) { return update_account(tx, renamed, 1, kNow); }).code, Code::not_found);
}

TEST_P(AccountsTest, ListIsByNameAndSearched) {
  for (const char* name : {"delta", "100%", "alpha", "100 percent", "beta_x", "betaax"}) make_account(name);
  const auto names = [&](std::string_view contains, PageRequest page) {
    std::vector<std::string> found;
    for (const auto& a : read([&](Transaction& tx) { return list_accounts(tx, contains, page); }).items)
      found.push_back(a.name);
    return found;
  };
  EXPECT_EQ(names("", {"", 3}), (std::vector<std::string>{"100 percent", "100%", "alpha"}));
  EXPECT_EQ(names("", {"alpha", 2}), (std::vector<std::string>{"beta_x", "betaax"}));
  EXPECT_EQ(names("0%", {}), (std::vector<std::string>{"100%"}));  // no wildcard
  EXPECT_EQ(names("a_", {}), (std::vector<std::string>{"beta_x"}));
  EXPECT_EQ(names("!", {}), std::vector<std::string>{});
  EXPECT_EQ(names("'; drop table accounts; --", {}), std::vector<std::string>{});
}

FAIRLEAD_BOTH_ENGINES(AccountsTest);

}  // namespace
}  // namespace fairlead::store
