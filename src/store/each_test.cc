// Transaction::each: rows as they come, on both engines without the whole answer in memory.

#include <malloc.h>

#include <fstream>
#include <stdexcept>
#include <string>

#include "store/testing/postgres_server.h"
#include "store/testing/store_test.h"

namespace fairlead::store {
namespace {

using base::Code;
using base::Result;

class EachTest : public testing::StoreTest {
 protected:
  // The numbers from 1 to :count.
  static constexpr Sql kNumbers =
      "with recursive numbers (n) as (select cast(1 as bigint) union all select n + 1 from numbers where n < :count) "
      "select n, 'text ' || n, null, n + :count from numbers where n <= :count order by n";

  void SetUp() override {
    StoreTest::SetUp();
    write([](Transaction& tx) { return tx.execute("create table texts (n bigint primary key, body text not null)"); });
  }
  static Result<std::int64_t> one(Transaction& tx) {
    auto row = tx.query_one("select 1 + 0", {}, "one");
    if (!row) return std::unexpected(row.error());
    return Columns(*row).integer();
  }
};

TEST_P(EachTest, EveryRowComesOnceAndInOrder) {
  // Around the number of rows that come at a time.
  for (const std::int64_t count : {1, 2, 255, 256, 257, 511, 512, 513, 3000}) {
    const auto seen = read([&](Transaction& tx) -> Result<std::int64_t> {
      std::int64_t at = 0;
      auto done = tx.each(kNumbers, {{"count", count}}, [&](const Row& row) -> Result<void> {
        Columns c(row);
        EXPECT_EQ(row.size(), 4u);
        EXPECT_EQ(c.integer(), ++at);
        EXPECT_EQ(c.text(), "text " + std::to_string(at));
        EXPECT_EQ(c.optional_text(), std::nullopt);
        EXPECT_EQ(c.integer(), at + count);
        return {};
      });
      if (!done) return std::unexpected(done.error());
      return at;
    });
    EXPECT_EQ(seen, count);
  }
}

TEST_P(EachTest, NoRowIsNoError) {
  const auto seen = write([&](Transaction& tx) -> Result<std::int64_t> {
    std::int64_t at = 0;
    for (int i = 0; i < 3; ++i) {
      auto done = tx.each("select n, body from texts where n > :n", {{"n", i}}, [&](const Row&) -> Result<void> {
        ++at;
        return {};
      });
      if (!done) return std::unexpected(done.error());
    }
    return at;
  });
  EXPECT_EQ(seen, 0);
}

TEST_P(EachTest, EndsWhenToldAndTheTransactionGoesOn) {
  for (const bool writes : {false, true}) {
    for (const std::int64_t last : {1, 5, 256, 700}) {
      const auto work = [&](Transaction& tx) -> Result<std::int64_t> {
        std::int64_t at = 0;
        const auto stopped = tx.each(kNumbers, {{"count", 100'000}}, [&](const Row&) -> Result<void> {
          if (++at == last) return base::fail(Code::cancelled, base::Side::none, "enough");
          return {};
        });
        EXPECT_EQ(stopped ? "went on" : stopped.error().context, "enough");
        EXPECT_FALSE(tx.failure());
        EXPECT_EQ(at, last);
        // Another of the same, to its end, and another statement.
        auto again = tx.each(kNumbers, {{"count", 300}}, [&](const Row&) -> Result<void> {
          ++at;
          return {};
        });
        if (!again) return std::unexpected(again.error());
        auto more = one(tx);
        if (!more) return more;
        return at + *more;
      };
      EXPECT_EQ(must(writes ? db().write(work) : db().read(work)), last + 301);
    }
  }
}

TEST_P(EachTest, ExceptionEndsTheTransactionAndTheConnectionIsSound) {
  for (int i = 0; i < 2; ++i) {
    const auto done = db().read([](Transaction& tx) {
      return tx.each(kNumbers, {{"count", 1000}},
                     [&](const Row&) -> Result<void> { throw std::logic_error("thrown"); });
    });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Code::internal);
    EXPECT_EQ(done.error().context, "thrown");
    EXPECT_EQ(read(one), 1);
  }
}

// An answer that breaks off is an error, never a shorter answer: whatever the number of rows before it.
TEST_P(EachTest, FailureAfterSomeRowsIsAnError) {
  const Sql breaks = on_sqlite() ? Sql("with recursive numbers (n) as (select 1 union all select n + 1 from numbers "
                                       "where n < 2000) select n, abs(case when n < :bad then n else "
                                       "-9223372036854775807 - 1 end) from numbers")
                                 : Sql("with recursive numbers (n) as (select 1 union all select n + 1 from numbers "
                                       "where n < 2000) select n, 1 / (n - cast(:bad as bigint)) from numbers");
  for (const std::int64_t bad : {1, 2, 100, 256, 257, 258, 600}) {
    std::int64_t at = 0;
    const auto done = db().read([&](Transaction& tx) {
      return tx.each(breaks, {{"bad", bad}}, [&](const Row&) -> Result<void> {
        ++at;
        return {};
      });
    });
    EXPECT_FALSE(done) << bad;
    EXPECT_LT(at, bad);
    EXPECT_EQ(read(one), 1);
  }
}

TEST_P(EachTest, BadStatementIsABug) {
  EXPECT_EQ(refused([](Transaction& tx) {
              return tx.each("select nonsense from nowhere", {}, [](const Row&) { return Result<void>(); });
            }).code,
            Code::internal);
  EXPECT_EQ(refused([](Transaction& tx) {
              return tx.each("select n from texts where n = :n", {{"m", 1}}, [](const Row&) { return Result<void>(); });
            }).code,
            Code::internal);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // theirs is another memory

// The most this process has had in memory since reset_peak(), in bytes.
std::int64_t peak() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6)) * 1024;
  }
  throw std::runtime_error("no VmHWM");
}

