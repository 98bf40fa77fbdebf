#include "edge/domain.h"

#include <gtest/gtest.h>

namespace fairlead::edge {
namespace {

model::DomainPolicy policy(std::string name, std::vector<std::string> hosts = {"10.0.0.1", "10.0.0.2"}) {
  model::DomainPolicy p;
  p.name = std::move(name);
  for (std::string& h : hosts) p.origins.push_back({.host = std::move(h)});
  return p;
}

class DomainTables : public ::testing::Test {
 protected:
  std::shared_ptr<const DomainTable> next(std::vector<model::DomainPolicy> domains) {
    snapshot_ = model::PolicySnapshot::replace(snapshot_, std::move(domains), ++revision_);
    table_ = DomainTable::build(table_.get(), snapshot_, nullptr);
    return table_;
  }
  model::PolicySnapshot::Ptr snapshot_;
  std::shared_ptr<const DomainTable> table_;
  std::uint64_t revision_ = 0;
};

TEST_F(DomainTables, an_unchanged_domain_is_the_same_object) {
  const auto first = next({policy("a.test"), policy("b.test")});
  model::DomainPolicy changed = policy("b.test");
  changed.websocket.enabled = false;
  const auto second = next({policy("a.test"), changed});
  EXPECT_EQ(second->revision(), 2u);
  EXPECT_EQ(first->by_name("a.test"), second->by_name("a.test"));
  EXPECT_NE(first->by_name("b.test"), second->by_name("b.test"));
  EXPECT_FALSE(second->by_name("b.test")->policy().websocket.enabled);
  EXPECT_TRUE(first->by_name("b.test")->policy().websocket.enabled);  // who still holds the old one sees no change
}

TEST_F(DomainTables, seats_and_origins_outlive_a_revision) {
  const auto first = next({policy("a.test")});
  model::DomainPolicy changed = policy("a.test", {"10.0.0.2", "10.0.0.3"});
  changed.websocket.validate = false;
  const auto second = next({changed});
  const Domain &before = *first->by_name("a.test"), &after = *second->by_name("a.test");
  EXPECT_EQ(&before.shared(), &after.shared());
  EXPECT_EQ(before.origins().state(1), after.origins().state(0));  // 10.0.0.2, in another place
  EXPECT_NE(before.origins().state(0), after.origins().state(1));
}

TEST_F(DomainTables, a_removed_domain_is_gone_and_comes_back_new) {
  const auto first = next({policy("a.test"), policy("b.test")});
  const auto second = next({policy("b.test")});
  EXPECT_EQ(second->by_name("a.test"), nullptr);
  EXPECT_EQ(second->find("a.test"), nullptr);
  EXPECT_EQ(second->all().size(), 1u);
  const auto third = next({policy("a.test"), policy("b.test")});
  EXPECT_NE(first->by_name("a.test"), third->by_name("a.test"));
  EXPECT_EQ(first->by_name("b.test"), third->by_name("b.test"));
}

TEST_F(DomainTables, two_domains_share_nothing_though_their_origins_are_alike) {
  const auto table = next({policy("a.test"), policy("b.test")});
  EXPECT_NE(table->by_name("a.test")->origins().state(0), table->by_name("b.test")->origins().state(0));
  EXPECT_NE(&table->by_name("a.test")->shared(), &table->by_name("b.test")->shared());
}

TEST_F(DomainTables, finds_by_host_the_nearest_name) {
  const auto table = next({policy("www.a.test"), policy(".a.test"), policy(".deep.a.test")});
  EXPECT_EQ(table->find("www.a.test")->policy().name, "www.a.test");
  EXPECT_EQ(table->find("other.a.test")->policy().name, ".a.test");
  EXPECT_EQ(table->find("x.deep.a.test")->policy().name, ".deep.a.test");
  EXPECT_EQ(table->find("a.test"), nullptr);
  EXPECT_EQ(table->find(""), nullptr);
}

TEST_F(DomainTables, a_domain_without_a_certificate_offers_no_tls) {
  EXPECT_EQ(next({policy("a.test")})->by_name("a.test")->server_tls(true), nullptr);
}

TEST_F(DomainTables, origins_are_verified_unless_one_says_otherwise) {
  model::DomainPolicy p = policy("a.test", {"10.0.0.1", "10.0.0.2", "10.0.0.3"});
  p.origins[2].insecure = true;
  const auto table = next({p});
  const auto domain = table->by_name("a.test");
  const auto one = domain->origin_tls(domain->policy().origins[0]);
  const auto two = domain->origin_tls(domain->policy().origins[1]);
  const auto insecure = domain->origin_tls(domain->policy().origins[2]);
  ASSERT_TRUE(one && two && insecure);
  EXPECT_EQ(*one, *two);  // one context, so that idle connections are shared
  EXPECT_NE(*one, *insecure);
}

}  // namespace
}  // namespace fairlead::edge
