#include "store/database.h"

#include <sys/stat.h>

#include <atomic>
#include <semaphore>
#include <stdexcept>
#include <thread>

#include "store/ids.h"
#include "store/testing/postgres_server.h"
#include "store/testing/store_test.h"

namespace fairlead::store {
namespace {

using base::Code;
using base::Result;
using base::Retry;

class DatabaseTest : public testing::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    write([](Transaction& tx) { return tx.execute("create table parents (id text primary key, n bigint not null)"); });
    write([](Transaction& tx) {
      return tx.execute(
          "create table children (id text primary key, parent text references parents (id), k text unique, "
          "w text check (w in ('a', 'b')), note text)");
    });
    write([](Transaction& tx) { return tx.execute("insert into parents values ('p', 0)"); });
  }
  static Result<std::int64_t> value(Transaction& tx) {
    auto row = tx.query_one("select n from parents where id = 'p'", {}, "p");
    if (!row) return std::unexpected(row.error());
    return Columns(*row).integer();
  }
  std::int64_t value() {
    return read([](Transaction& tx) { return value(tx); });
  }
  static Result<std::int64_t> set(Transaction& tx, std::int64_t n) {
    return tx.execute("update parents set n = :n where id = 'p'", {{"n", n}});
  }
};

TEST_P(DatabaseTest, ValuesComeBackAsTheyWentIn) {
  const std::string text = "ünïcode 🌊 'quoted' :not_a_name \\ % \n\t";
  for (const std::int64_t n : {std::int64_t{0}, INT64_MAX, INT64_MIN, std::int64_t{-1}, std::int64_t{5'000'000'000}}) {
    write([&](Transaction& tx) -> Result<void> {
      if (auto done = tx.execute("delete from children"); !done) return std::unexpected(done.error());
      if (auto done = set(tx, n); !done) return std::unexpected(done.error());
      auto done = tx.execute("insert into children (id, parent, k, w) values (:t, :none, :t, null)",
                             {{"t", text}, {"none", std::optional<std::string>()}});
      if (!done) return std::unexpected(done.error());
      return {};
    });
    EXPECT_EQ(value(), n);
  }
  const auto rows =
      read([](Transaction& tx) { return tx.query("select id, parent, k, w, 1 + 1, count(*) over () from children"); });
  ASSERT_EQ(rows.size(), 1u);
  Columns c(rows[0]);
  EXPECT_EQ(c.text(), text);
  EXPECT_EQ(c.optional_text(), std::nullopt);
  EXPECT_EQ(c.optional_text(), text);
  EXPECT_EQ(c.optional_text(), std::nullopt);
  EXPECT_EQ(c.integer(), 2);
  EXPECT_EQ(c.integer(), 1);
  EXPECT_THROW(c.integer(), std::logic_error);
}

TEST_P(DatabaseTest, LongTextsComeBackWhole) {
  const std::string text(3'000'000, 'x');
  write([&](Transaction& tx) { return tx.execute("insert into children (id, note) values ('c', :t)", {{"t", text}}); });
  const auto rows = read([](Transaction& tx) { return tx.query("select note from children"); });
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(Columns(rows[0]).text(), text);
}

TEST_P(DatabaseTest, TextsThatAreNotUtf8AreRefused) {
  for (const std::string& text :
       {std::string("a\0b", 3), std::string("\xff"), std::string("\xc0\xaf"), std::string("\xed\xa0\x80"),
        std::string("\xf4\x90\x80\x80"), std::string("\xe2\x82")}) {
    const auto error =
        refused([&](Transaction& tx) { return tx.execute("insert into children (id) values (:id)", {{"id", text}}); });
    EXPECT_EQ(error.code, Code::malformed);
  }
}

TEST_P(DatabaseTest, ErrorRollsBack) {
  const auto error = refused([](Transaction& tx) -> Result<void> {
    if (auto done = set(tx, 7); !done) return std::unexpected(done.error());
    return base::fail(Code::forbidden, base::Side::client, "no");
  });
  EXPECT_EQ(error.code, Code::forbidden);
  EXPECT_EQ(error.context, "no");
  EXPECT_EQ(value(), 0);
}

TEST_P(DatabaseTest, ExceptionRollsBackAndIsAnError) {
  const auto error = refused([](Transaction& tx) -> Result<void> {
    std::ignore = set(tx, 7);
    throw std::runtime_error("thrown");
  });
  EXPECT_EQ(error.code, Code::internal);
  EXPECT_EQ(error.context, "thrown");
  EXPECT_EQ(value(), 0);
}

TEST_P(DatabaseTest, FailedStatementSpoilsItsTransaction) {
  const auto error = refused([](Transaction& tx) -> Result<std::int64_t> {
    std::ignore = set(tx, 7);
    std::ignore = tx.execute("insert into parents values ('p', 1)");  // taken, and overlooked by its caller
    EXPECT_FALSE(set(tx, 8));
    return 0;
  });
  EXPECT_EQ(error.code, Code::conflict);
  EXPECT_EQ(value(), 0);
}

TEST_P(DatabaseTest, ConstraintsAreToldApart) {
  const auto insert = [](std::string_view id, std::optional<std::string> parent, std::string_view word) {
    return [=](Transaction& tx) {
      return tx.execute("insert into children (id, parent, k, w) values (:id, :parent, 'k', :w)",
                        {{"id", id}, {"parent", parent}, {"w", word}});
    };
  };
  write(insert("1", "p", "a"));
  const auto unique = refused(insert("2", "p", "a"));
  EXPECT_EQ(unique.code, Code::conflict);
  EXPECT_TRUE(unique.context.starts_with("unique:")) << unique.context;
  write([](Transaction& tx) { return tx.execute("update children set k = 'other'"); });
  const auto foreign = refused(insert("2", "nobody", "a"));
  EXPECT_EQ(foreign.code, Code::conflict);
  EXPECT_TRUE(foreign.context.starts_with("foreign key:")) << foreign.context;
  const auto referred = refused([](Transaction& tx) { return tx.execute("delete from parents"); });
  EXPECT_EQ(referred.code, Code::conflict);
  EXPECT_TRUE(referred.context.starts_with("foreign key:")) << referred.context;
  EXPECT_EQ(refused(insert("2", "p", "c")).code, Code::malformed);
}

TEST_P(DatabaseTest, BadStatementIsABug) {
  EXPECT_EQ(refused([](Transaction& tx) { return tx.query("select nonsense from nowhere"); }).code, Code::internal);
  // A name that is not given, and one that is not there.
  EXPECT_EQ(
      refused([](Transaction& tx) { return tx.query("select n from parents where id = :id", {{"di", "p"}}); }).code,
      Code::internal);
}

TEST_P(DatabaseTest, ReadCannotWrite) {
  const auto done = db().read([](Transaction& tx) { return set(tx, 7); });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::forbidden) << describe(done.error());
  EXPECT_EQ(value(), 0);
  write([](Transaction& tx) { return set(tx, 8); });  // the connection is as good as before
  EXPECT_EQ(value(), 8);
}

TEST_P(DatabaseTest, ReaderSeesOneSnapshotAndIsNotHeldUp) {
  std::binary_semaphore written(0), looked(0), go(0);
  std::jthread writer([&] {
    looked.acquire();
    write([&](Transaction& tx) -> Result<void> {
      if (auto done = set(tx, 1); !done) return std::unexpected(done.error());
      go.release();  // a reader now: the writer holds its lock
      written.acquire();
      return {};
    });
  });
  const auto seen = read([&](Transaction& tx) -> Result<std::pair<std::int64_t, std::int64_t>> {
    auto before = value(tx);
    looked.release();
    go.acquire();
    EXPECT_EQ(value(), 0);  // another reader: not yet committed
    written.release();
    writer.join();  // committed
    auto after = value(tx);
    if (!before || !after) return base::fail(Code::internal, base::Side::none);
    return std::pair{*before, *after};
  });
  EXPECT_EQ(seen, (std::pair<std::int64_t, std::int64_t>{0, 0}));
  EXPECT_EQ(value(), 1);
}

TEST_P(DatabaseTest, LookThenChangeLosesNothing) {
  Database other = open_another();
  std::atomic<int> failed = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, &mine = i % 2 == 0 ? db() : other] {
        for (int n = 0; n < 50; ++n) {
          const auto done = mine.write([](Transaction& tx) -> Result<std::int64_t> {
            auto now = value(tx);
            if (!now) return now;
            return set(tx, *now + 1);
          });
          if (!done) ++failed;
        }
      });
    }
  }
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(value(), 400);
}

