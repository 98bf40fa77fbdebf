#pragma once
// IdlePool: connections to origins that have answered a request and can carry another (HTTP/1.1 keep-alive, RFC 9112
// 9.3). One per worker; streams stay on the loop they were made on. While a connection lies here a read waits on it, so
// that an origin that closes, or sends what nobody asked for, is noticed at once and the connection dropped: take()
// never hands out one that is known to be dead. It cannot know of a close still on its way, so whoever takes one has to
// be ready to repeat a request on which the connection closes before the first byte of an answer (RFC 9112 9.5).
//
// The waiting reads live in the TaskScope given in, which outlives the pool; when it is asked to stop the pool empties
// itself and takes nothing more. Destroy the pool after the scope was joined.
//
// Connections that began with a PROXY header speak for one client and must not be put here.

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "edge/origin/origin_state.h"
#include "net/socket_stream.h"
#include "net/stop_token.h"
#include "net/task.h"
#include "net/task_scope.h"

namespace fairlead::net {
class TlsClientContext;
}

namespace fairlead::edge {

// What two requests must have in common to share a connection. Contexts compare by identity: a policy with a changed
// origin_tls has another context and never meets connections made under the old one.
struct IdleKey {
  std::shared_ptr<OriginState> origin;
  std::shared_ptr<const net::TlsClientContext> tls;  // null: plain
  std::string server_name;
  bool operator==(const IdleKey&) const = default;
};

struct IdlePoolLimits {
  std::size_t per_key = 32;  // of one origin under one TLS identity
  std::size_t total = 1024;  // of this worker
  base::Duration idle_timeout = base::seconds(60);
};

class IdlePool {
 public:
  IdlePool(net::EventLoop& loop, net::TaskScope& scope, IdlePoolLimits limits = {});
  ~IdlePool();
  IdlePool(const IdlePool&) = delete;
  IdlePool& operator=(const IdlePool&) = delete;

  // The connection of that key that was used last, or null. Waits at most for the rest of the loop's turn (the waiting
  // read has to let go of the stream first), and not at all when there is none.
  net::Task<std::unique_ptr<net::SocketStream>> take(IdleKey key);

  // Keeps a connection on which nothing is outstanding. One that has bytes left over, was cancelled or has hung up is
  // dropped; past a limit the one idle longest gives way (of the key, then of all).
  void put(IdleKey key, std::unique_ptr<net::SocketStream> stream);

  void clear();
  void close_for(const OriginState* origin);

  // Connections that take() could hand out.
  std::size_t size() const { return size_; }
  std::size_t size(const IdleKey& key) const;

 private:
  struct Entry;
  struct Hash {
    std::size_t operator()(const IdleKey& key) const;
  };
  using Lane = std::vector<Entry*>;  // oldest first

  net::Task<void> watch(std::unique_ptr<Entry> entry);
  void leave(Entry& entry);            // out of the books; the watcher still owns it
  void drop(Entry& entry, int error);  // leave, and let the watcher end
  struct OnStop {
    IdlePool* pool;
    void operator()() const { pool->clear(); }
  };

  net::EventLoop& loop_;
  net::TaskScope& scope_;
  IdlePoolLimits limits_;
  std::unordered_map<IdleKey, Lane, Hash> lanes_;
  std::list<Entry*> by_age_;  // oldest first
  std::size_t size_ = 0;
  net::StopCallback<OnStop> on_stop_;
};

}  // namespace fairlead::edge
