#include "store/domains.h"

#include <atomic>
#include <set>
#include <thread>

#include "store/layer7_configs.h"
#include "store/policy_changes.h"
#include "store/testing/store_test.h"

namespace fairlead::store {
namespace {

using base::Code;
using base::Result;
using testing::kNow;

class DomainsTest : public testing::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    account_ = make_account("customer").id;
  }
  Page<Domain> list(const DomainFilter& filter, const PageRequest& page = {}) {
    return read([&](Transaction& tx) { return list_domains(tx, filter, page); });
  }
  static std::vector<std::string> names(const Page<Domain>& page) {
    std::vector<std::string> found;
    for (const auto& d : page.items) found.push_back(d.name);
    return found;
  }
  std::string account_;
};

TEST_P(DomainsTest, WhereItIsServedAndWhoseItIs) {
  Domain domain;
  domain.account_id = account_;
  domain.name = "china.example.com";
  domain.service_region = ServiceRegion::mainland;
  domain.icp_number = "ICP 12345678-1";
  domain.migrated = true;
  domain.ownership.token = "token";
  domain = write([&](Transaction& tx) { return insert_domain(tx, domain, kNow); });
  EXPECT_EQ(read([&](Transaction& tx) { return find_domain(tx, domain.id); }), domain);

  domain.service_region = ServiceRegion::global;
  domain.icp_number.clear();
  domain.migrated = false;
  const auto updated = write([&](Transaction& tx) { return update_domain(tx, domain, 1, kNow); });
  domain.revision = 2;
  EXPECT_EQ(updated, domain);
}

TEST_P(DomainsTest, LooksForAProofAreDueInTheirOrder) {
  const auto first = make_domain(account_, "first.example.com"), second = make_domain(account_, "second.example.com"),
             never = make_domain(account_, "never.example.com");
  EXPECT_EQ(read([](Transaction& tx) { return next_domain_check_ms(tx); }), std::nullopt);
  const auto number = read([](Transaction& tx) { return last_policy_change(tx); });
  Ownership look = first.ownership;
  look.next_check_ms = kNow + 20;
  look.checks = 3;
  look.last_result = "nothing there";
  write([&](Transaction& tx) { return update_ownership(tx, first.id, look); });
  look.next_check_ms = kNow + 10;
  write([&](Transaction& tx) { return update_ownership(tx, second.id, look); });
  EXPECT_EQ(read([](Transaction& tx) { return next_domain_check_ms(tx); }), kNow + 10);
  const auto due = [&](std::int64_t now, std::int64_t limit) {
    std::vector<std::string> found;
    for (const auto& d : read([&](Transaction& tx) { return domains_to_check(tx, now, limit); }))
      found.push_back(d.name);
    return found;
  };
  EXPECT_EQ(due(kNow + 9, 10), std::vector<std::string>{});
  EXPECT_EQ(due(kNow + 10, 10), std::vector<std::string>{"second.example.com"});
  EXPECT_EQ(due(kNow + 20, 10), (std::vector<std::string>{"second.example.com", "first.example.com"}));
  EXPECT_EQ(due(kNow + 20, 1), std::vector<std::string>{"second.example.com"});

  look.next_check_ms.reset();
  look.method = "dns";
  look.verified_ms = kNow + 30;
  write([&](Transaction& tx) { return update_ownership(tx, second.id, look); });
  const auto now = read([&](Transaction& tx) { return find_domain(tx, second.id); });
  EXPECT_EQ(now.ownership, look);
  // What edges obey and what people edit is as it was.
  EXPECT_EQ(now.revision, second.revision);
  EXPECT_EQ(read([](Transaction& tx) { return last_policy_change(tx); }), number);
  EXPECT_EQ(due(kNow + 100, 10), std::vector<std::string>{"first.example.com"});
}