FAIRLEAD_BOTH_ENGINES(DatabaseTest);

TEST(DatabaseAddress, OthersAreRefusedWithoutRepeatingThem) {
  for (const std::string text : {"", "mysql://root:secret@host/x", "sqlite:", "sqlite:/a\"b", "/var/lib/x.db"}) {
    const auto database = Database::open(text);
    ASSERT_FALSE(database) << text;
    EXPECT_EQ(database.error().code, Code::malformed);
    EXPECT_EQ(database.error().context.find("secret"), std::string::npos);
  }
}

TEST(DatabaseAddress, NobodyThereIsUnreachable) {
  const auto folder = testing::make_folder();
  for (const std::string& text :
       {"sqlite:" + folder + "/none/x.db", std::string("postgresql://postgres@127.0.0.1:1/x")}) {
    const auto database = Database::open(text);
    ASSERT_FALSE(database);
    EXPECT_EQ(database.error().code, Code::unreachable) << describe(database.error());
    EXPECT_EQ(database.error().retry, Retry::later);
  }
  ::rmdir(folder.c_str());
}

TEST(DatabaseAddress, AFileThatIsNoDatabaseIsMalformed) {
  const auto folder = testing::make_folder();
  const std::string path = folder + "/x.db";
  FILE* file = ::fopen(path.c_str(), "w");
  for (int i = 0; i < 200; ++i) ::fputs("this is no database\n", file);
  ::fclose(file);
  const auto database = Database::open("sqlite:" + path);
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().code, Code::malformed) << describe(database.error());
  ::unlink(path.c_str());
  ::rmdir(folder.c_str());
}

