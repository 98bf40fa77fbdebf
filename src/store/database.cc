#include "store/database.h"

#include <atomic>
#include <condition_variable>
#include <list>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "store/migrations.h"
#include "store/session.h"

namespace fairlead::store {

using base::Code;
using base::Error;
using base::Result;
using base::Retry;
using base::Side;

namespace {

// Connections of one kind: those at rest, and how many are out. Connections are made when first needed.
class Lane {
 public:
  Lane(const Address& address, std::size_t most) : address_(address), most_(most) {}

  Result<std::unique_ptr<Session>> take() {
    {
      std::unique_lock lock(mutex_);
      // In turns: who gives one back and asks for the next at once, as long work in many small transactions does, comes
      // behind those who wait.
      const auto mine = waiting_.insert(waiting_.end(), Turn{});
      const bool come = changed_.wait_for(lock, kConnectionWait,
                                          [&] { return mine == waiting_.begin() && (!idle_.empty() || out_ < most_); });
      waiting_.erase(mine);
      changed_.notify_all();  // the next one is first now
      if (!come) return base::fail(Code::overloaded, Side::none, "no database connection became free", Retry::later);
      ++out_;
      if (!idle_.empty()) {
        auto session = std::move(idle_.back());
        idle_.pop_back();
        return session;
      }
    }
    auto session = Session::open(address_);
    if (!session) give_back(nullptr);
    return session;
  }

  // One that is lost is not kept, nor are those that rested beside it: the server that dropped one dropped all.
  void give_back(std::unique_ptr<Session> session) {
    const bool lost = session != nullptr && !session->usable();
    std::vector<std::unique_ptr<Session>> dropped;
    {
      std::lock_guard lock(mutex_);
      --out_;
      if (lost) {
        dropped.swap(idle_);
        dropped.push_back(std::move(session));
      } else if (session != nullptr) {
        idle_.push_back(std::move(session));
      }
    }
    changed_.notify_all();
  }

 private:
  struct Turn {};

  const Address address_;
  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Turn> waiting_;                     // first come, first served
  std::vector<std::unique_ptr<Session>> idle_;  // at most most_ - out_
  std::size_t out_ = 0;                         // with callers, or being made
};

// A session for the length of one attempt.
class Lease {
 public:
  Lease(Lane& lane, std::unique_ptr<Session> session) : lane_(lane), session_(std::move(session)) {}
  ~Lease() { lane_.give_back(std::move(session_)); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  Session& operator*() { return *session_; }
  Session* operator->() { return session_.get(); }

 private:
  Lane& lane_;
  std::unique_ptr<Session> session_;
};

constexpr std::int64_t kNotMigrated = -1;

// What one attempt came to. `again`: nothing was done, and another try may succeed at once.
struct Attempt {
  Result<void> result;
  bool again = false;
};

Result<void> call(const std::function<Result<void>(Transaction&)>& f, Transaction& tx) {
  try {
    return f(tx);
  } catch (const std::bad_alloc&) {
    return base::fail(Code::resources, Side::none, "out of memory");
  } catch (const std::exception& e) {
    return base::fail(Code::internal, Side::none, e.what());
  } catch (...) {
    return base::fail(Code::internal, Side::none, "an exception of unknown type");
  }
}

// Begins, and looks at the schema in what was begun: of a write nobody can change it any more. On failure nothing is
// left of it.
Result<void> begin(Session& session, Mode mode, std::optional<std::int64_t> known) {
  if (auto begun = session.begin(mode); !begun || !known) return begun;
  Transaction tx(session);
  auto sound = refuse_newer_schema(tx, *known);
  if (!sound) session.rollback();
  return sound;
}

// `known`: the newest schema that the work may find.
Attempt attempt(Session& session, Mode mode, std::optional<std::int64_t> known,
                const std::function<Result<void>(Transaction&)>& f) {
  if (auto begun = begin(session, mode, known); !begun) {
    // A connection that rested while the server was restarted; a new one may do.
    const bool again = !session.usable() || begun.error().code == Code::overloaded;
    return {std::unexpected(std::move(begun.error())), again};
  }
  Transaction tx(session);
  Result<void> done = call(f, tx);
  if (tx.failure()) {
    session.rollback();
    return {std::unexpected(*tx.failure()), tx.failure()->code == Code::overloaded};
  }
  if (!done) {
    session.rollback();
    return {std::move(done)};
  }
  auto committed = session.commit();
  if (committed) return {};
  if (!session.usable() && mode != Mode::read)
    return {base::fail(Code::reset, Side::none,
                       "lost during commit, which was or was not made: " + committed.error().context)};
  session.rollback();
  return {std::unexpected(committed.error()), committed.error().code == Code::overloaded};
}

}  // namespace

// The writer has a lane of its own, one connection wide: threads of one program queue here instead of at the engine.
struct Database::Pool {
  explicit Pool(const Address& address)
      : shared(address.in_memory()), writers(address, 1), readers(address, kMaxReaders) {}
  Lane& lane(bool writes) { return writes || shared ? writers : readers; }

  const bool shared;  // a database in memory is one connection's
  Lane writers;
  Lane readers;
  std::atomic<std::int64_t> schema = kNotMigrated;  // the newest this program knows
};

Database::Database(std::unique_ptr<Pool> pool) : pool_(std::move(pool)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open(std::string_view address) {
  auto where = parse_address(address);
  if (!where) return std::unexpected(std::move(where.error()));
  Database database(std::make_unique<Pool>(*where));
  auto first = database.pool_->writers.take();
  if (!first) return std::unexpected(std::move(first.error()));
  database.pool_->writers.give_back(std::move(*first));
  return database;
}

void Database::knows_schema(std::int64_t number) { pool_->schema = number; }

Result<void> Database::run(Work work, const std::function<Result<void>(Transaction&)>& f) {
  const Mode mode = work == Work::read ? Mode::read : work == Work::write ? Mode::write : Mode::migrate;
  Lane& lane = pool_->lane(work != Work::read);
  for (int tries = 1;; ++tries) {
    auto session = lane.take();
    if (!session) return std::unexpected(std::move(session.error()));
    Lease lease(lane, std::move(*session));
    std::optional<std::int64_t> known;  // a migration looks for itself
    if (const std::int64_t schema = pool_->schema; schema != kNotMigrated && work != Work::migrate) known = schema;
    Attempt tried = attempt(*lease, mode, known, f);
    if (tried.result || !tried.again || tries == kMaxAttempts) return std::move(tried.result);
  }
}

}  // namespace fairlead::store