// Whoever has a thousand names whose servers are silent waits for them alone.
TEST_P(DomainsTest, AccountsTakeTurnsAtTheLooks) {
  const std::string other = make_account("other").id;
  std::int64_t due_ms = kNow;
  for (const auto& [account, name] : std::vector<std::pair<std::string, std::string>>{{account_, "a1.test"},
                                                                                      {account_, "a2.test"},
                                                                                      {account_, "a3.test"},
                                                                                      {other, "b1.test"},
                                                                                      {other, "b2.test"}}) {
    const auto domain = make_domain(account, name);
    Ownership look = domain.ownership;
    look.next_check_ms = due_ms++;
    write([&](Transaction& tx) { return update_ownership(tx, domain.id, look); });
  }
  const auto due = [&](std::int64_t now, std::int64_t limit) {
    std::vector<std::string> found;
    for (const auto& d : read([&](Transaction& tx) { return domains_to_check(tx, now, limit); }))
      found.push_back(d.name);
    return found;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(due(kNow + 9, 10), (Names{"a1.test", "b1.test", "a2.test", "b2.test", "a3.test"}));
  EXPECT_EQ(due(kNow + 9, 2), (Names{"a1.test", "b1.test"}));
  EXPECT_EQ(due(kNow + 2, 10), (Names{"a1.test", "a2.test", "a3.test"}));
}

TEST_P(DomainsTest, EveryFieldIsKept) {
  Layer7Config config;
  config.account_id = account_;
  config.name = "long";
  config = write([&](Transaction& tx) { return insert_layer7_config(tx, config, kNow); });

  const auto made = make_domain(account_, "Live.Example.COM");
  EXPECT_EQ(made.name, "live.example.com");
  EXPECT_EQ(made.revision, 1);
  EXPECT_EQ(read([&](Transaction& tx) { return find_domain(tx, made.id); }), made);
  EXPECT_EQ(read([&](Transaction& tx) { return find_domain_by_name(tx, "LIVE.example.com"); }), made);

  Domain changed = made;
  changed.settings = R"({"websocket":{"enabled":true}})";
  changed.layer7_config_id = config.id;
  for (const auto state :
       {DomainState::online, DomainState::offline, DomainState::checking, DomainState::check_failed}) {
    changed.state = state;
    changed.state_reason = "because it is " + std::string(to_string(state));
    const auto updated =
        write([&](Transaction& tx) { return update_domain(tx, changed, changed.revision, changed.updated_ms + 1); });
    ++changed.revision;
    ++changed.updated_ms;
    EXPECT_EQ(updated, changed);
    EXPECT_EQ(read([&](Transaction& tx) { return find_domain(tx, made.id); }), changed);
  }
  write([&](Transaction& tx) { return delete_domain(tx, made.id, changed.revision, kNow); });
  EXPECT_EQ(db().read([&](Transaction& tx) { return find_domain(tx, made.id); }).error().code, Code::not_found);
}

TEST_P(DomainsTest, ChangesAreNumberedInTheirTransaction) {
  const auto before = last_change();
  auto d = make_domain(account_, "a.example");
  d = write([&](Transaction& tx) { return update_domain(tx, d, 1, kNow); });
  EXPECT_FALSE(db().write([&](Transaction& tx) { return update_domain(tx, d, 1, kNow); }));  // leaves no number
  EXPECT_FALSE(db().write([&](Transaction& tx) -> Result<void> {
    if (auto done = update_domain(tx, d, 2, kNow); !done) return std::unexpected(done.error());
    return base::fail(Code::cancelled, base::Side::none);  // neither does this
  }));
  write([&](Transaction& tx) { return delete_domain(tx, d.id, 2, kNow); });
  EXPECT_EQ(changes_after(before),
            (std::vector<std::string>{"1 a.example changed", "2 a.example changed", "3 a.example removed"}));
}

TEST_P(DomainsTest, WhatDoesNotFitIsRefused) {
  const auto d = make_domain(account_, "a.example");
  Domain again;
  again.account_id = account_;
  again.name = "A.Example";
  EXPECT_TRUE(refused([&](Transaction& tx) { return insert_domain(tx, again, kNow); }).context.starts_with("unique:"));
  again.name = "b.example";
  again.account_id = "nobody";
  EXPECT_TRUE(
      refused([&](Transaction& tx) { return insert_domain(tx, again, kNow); }).context.starts_with("foreign key:"));

  const auto stale = refused([&](Transaction& tx) { return update_domain(tx, d, 9, kNow); });
  EXPECT_EQ(stale.code, Code::conflict);
  EXPECT_EQ(stale.context, "revision: 1 is the present one of this domain, 9 was expected");
  EXPECT_EQ(refused([&](Transaction& tx) { return delete_domain(tx, d.id, 9, kNow); }).code, Code::conflict);
  EXPECT_EQ(refused([&](Transaction& tx) { return delete_domain(tx, "nobody", 1, kNow); }).code, Code::not_found);

  // Another account's layer-7 configuration is as good as none.
  Layer7Config foreign;
  foreign.account_id = make_account("other").id;
  foreign.name = "theirs";
  foreign = write([&](Transaction& tx) { return insert_layer7_config(tx, foreign, kNow); });
  Domain bound = d;
  bound.layer7_config_id = foreign.id;
  EXPECT_EQ(refused([&](Transaction& tx) { return update_domain(tx, bound, 1, kNow); }).code, Code::not_found);
  bound.name = "c.example";
  EXPECT_EQ(refused([&](Transaction& tx) { return insert_domain(tx, bound, kNow); }).code, Code::not_found);
}

TEST_P(DomainsTest, ListFilters) {
  const auto other = make_account("other").id;
  for (const char* name : {"b.example", "a.example", "shop.test"}) make_domain(account_, name);
  auto d = make_domain(other, "c.example");
  d.state = DomainState::online;
  write([&](Transaction& tx) { return update_domain(tx, d, 1, kNow); });

  EXPECT_EQ(names(list({})), (std::vector<std::string>{"a.example", "b.example", "c.example", "shop.test"}));
  EXPECT_EQ(names(list({.account_id = account_, .name_contains = {}, .state = {}, .layer7_config_id = {}})),
            (std::vector<std::string>{"a.example", "b.example", "shop.test"}));
  DomainFilter filter;
  filter.name_contains = ".EXAM";
  EXPECT_EQ(names(list(filter)), (std::vector<std::string>{"a.example", "b.example", "c.example"}));
  filter.account_id = account_;
  const auto page = list(filter, {"", 1});
  EXPECT_EQ(names(page), (std::vector<std::string>{"a.example"}));
  EXPECT_EQ(page.total, 2);
  EXPECT_EQ(names(list(filter, {page.next, 1})), (std::vector<std::string>{"b.example"}));
  EXPECT_EQ(list(filter, {page.next, 1}).next, "");
  DomainFilter online;
  online.state = DomainState::online;
  EXPECT_EQ(names(list(online)), (std::vector<std::string>{"c.example"}));
  EXPECT_EQ(list({}, {"", 0}).items.size(), 1u);  // at least one row, at most kMaxPage
}

TEST_P(DomainsTest, PagesNeitherRepeatNorHideRowsWhileOthersInsert) {
  constexpr int kOld = 60;
  write([&](Transaction& tx) -> Result<void> {
    for (int i = 0; i < kOld; ++i) {
      Domain d;
      d.account_id = account_;
      d.name = "d" + std::to_string(100 + i) + ".example";
      if (auto done = insert_domain(tx, d, kNow); !done) return std::unexpected(done.error());
    }
    return {};
  });
  std::vector<std::string> seen;
  PageRequest page{"", 7};
  int inserted = 0;
  do {
    const auto part = list({}, page);
    EXPECT_EQ(part.total, kOld + inserted);
    for (const auto& name : names(part)) seen.push_back(name);
    page.after = part.next;
    // One before the place reached, one after it.
    make_domain(account_, "a" + std::to_string(inserted++) + ".example");
    make_domain(account_, "z" + std::to_string(inserted++) + ".example");
  } while (!page.after.empty());
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), seen.size());
  EXPECT_EQ(std::count_if(seen.begin(), seen.end(), [](const auto& name) { return name[0] == 'd'; }), kOld);
  EXPECT_EQ(std::count_if(seen.begin(), seen.end(), [](const auto& name) { return name[0] == 'a'; }), 0);
}

