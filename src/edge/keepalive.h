#pragma once
// Keepalive: the heartbeat of one session (R4), present only when it is on. The edge sends Ping to the client, the
// origin or both every `interval`, and finds a peer dead that lets `pong_timeout` pass without a byte after a Ping was
// written to it. Pure bookkeeping: dates in, what is due out; the relays write the frames.
//
// The Ping carries eight bytes that no peer can guess, so that its Pong is told from others; that Pong is not passed on
// to the other side (which never asked), and neither it nor the Ping counts as data for the idle clock (R3).

#include <array>
#include <cstdint>

#include "base/clock.h"
#include "model/domain_policy.h"

namespace fairlead::edge {

using base::TimePoint;

// The two sides of a session; also the direction that reads from it.
enum class Peer : std::uint8_t { client = 0, origin = 1 };
inline constexpr std::size_t kPeers = 2;
constexpr Peer other(Peer p) { return p == Peer::client ? Peer::origin : Peer::client; }

class Keepalive {
 public:
  using Nonce = std::array<unsigned char, 8>;

  // `seed` makes the nonces; take it from a random source.
  Keepalive(const model::Heartbeat& settings, TimePoint now, std::uint64_t seed);

  // The next date anything is due.
  TimePoint next() const;

  enum class Due : std::uint8_t { nothing, ping, dead };
  // What `peer` is due at `now`, of which `bytes` were received so far and which took `taken` of what was sent. `ping`:
  // write a Ping with nonce(peer) and call ping_written(); the next one is due an interval later whether or not it
  // could be written at once. A peer that neither sends nor takes anything for pong_timeout, while a Ping waits behind
  // what it does not take, is as dead as one that does not answer.
  Due check(Peer peer, TimePoint now, std::uint64_t bytes, std::uint64_t taken);

  // The same for all Pings of a session: whichever of them a late Pong answers (RFC 6455 5.5.3 lets a peer answer only
  // the latest), it is known as one.
  const Nonce& nonce(Peer peer) const { return side(peer).nonce; }
  void ping_written(Peer peer, TimePoint now, std::uint64_t bytes);
  // The Ping for `peer` waits for others than `peer` (for the end of a frame that the other side has not finished).
  void unasked(Peer peer, TimePoint now);
  // `peer` is not being read from, because what it sent last is still on its way: its silence proves nothing, and the
  // answer is due when it has been listened to for long enough.
  void unheard(Peer peer, TimePoint now);
  void pong_received(Peer peer) { side(peer).pong_due = base::kNever; }

 private:
  struct Side {
    TimePoint ping_due = base::kNever;
    TimePoint write_due = base::kNever;  // a Ping is to be written
    TimePoint pong_due = base::kNever;   // a Ping was written
    std::uint64_t bytes_at_ping = 0;     // any byte since then proves that the peer lives
    std::uint64_t taken_at_ping = 0;     // so does any byte taken, before the Ping was
    Nonce nonce{};
  };
  Side& side(Peer p) { return sides_[static_cast<std::size_t>(p)]; }
  const Side& side(Peer p) const { return sides_[static_cast<std::size_t>(p)]; }

  base::Duration interval_, pong_timeout_;
  std::array<Side, kPeers> sides_;
};

}  // namespace fairlead::edge