// To what it has now.
void reset_peak() {
  ::malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

TEST_P(EachTest, AnswerIsNotHeldInMemory) {
  // As large as the texts of usage get, and small ones.
  for (const std::int64_t size : {1 << 20, 16 << 10}) {
    const std::int64_t total = 64 << 20, count = total / size;
    write([&](Transaction& tx) -> Result<void> {
      if (auto done = tx.execute("delete from texts"); !done) return std::unexpected(done.error());
      auto done = tx.execute(
          "with recursive numbers (n) as (select cast(1 as bigint) union all select n + 1 from numbers "
          "where n < :count) insert into texts select n, :body from numbers",
          {{"count", count}, {"body", std::string(static_cast<std::size_t>(size), 'x')}});
      if (!done) return std::unexpected(done.error());
      EXPECT_EQ(*done, count);
      return {};
    });
    std::int64_t bytes = 0;
    const auto all = [&] {
      bytes = 0;
      read([&](Transaction& tx) {
        return tx.each("select n, body from texts order by n", {}, [&](const Row& row) -> Result<void> {
          bytes += std::ssize(std::get<std::string>(row[1]));
          return {};
        });
      });
    };
    all();  // the connection is made, and SQLite's cache of pages as large as it gets
    reset_peak();
    const std::int64_t before = peak();
    all();
    EXPECT_EQ(bytes, total);
    EXPECT_LT(peak() - before, 12 << 20) << "rows of " << size;
  }
}

#endif

FAIRLEAD_BOTH_ENGINES(EachTest);

class EachServerAway : public EachTest {};

TEST_P(EachServerAway, AnswerThatBreaksOffIsAnError) {
  auto& server = testing::PostgresServer::shared();
  // 16 MiB come at a time, more than is on its way while the first row is looked at.
  std::int64_t at = 0;
  const auto done = db().read([&](Transaction& tx) {
    return tx.each("select n, repeat('x', 65536) from generate_series(1, 2000) as n", {}, [&](const Row&) {
      if (++at == 1) {
        server.stop();
        server.start();
      }
      return Result<void>();
    });
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::unreachable) << describe(done.error());
  EXPECT_EQ(done.error().retry, base::Retry::later);
  EXPECT_LT(at, 256);
  EXPECT_EQ(read(one), 1);
}

INSTANTIATE_TEST_SUITE_P(Engines, EachServerAway, ::testing::Values("PostgreSQL"));

}  // namespace
}  // namespace fairlead::store
