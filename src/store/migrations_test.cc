#include "store/migrations.h"

#include <array>
#include <atomic>
#include <chrono>
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

// A program goes on while a newer one brings the database up to date: from then on it neither reads nor writes.
TEST_P(MigrationsTest, ProgramThatIsNowTooOldWorksNoFurther) {
  const int known = all_migrations().back().number;
  write([](Transaction& tx) { return tx.execute("create table seen (n bigint)"); });
  Database newer = open_another();
  must(migrate(newer, kNow, with({kMore})));

  bool called = false;
  const auto work = [&](Transaction& tx) {
    called = true;
    return tx.execute("insert into seen values (1)");
  };
  for (int i = 0; i < 3; ++i) {  // and again, on the same connections
    const auto written = db().write(work);
    const auto seen = db().read([&](Transaction& tx) {
      called = true;
      return tx.query("select * from seen");
    });
    ASSERT_FALSE(written);
    ASSERT_FALSE(seen);
    for (const base::Error& error : {written.error(), seen.error()}) {
      EXPECT_EQ(error.code, base::Code::unsupported);
      EXPECT_EQ(error.side, base::Side::config);
      EXPECT_EQ(error.retry, base::Retry::never);
      const auto words =
          "schema " + std::to_string(known + 1) + ", this program knows up to " + std::to_string(known) + ":";
      EXPECT_NE(error.context.find(words), std::string::npos) << error.context;
      EXPECT_NE(error.context.find("must be replaced"), std::string::npos) << error.context;
    }
  }
  EXPECT_FALSE(called);
  // It holds nothing that is in the newer one's way.
  must(newer.write(work));
  const auto rows = must(newer.read([](Transaction& tx) { return tx.query("select * from seen"); }));
  EXPECT_EQ(rows.size(), 1u);

  // Its connections are sound: once it knows the steps, it goes on with them.
  EXPECT_EQ(must(migrate(db(), kNow, with({kMore}))), 0);
  EXPECT_EQ(must(db().write(work)), 1);
}

// A newer one comes while a write waits for its turn: the write finds that out when its turn has come.
TEST_P(MigrationsTest, WriteThatWaitedForTheMigrationIsRefused) {
  Database newer = open_another();
  std::atomic<bool> called = false;
  std::optional<base::Result<std::int64_t>> written;
  std::jthread waits;
  must(newer.write([&](Transaction& tx) -> base::Result<std::int64_t> {  // has the writer's lock
    waits = std::jthread([&] {
      written = db().write([&](Transaction& older) {
        called = true;
        return older.execute("update schema_version set title = 'by an older program'");
      });
    });
    // Until the other one waits, where that can be seen.
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(8);
    while (!on_sqlite()) {
      auto waiting = tx.query("select 1 from pg_locks where locktype = 'advisory' and not granted");
      if (!waiting) return std::unexpected(waiting.error());
      if (!waiting->empty()) break;
      if (std::chrono::steady_clock::now() > give_up) return base::fail(base::Code::timeout, base::Side::none);
      std::this_thread::yield();
    }
    return tx.execute("insert into schema_version (number, title, applied_ms) values (:n, 'of the test', 0)",
                      {{"n", all_migrations().back().number + 1}});
  }));
  waits.join();
  ASSERT_FALSE(*written);
  EXPECT_EQ(written->error().code, base::Code::unsupported);
  EXPECT_FALSE(called);
}

// What a database does not do in time may be a question that is too large; a step is to be done however long it takes.
TEST_P(MigrationsTest, StepMayTakeLongerThanAStatementMay) {
  if (on_sqlite()) GTEST_SKIP() << "SQLite has no such limit";
  static constexpr Sql kSlow[] = {"select pg_sleep(0.8)"};
  write([](Transaction& tx) { return tx.execute("set statement_timeout = '400ms'"); });  // the writer's connection
  EXPECT_EQ(must(migrate(db(), kNow, with({kSlow}))), 1);
  const auto limit = write([](Transaction& tx) {
    return tx.query_one("select current_setting('statement_timeout')", {}, "statement_timeout");
  });
  EXPECT_EQ(Columns(limit).text(), "400ms");  // for the migration alone
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
