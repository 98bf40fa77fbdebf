#pragma once
// Admission: how many, and how fast. One object per process, shared by all workers: it hands out seats for client
// connections and for sessions and takes them back when the seats are destroyed. Handshakes may take a lock here (the
// table of clients is sharded, its critical sections are a look-up long); frames never come near it.
//
// A client is an IPv4 address or an IPv6 /64, because a single IPv6 customer owns at least that much. Clients are
// tracked from their first connection until their last seat is given back and their rate bucket is full again, so the
// table does not grow over time. What a domain counts by client is tracked only while its policy has such a limit:
// sessions opened before that limit was set do not count against it.
//
// Rates are token buckets that hold one second's worth: a limit of 50 lets 50 handshakes in at once, and then one every
// 20 ms. A bucket is one integer, the theoretical arrival time of the generic cell rate algorithm (ITU-T I.371), so a
// changed rate applies at once and needs no conversion. A limit of 0 is no limit. A domain's tokens are spent only by
// handshakes that every other limit lets in, so that one client over its own cannot use up what belongs to the others.

#include <array>
#include <atomic>
#include <cstdint>
#include <expected>
#include <list>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "model/domain_policy.h"
#include "model/edge_config.h"
#include "net/address.h"

namespace fairlead::edge {

// Which limit refused. to_string() is the label that metrics and problem documents show.
enum class LimitName : std::uint8_t {
  connections_total,
  connections_client,
  sessions_total,
  sessions_client,
  sessions_domain,
  sessions_domain_client,
  rate_client,
  rate_domain,
  rate_domain_client,
};
inline constexpr std::size_t kLimitNames = 9;
std::string_view to_string(LimitName name);

// The HTTP status that tells a client so: 503 where the edge or the domain is full, 429 (RFC 6585 4) where this client
// has too many or a rate was passed.
int status_of(LimitName name);

namespace detail {

// Clients with their counts, one lock. A piece of Admission's table, or all of a domain's.
class ClientTable {
 public:
  struct Client {
    std::uint32_t connections = 0;
    std::uint32_t sessions = 0;
    std::int64_t arrival = 0;  // theoretical arrival time of the rate bucket, ns of the loop's clock; 0: never used
    bool queued = false;       // in idle_, waiting for the bucket to fill
  };
  using Map = std::unordered_map<std::uint64_t, Client>;
  using Item = Map::value_type;  // nodes do not move: a seat points to one

  // Null when `most` (0 = no limit) are there already.
  Item* enter_connection(std::uint64_t key, std::uint32_t most);
  void leave_connection(Item* item);
  std::expected<Item*, LimitName> enter_session(std::uint64_t key, std::uint32_t most, LimitName most_name,
                                                std::uint32_t rate, LimitName rate_name, base::TimePoint now);
  void leave_session(Item* item);

  // Forgets clients with nothing left; returns how many stay.
  std::size_t sweep(base::TimePoint now);
  std::size_t size() const;

 private:
  void forget_if_idle(Item* item);
  void sweep_some(std::size_t most);

  mutable std::mutex mutex_;
  Map clients_;
  std::list<std::uint64_t> idle_;  // first in, first looked at; a list, because it is empty in most of 10,000 domains
  std::int64_t now_ = 0;           // the latest time anybody told us
};

}  // namespace detail

// The part of admission that belongs to one domain. Lives in DomainShared, through all revisions of the policy, and
// longer than any SessionSeat taken from it.
class DomainSeats {
 public:
  DomainSeats() = default;
  DomainSeats(const DomainSeats&) = delete;
  DomainSeats& operator=(const DomainSeats&) = delete;

  std::uint32_t sessions() const { return sessions_.load(std::memory_order_relaxed); }
  // Clients tracked for this domain's own per-client limits.
  std::size_t tracked_clients() const { return clients_.size(); }

