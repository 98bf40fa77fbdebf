#include "edge/origin/idle_pool.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "net/testing/stream_tools.h"
#include "net/testing/world.h"
#include "net/tls_context.h"

namespace fairlead::edge {
namespace {

using base::milliseconds;
using base::seconds;
using net::testing::Net;
using net::testing::TcpPair;
using net::testing::World;

class IdlePoolTest : public ::testing::TestWithParam<Net> {
 protected:
  World world{GetParam()};
  net::TaskScope scope{world.loop()};
  std::shared_ptr<OriginState> origin = std::make_shared<OriginState>("d", "10.0.0.1", 80, 443);
  std::unique_ptr<IdlePool> pool = std::make_unique<IdlePool>(world.loop(), scope);
  std::vector<std::unique_ptr<net::TcpStream>> far;  // the origin's ends

  ~IdlePoolTest() override {
    scope.request_stop();
    world.run(join(scope));
    EXPECT_EQ(pool->size(), 0u);
    pool.reset();
  }
  static net::Task<void> join(net::TaskScope& s) { co_await s.join(); }

  void limits(IdlePoolLimits l) { pool = std::make_unique<IdlePool>(world.loop(), scope, l); }
  IdleKey key() const { return {origin, nullptr, ""}; }
  // A connection as it is after an exchange.
  std::unique_ptr<net::SocketStream> connection() {
    TcpPair pair = world.pair();
    far.push_back(std::move(pair.far));
    return std::move(pair.near);
  }
  net::SocketStream* put(IdleKey k) {
    auto c = connection();
    net::SocketStream* raw = c.get();
    pool->put(std::move(k), std::move(c));
    return raw;
  }
  net::SocketStream* put() { return put(key()); }
  std::unique_ptr<net::SocketStream> take(IdleKey k) { return world.run(pool->take(std::move(k))); }
  std::unique_ptr<net::SocketStream> take() { return take(key()); }