class SqliteFile : public testing::StoreTest {};

TEST_P(SqliteFile, IsItsOwnersAloneAndSafe) {
  const std::string path = address_.substr(std::string("sqlite:").size());
  for (const std::string& name : {path, path + "-wal"}) {
    struct stat seen{};
    ASSERT_EQ(::stat(name.c_str(), &seen), 0) << name;
    EXPECT_EQ(seen.st_mode & 0777, 0600u) << name;
  }
  const auto pragma = [&](Sql sql) {
    const auto row = write([&](Transaction& tx) { return tx.query_one(sql, {}, "pragma"); });
    const auto* text = std::get_if<std::string>(&row[0]);
    return text != nullptr ? *text : std::to_string(std::get<std::int64_t>(row[0]));
  };
  EXPECT_EQ(pragma("pragma journal_mode"), "wal");
  EXPECT_EQ(pragma("pragma synchronous"), "2");  // full
  EXPECT_EQ(pragma("pragma foreign_keys"), "1");
}

INSTANTIATE_TEST_SUITE_P(Engines, SqliteFile, ::testing::Values("SQLite"));

TEST(DatabaseInMemory, ReadersSeeWhatTheWriterWrote) {
  auto database = Database::open("sqlite::memory:");
  ASSERT_TRUE(database) << describe(database.error());
  ASSERT_TRUE(database->write([](Transaction& tx) { return tx.execute("create table t (n bigint)"); }));
  ASSERT_TRUE(database->write([](Transaction& tx) { return tx.execute("insert into t values (5)"); }));
  const auto rows = database->read([](Transaction& tx) { return tx.query("select n from t"); });
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_FALSE(database->read([](Transaction& tx) { return tx.execute("insert into t values (6)"); }));
  EXPECT_TRUE(database->write([](Transaction& tx) { return tx.execute("insert into t values (6)"); }));
}

class ServerAway : public DatabaseTest {};

TEST_P(ServerAway, IsUnreachableAndThenWorksAgain) {
  auto& server = testing::PostgresServer::shared();
  EXPECT_EQ(value(), 0);  // connections of both kinds are open, and will be stale

  server.stop();
  for (int i = 0; i < 3; ++i) {
    const auto reading = db().read([](Transaction& tx) { return value(tx); });
    ASSERT_FALSE(reading);
    EXPECT_EQ(reading.error().code, Code::unreachable) << describe(reading.error());
    EXPECT_EQ(reading.error().retry, Retry::later);
    const auto writing = db().write([](Transaction& tx) { return set(tx, 1); });
    ASSERT_FALSE(writing);
    EXPECT_EQ(writing.error().code, Code::unreachable) << describe(writing.error());
  }
  server.start();
  EXPECT_EQ(value(), 0);
  write([](Transaction& tx) { return set(tx, 2); });
  EXPECT_EQ(value(), 2);

  // Restarted between two calls: nobody notices.
  server.stop();
  server.start();
  write([](Transaction& tx) { return set(tx, 3); });
  EXPECT_EQ(value(), 3);

  // Restarted in the middle of a transaction: that one is lost, and says so.
  const auto torn = db().write([&](Transaction& tx) -> Result<std::int64_t> {
    if (auto done = set(tx, 4); !done) return done;
    server.stop();
    server.start();
    return set(tx, 5);
  });
  ASSERT_FALSE(torn);
  EXPECT_EQ(torn.error().code, Code::unreachable) << describe(torn.error());
  EXPECT_EQ(value(), 3);

  // Lost before the commit could be sent or answered: the caller must look.
  const auto unknown = db().write([&](Transaction& tx) -> Result<std::int64_t> {
    auto done = set(tx, 6);
    server.stop();
    server.start();
    return done;
  });
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::reset) << describe(unknown.error());
  EXPECT_EQ(value(), 3);
}

INSTANTIATE_TEST_SUITE_P(Engines, ServerAway, ::testing::Values("PostgreSQL"));

TEST(Ids, AreInOrderOfTimeAndDiffer) {
  const std::string a = new_id(1'800'000'000'000), b = new_id(1'800'000'000'001), c = new_id(1'800'000'000'001);
  EXPECT_EQ(a.size(), kIdLength);
  EXPECT_EQ(a.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(a.substr(0, 12), "01a3185c5000");
  EXPECT_LT(a, b);
  EXPECT_NE(b, c);
}

}  // namespace
}  // namespace fairlead::store