 private:
  friend class Admission;
  friend class SessionSeat;
  std::atomic<std::uint32_t> sessions_{0};
  std::atomic<std::int64_t> arrival_{0};
  detail::ClientTable clients_;
};

class Admission;

// A client connection's seat. Move-only, given back when destroyed, on any thread. The Admission outlives it.
class ConnectionSeat {
 public:
  ConnectionSeat() = default;
  ConnectionSeat(ConnectionSeat&& o) noexcept
      : admission_(std::exchange(o.admission_, nullptr)), client_(std::exchange(o.client_, nullptr)) {}
  ConnectionSeat& operator=(ConnectionSeat&& o) noexcept;
  ~ConnectionSeat() { give_back(); }

  explicit operator bool() const { return admission_ != nullptr; }
  void give_back();

 private:
  friend class Admission;
  ConnectionSeat(Admission& a, detail::ClientTable::Item* c) : admission_(&a), client_(c) {}
  Admission* admission_ = nullptr;
  detail::ClientTable::Item* client_ = nullptr;
};

// A session's seat: in all, of the client, of the domain, of the client in the domain. As ConnectionSeat; the
// DomainSeats outlives it too.
class SessionSeat {
 public:
  SessionSeat() = default;
  SessionSeat(SessionSeat&& o) noexcept
      : admission_(std::exchange(o.admission_, nullptr)),
        domain_(std::exchange(o.domain_, nullptr)),
        client_(std::exchange(o.client_, nullptr)),
        domain_client_(std::exchange(o.domain_client_, nullptr)) {}
  SessionSeat& operator=(SessionSeat&& o) noexcept;
  ~SessionSeat() { give_back(); }

  explicit operator bool() const { return admission_ != nullptr; }
  void give_back();

 private:
  friend class Admission;
  Admission* admission_ = nullptr;
  DomainSeats* domain_ = nullptr;
  detail::ClientTable::Item* client_ = nullptr;
  detail::ClientTable::Item* domain_client_ = nullptr;
};

// How near the process-wide limits are. A limit of 0 is none.
struct AdmissionGauges {
  std::uint32_t connections = 0, max_connections = 0;
  std::uint32_t sessions = 0, max_sessions = 0;
  std::size_t tracked_clients = 0;
};

class Admission {
 public:
  explicit Admission(const model::GlobalLimits& limits);
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // From a reload; any thread. Seats already given out stay, however low the new limits are.
  void set_limits(const model::GlobalLimits& limits);

  // Every accepted client connection, before anything is read from it. Behind a proxy that speaks the PROXY protocol,
  // `client` is the proxy until the header was read; enter again with the real one then and drop the first seat.
  std::expected<ConnectionSeat, LimitName> enter_connection(const net::SocketAddress& client);

  // Every opening handshake (and every tcp-ssl tunnel) of an enabled domain, before an origin is asked. `now` is the
  // worker's loop time.
  std::expected<SessionSeat, LimitName> enter_session(const net::SocketAddress& client,
                                                      const model::DomainPolicy& policy, DomainSeats& domain,
                                                      base::TimePoint now);

  // For the scraper: counts now, after forgetting clients that have nothing left.
  AdmissionGauges gauges(base::TimePoint now);

  // What a client is counted by: the IPv4 address, or the upper 64 bits of an IPv6 address. Unix peers are one client.
  static std::uint64_t client_key(const net::SocketAddress& client);

 private:
  friend class ConnectionSeat;
  friend class SessionSeat;
  static constexpr std::size_t kShards = 64;
  detail::ClientTable& shard(std::uint64_t key);

  std::atomic<std::uint32_t> max_connections_, max_connections_per_client_;
  std::atomic<std::uint32_t> max_sessions_, max_sessions_per_client_, rate_per_client_;
  alignas(64) std::atomic<std::uint32_t> connections_{0};
  alignas(64) std::atomic<std::uint32_t> sessions_{0};
  std::array<detail::ClientTable, kShards> shards_;
};

}  // namespace fairlead::edge