  static net::Task<int> write(net::ByteStream& s, std::string bytes) { co_return co_await s.write(bytes); }
  // A request one way and an answer the other.
  void expect_works(net::SocketStream& near, net::TcpStream& other) {
    EXPECT_EQ(world.run(write(near, "ping")), 0);
    EXPECT_EQ(world.run(net::testing::read_exactly(other, 4)).bytes, "ping");
    EXPECT_EQ(world.run(write(other, "pong")), 0);
    EXPECT_EQ(world.run(net::testing::read_exactly(near, 4)).bytes, "pong");
  }
  bool closed(net::TcpStream& other) { return world.run(net::testing::read_all(other)).bytes.empty(); }
};

TEST_P(IdlePoolTest, gives_back_what_was_put_in_working) {
  EXPECT_EQ(take(), nullptr);
  net::SocketStream* raw = put();
  EXPECT_EQ(pool->size(), 1u);
  EXPECT_EQ(pool->size(key()), 1u);
  for (int i = 0; i < 3; ++i) {
    auto stream = take();
    ASSERT_EQ(stream.get(), raw);
    EXPECT_EQ(pool->size(), 0u);
    EXPECT_EQ(take(), nullptr);
    expect_works(*stream, *far[0]);
    pool->put(key(), std::move(stream));
  }
}

TEST_P(IdlePoolTest, the_last_used_comes_first) {
  net::SocketStream* one = put();
  net::SocketStream* two = put();
  auto a = take();
  auto b = take();
  EXPECT_EQ(a.get(), two);
  EXPECT_EQ(b.get(), one);
}

TEST_P(IdlePoolTest, a_taken_stream_may_be_destroyed_at_once) {
  put();
  take().reset();
  EXPECT_TRUE(closed(*far[0]));
  EXPECT_EQ(scope.size(), 0u);
}

TEST_P(IdlePoolTest, an_origin_that_closes_is_noticed_at_once) {
  put();
  put();
  far[1].reset();
  world.run_until([&] { return pool->size() == 1; });
  far[0]->shutdown_write();
  world.run_until([&] { return pool->size() == 0; });
  EXPECT_EQ(take(), nullptr);
  EXPECT_TRUE(closed(*far[0]));  // and our side is closed too
}

TEST_P(IdlePoolTest, an_origin_that_speaks_out_of_turn_is_dropped) {
  put();
  EXPECT_EQ(world.run(write(*far[0], "HTTP/1.1 408 Request Timeout\r\n\r\n")), 0);
  world.run_until([&] { return pool->size() == 0; });
  EXPECT_EQ(take(), nullptr);
}

TEST_P(IdlePoolTest, what_is_not_clean_is_not_kept) {
  auto leftover = connection();
  leftover->unread("x");
  pool->put(key(), std::move(leftover));
  auto cancelled = connection();
  cancelled->cancel();
  pool->put(key(), std::move(cancelled));
  EXPECT_EQ(pool->size(), 0u);
  EXPECT_TRUE(closed(*far[0]));
  EXPECT_TRUE(closed(*far[1]));
}

TEST_P(IdlePoolTest, the_idle_timeout_ends_a_connection) {
  limits({.idle_timeout = milliseconds(200)});
  const auto start = world.loop().now();
  put();
  world.run_until([&] { return pool->size() == 0; });
  EXPECT_GE(world.loop().now() - start, milliseconds(200));
  EXPECT_TRUE(closed(*far[0]));
  // A second stay begins anew.
  put();
  auto stream = take();
  pool->put(key(), std::move(stream));
  EXPECT_EQ(pool->size(), 1u);
}

TEST_P(IdlePoolTest, the_one_idle_longest_gives_way) {
  limits({.per_key = 2, .total = 3});
  auto other = std::make_shared<OriginState>("d", "10.0.0.2", 80, 443);
  net::SocketStream* a1 = put();
  put({other, nullptr, ""});
  net::SocketStream* a2 = put();
  net::SocketStream* a3 = put();  // a1 goes
  EXPECT_EQ(pool->size(key()), 2u);
  EXPECT_EQ(pool->size(), 3u);
  EXPECT_TRUE(closed(*far[0]));
  put({other, nullptr, ""});  // the other's first goes
  EXPECT_EQ(pool->size(), 3u);
  EXPECT_TRUE(closed(*far[1]));
  EXPECT_EQ(take().get(), a3);
  EXPECT_EQ(take().get(), a2);
  EXPECT_EQ(take(), nullptr);
  (void)a1;
}

TEST_P(IdlePoolTest, nothing_is_kept_where_nothing_may_be) {
  limits({.per_key = 0});
  put();
  EXPECT_EQ(pool->size(), 0u);
  EXPECT_TRUE(closed(*far[0]));
}

TEST_P(IdlePoolTest, connections_are_shared_by_the_same_tls_identity_only) {
  net::TlsClientOptions options;
  options.verify = false;
  const auto old_tls = net::TlsClientContext::create(options).value();
  const auto new_tls = net::TlsClientContext::create(options).value();
  net::SocketStream* raw = put({origin, old_tls, "live.example.com"});
  EXPECT_EQ(take(), nullptr);
  EXPECT_EQ(take({origin, new_tls, "live.example.com"}), nullptr);
  EXPECT_EQ(take({origin, old_tls, "other.example.com"}), nullptr);
  EXPECT_EQ(take({std::make_shared<OriginState>("d", "10.0.0.1", 80, 443), old_tls, "live.example.com"}), nullptr);
  EXPECT_EQ(take({origin, old_tls, "live.example.com"}).get(), raw);
}

TEST_P(IdlePoolTest, close_for_ends_one_origin_s) {
  auto other = std::make_shared<OriginState>("d", "10.0.0.2", 80, 443);
  put();
  net::SocketStream* stays = put({other, nullptr, ""});
  put();
  pool->close_for(origin.get());
  EXPECT_EQ(pool->size(), 1u);
  EXPECT_TRUE(closed(*far[0]));
  EXPECT_TRUE(closed(*far[2]));
  EXPECT_EQ(take({other, nullptr, ""}).get(), stays);
}

TEST_P(IdlePoolTest, clear_ends_all) {
  for (int i = 0; i < 5; ++i) put();
  pool->clear();
  EXPECT_EQ(pool->size(), 0u);
  for (auto& f : far) EXPECT_TRUE(closed(*f));
  EXPECT_EQ(scope.size(), 0u);
  put();
  EXPECT_EQ(pool->size(), 1u);
}

TEST_P(IdlePoolTest, after_the_scope_was_asked_to_stop_it_takes_nothing) {
  put();
  scope.request_stop();
  EXPECT_EQ(pool->size(), 0u);
  put();
  EXPECT_EQ(pool->size(), 0u);
  EXPECT_TRUE(closed(*far[1]));
  world.run(join(scope));
}

INSTANTIATE_TEST_SUITE_P(Net, IdlePoolTest, net::testing::every_net(), net::testing::net_name);

// Takers, putters and an origin that closes at any time, on many seeds: whoever takes gets a stream that nobody else
// has, and nothing is left over.
TEST(IdlePoolFaultsTest, takers_and_closing_origins_do_not_meet) {
  struct Client {
    static net::Task<void> run(World& world, IdlePool& pool, IdleKey key, std::uint64_t seed, net::SocketAddress at,
                               int* used) {
      net::SimRandom random(seed);
      for (int i = 0; i < 20; ++i) {
        auto stream = co_await pool.take(key);
        if (!stream) {
          auto made = co_await net::connect_tcp(world.loop(), at, base::kNever);
          if (!made) continue;
          stream = std::move(*made);
        } else {
          ++*used;
        }
        co_await world.loop().sleep_for(milliseconds(random.below(20)));
        pool.put(key, std::move(stream));
        co_await world.loop().sleep_for(milliseconds(random.below(20)));
      }
    }
  };
  int used = 0;
  for (std::uint64_t seed = 1; seed <= 200 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    net::SimOptions options;
    options.seed = seed;
    options.odd_eagain = 0.1;
    World world(Net::sim_random, options);
    net::TaskScope scope(world.loop());
    IdlePool pool(world.loop(), scope, {.per_key = 3, .total = 5, .idle_timeout = milliseconds(15)});
    net::SimRandom random(seed);
    std::vector<std::unique_ptr<net::TcpStream>> accepted;
    net::Acceptor acceptor(
        world.loop(),
        [&](int h, const net::SocketAddress& p) {
          accepted.push_back(std::make_unique<net::TcpStream>(world.loop(), h, p));
          // Every now and then an older connection is closed or spoken on.
          auto& victim = accepted[random.below(accepted.size())];
          if (random.chance(0.5)) victim.reset();
        },
        [](int) {});
    ASSERT_TRUE(acceptor.open(world.loopback(), {}));
    const auto one = std::make_shared<OriginState>("d", "10.0.0.1", 80, 443);
    const auto two = std::make_shared<OriginState>("d", "10.0.0.2", 80, 443);
    for (std::uint64_t c = 0; c < 6; ++c) {
      world.scope().spawn(
          Client::run(world, pool, {c % 2 ? one : two, nullptr, ""}, seed * 100 + c, acceptor.address(), &used));
    }
    world.finish();
    EXPECT_LE(pool.size(), 5u);
    scope.request_stop();
    world.run_until([&] { return scope.size() == 0; });
    EXPECT_EQ(pool.size(), 0u);
    accepted.clear();
    acceptor.close();
    EXPECT_EQ(world.sim()->open_handles(), 0u);
    EXPECT_EQ(world.sim()->misuses(), 0u);
  }
  EXPECT_GT(used, 1000);
}

}  // namespace
}  // namespace fairlead::edge
