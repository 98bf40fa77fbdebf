#include "store/installation_policy.h"

#include "store/testing/store_test.h"

namespace fairlead::store {
namespace {

using testing::kNow;

class InstallationPolicies : public testing::StoreTest {};
FAIRLEAD_BOTH_ENGINES(InstallationPolicies);

TEST_P(InstallationPolicies, NobodyHasSetItAtFirst) {
  const auto policy = read([](Transaction& tx) { return find_installation_policy(tx); });
  EXPECT_EQ(policy.document, "{}");
  EXPECT_EQ(policy.revision, 0);
  EXPECT_EQ(policy.updated_ms, kNow);  // when the tables were made
}

TEST_P(InstallationPolicies, IsSetAndReplacedByRevision) {
  auto put = [&](std::string_view document, std::int64_t expected, std::int64_t at) {
    return write([&](Transaction& tx) { return put_installation_policy(tx, document, expected, at); });
  };
  EXPECT_EQ(put(R"({"a":1})", 0, kNow + 1), (StoredPolicy{R"({"a":1})", 1, kNow + 1}));
  EXPECT_EQ(put(R"({"a":2})", 1, kNow + 2), (StoredPolicy{R"({"a":2})", 2, kNow + 2}));
  for (const std::int64_t stale : {0, 1, 3}) {
    const auto error = refused([&](Transaction& tx) { return put_installation_policy(tx, "{}", stale, kNow + 3); });
    EXPECT_EQ(error.code, base::Code::conflict);
    EXPECT_TRUE(error.context.starts_with("revision:")) << error.context;
  }
  EXPECT_EQ(read([](Transaction& tx) { return find_installation_policy(tx); }).revision, 2);
}

TEST_P(InstallationPolicies, AChangeOfAllDomainsHasANumberForEach) {
  const auto account = make_account("Example");
  const auto other = make_account("Other");
  make_domain(account.id, "b.example.com");
  make_domain(other.id, "a.example.org");
  const auto before = last_change();
  EXPECT_EQ(write([](Transaction& tx) { return record_changes_of_all_domains(tx, kNow); }), 2);
  EXPECT_EQ(changes_after(before), (std::vector{std::to_string(before + 1) + " a.example.org changed",
                                                std::to_string(before + 2) + " b.example.com changed"}));
  EXPECT_EQ(last_change(), before + 2);
}

TEST_P(InstallationPolicies, NoDomainsNoChanges) {
  EXPECT_EQ(write([](Transaction& tx) { return record_changes_of_all_domains(tx, kNow); }), 0);
  EXPECT_EQ(last_change(), 0);
}

}  // namespace
}  // namespace fairlead::store