// Eight threads of two programs, a hundred changes each: who comes too late looks again, and nobody's change is lost.
TEST_P(DomainsTest, OptimisticChangesLoseNothing) {
  const auto d = make_domain(account_, "a.example");
  const auto before = last_change();
  Database other = open_another();
  std::atomic<int> failed = 0, late = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, &mine = i % 2 == 0 ? db() : other] {
        for (int done = 0; done < 100;) {
          // Looking and changing are two transactions, as they are two requests to an API.
          auto seen = mine.read([&](Transaction& tx) { return find_domain(tx, d.id); });
          if (!seen) {
            ++failed;
            return;
          }
          seen->settings = std::to_string(seen->settings == "{}" ? 1 : std::stoi(seen->settings) + 1);
          const auto changed =
              mine.write([&](Transaction& tx) { return update_domain(tx, *seen, seen->revision, kNow); });
          if (changed) {
            ++done;
          } else if (changed.error().code == Code::conflict && changed.error().context.starts_with("revision:")) {
            ++late;
          } else {
            ++failed;
            return;
          }
        }
      });
    }
  }
  EXPECT_EQ(failed, 0);
  EXPECT_GT(late, 0);
  const auto last = read([&](Transaction& tx) { return find_domain(tx, d.id); });
  EXPECT_EQ(last.settings, "800");
  EXPECT_EQ(last.revision, 801);
  EXPECT_EQ(changes_after(before).size(), 800u);
  EXPECT_EQ(last_change(), before + 800);
}

FAIRLEAD_BOTH_ENGINES(DomainsTest);

}  // namespace
}  // namespace fairlead::store
