#include "store/session.h"

#include <fcntl.h>
#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <memory>
#include <new>
#include <stdexcept>

namespace fairlead::store {

using base::Code;
using base::Error;
using base::Result;
using base::Retry;
using base::Side;

struct Session::Soci {
  template <class... A>
  explicit Soci(A&&... arguments) : sql(std::forward<A>(arguments)...) {}
  soci::session sql;
};

namespace {

// The key of PostgreSQL's advisory lock that a writer holds: "fairlead" in ASCII. Any other program that writes to the
// same database on Fairlead's behalf must take it too.
constexpr const char* kTakeWriterLock = "select pg_advisory_xact_lock(7377293604775354724)";

// Of Session::each. There is one at a time: nobody uses a session within it.
constexpr const char* kDeclare = "declare fairlead_rows no scroll cursor for ";
constexpr const char* kFetch = "fetch 256 from fairlead_rows";
constexpr const char* kClose = "close fairlead_rows";
constexpr std::int64_t kRowsAtATime = 256;

// The first line of an engine's message: PostgreSQL's further lines repeat values, which may be secrets.
std::string first_line(std::string text) {
  text.erase(std::min(text.find('\n'), text.size()));
  return text;
}

Error from_postgresql(const std::string& state, const std::string& message, bool connected) {
  const auto is = [&](std::string_view prefix) { return state.starts_with(prefix); };
  if (is("23505")) return Error(Code::conflict, Side::none, "unique: " + message);
  if (is("23503")) return Error(Code::conflict, Side::none, "foreign key: " + message);
  if (is("23") || is("22")) return Error(Code::malformed, Side::none, message);
  if (is("54")) return Error(Code::too_large, Side::none, message);
  // Serialization failure, deadlock, lock_timeout, statement_timeout.
  if (is("40") || is("55P03") || is("57014")) return Error(Code::overloaded, Side::none, message, Retry::later);
  // Connection exceptions, a server that shuts down or starts up, too many connections.
  if (!connected || is("08") || is("57P") || is("53300"))
    return Error(Code::unreachable, Side::none, message, Retry::later);
  if (is("53")) return Error(Code::resources, Side::none, message, Retry::later);
  if (is("25006") || is("42501")) return Error(Code::forbidden, Side::none, message);
  return Error(Code::internal, Side::none, message);
}

Error from_sqlite(int result, const std::string& message) {
  const auto says = [&](std::string_view word) { return message.find(word) != std::string::npos; };
  switch (result & 0xff) {
    case SQLITE_CONSTRAINT:
      if (says("UNIQUE constraint")) return Error(Code::conflict, Side::none, "unique: " + message);
      if (says("FOREIGN KEY constraint")) return Error(Code::conflict, Side::none, "foreign key: " + message);
      return Error(Code::malformed, Side::none, message);
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Error(Code::overloaded, Side::none, message, Retry::later);
    case SQLITE_FULL:
    case SQLITE_NOMEM: return Error(Code::resources, Side::none, message, Retry::later);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL: return Error(Code::unreachable, Side::none, message, Retry::later);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return Error(Code::forbidden, Side::none, message);
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT: return Error(Code::malformed, Side::none, message);
    default: return Error(Code::internal, Side::none, message);
  }
}

// The engines' own options that an operator's URI may set; ours are added where it does not.
std::string with_defaults(std::string uri) {
  for (const auto& [key, value] : {std::pair{"connect_timeout", "5"}, std::pair{"application_name", "fairlead"},
                                   std::pair{"keepalives_idle", "30"}, std::pair{"tcp_user_timeout", "30000"}}) {
    if (uri.find(std::string(key) + "=") != std::string::npos) continue;
    uri += (uri.find('?') == std::string::npos ? '?' : '&') + (std::string(key) + "=" + value);
  }
  return uri;
}

// A parameter for as long as SOCI points at it.
struct Bound {
  std::string name;
  std::string text;
  long long integer = 0;
  bool is_integer = false;
  soci::indicator indicator = soci::i_ok;
};

// Another value for it, of the type it was bound with.
void rebind(Bound& b, const Param& param) {
  const auto* integer = std::get_if<std::int64_t>(&param.value);
  const auto* text = std::get_if<std::string>(&param.value);
  const bool null = integer == nullptr && text == nullptr;
  if (b.name != param.name || (!null && b.is_integer != (integer != nullptr)))
    throw std::logic_error("store: sets of parameters differ");
  b.indicator = null ? soci::i_null : soci::i_ok;
  if (integer != nullptr) b.integer = *integer;
  if (text != nullptr) b.text = *text;
}

void bind(soci::statement& statement, const Params& params, std::deque<Bound>& bound) {
  for (const Param& param : params) {
    Bound& b = bound.emplace_back();
    b.name = param.name;
    if (const auto* integer = std::get_if<std::int64_t>(&param.value)) {
      b.integer = *integer;
      b.is_integer = true;
      statement.exchange(soci::use(b.integer, b.indicator, b.name));
      continue;
    }
    if (const auto* text = std::get_if<std::string>(&param.value)) {
      b.text = *text;
    } else {
      b.indicator = soci::i_null;
    }
    statement.exchange(soci::use(b.text, b.indicator, b.name));
  }
}

Value read_value(const soci::row& row, std::size_t column) {
  if (row.get_indicator(column) == soci::i_null) return {};
  switch (row.get_properties(column).get_data_type()) {
    case soci::dt_string: return row.get<std::string>(column);
    case soci::dt_integer: return std::int64_t{row.get<int>(column)};
    case soci::dt_long_long: return static_cast<std::int64_t>(row.get<long long>(column));
    default:
      throw std::logic_error("store: a column is neither integer nor text: " + row.get_properties(column).get_name());
  }
}

// A column of what libpq gives, by the type's number in pg_type, as read_value() does it for SOCI's.
Value read_value(const PGresult* result, int column) {
  if (::PQgetisnull(result, 0, column)) return {};
  const std::string_view text(::PQgetvalue(result, 0, column),
                              static_cast<std::size_t>(::PQgetlength(result, 0, column)));
  switch (::PQftype(result, column)) {
    case 25:    // text
    case 1043:  // varchar
      return std::string(text);
    case 20:  // int8
    case 21:  // int2
    case 23:  // int4
    {
      std::int64_t number = 0;
      const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (failed == std::errc() && end == text.data() + text.size()) return number;
      [[fallthrough]];
    }
    default:
      throw std::logic_error(std::string("store: a column is neither integer nor text: ") + ::PQfname(result, column));
  }
}

// The answer to one statement of PostgreSQL's, row by row as the server sends it. By libpq itself, which else holds the
// whole answer before it gives the first row: SOCI 4.0.3 has a mode for this that fails at the first row, and takes an
// answer that breaks off later for one that is complete.
class ComingRows {
 public:
  ComingRows(PGconn* connection, const char* sql) : connection_(connection) {
    if (::PQsendQuery(connection_, sql) != 1 || ::PQsetSingleRowMode(connection_) != 1) fail();
  }
  ComingRows(const ComingRows&) = delete;
  ComingRows& operator=(const ComingRows&) = delete;
  // Reads what else there is: the connection takes no other statement before.
  ~ComingRows() {
    while (PGresult* result = ::PQgetResult(connection_)) ::PQclear(result);
  }

