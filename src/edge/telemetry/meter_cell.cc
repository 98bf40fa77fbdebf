#include "edge/telemetry/meter_cell.h"

#include <algorithm>

namespace fairlead::edge {
namespace {

void absorb(Counter& to, const Counter& from) { to.add(from.get()); }

void absorb(net::WireCount& to, const net::WireCount& from) {
  absorb(to.in, from.in);
  absorb(to.out, from.out);
}

template <std::size_t N>
void absorb(std::array<Counter, N>& to, const std::array<Counter, N>& from) {
  for (std::size_t i = 0; i < N; ++i) absorb(to[i], from[i]);
}

void absorb(WebSocketMeter::Direction& to, const WebSocketMeter::Direction& from) {
  absorb(to.bytes, from.bytes);
  absorb(to.tally.frames, from.tally.frames);
  absorb(to.tally.text_messages, from.tally.text_messages);
  absorb(to.tally.binary_messages, from.tally.binary_messages);
}

}  // namespace

void DurationHistogram::observe(base::Duration d) {
  // A clock that went back would take the sum back with it.
  const std::int64_t ns = std::max<std::int64_t>(d.count(), 0);
  std::size_t i = 0;
  while (i + 1 < kBuckets && ns > model::kUsageDurations[i]) ++i;  // a bucket takes what is <= its bound
  buckets_[i].add();
  nanoseconds_.add(static_cast<std::uint64_t>(ns));
}

std::uint64_t DurationHistogram::count() const {
  std::uint64_t n = 0;
  for (const Counter& b : buckets_) n += b.get();
  return n;
}

void DurationHistogram::absorb(const DurationHistogram& other) {
  edge::absorb(buckets_, other.buckets_);
  edge::absorb(nanoseconds_, other.nanoseconds_);
}

void StatusCounter::add(int status, std::uint64_t n) {
  if (status < 100 || status > 599) return class_[0].add(n);
  for (std::size_t i = 0; i < kSlots; ++i) {
    const int held = status_[i].load(std::memory_order_relaxed);
    if (held != 0 && held != status) continue;
    if (held == 0) status_[i].store(static_cast<std::uint16_t>(status), std::memory_order_relaxed);
    return count_[i].add(n);
  }
  class_[static_cast<std::size_t>(status / 100)].add(n);
}

std::uint64_t StatusCounter::of(int status) const {
  std::uint64_t n = 0;
  for_each([&](int held, std::uint64_t count) { n += held == status ? count : 0; });
  return n;
}

void StatusCounter::absorb(const StatusCounter& other) {
  other.for_each([this](int status, std::uint64_t n) { add(status, n); });
  edge::absorb(class_, other.class_);
}

void MeterCell::absorb(const MeterCell& other) {
  websocket.handshakes.absorb(other.websocket.handshakes);
  edge::absorb(websocket.sessions_opened, other.websocket.sessions_opened);
  edge::absorb(websocket.sessions_open, other.websocket.sessions_open);
  edge::absorb(websocket.sessions_closed, other.websocket.sessions_closed);
  edge::absorb(websocket.in, other.websocket.in);
  edge::absorb(websocket.out, other.websocket.out);
  edge::absorb(websocket.wire, other.websocket.wire);
  websocket.handshake_seconds.absorb(other.websocket.handshake_seconds);
  websocket.origin_seconds.absorb(other.websocket.origin_seconds);
  http.requests.absorb(other.http.requests);
  edge::absorb(http.requests_open, other.http.requests_open);
  edge::absorb(http.bytes_in, other.http.bytes_in);
  edge::absorb(http.bytes_out, other.http.bytes_out);
  edge::absorb(http.wire, other.http.wire);
  http.request_seconds.absorb(other.http.request_seconds);
  edge::absorb(tunnel.opened, other.tunnel.opened);
  edge::absorb(tunnel.open, other.tunnel.open);
  edge::absorb(tunnel.bytes_in, other.tunnel.bytes_in);
  edge::absorb(tunnel.bytes_out, other.tunnel.bytes_out);
  edge::absorb(tunnel.wire, other.tunnel.wire);
}

}  // namespace fairlead::edge
