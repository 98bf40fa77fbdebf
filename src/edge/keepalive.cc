#include "edge/keepalive.h"

#include <algorithm>
#include <cstring>

namespace fairlead::edge {

Keepalive::Keepalive(const model::Heartbeat& settings, TimePoint now, std::uint64_t seed)
    : interval_(settings.interval), pong_timeout_(settings.pong_timeout), state_(seed) {
  if (settings.to != model::HeartbeatTo::origin) side(Peer::client).ping_due = now + interval_;
  if (settings.to != model::HeartbeatTo::client) side(Peer::origin).ping_due = now + interval_;
}

TimePoint Keepalive::next() const {
  TimePoint t = base::kNever;
  for (const Side& s : sides_) t = std::min({t, s.ping_due, s.pong_due});
  return t;
}

Keepalive::Due Keepalive::check(Peer peer, TimePoint now) {
  Side& s = side(peer);
  if (s.pong_due <= now) return Due::dead;
  if (s.ping_due > now) return Due::nothing;
  s.ping_due = now + interval_;
  // A Ping that still waits for its turn to be written is not doubled, and neither is one still to be answered: its
  // nonce stays the one that counts.
  if (!s.outstanding) {
    // splitmix64: consecutive nonces of one session share nothing visible.
    state_ += 0x9e3779b97f4a7c15ull;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    z ^= z >> 31;
    std::memcpy(s.nonce.data(), &z, sizeof z);
  }
  return Due::ping;
}

void Keepalive::ping_written(Peer peer, TimePoint now) {
  Side& s = side(peer);
  s.outstanding = true;
  if (s.pong_due == base::kNever) s.pong_due = base::later(now, pong_timeout_);
}

void Keepalive::pong_received(Peer peer) {
  side(peer).outstanding = false;
  heard(peer);
}

}  // namespace fairlead::edge
