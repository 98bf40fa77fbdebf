#include "edge/origin/connector.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>

#include "net/resolver.h"
#include "net/testing/stream_tools.h"
#include "net/testing/tls_certificates.h"
#include "net/testing/world.h"
#include "net/tls_stream.h"
#include "protocol/proxy_protocol/proxy_protocol.h"

namespace fairlead::edge {
namespace {

using base::Code;
using base::milliseconds;
using base::seconds;
using base::Side;
using net::SocketAddress;
using net::testing::Net;
using net::testing::World;
using ::testing::HasSubstr;

using Connected = base::Result<std::unique_ptr<net::SocketStream>>;

// An origin with several addresses, 127.0.0.1 first: each answers, refuses (nothing listens), or is silent.
class ConnectorTest : public ::testing::TestWithParam<Net> {
 protected:
  World world{GetParam()};
  net::StaticResolver resolver;
  Connector connector{world.loop(), resolver};
  std::vector<std::unique_ptr<net::Acceptor>> acceptors;
  std::vector<std::unique_ptr<net::TcpStream>> accepted;
  std::vector<int> silent_handles;
  std::uint16_t port = 0;

  ~ConnectorTest() override {
    for (const int h : silent_handles) world.poller().close(h);
  }

  SocketAddress address(int n) const { return SocketAddress::from_ip("127.0.0." + std::to_string(n), port).value(); }

  void answers(int n) {
    acceptors.push_back(std::make_unique<net::Acceptor>(
        world.loop(),
        [this](int handle, const SocketAddress& peer) {
          accepted.push_back(std::make_unique<net::TcpStream>(world.loop(), handle, peer));
        },
        [](int error) { ADD_FAILURE() << error; }));
    ASSERT_TRUE(acceptors.back()->open(address(n), {}));
    port = acceptors.back()->address().port();
  }
  // Needs a port, so after the first answers() or with port set.
  void is_silent(int n) {
    if (world.sim()) {
      world.sim()->black_hole(address(n));
      return;
    }
    // A listener whose queue of one is full: the kernel drops what else comes.
    net::ListenOptions options;
    options.backlog = 0;
    SocketAddress bound;
    silent_handles.push_back(world.poller().listen(address(n), options, &bound));
    ASSERT_GE(silent_handles.back(), 0);
    port = bound.port();
    silent_handles.push_back(world.poller().connect(bound));
    ASSERT_GE(silent_handles.back(), 0);
  }
  void name(std::initializer_list<int> addresses) {
    std::vector<SocketAddress> list;
    for (const int n : addresses) list.push_back(address(n).with_port(0));
    resolver.set("origin.example", list);
  }

