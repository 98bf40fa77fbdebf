#include "edge/admission.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace fairlead::edge {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t nanoseconds(base::TimePoint t) { return t.time_since_epoch().count(); }

// One more, unless `most` (0 = no limit) are there already. No transient overshoot, so nobody is refused for a seat
// that another refused one held for a moment.
bool add_below(std::atomic<std::uint32_t>& count, std::uint32_t most) {
  std::uint32_t n = count.load(std::memory_order_relaxed);
  do {
    if (most != 0 && n >= most) return false;
  } while (!count.compare_exchange_weak(n, n + 1, std::memory_order_relaxed));
  return true;
}

// The bucket after one more handshake, or the same value when there is no token left.
std::int64_t spend(std::int64_t arrival, std::uint32_t rate, std::int64_t now) {
  const std::int64_t next = std::max(arrival, now) + kSecond / rate;
  return next - now > kSecond ? arrival : next;
}

bool spend(std::atomic<std::int64_t>& arrival, std::uint32_t rate, std::int64_t now) {
  if (rate == 0) return true;
  std::int64_t old = arrival.load(std::memory_order_relaxed);
  std::int64_t next;
  do {
    next = spend(old, rate, now);
    if (next == old) return false;
  } while (!arrival.compare_exchange_weak(old, next, std::memory_order_relaxed));
  return true;
}

}  // namespace

std::string_view to_string(LimitName name) {
  switch (name) {
    case LimitName::connections_total: return "connections_total";
    case LimitName::connections_client: return "connections_client";
    case LimitName::sessions_total: return "sessions_total";
    case LimitName::sessions_client: return "sessions_client";
    case LimitName::sessions_domain: return "sessions_domain";
    case LimitName::sessions_domain_client: return "sessions_domain_client";
    case LimitName::rate_client: return "rate_client";
    case LimitName::rate_domain: return "rate_domain";
    case LimitName::rate_domain_client: return "rate_domain_client";
  }
  return "sessions_total";
}

int status_of(LimitName name) {
  switch (name) {
    case LimitName::connections_total:
    case LimitName::sessions_total:
    case LimitName::sessions_domain: return 503;
    default: return 429;
  }
}

namespace detail {

ClientTable::Item* ClientTable::enter_connection(std::uint64_t key, std::uint32_t most) {
  std::lock_guard lock(mutex_);
  Item* item = &*clients_.try_emplace(key).first;
  if (most != 0 && item->second.connections >= most) return nullptr;  // an entry that refuses holds connections
  ++item->second.connections;
  return item;
}

void ClientTable::leave_connection(Item* item) {
  std::lock_guard lock(mutex_);
  --item->second.connections;
  forget_if_idle(item);
}

std::expected<ClientTable::Item*, LimitName> ClientTable::enter_session(std::uint64_t key, std::uint32_t most,
                                                                        LimitName most_name, std::uint32_t rate,
                                                                        LimitName rate_name, base::TimePoint now) {
  std::lock_guard lock(mutex_);
  const std::int64_t time = nanoseconds(now);
  now_ = std::max(now_, time);
  sweep_some(8);
  Item* item = &*clients_.try_emplace(key).first;
  Client& c = item->second;
  if (most != 0 && c.sessions >= most) return std::unexpected(most_name);
  if (rate != 0) {
    const std::int64_t next = spend(c.arrival, rate, time);
    if (next == c.arrival) {
      forget_if_idle(item);
      return std::unexpected(rate_name);
    }
    c.arrival = next;
  }
  ++c.sessions;
  return item;
}

void ClientTable::leave_session(Item* item) {
  std::lock_guard lock(mutex_);
  --item->second.sessions;
  forget_if_idle(item);
}

// A client whose bucket is not full would get a fresh one by coming back, so it stays (in line) for up to a second.
void ClientTable::forget_if_idle(Item* item) {
  Client& c = item->second;
  if (c.connections != 0 || c.sessions != 0 || c.queued) return;
  if (c.arrival <= now_) {
    clients_.erase(item->first);
    return;
  }
  // No memory for the line: forgotten now, with a fresh bucket next time. Seats are given back by destructors.
  try {
    idle_.push_back(item->first);
    c.queued = true;
  } catch (const std::bad_alloc&) {
    clients_.erase(item->first);
  }
}

// Every handshake puts at most one client in line and looks at several, so the line is never longer than what came in
// during the last second or so.
void ClientTable::sweep_some(std::size_t most) {
  for (; most > 0 && !idle_.empty(); --most) {
    const auto at = clients_.find(idle_.front());
    Client& c = at->second;  // who is in line is in the table
    if (c.connections != 0 || c.sessions != 0) {
      c.queued = false;
      idle_.pop_front();
    } else if (c.arrival <= now_) {
      clients_.erase(at);
      idle_.pop_front();
    } else {
      idle_.splice(idle_.end(), idle_, idle_.begin());
    }
  }
}

std::size_t ClientTable::sweep(base::TimePoint now) {
  std::lock_guard lock(mutex_);
  now_ = std::max(now_, nanoseconds(now));
  sweep_some(idle_.size());
  return clients_.size();
}

std::size_t ClientTable::size() const {
  std::lock_guard lock(mutex_);
  return clients_.size();
}

}  // namespace detail

ConnectionSeat& ConnectionSeat::operator=(ConnectionSeat&& o) noexcept {
  if (this == &o) return *this;
  give_back();
  admission_ = std::exchange(o.admission_, nullptr);
  client_ = std::exchange(o.client_, nullptr);
  return *this;
}