  // False once the server has said that these were all.
  bool next(Row& row) {
    const std::unique_ptr<PGresult, decltype(&::PQclear)> result(::PQgetResult(connection_), &::PQclear);
    if (::PQresultStatus(result.get()) == PGRES_TUPLES_OK) return false;
    if (::PQresultStatus(result.get()) != PGRES_SINGLE_TUPLE) fail(result.get());
    row.clear();
    const int columns = ::PQnfields(result.get());
    for (int i = 0; i < columns; ++i) row.push_back(read_value(result.get(), i));
    return true;
  }

 private:
  [[noreturn]] void fail(const PGresult* result = nullptr) const {
    const char* state = ::PQresultErrorField(result, PG_DIAG_SQLSTATE);
    throw soci::postgresql_soci_error(
        result != nullptr ? ::PQresultErrorMessage(result) : ::PQerrorMessage(connection_),
        state != nullptr ? state : "     ");
  }

  PGconn* const connection_;
};

}  // namespace

Result<Address> parse_address(std::string_view text) {
  if (text.starts_with("postgresql://") || text.starts_with("postgres://"))
    return Address{Engine::postgresql, std::string(text)};
  if (text.starts_with("sqlite:")) {
    const std::string path(text.substr(7));
    const bool printable = std::ranges::all_of(path, [](unsigned char c) { return c >= ' ' && c != '"' && c != 0x7f; });
    if (!path.empty() && printable) return Address{Engine::sqlite, path};
  }
  // Without the text itself: it may hold a password.
  return base::fail(Code::malformed, Side::config, "database: expected sqlite:/path or postgresql://...");
}

Session::Session(Engine engine, std::unique_ptr<Soci> soci) : engine_(engine), soci_(std::move(soci)) {}
Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::open(const Address& address) {
  if (address.engine == Engine::sqlite && !address.in_memory()) {
    // The file holds password hashes: nobody else's to read. O_EXCL, because opening and closing a database that this
    // process has open would drop SQLite's POSIX locks on it.
    const int fd = ::open(address.target.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) ::close(fd);
  }
  std::unique_ptr<Session> session(new Session(address.engine, nullptr));
  try {
    if (address.engine == Engine::sqlite) {
      session->soci_ = std::make_unique<Soci>(soci::sqlite3, "dbname=\"" + address.target + "\"");
    } else {
      session->soci_ = std::make_unique<Soci>(soci::postgresql, with_defaults(address.target));
    }
  } catch (...) {
    Error error = session->translate();
    if (error.code == Code::internal) error.code = Code::unreachable, error.retry = Retry::later;
    return std::unexpected(std::move(error));
  }
  if (auto ready = session->prepare_engine(address); !ready) return std::unexpected(std::move(ready.error()));
  return session;
}

Result<void> Session::prepare_engine(const Address& address) {
  static constexpr const char* kSqlite[] = {
      // Before there is any page; of no effect later. Usage is kept in texts of up to a megabyte (usage_blocks.h): they
      // cost a third less to write and to read in pages of this size than in the usual ones of 4 KiB.
      "pragma page_size = 16384",
      "pragma busy_timeout = 10000",  // ms; another process of ours may be writing
      "pragma journal_mode = wal",    // readers see the last commit and hold nobody up
      "pragma synchronous = full",    // the log is on the disk before a commit is acknowledged
      "pragma foreign_keys = on",
      "pragma cache_size = -16000",  // KiB: what a step of a roll-up writes fits, and goes to the disk once
  };
  static constexpr const char* kPostgresql[] = {
      "set client_min_messages = warning",
      "set lock_timeout = '10s'",
      "set statement_timeout = '60s'",
      // A control plane that hangs in a write must not keep the others from writing.
      "set idle_in_transaction_session_timeout = '30s'",
      "set synchronous_commit = on",
      // each() reads to the end: the plan is to be the best for all rows, not for the first.
      "set cursor_tuple_fraction = 1.0",
  };
  const auto run = [this](auto& statements) -> Result<void> {
    for (const char* sql : statements) {
      if (auto done = plain(sql); !done) return done;
    }
    return {};
  };
  return address.engine == Engine::sqlite ? run(kSqlite) : run(kPostgresql);
}

Error Session::translate() noexcept {
  try {
    try {
      throw;
    } catch (const soci::postgresql_soci_error& e) {
      usable_ = usable_ && soci_ != nullptr && soci_->sql.is_connected();
      return from_postgresql(e.sqlstate(), first_line(e.get_error_message()), usable_);
    } catch (const soci::sqlite3_soci_error& e) {
      return from_sqlite(e.result(), first_line(e.get_error_message()));
    } catch (const soci::soci_error& e) {
      if (engine_ == Engine::postgresql && (soci_ == nullptr || !soci_->sql.is_connected())) {
        usable_ = false;
        return Error(Code::unreachable, Side::none, first_line(e.get_error_message()), Retry::later);
      }
      return Error(Code::internal, Side::none, first_line(e.get_error_message()));
    } catch (const std::bad_alloc&) {
      return Error(Code::resources, Side::none, "out of memory");
    } catch (const std::exception& e) {
      return Error(Code::internal, Side::none, e.what());
    }
  } catch (...) {
    return Error(Code::resources, Side::none);  // no memory for the words
  }
}

Result<void> Session::plain(const char* sql) {
  try {
    soci_->sql << sql;
    return {};
  } catch (...) {
    return std::unexpected(translate());
  }
}

Result<void> Session::begin(Mode mode) {
  if (engine_ == Engine::sqlite) {
    // IMMEDIATE takes the writer's lock at once: a transaction that reads first and writes then would be refused, not
    // made to wait, if another had written in between.
    const char* guard = mode == Mode::read ? "pragma query_only = on" : "pragma query_only = off";
    if (auto done = plain(guard); !done) return done;
    return plain(mode == Mode::read ? "begin" : "begin immediate");
  }
  if (mode == Mode::read) return plain("begin isolation level repeatable read read only");
  if (auto done = plain("begin isolation level read committed"); !done) return done;
  auto done = plain(kTakeWriterLock);
  // A step that goes over a large table would be ended at every start, and the program would never start.
  if (done && mode == Mode::migrate) done = plain("set local statement_timeout = 0");
  if (!done) rollback();
  return done;
}

Result<void> Session::commit() { return plain("commit"); }

void Session::rollback() noexcept {
  if (!usable_) return;
  // SQLite rolls some failures back by itself and then has nothing to roll back; PostgreSQL only warns. A connection
  // that cannot even do that is not given to anybody else.
  try {
    if (auto done = plain("rollback"); !done && engine_ == Engine::postgresql) usable_ = false;
  } catch (...) {
    usable_ = false;
  }
}

void Session::give_rows(const std::string& sql, const Params& params, const std::function<bool(Row&)>& f) {
  std::deque<Bound> bound;
  Row copy;
  soci::row row;
  soci::statement statement(soci_->sql);
  bind(statement, params, bound);
  statement.exchange(soci::into(row));
  statement.alloc();
  statement.prepare(sql, soci::details::st_one_time_query);
  statement.define_and_bind();
  statement.execute(false);
  while (statement.fetch()) {
    copy.clear();
    copy.reserve(row.size());
    for (std::size_t i = 0; i < row.size(); ++i) copy.push_back(read_value(row, i));
    if (!f(copy)) break;
  }
}

std::int64_t Session::run(const std::string& sql, const Params& params) {
  std::deque<Bound> bound;
  soci::statement statement(soci_->sql);
  bind(statement, params, bound);
  statement.alloc();
  statement.prepare(sql, soci::details::st_one_time_query);
  statement.define_and_bind();
  statement.execute(true);
  return statement.get_affected_rows();
}

Result<Answer> Session::query(std::string_view sql, const Params& params) {
  try {
    Answer answer;
    const auto keep = [&](Row& row) {
      answer.rows.push_back(std::move(row));
      return true;
    };
    give_rows(std::string(sql), params, keep);
    return answer;
  } catch (...) {
    return std::unexpected(translate());
  }
}

Result<void> Session::each(std::string_view sql, const Params& params, const std::function<bool(Row&)>& f) {
  try {
    if (engine_ == Engine::sqlite) {  // gives rows as it finds them
      give_rows(std::string(sql), params, f);
      return {};
    }
    // A cursor, so that the server's limit of time is for some rows and what is done with them, not for all, and one
    // that ends early costs no more than those; and they come one by one, because a row may have a megabyte.
    run(kDeclare + std::string(sql), params);
    PGconn* const connection = static_cast<soci::postgresql_session_backend&>(*soci_->sql.get_backend()).conn_;
    Row row;
    std::int64_t came = 0;
    bool more = true;
    do {
      ComingRows rows(connection, kFetch);
      for (came = 0; more && rows.next(row); ++came) more = f(row);
    } while (more && came == kRowsAtATime);
    return plain(kClose);
  } catch (...) {
    return std::unexpected(translate());
  }
}

Result<void> Session::execute_all(std::string_view sql, const std::vector<Params>& params) {
  if (params.empty()) return {};
  try {
    std::deque<Bound> bound;
    soci::statement statement(soci_->sql);
    bind(statement, params.front(), bound);
    statement.alloc();
    statement.prepare(std::string(sql), soci::details::st_repeatable_query);
    statement.define_and_bind();
    for (const Params& set : params) {
      if (set.size() != bound.size()) throw std::logic_error("store: sets of parameters differ");
      for (std::size_t i = 0; i < set.size(); ++i) rebind(bound[i], set[i]);
      statement.execute(true);
    }
    return {};
  } catch (...) {
    return std::unexpected(translate());
  }
}

Result<Answer> Session::execute(std::string_view sql, const Params& params) {
  try {
    Answer answer;
    answer.affected = run(std::string(sql), params);
    return answer;
  } catch (...) {
    return std::unexpected(translate());
  }
}

}  // namespace fairlead::store
