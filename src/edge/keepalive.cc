#include "edge/keepalive.h"

#include <algorithm>
#include <cstring>

namespace fairlead::edge {

Keepalive::Keepalive(const model::Heartbeat& settings, TimePoint now, std::uint64_t seed)
    : interval_(settings.interval), pong_timeout_(settings.pong_timeout) {
  if (settings.to != model::HeartbeatTo::origin) side(Peer::client).ping_due = now + interval_;
  if (settings.to != model::HeartbeatTo::client) side(Peer::origin).ping_due = now + interval_;
  for (Side& s : sides_) {
    // splitmix64: the two nonces of a session share nothing visible.
    seed += 0x9e3779b97f4a7c15ull;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    z ^= z >> 31;
    std::memcpy(s.nonce.data(), &z, sizeof z);
  }
}

TimePoint Keepalive::next() const {
  TimePoint t = base::kNever;
  for (const Side& s : sides_) t = std::min({t, s.ping_due, s.write_due, s.pong_due});
  return t;
}

Keepalive::Due Keepalive::check(Peer peer, TimePoint now, std::uint64_t bytes, std::uint64_t taken) {
  Side& s = side(peer);
  if (s.write_due <= now) {
    if (bytes == s.bytes_at_ping && taken == s.taken_at_ping) return Due::dead;
    s.write_due = base::later(now, pong_timeout_);
    s.bytes_at_ping = bytes;
    s.taken_at_ping = taken;
  }
  if (s.pong_due <= now) {
    if (bytes == s.bytes_at_ping) return Due::dead;
    s.pong_due = base::kNever;
  }
  if (s.ping_due > now) return Due::nothing;
  s.ping_due = now + interval_;
  if (s.write_due == base::kNever && s.pong_due == base::kNever) {
    s.write_due = base::later(now, pong_timeout_);
    s.bytes_at_ping = bytes;
    s.taken_at_ping = taken;
  }
  return Due::ping;
}

void Keepalive::unasked(Peer peer, TimePoint now) {
  Side& s = side(peer);
  if (s.write_due != base::kNever) s.write_due = base::later(now, pong_timeout_);
}

void Keepalive::unheard(Peer peer, TimePoint now) {
  Side& s = side(peer);
  if (s.pong_due != base::kNever) s.pong_due = base::later(now, pong_timeout_);
}

void Keepalive::ping_written(Peer peer, TimePoint now, std::uint64_t bytes) {
  Side& s = side(peer);
  s.write_due = base::kNever;
  if (s.pong_due != base::kNever) return;  // an earlier one is still to be answered: its date holds
  s.pong_due = base::later(now, pong_timeout_);
  s.bytes_at_ping = bytes;
}

}  // namespace fairlead::edge
