#include "store/usage_progress.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

#include "store/testing/store_test.h"

namespace fairlead::store {
namespace {

using testing::kNow;

class UsageProgressTest : public testing::StoreTest {
 protected:
  bool note(std::string_view edge, std::int64_t epoch, std::int64_t sequence, std::int64_t at = kNow) {
    return write([&](Transaction& tx) { return note_usage_set(tx, edge, epoch, sequence, at); });
  }
  std::vector<std::string> ranges() {
    return read([](Transaction& tx) -> base::Result<std::vector<std::string>> {
      auto rows = tx.query(
          "select edge, epoch, first_sequence, last_sequence from usage_taken order by edge, epoch, first_sequence");
      if (!rows) return std::unexpected(rows.error());
      std::vector<std::string> out;
      for (const Row& row : *rows) {
        Columns c(row);
        const std::string edge = c.text();
        const auto epoch = c.integer(), first = c.integer(), last = c.integer();
        out.push_back(edge + " " + std::to_string(epoch) + " " + std::to_string(first) + "-" + std::to_string(last));
      }
      return out;
    });
  }
  using Texts = std::vector<std::string>;
};

TEST_P(UsageProgressTest, InOrderIsOneRow) {
  for (int n = 1; n <= 5; ++n) EXPECT_TRUE(note("a", 1, n));
  for (int n = 1; n <= 5; ++n) EXPECT_FALSE(note("a", 1, n));
  EXPECT_EQ(ranges(), Texts{"a 1 1-5"});
}

TEST_P(UsageProgressTest, HolesCloseFromEitherSide) {
  for (const int n : {5, 1, 3, 2, 9, 4, 8}) EXPECT_TRUE(note("a", 1, n)) << n;
  EXPECT_EQ(ranges(), (Texts{"a 1 1-5", "a 1 8-9"}));
  EXPECT_FALSE(note("a", 1, 3));
  EXPECT_TRUE(note("a", 2, 3));
  EXPECT_TRUE(note("b", 1, 3));
  EXPECT_EQ(ranges(), (Texts{"a 1 1-5", "a 1 8-9", "a 2 3-3", "b 1 3-3"}));
}

TEST_P(UsageProgressTest, SequencesBeyond32BitsAreSequences) {
  for (const std::int64_t n : {std::int64_t{1} << 31, std::int64_t{1} << 40, INT64_MAX}) {
    for (const std::int64_t sequence : {n - 2, n, n - 1}) EXPECT_TRUE(note("a", n, sequence)) << sequence;
    for (const std::int64_t sequence : {n - 2, n - 1, n}) EXPECT_FALSE(note("a", n, sequence)) << sequence;
  }
  EXPECT_EQ(ranges(), (Texts{"a 2147483648 2147483646-2147483648", "a 1099511627776 1099511627774-1099511627776",
                             "a 9223372036854775807 9223372036854775805-9223372036854775807"}));
}

TEST_P(UsageProgressTest, AnyOrderWithRepeatsIsASet) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::set<std::pair<int, int>> model;
  write([&](Transaction& tx) -> base::Result<void> {
    for (int i = 0; i < 600; ++i) {
      const int epoch = static_cast<int>(random() % 2), sequence = 1 + static_cast<int>(random() % 120);
      auto noted = note_usage_set(tx, "a", epoch, sequence, kNow);
      if (!noted) return std::unexpected(noted.error());
      EXPECT_EQ(*noted, model.emplace(epoch, sequence).second) << epoch << " " << sequence;
    }
    return {};
  });
  Texts expected;
  for (auto at = model.begin(); at != model.end();) {
    auto end = at;
    int last = at->second;
    for (++end; end != model.end() && end->first == at->first && end->second == last + 1; ++end) ++last;
    expected.push_back("a " + std::to_string(at->first) + " " + std::to_string(at->second) + "-" +
                       std::to_string(last));
    at = end;
  }
  EXPECT_EQ(ranges(), expected);
}

TEST_P(UsageProgressTest, OldEpochsAreForgottenWhole) {
  note("a", 1, 1, kNow - 100), note("a", 1, 5, kNow - 90);
  note("a", 2, 1, kNow - 100), note("a", 2, 5, kNow);
  EXPECT_EQ(write([](Transaction& tx) { return prune_usage_progress(tx, kNow - 50); }), 2);
  EXPECT_EQ(ranges(), (Texts{"a 2 1-1", "a 2 5-5"}));
}

FAIRLEAD_BOTH_ENGINES(UsageProgressTest);

}  // namespace
}  // namespace fairlead::store
