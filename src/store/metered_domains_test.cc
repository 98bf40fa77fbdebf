#include "store/metered_domains.h"

#include "store/migrations.h"
#include "store/testing/store_test.h"

namespace fairlead::store {
namespace {

using testing::kNow;

class MeteredDomainsTest : public testing::StoreTest {
 protected:
  std::vector<MeteredDomain> list(std::optional<std::string> account = {}) {
    return read([&](Transaction& tx) { return list_metered_domains(tx, account); });
  }
};

TEST_P(MeteredDomainsTest, ComeAndGoWithDomainsAndStay) {
  const Account a = make_account("a"), b = make_account("b");
  const Domain first = make_domain(a.id, "live.example.com");
  write([&](Transaction& tx) { return delete_domain(tx, first.id, 1, kNow + 5); });
  const Domain second = make_domain(b.id, "live.example.com");
  EXPECT_EQ(list(a.id), (std::vector{MeteredDomain{first.id, a.id, "live.example.com", kNow, kNow + 5}}));
  EXPECT_EQ(list(b.id), (std::vector{MeteredDomain{second.id, b.id, "live.example.com", kNow, std::nullopt}}));
  EXPECT_EQ(list().size(), 2u);
  EXPECT_EQ(read([&](Transaction& tx) { return find_metered_domain(tx, first.id); }).account_id, a.id);
}

TEST_P(MeteredDomainsTest, AreFoundByName) {
  const Account a = make_account("a"), b = make_account("b");
  std::vector<std::string> names;
  std::vector<MeteredDomain> of_a;
  for (int i = 0; i < 205; ++i) {
    names.push_back("d" + std::to_string(1000 + i) + ".example.com");
    const Domain d = make_domain(a.id, names.back());
    of_a.push_back({d.id, a.id, d.name, kNow, std::nullopt});
  }
  write([&](Transaction& tx) { return delete_domain(tx, of_a[7].domain_id, 1, kNow + 5); });
  of_a[7].deleted_ms = kNow + 5;
  const Domain again = make_domain(b.id, names[7]);
  const auto named = [&](std::optional<std::string> account, const std::vector<std::string>& which) {
    return read([&](Transaction& tx) { return list_metered_domains_named(tx, account, which); });
  };
  EXPECT_EQ(named(a.id, names), of_a);
  EXPECT_EQ(named({}, names).size(), 206u);
  EXPECT_EQ(named(b.id, names), (std::vector{MeteredDomain{again.id, b.id, names[7], kNow, std::nullopt}}));
  EXPECT_EQ(named(a.id, {names[9], "nobody.example.com", names[8], names[9]}), (std::vector{of_a[8], of_a[9]}));
  EXPECT_TRUE(named({}, {}).empty());
}

TEST_P(MeteredDomainsTest, EnsuringLeavesWhatIsThere) {
  const Account a = make_account("a");
  const Domain d = make_domain(a.id, "live.example.com");
  const MeteredDomain stranger{d.id, "", "other.example.com", kNow + 9, std::nullopt};
  write([&](Transaction& tx) { return ensure_metered_domain(tx, stranger); });
  EXPECT_EQ(list().at(0).account_id, a.id);
  EXPECT_EQ(refused([&](Transaction& tx) { return insert_metered_domain(tx, stranger); }).code, base::Code::conflict);
}

// A database of an earlier program: its domains are metered from the start.
TEST_P(MeteredDomainsTest, MigrationTakesTheDomainsThereAre) {
  const Account a = make_account("a");
  const Domain d = make_domain(a.id, "live.example.com");
  write([](Transaction& tx) -> base::Result<void> {
    for (const Sql sql :
         {Sql("drop table metered_domains"), Sql("drop table usage_taken"), Sql("drop table usage_names"),
          Sql("drop table usage_open"), Sql("drop table usage_blocks"), Sql("drop table usage_kept"),
          Sql("drop table usage_out_of_range"), Sql("delete from schema_version where number >= 3")}) {
      if (auto done = tx.execute(sql); !done) return std::unexpected(done.error());
    }
    return {};
  });
  ASSERT_EQ(must(migrate(db(), kNow + 1, all_migrations().first(3))), 1);
  EXPECT_EQ(list(), (std::vector{MeteredDomain{d.id, a.id, "live.example.com", d.created_ms, std::nullopt}}));
}

FAIRLEAD_BOTH_ENGINES(MeteredDomainsTest);

}  // namespace
}  // namespace fairlead::store