// Also gives back a seat that enter_connection() has only taken in part.
void ConnectionSeat::give_back() {
  Admission* a = std::exchange(admission_, nullptr);
  if (!a) return;
  if (auto* item = std::exchange(client_, nullptr)) a->shard(item->first).leave_connection(item);
  a->connections_.fetch_sub(1, std::memory_order_relaxed);
}

SessionSeat& SessionSeat::operator=(SessionSeat&& o) noexcept {
  if (this == &o) return *this;
  give_back();
  admission_ = std::exchange(o.admission_, nullptr);
  domain_ = std::exchange(o.domain_, nullptr);
  client_ = std::exchange(o.client_, nullptr);
  domain_client_ = std::exchange(o.domain_client_, nullptr);
  return *this;
}

// Also gives back a seat that enter_session() has only taken in part.
void SessionSeat::give_back() {
  Admission* a = std::exchange(admission_, nullptr);
  if (!a) return;
  if (auto* item = std::exchange(domain_client_, nullptr)) domain_->clients_.leave_session(item);
  if (auto* item = std::exchange(client_, nullptr)) a->shard(item->first).leave_session(item);
  if (DomainSeats* d = std::exchange(domain_, nullptr)) d->sessions_.fetch_sub(1, std::memory_order_relaxed);
  a->sessions_.fetch_sub(1, std::memory_order_relaxed);
}

Admission::Admission(const model::GlobalLimits& limits) { set_limits(limits); }

void Admission::set_limits(const model::GlobalLimits& limits) {
  max_connections_.store(limits.max_connections, std::memory_order_relaxed);
  max_connections_per_client_.store(limits.max_connections_per_client, std::memory_order_relaxed);
  max_sessions_.store(limits.max_sessions, std::memory_order_relaxed);
  max_sessions_per_client_.store(limits.max_sessions_per_client, std::memory_order_relaxed);
  rate_per_client_.store(limits.handshakes_per_second_per_client, std::memory_order_relaxed);
}

std::expected<ConnectionSeat, LimitName> Admission::enter_connection(const net::SocketAddress& client) {
  if (!add_below(connections_, max_connections_.load(std::memory_order_relaxed))) {
    return std::unexpected(LimitName::connections_total);
  }
  ConnectionSeat seat(*this, nullptr);  // a refusal, or no memory for a new client, gives it back
  const std::uint64_t key = client_key(client);
  seat.client_ = shard(key).enter_connection(key, max_connections_per_client_.load(std::memory_order_relaxed));
  if (!seat.client_) return std::unexpected(LimitName::connections_client);
  return seat;
}

std::expected<SessionSeat, LimitName> Admission::enter_session(const net::SocketAddress& client,
                                                               const model::DomainPolicy& policy, DomainSeats& domain,
                                                               base::TimePoint now) {
  const model::DomainLimits& limits = policy.limits;
  if (!add_below(sessions_, max_sessions_.load(std::memory_order_relaxed))) {
    return std::unexpected(LimitName::sessions_total);
  }
  SessionSeat seat;  // from here on every refusal gives back what was taken by destroying it
  seat.admission_ = this;

  if (!add_below(domain.sessions_, limits.max_sessions)) return std::unexpected(LimitName::sessions_domain);
  seat.domain_ = &domain;

  const std::uint64_t key = client_key(client);
  auto item = shard(key).enter_session(key, max_sessions_per_client_.load(std::memory_order_relaxed),
                                       LimitName::sessions_client, rate_per_client_.load(std::memory_order_relaxed),
                                       LimitName::rate_client, now);
  if (!item) return std::unexpected(item.error());
  seat.client_ = *item;

  if (limits.max_sessions_per_client != 0 || limits.handshakes_per_second_per_client != 0) {
    item = domain.clients_.enter_session(key, limits.max_sessions_per_client, LimitName::sessions_domain_client,
                                         limits.handshakes_per_second_per_client, LimitName::rate_domain_client, now);
    if (!item) return std::unexpected(item.error());
    seat.domain_client_ = *item;
  }
  if (!spend(domain.arrival_, limits.handshakes_per_second, nanoseconds(now))) {
    return std::unexpected(LimitName::rate_domain);
  }
  return seat;
}

AdmissionGauges Admission::gauges(base::TimePoint now) {
  AdmissionGauges g;
  g.connections = connections_.load(std::memory_order_relaxed);
  g.max_connections = max_connections_.load(std::memory_order_relaxed);
  g.sessions = sessions_.load(std::memory_order_relaxed);
  g.max_sessions = max_sessions_.load(std::memory_order_relaxed);
  for (detail::ClientTable& table : shards_) g.tracked_clients += table.sweep(now);
  return g;
}

std::uint64_t Admission::client_key(const net::SocketAddress& client) {
  const unsigned char* b = client.bytes();
  std::uint64_t high = 0;
  for (int i = 0; i < 8; ++i) high = high << 8 | b[i];
  if (client.family() != net::Family::ipv4) return high;
  // 0xffffffff on top: IPv6 multicast, which no client comes from.
  std::uint64_t v4 = 0xffffffff;
  for (int i = 12; i < 16; ++i) v4 = v4 << 8 | b[i];
  return v4;
}

detail::ClientTable& Admission::shard(std::uint64_t key) {
  // The low bits of an IPv6 /64 and the top of an IPv4 key say nothing: mix first (Fibonacci hashing).
  return shards_[(key ^ key >> 29) * 0x9e3779b97f4a7c15ull >> 58];
}

}  // namespace fairlead::edge