  ConnectRequest request() const {
    ConnectRequest r;
    r.host = "origin.example";
    r.port = port;
    return r;
  }
  Connected connect(ConnectRequest r, net::StopToken stop = {}) {
    return world.run(connector.connect(std::move(r), stop));
  }
  // The same, and how long it took by the loop's clock.
  Connected timed(ConnectRequest r, base::Duration* took, net::StopToken stop = {}) {
    const auto start = world.loop().now();
    auto c = connect(std::move(r), stop);
    *took = world.loop().now() - start;
    return c;
  }
  // The kernel's clock goes on while a busy machine does something else.
  base::Duration slack() const { return world.kernel() ? base::Duration(seconds(5)) : milliseconds(20); }
  net::Task<void> stop_after(base::Duration d, net::StopSource& stop) {
    co_await world.loop().sleep_for(d);
    stop.request_stop();
  }
  net::Task<void> heal_after(base::Duration d, SocketAddress at) {
    co_await world.loop().sleep_for(d);
    world.sim()->heal(at);
  }
  // What the origin reads on its n-th connection until `size` bytes are there.
  std::string received(std::size_t n, std::size_t size) {
    world.run_until([&] { return accepted.size() > n; });
    return world.run(net::testing::read_exactly(*accepted[n], size)).bytes;
  }
  int written(net::SocketStream& stream, std::string bytes) { return world.run(write(stream, std::move(bytes))); }
  static net::Task<int> write(net::SocketStream& stream, std::string bytes) { co_return co_await stream.write(bytes); }
  // Every socket is closed but the listeners'.
  void expect_nothing_left() {
    accepted.clear();
    if (world.kernel()) return;
    EXPECT_EQ(world.sim()->open_handles(), acceptors.size());
  }
};

TEST_P(ConnectorTest, connects_to_a_literal_address) {
  answers(1);
  ConnectRequest r = request();
  r.host = "127.0.0.1";
  auto c = connect(std::move(r));
  ASSERT_TRUE(c) << base::describe(c.error());
  EXPECT_EQ((*c)->peer(), address(1));
  EXPECT_EQ(written(**c, "hello"), 0);
  EXPECT_EQ(received(0, 5), "hello");
  c->reset();
  expect_nothing_left();
}

TEST_P(ConnectorTest, goes_on_at_once_when_an_address_refuses) {
  answers(3);
  name({1, 2, 3});
  base::Duration took;
  auto c = timed(request(), &took);
  ASSERT_TRUE(c) << base::describe(c.error());
  EXPECT_EQ((*c)->peer(), address(3));
  EXPECT_LT(took, world.kernel() ? slack() : milliseconds(100));
  c->reset();
  expect_nothing_left();
}

TEST_P(ConnectorTest, tries_the_next_address_after_250_ms_of_silence) {
  answers(2);
  is_silent(1);
  name({1, 2});
  base::Duration took;
  auto c = timed(request(), &took);
  ASSERT_TRUE(c) << base::describe(c.error());
  EXPECT_EQ((*c)->peer(), address(2));
  EXPECT_GE(took, milliseconds(250));
  EXPECT_LT(took, milliseconds(250) + slack());
  c->reset();
  expect_nothing_left();
}

TEST_P(ConnectorTest, says_the_last_failure_when_every_address_refuses) {
  answers(9);  // only for a port that nothing else has
  name({1, 2});
  const auto c = connect(request());
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().code, Code::refused);
  EXPECT_EQ(c.error().side, Side::origin);
  EXPECT_EQ(c.error().retry, base::Retry::elsewhere);
  EXPECT_THAT(c.error().context, HasSubstr(address(2).to_string()));
  expect_nothing_left();
}

TEST_P(ConnectorTest, gives_up_when_the_connect_timeout_is_over) {
  answers(9);
  is_silent(1);
  is_silent(2);
  name({1, 2});
  for (const bool by_deadline : {false, true}) {
    ConnectRequest r = request();
    if (by_deadline) {
      r.deadline = world.loop().now() + milliseconds(600);
    } else {
      r.connect_timeout = milliseconds(600);
    }
    base::Duration took;
    const auto c = timed(std::move(r), &took);
    ASSERT_FALSE(c);
    EXPECT_EQ(c.error().code, Code::timeout);
    EXPECT_EQ(c.error().side, Side::origin);
    EXPECT_EQ(c.error().retry, base::Retry::elsewhere);
    EXPECT_GE(took, milliseconds(600));
    EXPECT_LT(took, milliseconds(600) + slack());
  }
  expect_nothing_left();
}

TEST_P(ConnectorTest, stops_in_the_middle) {
  answers(9);
  is_silent(1);
  is_silent(2);
  name({1, 2});
  for (const int ms : {0, 100, 300}) {
    net::StopSource stop;
    if (ms == 0) stop.request_stop();
    if (ms != 0) world.scope().spawn(stop_after(milliseconds(ms), stop));
    base::Duration took;
    const auto c = timed(request(), &took, stop);
    ASSERT_FALSE(c);
    EXPECT_EQ(c.error().code, Code::cancelled) << base::describe(c.error());
    EXPECT_EQ(c.error().side, Side::edge);
    EXPECT_GE(took, milliseconds(ms));
    EXPECT_LT(took, milliseconds(ms) + slack());
  }
  expect_nothing_left();
}

TEST_P(ConnectorTest, an_unknown_name_is_not_found) {
  const auto c = connect(request());
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().code, Code::not_found);
  EXPECT_EQ(c.error().side, Side::origin);
  EXPECT_EQ(c.error().retry, base::Retry::elsewhere);
  EXPECT_THAT(c.error().context, HasSubstr("resolve origin.example"));
}

TEST_P(ConnectorTest, tells_the_client_s_address_in_a_proxy_header) {
  answers(1);
  name({1});
  ConnectRequest r = request();
  r.source = SocketAddress::from_ip("203.0.113.9", 5000).value();
  r.destination = SocketAddress::from_ip("198.51.100.1", 443).value();
  r.proxy = model::SendProxy::v1;
  auto v1 = connect(r);
  ASSERT_TRUE(v1);
  EXPECT_EQ(written(**v1, "!"), 0);
  const std::string text = "PROXY TCP4 203.0.113.9 198.51.100.1 5000 443\r\n!";
  EXPECT_EQ(received(0, text.size()), text);

  r.proxy = model::SendProxy::v2;
  auto v2 = connect(r);
  ASSERT_TRUE(v2);
  EXPECT_EQ(written(**v2, "!"), 0);
  const std::string bytes = received(1, 29);  // 16 + 12 of a TCP over IPv4 header, and ours
  const auto parsed = protocol::parse_proxy_header(bytes);
  ASSERT_TRUE(parsed && *parsed);
  EXPECT_EQ((*parsed)->header.source_ip, "203.0.113.9");
  EXPECT_EQ((*parsed)->header.source_port, 5000);
  EXPECT_EQ((*parsed)->header.destination_ip, "198.51.100.1");
  EXPECT_EQ((*parsed)->header.destination_port, 443);
  EXPECT_EQ(bytes.substr((*parsed)->consumed), "!");
}

