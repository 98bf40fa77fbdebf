#include "edge/origin/idle_pool.h"

#include <cassert>
#include <cerrno>
#include <coroutine>
#include <utility>

namespace fairlead::edge {

// One idle connection. Owned by the coroutine that waits on it; the pool's books only point to it.
struct IdlePool::Entry final : net::Timer {
  Entry(IdlePool& p, IdleKey k, std::unique_ptr<net::SocketStream> s)
      : Timer([](Timer& t) {
          auto& self = static_cast<Entry&>(t);
          self.pool.drop(self, ETIMEDOUT);
        }),
        pool(p),
        key(std::move(k)),
        stream(std::move(s)) {}
  // Listed still: there was no memory for the rest of the books, or for the watcher.
  ~Entry() {
    if (listed) pool.leave(*this);
  }

  IdlePool& pool;
  IdleKey key;
  std::unique_ptr<net::SocketStream> stream;
  std::list<Entry*>::iterator by_age;
  bool listed = false;

  // take() in waiting: where the stream goes, and who goes on then.
  std::unique_ptr<net::SocketStream>* taker = nullptr;
  std::coroutine_handle<> waiter;
};

// Few origins have many identities, so the origin's address does nearly all of the work.
std::size_t IdlePool::Hash::operator()(const IdleKey& key) const {
  const std::size_t origin = std::hash<const void*>{}(key.origin.get());
  const std::size_t tls = std::hash<const void*>{}(key.tls.get());
  return origin * 31 + tls * 17 + std::hash<std::string>{}(key.server_name);
}

IdlePool::IdlePool(net::EventLoop& loop, net::TaskScope& scope, IdlePoolLimits limits)
    : loop_(loop), scope_(scope), limits_(limits), on_stop_(scope.token(), OnStop{this}) {}

IdlePool::~IdlePool() { assert(size_ == 0 && "an IdlePool is destroyed after its scope was joined"); }

void IdlePool::put(IdleKey key, std::unique_ptr<net::SocketStream> stream) {
  if (scope_.stop_requested() || stream->has_unread() || stream->cancelled() || stream->hung_up()) return;
  if (limits_.per_key == 0 || limits_.total == 0) return;
  if (const auto lane = lanes_.find(key); lane != lanes_.end() && lane->second.size() >= limits_.per_key) {
    drop(*lane->second.front(), ECANCELED);
  }
  if (size_ >= limits_.total) drop(*by_age_.front(), ECANCELED);

  auto entry = std::make_unique<Entry>(*this, std::move(key), std::move(stream));
  // In the books before the watcher starts: its read may end before it had to wait.
  entry->by_age = by_age_.insert(by_age_.end(), entry.get());
  entry->listed = true;
  ++size_;
  lanes_[entry->key].push_back(entry.get());
  loop_.timers().set(*entry, base::later(loop_.now(), limits_.idle_timeout));
  scope_.spawn(watch(std::move(entry)));
}

net::Task<void> IdlePool::watch(std::unique_ptr<Entry> entry) {
  // Whatever comes of this read, it is an end: the origin closed, said something out of turn, or the pool let go.
  co_await entry->stream->read(1);
  if (entry->taker) {
    *entry->taker = std::move(entry->stream);
    loop_.ready(entry->waiter);
    co_return;
  }
  if (entry->listed) leave(*entry);
}

net::Task<std::unique_ptr<net::SocketStream>> IdlePool::take(IdleKey key) {
  // Lets the waiting read go. The watcher still stands in the stream's frame then, so it is the watcher that hands the
  // stream over, when the loop has resumed it.
  struct Handover {
    Entry& entry;
    std::unique_ptr<net::SocketStream>& out;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> h) {
      entry.taker = &out;
      entry.waiter = h;
      entry.stream->interrupt_read(ECANCELED);
    }
    void await_resume() const {}
  };

  std::unique_ptr<net::SocketStream> out;
  const auto lane = lanes_.find(key);
  if (lane == lanes_.end()) co_return out;
  // The one used last: it is the least likely to be near the origin's own idle timeout, and the others may run out.
  Entry& entry = *lane->second.back();
  leave(entry);
  co_await Handover{entry, out};
  co_return out;
}

void IdlePool::leave(Entry& entry) {
  const auto lane = lanes_.find(entry.key);
  if (lane != lanes_.end()) {
    std::erase(lane->second, &entry);
    if (lane->second.empty()) lanes_.erase(lane);
  }
  by_age_.erase(entry.by_age);
  entry.listed = false;
  entry.cancel();
  --size_;
}

// Out of the books at once, closed when the loop resumes the watcher: nothing is destroyed under its read.
void IdlePool::drop(Entry& entry, int error) {
  leave(entry);
  entry.stream->interrupt_read(error);
}

void IdlePool::clear() {
  while (!by_age_.empty()) drop(*by_age_.front(), ECANCELED);
}

void IdlePool::close_for(const OriginState* origin) {
  for (auto at = by_age_.begin(); at != by_age_.end();) {
    Entry& entry = **at++;  // drop() takes it off the list
    if (entry.key.origin.get() == origin) drop(entry, ECANCELED);
  }
}

std::size_t IdlePool::size(const IdleKey& key) const {
  const auto lane = lanes_.find(key);
  return lane == lanes_.end() ? 0 : lane->second.size();
}

}  // namespace fairlead::edge
