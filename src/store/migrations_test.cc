#include "store/migrations.h"

#include <array>
#include <atomic>
#include <thread>

#include "store/testing/store_test.h"

namespace fairlead::store {
namespace {

using testing::kNow;

class MigrationsTest : public testing::StoreTest {
 protected:
  std::int64_t version() {
    return read([](Transaction& tx) -> base::Result<std::int64_t> {
      auto row = tx.query_one("select max(number) from schema_version", {}, "version");
      if (!row) return std::unexpected(row.error());
      return Columns(*row).integer();
    });
  }
};

constexpr Sql kMore[] = {"create table more (id text primary key)", "insert into more values ('x')"};
constexpr Sql kBroken[] = {"create table broken (id text primary key)", "insert into nowhere values (1)"};

// The steps there are, and further ones.
std::vector<Migration> with(std::initializer_list<std::span<const Sql>> further) {
  std::vector<Migration> steps(all_migrations().begin(), all_migrations().end());
  for (const auto& statements : further) steps.push_back(Migration{steps.back().number + 1, "of the test", statements});
  return steps;
}

TEST_P(MigrationsTest, AreNumberedFromOne) {
  int number = 0;
  for (const Migration& step : all_migrations()) EXPECT_EQ(step.number, ++number);
  EXPECT_EQ(version(), number);  // the fixture has migrated from empty
}

TEST_P(MigrationsTest, SecondRunFindsNothingToDo) { EXPECT_EQ(must(migrate(db(), kNow)), 0); }

TEST_P(MigrationsTest, OnlyWhatIsMissingIsApplied) {
  const auto steps = with({kMore});
  EXPECT_EQ(must(migrate(db(), kNow, steps)), 1);
  EXPECT_EQ(must(migrate(db(), kNow, steps)), 0);
  EXPECT_EQ(version(), steps.back().number);
}

TEST_P(MigrationsTest, NewerDatabaseIsRefused) {
  must(migrate(db(), kNow, with({kMore})));
  const auto error = migrate(db(), kNow).error();
  EXPECT_EQ(error.code, base::Code::unsupported);
  const int known = all_migrations().back().number;
  const auto words = "schema " + std::to_string(known + 1) + ", this program knows up to " + std::to_string(known);
  EXPECT_NE(error.context.find(words), std::string::npos) << error.context;
}

TEST_P(MigrationsTest, BrokenStepLeavesTheOldTables) {
  const auto before = version();
  EXPECT_FALSE(migrate(db(), kNow, with({kMore, kBroken})));
  EXPECT_EQ(version(), before);
  EXPECT_FALSE(db().read([](Transaction& tx) { return tx.query("select * from more"); }));
}

TEST_P(MigrationsTest, TwoProgramsAtOnceDoNotCollide) {
  const auto steps = with({kMore});
  std::array<Database, 4> programs = {open_another(), open_another(), open_another(), open_another()};
  std::atomic<int> applied = 0, failed = 0;
  {
    std::vector<std::jthread> threads;
    for (Database& program : programs) {
      threads.emplace_back([&] {
        const auto done = migrate(program, kNow, steps);
        done ? applied += *done : ++failed;
      });
    }
  }
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(applied, 1);
}

FAIRLEAD_BOTH_ENGINES(MigrationsTest);

}  // namespace
}  // namespace fairlead::store