TEST_P(ConnectorTest, a_connection_of_the_edge_s_own_speaks_for_itself_in_a_proxy_header) {
  answers(1);
  name({1});
  ConnectRequest r = request();
  r.proxy = model::SendProxy::v1;
  auto c = connect(std::move(r));
  ASSERT_TRUE(c);
  const SocketAddress local = (*c)->local();
  const std::string text = fmt::format("PROXY TCP4 {} 127.0.0.1 {} {}\r\n", local.ip(), local.port(), port);
  EXPECT_EQ(received(0, text.size()), text);
}

// --- TLS to the origin.

class AnySelector final : public net::TlsServerSelector {
 public:
  std::shared_ptr<const net::TlsServerContext> context;
  std::shared_ptr<const net::TlsServerContext> select(std::string_view) override { return context; }
};

class ConnectorTlsTest : public ConnectorTest {
 protected:
  net::testing::TestIdentity identity = net::testing::make_identity({"live.example.com"});
  AnySelector selector;
  std::unique_ptr<net::TlsStream> served;

  ConnectorTlsTest() {
    net::TlsServerOptions options;
    options.certificates = {identity.pair()};
    selector.context = net::TlsServerContext::create(options).value();
  }
  ConnectRequest tls_request(bool verify = true) const {
    ConnectRequest r = request();
    net::TlsClientOptions options;
    options.verify = verify;
    options.ca_pem = identity.authority.pem;
    r.tls = net::TlsClientContext::create(options).value();
    r.server_name = "live.example.com";
    return r;
  }
  net::Task<void> serve(net::StopToken stop) {
    auto tls = co_await net::tls_accept(std::move(accepted.back()), selector, base::kNever, stop);
    if (tls) served = std::move(*tls);
  }
  // Connects while the origin does its side of the handshake.
  Connected handshake(ConnectRequest r) {
    acceptors.clear();
    acceptors.push_back(std::make_unique<net::Acceptor>(
        world.loop(),
        [this](int handle, const SocketAddress& peer) {
          accepted.push_back(std::make_unique<net::TcpStream>(world.loop(), handle, peer));
          world.scope().spawn(serve({}));
        },
        [](int error) { ADD_FAILURE() << error; }));
    EXPECT_TRUE(acceptors.back()->open(address(1), {}));
    r.port = port = acceptors.back()->address().port();
    name({1});
    auto c = connect(std::move(r));
    world.finish();
    return c;
  }
};

TEST_P(ConnectorTlsTest, verifies_the_name_it_was_told) {
  auto c = handshake(tls_request());
  ASSERT_TRUE(c) << base::describe(c.error());
  ASSERT_TRUE(served);
  EXPECT_EQ(served->server_name(), "live.example.com");
  EXPECT_EQ((*c)->tls_version(), "TLSv1.3");
  EXPECT_EQ(written(**c, "hello"), 0);
  EXPECT_EQ(world.run(net::testing::read_exactly(*served, 5)).bytes, "hello");
}

TEST_P(ConnectorTlsTest, refuses_a_certificate_of_another_name_unless_told_not_to_verify) {
  ConnectRequest r = tls_request();
  r.server_name = "other.example.com";
  const auto refused = handshake(std::move(r));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::certificate) << base::describe(refused.error());
  EXPECT_EQ(refused.error().side, Side::origin);
  EXPECT_EQ(refused.error().retry, base::Retry::elsewhere);
  EXPECT_THAT(refused.error().context, HasSubstr("TLS handshake with 127.0.0.1:"));

  r = tls_request(false);
  r.server_name = "other.example.com";
  const auto insecure = handshake(std::move(r));
  EXPECT_TRUE(insecure) << base::describe(insecure.error());
}

TEST_P(ConnectorTlsTest, a_handshake_without_an_answer_ends_at_the_deadline_or_by_a_stop) {
  answers(1);  // accepts, and says nothing
  name({1});
  ConnectRequest r = tls_request();
  r.connect_timeout = milliseconds(50);  // of TCP; TLS has until the deadline
  r.deadline = world.loop().now() + milliseconds(400);
  base::Duration took;
  const auto late = timed(r, &took);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::timeout) << base::describe(late.error());
  EXPECT_GE(took, milliseconds(400));
  EXPECT_LT(took, milliseconds(400) + slack());

  net::StopSource stop;
  world.scope().spawn(stop_after(milliseconds(100), stop));
  r.deadline = base::kNever;
  const auto stopped = connect(std::move(r), stop);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Code::cancelled);
  expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(Net, ConnectorTest, net::testing::every_net(), net::testing::net_name);
