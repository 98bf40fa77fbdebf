#include "store/policy_changes.h"

#include <atomic>
#include <thread>

#include "store/testing/store_test.h"

namespace fairlead::store {
namespace {

using base::Code;
using testing::kNow;

class PolicyChangesTest : public testing::StoreTest {
 protected:
  std::int64_t record(const std::string& name) {
    return write([&](Transaction& tx) { return record_policy_change(tx, name, PolicyChangeKind::changed, kNow); });
  }
};

TEST_P(PolicyChangesTest, AreNumberedFromOneAndReadInParts) {
  EXPECT_EQ(last_change(), 0);
  EXPECT_EQ(changes_after(0), std::vector<std::string>{});
  EXPECT_EQ(record("a"), 1);
  EXPECT_EQ(record("b"), 2);
  EXPECT_EQ(write([](Transaction& tx) { return record_policy_change(tx, "a", PolicyChangeKind::removed, kNow + 1); }),
            3);
  EXPECT_EQ(last_change(), 3);
  const auto part = read([](Transaction& tx) { return changes_since(tx, 1, 1); });
  EXPECT_EQ(part, (std::vector<PolicyChange>{{2, "b", PolicyChangeKind::changed, kNow}}));
  EXPECT_EQ(read([](Transaction& tx) { return changes_since(tx, 2, 10); }),
            (std::vector<PolicyChange>{{3, "a", PolicyChangeKind::removed, kNow + 1}}));
}

TEST_P(PolicyChangesTest, WhoFellBehindThePrunedIsTold) {
  for (const char* name : {"a", "b", "c", "d"}) record(name);
  const auto prune = [&](std::int64_t below) {
    return write([&](Transaction& tx) { return prune_policy_changes(tx, below); });
  };
  EXPECT_EQ(prune(1), 0);
  EXPECT_EQ(prune(3), 2);
  EXPECT_EQ(prune(2), 0);  // does not go back
  EXPECT_EQ(changes_after(2), (std::vector<std::string>{"3 c changed", "4 d changed"}));
  const auto since = [&](std::int64_t number) {
    return db().read([&](Transaction& tx) { return changes_since(tx, number, 9); });
  };
  EXPECT_EQ(since(1).error().code, Code::not_found);
  EXPECT_EQ(since(5).error().code, Code::not_found);  // a number of a future that a restored backup does not know
  EXPECT_EQ(prune(1000), 2);
  EXPECT_TRUE(since(4));
  EXPECT_EQ(record("e"), 5);  // numbers go on
  EXPECT_EQ(changes_after(4), (std::vector<std::string>{"5 e changed"}));
}

TEST_P(PolicyChangesTest, OfAnAccountAreThoseOfItsDomains) {
  const auto mine = make_account("mine").id, other = make_account("other").id, empty = make_account("empty").id;
  for (const char* name : {"b.example.com", "a.example.com"}) make_domain(mine, name);
  make_domain(other, "c.example.com");
  const auto before = last_change();
  const auto record_all = [&](const std::string& id) {
    return write([&](Transaction& tx) { return record_changes_by_account(tx, id, kNow); });
  };
  EXPECT_EQ(record_all(empty), 0);
  EXPECT_EQ(record_all("nobody"), 0);
  EXPECT_EQ(last_change(), before);
  EXPECT_EQ(record_all(mine), 2);
  EXPECT_EQ(last_change(), before + 2);
  EXPECT_EQ(changes_after(before), (std::vector<std::string>{std::to_string(before + 1) + " a.example.com changed",
                                                             std::to_string(before + 2) + " b.example.com changed"}));
}

// A publisher that remembers the last number it saw gets every change once, while eight threads make them.
TEST_P(PolicyChangesTest, FollowerMissesNothingAndRepeatsNothing) {
  constexpr int kThreads = 8, kEach = 25;
  std::atomic<int> failed = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < kEach; ++n) {
        const auto name = std::to_string(i) + "-" + std::to_string(n);
        if (!db().write(
                [&](Transaction& tx) { return record_policy_change(tx, name, PolicyChangeKind::changed, kNow); }))
          ++failed;
      }
    });
  }
  Database publisher = open_another();
  std::int64_t last = 0;
  while (last < kThreads * kEach && failed == 0) {
    const auto changes = must(publisher.read([&](Transaction& tx) { return changes_since(tx, last, 10); }));
    for (const auto& change : changes) ASSERT_EQ(change.number, ++last);
  }
  EXPECT_EQ(failed, 0);
}

FAIRLEAD_BOTH_ENGINES(PolicyChangesTest);

}  // namespace
}  // namespace fairlead::store
