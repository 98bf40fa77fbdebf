#pragma once
// Session: one connection to one engine, and the only place that knows which engine it is and that SOCI carries it
// (session.cc alone includes its headers). Internal to this folder: the pool of database.cc owns sessions, Transaction
// talks through them. Used by one thread at a time. Nothing throws: what SOCI throws becomes an Error as database.h
// says.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/value.h"

namespace fairlead::store {

enum class Engine { sqlite, postgresql };

// Where a database is. `target`: a file's path or ":memory:" for SQLite, the whole URI for PostgreSQL.
struct Address {
  Engine engine = Engine::sqlite;
  std::string target;
  bool in_memory() const { return engine == Engine::sqlite && target == ":memory:"; }
};

// "sqlite:/path", "sqlite::memory:", "postgresql://..."; malformed for anything else.
base::Result<Address> parse_address(std::string_view text);

// `migrate` writes, and takes as long as it takes.
enum class Mode { read, write, migrate };

// What a statement did: the rows it gave, or how many it changed.
struct Answer {
  std::vector<Row> rows;
  std::int64_t affected = 0;
};

class Session {
 public:
  static base::Result<std::unique_ptr<Session>> open(const Address& address);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Begins a transaction: for Mode::read a snapshot in which nothing can be written, else the turn of the one writer
  // there is, waiting for it up to ten seconds. In Mode::migrate PostgreSQL's limit on a statement's time is off until
  // the end of the transaction.
  base::Result<void> begin(Mode mode);
  base::Result<void> commit();
  void rollback() noexcept;

  base::Result<Answer> query(std::string_view sql, const Params& params);    // rows
  base::Result<Answer> execute(std::string_view sql, const Params& params);  // affected
  // Rows, one after the other, until `f` says false; it may take the row's values, and must not use this session. No
  // more than a few rows are in memory at a time. `sql` is a SELECT.
  base::Result<void> each(std::string_view sql, const Params& params, const std::function<bool(Row&)>& f);
  // One statement, prepared once, with each of `params`, which have the same names, order and types.
  base::Result<void> execute_all(std::string_view sql, const std::vector<Params>& params);

  // False once the connection is lost; only destruction is left then.
  bool usable() const { return usable_; }

 private:
  struct Soci;
  explicit Session(Engine engine, std::unique_ptr<Soci> soci);
  base::Result<void> prepare_engine(const Address& address);
  base::Result<void> plain(const char* sql);
  // These two throw.
  void give_rows(const std::string& sql, const Params& params, const std::function<bool(Row&)>& f);
  std::int64_t run(const std::string& sql, const Params& params);
  base::Error translate() noexcept;  // the exception being handled, as an Error

  Engine engine_;
  std::unique_ptr<Soci> soci_;
  bool usable_ = true;
};

}  // namespace fairlead::store
