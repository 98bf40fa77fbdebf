#include "edge/keepalive.h"

#include <gtest/gtest.h>

#include <set>

namespace fairlead::edge {
namespace {

using namespace std::chrono_literals;
using Due = Keepalive::Due;

constexpr TimePoint kStart{1000s};

model::Heartbeat settings(model::HeartbeatTo to) { return {.interval = 5s, .to = to, .pong_timeout = 3s}; }

TEST(Keepalive, pings_whom_it_is_told_to) {
  for (const auto to : {model::HeartbeatTo::client, model::HeartbeatTo::origin, model::HeartbeatTo::both}) {
    Keepalive k(settings(to), kStart, 1);
    EXPECT_EQ(k.next(), kStart + 5s);
    EXPECT_EQ(k.check(Peer::client, kStart + 5s, 0, 0), to == model::HeartbeatTo::origin ? Due::nothing : Due::ping);
    EXPECT_EQ(k.check(Peer::origin, kStart + 5s, 0, 0), to == model::HeartbeatTo::client ? Due::nothing : Due::ping);
    EXPECT_EQ(k.next(), kStart + 8s);  // it is to be written, and taken
    k.ping_written(Peer::client, kStart + 5s, 0);
    k.pong_received(Peer::client);
    k.ping_written(Peer::origin, kStart + 5s, 0);
    k.pong_received(Peer::origin);
    EXPECT_EQ(k.next(), kStart + 10s);
  }
}

TEST(Keepalive, nothing_is_due_before_its_date) {
  Keepalive k(settings(model::HeartbeatTo::both), kStart, 1);
  EXPECT_EQ(k.check(Peer::client, kStart + 5s - 1ns, 0, 0), Due::nothing);
  EXPECT_EQ(k.check(Peer::client, kStart + 5s, 0, 0), Due::ping);
  EXPECT_EQ(k.check(Peer::client, kStart + 5s, 0, 0), Due::nothing);  // once an interval
}

TEST(Keepalive, silence_after_a_ping_is_death) {
  Keepalive k(settings(model::HeartbeatTo::client), kStart, 1);
  ASSERT_EQ(k.check(Peer::client, kStart + 5s, 70, 0), Due::ping);
  k.ping_written(Peer::client, kStart + 6s, 70);  // the relay stood in a frame until then
  EXPECT_EQ(k.next(), kStart + 9s);
  EXPECT_EQ(k.check(Peer::client, kStart + 9s - 1ns, 70, 0), Due::nothing);
  EXPECT_EQ(k.check(Peer::client, kStart + 9s, 70, 0), Due::dead);
}

TEST(Keepalive, any_byte_or_the_pong_proves_life) {
  Keepalive k(settings(model::HeartbeatTo::client), kStart, 1);
  ASSERT_EQ(k.check(Peer::client, kStart + 5s, 70, 0), Due::ping);
  k.ping_written(Peer::client, kStart + 5s, 70);
  EXPECT_EQ(k.check(Peer::client, kStart + 8s, 71, 0), Due::nothing);
  EXPECT_EQ(k.next(), kStart + 10s);
  ASSERT_EQ(k.check(Peer::client, kStart + 10s, 71, 0), Due::ping);
  k.ping_written(Peer::client, kStart + 10s, 71);
  k.pong_received(Peer::client);
  EXPECT_EQ(k.next(), kStart + 15s);
  EXPECT_EQ(k.check(Peer::client, kStart + 13s, 71, 0), Due::nothing);
}

TEST(Keepalive, who_takes_nothing_cannot_be_asked_and_is_dead_all_the_same) {
  Keepalive k(settings(model::HeartbeatTo::client), kStart, 1);
  ASSERT_EQ(k.check(Peer::client, kStart + 5s, 70, 900), Due::ping);
  EXPECT_EQ(k.next(), kStart + 8s);
  EXPECT_EQ(k.check(Peer::client, kStart + 8s - 1ns, 70, 900), Due::nothing);
  EXPECT_EQ(k.check(Peer::client, kStart + 8s, 70, 900), Due::dead);
}

TEST(Keepalive, a_slow_taker_is_alive_and_is_asked_when_it_can_be) {
  Keepalive k(settings(model::HeartbeatTo::client), kStart, 1);
  ASSERT_EQ(k.check(Peer::client, kStart + 5s, 70, 900), Due::ping);
  EXPECT_EQ(k.check(Peer::client, kStart + 8s, 70, 901), Due::nothing);  // takes
  EXPECT_EQ(k.check(Peer::client, kStart + 10s, 70, 901), Due::ping);
  EXPECT_EQ(k.check(Peer::client, kStart + 11s, 71, 901), Due::nothing);  // sends
  k.unasked(Peer::client, kStart + 14s);                                  // somebody else's frame is in the way
  EXPECT_EQ(k.check(Peer::client, kStart + 14s, 71, 901), Due::nothing);
  EXPECT_EQ(k.check(Peer::client, kStart + 15s, 71, 901), Due::ping);
  k.ping_written(Peer::client, kStart + 16s, 71);
  EXPECT_EQ(k.check(Peer::client, kStart + 17s, 71, 901), Due::nothing);
  EXPECT_EQ(k.check(Peer::client, kStart + 19s, 71, 950), Due::dead);  // was asked
}

TEST(Keepalive, who_is_not_listened_to_is_not_dead) {
  Keepalive k(settings(model::HeartbeatTo::origin), kStart, 1);
  ASSERT_EQ(k.check(Peer::origin, kStart + 5s, 70, 0), Due::ping);
  k.ping_written(Peer::origin, kStart + 5s, 70);
  k.unheard(Peer::origin, kStart + 8s);
  EXPECT_EQ(k.check(Peer::origin, kStart + 8s, 70, 0), Due::nothing);
  EXPECT_EQ(k.check(Peer::origin, kStart + 11s, 70, 0), Due::dead);
}

TEST(Keepalive, a_second_ping_does_not_put_off_the_answer_due_to_the_first) {
  Keepalive k({.interval = 1s, .to = model::HeartbeatTo::origin, .pong_timeout = 3s}, kStart, 1);
  ASSERT_EQ(k.check(Peer::origin, kStart + 1s, 0, 0), Due::ping);
  k.ping_written(Peer::origin, kStart + 1s, 0);
  for (const auto t : {2s, 3s}) {
    ASSERT_EQ(k.check(Peer::origin, kStart + t, 0, 0), Due::ping);
    k.ping_written(Peer::origin, kStart + t, 0);
  }
  EXPECT_EQ(k.check(Peer::origin, kStart + 4s, 0, 0), Due::dead);
}

TEST(Keepalive, the_sides_do_not_answer_for_each_other) {
  Keepalive k(settings(model::HeartbeatTo::both), kStart, 1);
  for (const Peer p : {Peer::client, Peer::origin}) {
    ASSERT_EQ(k.check(p, kStart + 5s, 0, 0), Due::ping);
    k.ping_written(p, kStart + 5s, 0);
  }
  k.pong_received(Peer::client);
  EXPECT_EQ(k.check(Peer::client, kStart + 8s, 0, 0), Due::nothing);
  EXPECT_EQ(k.check(Peer::origin, kStart + 8s, 0, 0), Due::dead);
}

TEST(Keepalive, nonces_differ_between_sides_and_sessions_and_stay) {
  std::set<Keepalive::Nonce> seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Keepalive k(settings(model::HeartbeatTo::both), kStart, seed);
    const Keepalive::Nonce before = k.nonce(Peer::client);
    ASSERT_EQ(k.check(Peer::client, kStart + 5s, 0, 0), Due::ping);
    k.ping_written(Peer::client, kStart + 5s, 0);
    EXPECT_EQ(k.nonce(Peer::client), before);
    seen.insert(before);
    seen.insert(k.nonce(Peer::origin));
  }
  // Seeds that are neighbours share a nonce (the next seed's first is no secret of this one's second); others do not.
  EXPECT_GE(seen.size(), 100u);
}

}  // namespace
}  // namespace fairlead::edge
