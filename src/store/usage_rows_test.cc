// How rows of usage are written and removed: many a statement, and by their age.
#include <algorithm>

#include "store/testing/store_test.h"
#include "store/usage_blocks.h"
#include "store/usage_damaged.h"
#include "store/usage_points.h"

namespace fairlead::store {
namespace {

using testing::kNow;

class UsageRowsTest : public testing::StoreTest {
 protected:
  static constexpr std::int64_t kAt = 1'800'000'000;
  static OpenUsage row(std::size_t i, std::string body) {
    return {.domain_id = "domain-" + std::to_string(1000 + i), .at_s = kAt, .total = "total of " + body, .body = body};
  }
  std::vector<OpenUsage> open() {
    std::vector<OpenUsage> rows;
    read([&](Transaction& tx) {
      return each_open_usage(
          tx, UsageDomains::every(), kAt, kAt + 1, OpenText::body,
          [&](std::string_view id, std::int64_t at_s, std::string_view body) {
            rows.push_back({std::string(id), at_s, "total of " + std::string(body), std::string(body)});
            return base::Result<void>();
          });
    });
    std::ranges::sort(rows, {}, &OpenUsage::domain_id);
    return rows;
  }
};

TEST_P(UsageRowsTest, ManyAreWrittenAsOne) {
  for (const std::size_t n : {0, 1, 63, 64, 65, 128, 200}) {
    std::vector<OpenUsage> rows;
    for (std::size_t i = 0; i < n; ++i) rows.push_back(row(i, "body " + std::to_string(i * n)));
    write([&](Transaction& tx) { return put_open_usage(tx, rows); });
    EXPECT_EQ(open(), rows) << n;  // over those of the round before
    const auto found =
        read([&](Transaction& tx) { return open_usage_at(tx, kAt, {"domain-1000", "domain-1063", "domain-1064"}); });
    EXPECT_EQ(found.size(), n > 64 ? 3u : n > 63 ? 2u : n > 0 ? 1u : 0u);
    for (const OpenUsage& r : found) EXPECT_EQ(r.total, "total of " + r.body);
  }
  // One text that no column takes, and nothing is written.
  std::vector<OpenUsage> rows;
  for (std::size_t i = 0; i < 100; ++i) rows.push_back(row(i, i == 99 ? "\xff" : "new"));
  EXPECT_EQ(refused([&](Transaction& tx) { return put_open_usage(tx, rows); }).code, base::Code::malformed);
  EXPECT_EQ(open().size(), 200u);
  EXPECT_NE(open()[0].body, "new");
}

TEST_P(UsageRowsTest, ADamagedRowGoesAsideOnce) {
  write([&](Transaction& tx) { return put_open_usage(tx, {row(0, "good"), row(1, "bad")}); });
  const auto aside = [&](std::int64_t now_ms) {
    return [=](Transaction& tx) { return set_open_usage_aside(tx, row(1, "bad"), now_ms); };
  };
  write(aside(kNow));
  EXPECT_EQ(open(), std::vector{row(0, "good")});
  EXPECT_EQ(refused(aside(kNow)).code, base::Code::conflict);
  write(aside(kNow + 1));
  const auto list = [&] { return read([](Transaction& tx) { return list_damaged_usage(tx); }); };
  EXPECT_EQ(list(), (std::vector{DamagedUsage{row(1, "bad"), kNow}, DamagedUsage{row(1, "bad"), kNow + 1}}));
  EXPECT_EQ(write([](Transaction& tx) { return prune_damaged_usage(tx, kNow + 1); }), 1);
  EXPECT_EQ(list().size(), 1u);
}

// Old blocks are found by their age: the time it takes to remove a few hundred does not grow with those that stay.
TEST_P(UsageRowsTest, OldBlocksAreFoundByAge) {
  constexpr UsageShelf kShelf{UsageTier::hours, UsageDimension::isp, UsagePart::rest};
  for (int i = 0; i < 30; ++i) {
    write([&](Transaction& tx) -> base::Result<void> {
      return put_usage_blocks(tx, {UsageBlock{kShelf, "domain-" + std::to_string(i % 3), kAt + i, "body"}});
    });
  }
  const auto remove = [&](std::int64_t limit) {
    return write([&](Transaction& tx) { return delete_usage_blocks(tx, kShelf, kAt + 20, limit); });
  };
  EXPECT_EQ(remove(15), 15);
  EXPECT_EQ(remove(15), 5);
  EXPECT_EQ(remove(15), 0);
  if (!on_sqlite()) return;  // the other engine plans by what is in the table
  const auto plan = read([](Transaction& tx) {
    return tx.query(
        "explain query plan select domain_id, start_s from usage_blocks where shelf = 1 and start_s < 1 limit 200");
  });
  ASSERT_FALSE(plan.empty());
  const auto* words = std::get_if<std::string>(&plan[0].back());
  ASSERT_NE(words, nullptr);
  EXPECT_NE(words->find("(shelf=? AND start_s<?)"), std::string::npos) << *words;
}

FAIRLEAD_BOTH_ENGINES(UsageRowsTest);

}  // namespace
}  // namespace fairlead::store
