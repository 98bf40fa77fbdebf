#pragma once
// Resolver: names of origins to addresses, as a task on one loop. CaresResolver asks DNS (and /etc/hosts) through
// c-ares without blocking; StaticResolver answers from a map, for tests and the simulator. A resolver belongs to its
// loop's thread and must outlive the tasks that resolve() gave out.
//
// Names that are literal addresses ("10.0.0.1", "::1", "[::1]") are answered at once by every resolver.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/address.h"
#include "net/event_loop.h"
#include "net/task.h"

namespace fairlead::net {

struct ResolvedName {
  // Port 0; in the order to try them: sorted by RFC 6724, families alternating (RFC 8305 section 4). Never empty.
  std::vector<SocketAddress> addresses;
  // How long this answer holds from now on: 1 s to 300 s (literals 300 s, a stale answer 1 s).
  Duration ttl{};
  bool stale = false;  // DNS failed and this is the last good answer
};

class Resolver {
 public:
  static constexpr Duration kMinTtl = base::seconds(1);
  static constexpr Duration kMaxTtl = base::seconds(300);

  virtual ~Resolver() = default;
  // Errors, side origin, retry later: not_found (the name has no address), unreachable (DNS failed), timeout
  // (`deadline` passed), cancelled; malformed (not a host name), retry never.
  virtual Task<base::Result<ResolvedName>> resolve(std::string name, TimePoint deadline, StopToken stop = {}) = 0;
};

// The answer for a literal address, or Code::not_found when `name` is none.
base::Result<ResolvedName> resolve_literal(std::string_view name);

// Alternates the families, beginning with the first address's, each family's order kept (RFC 8305 section 4).
std::vector<SocketAddress> interleave_families(const std::vector<SocketAddress>& sorted);

class StaticResolver final : public Resolver {
 public:
  explicit StaticResolver(std::map<std::string, std::vector<SocketAddress>> names = {}, Duration ttl = kMinTtl)
      : names_(std::move(names)), ttl_(ttl) {}
  // From now on; an empty list makes the name unknown.
  void set(std::string name, std::vector<SocketAddress> addresses);
  Task<base::Result<ResolvedName>> resolve(std::string name, TimePoint deadline, StopToken stop = {}) override;

 private:
  std::map<std::string, std::vector<SocketAddress>> names_;
  Duration ttl_;
};

// DNS with a cache of kCacheSize names. Lookups of one name at one time share one query; an answer is kept for its TTL,
// "no such name" for kNegativeTtl, and when DNS fails the last good answer serves for kStaleFor beyond its TTL. Needs a
// loop over the kernel's poller, because c-ares opens its own sockets.
class CaresResolver final : public Resolver {
 public:
  static constexpr Duration kNegativeTtl = base::seconds(1);
  static constexpr Duration kStaleFor = std::chrono::minutes(5);
  static constexpr std::size_t kCacheSize = 4096;

  struct Options {
    std::vector<std::string> servers{};           // "ip", "ip:port", "[ip6]:port"; empty = the system's
    Duration attempt_timeout = base::seconds(1);  // of one try at one server; doubles from round to round
    int attempts = 2;
    // A server that never answers for IPv6 must not cost the name its IPv4 addresses: after this long they are asked
    // for alone, and waiters get them without waiting for the rest.
    Duration patience = base::milliseconds(300);
  };
  struct Stats {
    std::uint64_t lookups = 0;    // resolve() calls that were no literals
    std::uint64_t queries = 0;    // that went to c-ares
    std::uint64_t impatient = 0;  // IPv4 alone, because the query took long
    std::uint64_t hits = 0, stale = 0, failures = 0;
    std::size_t names = 0;  // in the cache now
  };

  // Errors, side config: malformed (a server's address), internal.
  static base::Result<std::unique_ptr<CaresResolver>> create(EventLoop& loop, Options options);
  ~CaresResolver() override;

  Task<base::Result<ResolvedName>> resolve(std::string name, TimePoint deadline, StopToken stop = {}) override;
  const Stats& stats() const;

 private:
  class Channel;
  explicit CaresResolver(std::unique_ptr<Channel> channel);
  std::unique_ptr<Channel> channel_;
};

}  // namespace fairlead::net
