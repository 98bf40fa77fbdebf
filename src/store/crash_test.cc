// What a program that is killed in the middle of its writes leaves behind: every write that was acknowledged, and none
// half done.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "store/database.h"
#include "store/testing/store_test.h"

namespace fairlead::store {
namespace {

using base::Result;

// Writes n to two tables in one transaction, n = from, from + 1, ..., and says each n through `said` once it is
// acknowledged. Only ends by being killed, or with a status when a write fails.
[[noreturn]] void write_forever(const std::string& address, std::int64_t from, int said) {
  auto database = Database::open(address);
  if (!database) ::_exit(10);
  for (std::int64_t n = from;; ++n) {
    const auto done = database->write([&](Transaction& tx) -> Result<void> {
      for (const Sql sql : {Sql("insert into lefts values (:n)"), Sql("insert into rights values (:n)")}) {
        if (auto put = tx.execute(sql, {{"n", n}}); !put) return std::unexpected(put.error());
      }
      return {};
    });
    if (!done) ::_exit(11);
    if (::write(said, &n, sizeof n) != sizeof n) ::_exit(12);
  }
}

TEST(KilledWriter, LeavesEveryAcknowledgedWriteAndNoneHalf) {
  const std::string folder = testing::make_folder(), address = "sqlite:" + folder + "/x.db";
  {
    auto database = Database::open(address);
    ASSERT_TRUE(database) << describe(database.error());
    for (const Sql sql :
         {Sql("create table lefts (n bigint primary key)"), Sql("create table rights (n bigint primary key)")})
      ASSERT_TRUE(database->write([&](Transaction& tx) { return tx.execute(sql); }));
  }  // closed: a database must not be carried through fork
  std::int64_t acknowledged = 0, present = 0;
  for (int round = 0; round < 20; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      write_forever(address, present + 1, ends[1]);
    }
    ::close(ends[1]);
    // After so many answers it is in the middle of the next one.
    for (int answers = 0; answers < 5 + round % 7; ++answers)
      ASSERT_EQ(::read(ends[0], &acknowledged, sizeof acknowledged), ssize_t{sizeof acknowledged});
    ::kill(child, SIGKILL);
    while (::read(ends[0], &acknowledged, sizeof acknowledged) == ssize_t{sizeof acknowledged}) {
    }  // those it said before it died
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "ended by itself with " << WEXITSTATUS(status);

    auto database = Database::open(address);
    ASSERT_TRUE(database) << describe(database.error());
    const auto numbers = [&](Sql sql) {
      auto rows = database->read([&](Transaction& tx) { return tx.query(sql); });
      EXPECT_TRUE(rows);
      std::vector<std::int64_t> found;
      for (const Row& row : *rows) found.push_back(Columns(row).integer());
      return found;
    };
    const auto lefts = numbers("select n from lefts order by n");
    EXPECT_EQ(lefts, numbers("select n from rights order by n"));
    present = std::ssize(lefts);
    ASSERT_GT(present, 0);
    EXPECT_EQ(lefts.back(), present);      // 1, 2, 3, ... without a hole
    EXPECT_GE(present, acknowledged);      // all that was said
    EXPECT_LE(present, acknowledged + 1);  // and at most the one that was about to be
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace fairlead::store