INSTANTIATE_TEST_SUITE_P(Net, ConnectorTlsTest, net::testing::every_net(), net::testing::net_name);

// --- What only the simulated network can be made to do.

class ConnectorSimTest : public ConnectorTest {};

TEST_P(ConnectorSimTest, the_first_to_connect_wins_even_if_it_began_first_and_was_slow) {
  answers(1);
  is_silent(1);
  is_silent(2);
  name({1, 2});
  world.scope().spawn(heal_after(milliseconds(500), address(1)));  // its SYN comes again after a second
  base::Duration took;
  auto c = timed(request(), &took);
  ASSERT_TRUE(c) << base::describe(c.error());
  EXPECT_EQ((*c)->peer(), address(1));
  EXPECT_GE(took, milliseconds(900));
  c->reset();
  expect_nothing_left();
}

TEST_P(ConnectorSimTest, out_of_descriptors_is_the_edge_s_fault) {
  answers(1);
  name({1, 2});
  world.sim()->set_max_handles(static_cast<int>(world.sim()->open_handles()));
  const auto c = connect(request());
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().code, Code::resources) << base::describe(c.error());
  EXPECT_EQ(c.error().side, Side::edge);
  EXPECT_EQ(c.error().retry, base::Retry::later);
}

INSTANTIATE_TEST_SUITE_P(Net, ConnectorSimTest, net::testing::every_simulated_net(), net::testing::net_name);

// A name with four addresses on a network that refuses, swallows, resets and runs out of descriptors: every call ends
// in time, with a connection or a reason, and leaves no socket behind.
TEST(ConnectorFaultsTest, always_ends_in_time_and_leaves_nothing_behind) {
  int won = 0, lost = 0, stopped = 0;
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    net::SimOptions options;
    options.seed = seed;
    options.jitter = milliseconds(200);
    options.odd_eagain = 0.1;
    World world(Net::sim_random, options);
    std::vector<std::unique_ptr<net::TcpStream>> accepted;
    net::Acceptor acceptor(
        world.loop(),
        [&](int h, const SocketAddress& p) {
          accepted.push_back(std::make_unique<net::TcpStream>(world.loop(), h, p));
        },
        [](int) {});
    ASSERT_TRUE(acceptor.open(SocketAddress::from_ip("0.0.0.0", 80).value(), {}));
    world.sim()->set_faults({.reset = 0.02,
                             .stall = 0,
                             .stall_most = {},
                             .connect_refused = 0.4,
                             .connect_silent = 0.3,
                             .accept_aborted = 0,
                             .out_of_handles = 0.02});
    net::StaticResolver resolver;
    std::vector<SocketAddress> list;
    for (int n = 1; n <= 4; ++n) list.push_back(SocketAddress::from_ip("10.0.0." + std::to_string(n), 0).value());
    resolver.set("origin.example", list);
    Connector connector(world.loop(), resolver);

    struct Stopper {
      static net::Task<void> run(net::EventLoop& loop, base::Duration d, net::StopSource& stop) {
        co_await loop.sleep_for(d, stop);
        stop.request_stop();
      }
    };
    net::StopSource stop;
    net::SimRandom random(seed);
    world.scope().spawn(Stopper::run(world.loop(), milliseconds(100 + random.below(5000)), stop));
    ConnectRequest r;
    r.host = "origin.example";
    r.port = 80;
    r.connect_timeout = seconds(2);
    r.proxy = model::SendProxy::v2;
    const auto start = world.loop().now();
    auto c = world.run(connector.connect(std::move(r), stop));
    EXPECT_LT(world.loop().now() - start, seconds(2) + milliseconds(500));
    if (c) {
      ++won;
    } else if (c.error().code == Code::cancelled) {
      ++stopped;
      EXPECT_TRUE(stop.stop_requested());
    } else {
      ++lost;
      EXPECT_FALSE(c.error().context.empty());
    }
    if (c) c->reset();
    stop.request_stop();
    world.finish();
    acceptor.close();
    accepted.clear();
    EXPECT_EQ(world.sim()->open_handles(), 0u);
    EXPECT_EQ(world.sim()->misuses(), 0u);
    if (HasFailure()) break;
  }
  EXPECT_GT(won, 500);
  EXPECT_GT(lost, 50);
  EXPECT_GT(stopped, 50);
}

}  // namespace
}  // namespace fairlead::edge
