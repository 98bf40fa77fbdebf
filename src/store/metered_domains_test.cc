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
