#pragma once
// Database: SQL behind one seam, SQLite or PostgreSQL, the caller cannot tell (ADR 0008). Owned by the program, shared
// by its threads; every call may come from any thread and blocks it, so none of this belongs on an event loop.
//
// All work happens in transactions. read(f) gives f one snapshot in which nothing changes and nothing can be written;
// readers wait for nobody. write(f) gives f the turn of the one writer there is, across all programs on the database:
// what f reads stays true until it is committed, so "look, then change" needs no further care on either engine. f
// returns base::Result<T>; on a value the transaction is committed and the value returned, on an error or an exception
// it is rolled back. A committed write survives kill -9 and power loss.
//
// Once migrate() (migrations.h) has succeeded, a newer program may bring the database up to date while this one runs.
// From the moment it has, read() and write() of this one refuse, without calling f: it must not touch tables that it
// does not know.
//
// f may be called again when the engine asks for another try (kMaxAttempts in all): it must have no effect but through
// its Transaction. It must not call read() or write() of the same database, nor wait for anybody who does.
//
// Errors, as Error{code, retry}; nothing throws:
//   conflict           a unique name is taken, a row is referred to or refers to none, a revision is not the expected
//   one;
//                      the context begins with "unique:", "foreign key:", "revision:" or "bound:"
//   not_found          no such row
//   malformed          a value no column takes (a text that is not UTF-8, a word that is not one of the allowed)
//   too_large          a text that an index cannot hold (PostgreSQL: 2.7 KB; names and addresses are to be far shorter)
//   unreachable, later the server is away, or the file cannot be opened; nothing was changed
//   overloaded, later  others held the database for too long; nothing was changed
//   reset              the server went away during commit: the change was made or it was not, look before trying again
//   resources          disk or memory is full; nothing was changed
//   forbidden          the file is read-only, or f wrote inside read()
//   unsupported        the database is newer than the program (migrations.h); nothing was changed
//   internal           a bug: a bad statement, an exception out of f

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "store/transaction.h"

namespace fairlead::store {

inline constexpr int kMaxAttempts = 4;                      // of one read() or write()
inline constexpr std::size_t kMaxReaders = 4;               // connections for read(), besides the writer's
inline constexpr std::chrono::seconds kConnectionWait{20};  // for a connection to become free

struct Migration;

class Database {
 public:
  // "sqlite:/path/to/file.db" (made if absent, mode 0600; its folder must exist), "sqlite::memory:" (gone with the
  // Database; readers and the writer take turns), "postgresql://user@host:port/name?..." (libpq's URI; the database
  // must exist). Connects once, so that a wrong address is known now; migrate() comes next.
  static base::Result<Database> open(std::string_view address);

  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();  // no call may be outstanding

  template <class F>
  auto read(F&& f) -> std::invoke_result_t<F&, Transaction&> {
    return with_value(Work::read, f);
  }

  template <class F>
  auto write(F&& f) -> std::invoke_result_t<F&, Transaction&> {
    return with_value(Work::write, f);
  }

 private:
  friend base::Result<int> migrate(Database& database, std::int64_t now_ms, std::span<const Migration> steps);

  enum class Work { read, write, migrate };
  struct Pool;
  explicit Database(std::unique_ptr<Pool> pool);
  base::Result<void> run(Work work, const std::function<base::Result<void>(Transaction&)>& f);
  // From now on read() and write() refuse a database that is newer than this step of the migrations.
  void knows_schema(std::int64_t number);

  template <class F>
  auto with_value(Work work, F& f) -> std::invoke_result_t<F&, Transaction&> {
    std::optional<std::invoke_result_t<F&, Transaction&>> answer;
    const auto done = run(work, [&](Transaction& tx) -> base::Result<void> {
      answer.emplace(f(tx));
      if (!*answer) return std::unexpected(answer->error());
      return {};
    });
    if (!done) return std::unexpected(done.error());
    return std::move(*answer);
  }

  std::unique_ptr<Pool> pool_;
};

}  // namespace fairlead::store
