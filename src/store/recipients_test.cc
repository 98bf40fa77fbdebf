#include "store/recipients.h"

#include "store/testing/store_test.h"
#include "store/users.h"

namespace fairlead::store {
namespace {

using testing::kNow;
using Texts = std::vector<std::string>;

class Recipients : public testing::StoreTest {};
FAIRLEAD_BOTH_ENGINES(Recipients);

TEST_P(Recipients, AreUsersWhoAreNotDisabled) {
  const auto account = make_account("Example").id;
  const auto other = make_account("Other").id;
  const auto user = [&](const std::string& account_id, std::string email, UserRole role, bool disabled) {
    User u;
    u.account_id = account_id;
    u.email = std::move(email);
    u.role = role;
    u.disabled = disabled;
    write([&](Transaction& tx) { return insert_user(tx, u, kNow); });
  };
  EXPECT_EQ(read([](Transaction& tx) { return addresses_of_operators(tx); }), Texts{});
  user(account, "b@example.com", UserRole::customer, false);
  user(account, "a@example.com", UserRole::customer, false);
  user(account, "gone@example.com", UserRole::customer, true);
  user(other, "x@example.org", UserRole::operator_, false);
  user(other, "was@example.org", UserRole::operator_, true);
  user(other, "looks@example.org", UserRole::auditor, false);
  EXPECT_EQ(read([&](Transaction& tx) { return addresses_of_account(tx, account); }),
            (Texts{"a@example.com", "b@example.com"}));
  EXPECT_EQ(read([](Transaction& tx) { return addresses_of_operators(tx); }), Texts{"x@example.org"});
}

}  // namespace
}  // namespace fairlead::store
