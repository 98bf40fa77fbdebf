// connect_tcp() and the handle of a SocketStream, over every net.

#include "net/socket_stream.h"

#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "net/testing/stream_tools.h"
#include "net/testing/world.h"

namespace fairlead::net {
namespace {

using base::Code;
using base::milliseconds;
using testing::every_net;
using testing::every_simulated_net;
using testing::Net;
using testing::net_name;
using testing::TcpPair;
using testing::World;
using Connected = base::Result<std::unique_ptr<TcpStream>>;

class ConnectTcp : public ::testing::TestWithParam<Net> {
 protected:
  World world{GetParam()};

  // A listener that nobody accepts from.
  struct Listener {
    World& world;
    int handle;
    SocketAddress at;
    Listener(World& w, const SocketAddress& where, ListenOptions options = {}) : world(w) {
      handle = world.poller().listen(where, options, &at);
      EXPECT_GE(handle, 0);
    }
    ~Listener() { world.poller().close(handle); }
  };

  Connected connect(const SocketAddress& to, TimePoint deadline = base::kNever, StopToken stop = {}) {
    return world.run(connect_tcp(world.loop(), to, deadline, stop));
  }
};
INSTANTIATE_TEST_SUITE_P(Net, ConnectTcp, every_net(), net_name);

TEST_P(ConnectTcp, connects_and_knows_its_addresses) {
  Listener listener(world, world.loopback());
  const auto stream = connect(listener.at);
  ASSERT_TRUE(stream);
  EXPECT_EQ((*stream)->peer(), listener.at);
  EXPECT_TRUE((*stream)->local().is_loopback());
  EXPECT_NE((*stream)->local().port(), 0);
  EXPECT_EQ(world.loop().timers().size(), 0u);
}

TEST_P(ConnectTcp, connects_over_ipv6_and_unix_sockets) {
  Listener six(world, SocketAddress::parse("[::1]:0").value());
  const auto stream = connect(six.at);
  ASSERT_TRUE(stream);
  EXPECT_EQ((*stream)->local().family(), Family::ipv6);
  const std::string path = "/tmp/fairlead_test_" + std::to_string(::getpid()) + ".sock";
  const auto at = SocketAddress::parse("unix:" + path).value();
  {
    Listener local(world, at);
    EXPECT_TRUE(connect(at));
  }
  ::unlink(path.c_str());
  EXPECT_FALSE(connect(at));
}

TEST_P(ConnectTcp, a_closed_port_refuses) {
  SocketAddress at;
  {
    at = Listener(world, world.loopback()).at;
  }
  const auto stream = connect(at);
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, Code::refused);
  EXPECT_EQ(stream.error().side, base::Side::origin);
  EXPECT_EQ(stream.error().retry, base::Retry::elsewhere);
  EXPECT_NE(stream.error().context.find(at.to_string()), std::string::npos) << stream.error().context;
}

// A listener whose queue is full answers nobody, on Linux as in the simulation.
TEST_P(ConnectTcp, gives_up_at_its_deadline) {
  Listener full(world, world.loopback(), {.backlog = 0});
  std::vector<std::unique_ptr<TcpStream>> queued;
  auto first = connect(full.at, base::later(world.loop().now(), base::seconds(2)));
  ASSERT_TRUE(first);
  const TimePoint start = world.loop().now();
  const auto stream = connect(full.at, base::later(start, milliseconds(80)));
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, Code::timeout);
  EXPECT_GE(world.loop().now() - start, milliseconds(80));
  EXPECT_EQ(world.loop().timers().size(), 0u);
  const auto past = connect(full.at, base::later(world.loop().now(), milliseconds(-1)));
  ASSERT_FALSE(past);
  EXPECT_EQ(past.error().code, Code::timeout);
}

Task<void> stop_soon(EventLoop& loop, StopSource& source) {
  co_await loop.sleep_for(milliseconds(5));
  source.request_stop();
}

TEST_P(ConnectTcp, stops_when_asked_before_or_meanwhile) {
  Listener full(world, world.loopback(), {.backlog = 0});
  auto first = connect(full.at);
  ASSERT_TRUE(first);
  StopSource source;
  world.scope().spawn(stop_soon(world.loop(), source));
  const auto meanwhile = connect(full.at, base::later(world.loop().now(), base::seconds(20)), source);
  ASSERT_FALSE(meanwhile);
  EXPECT_EQ(meanwhile.error().code, Code::cancelled);
  EXPECT_EQ(meanwhile.error().retry, base::Retry::never);
  const auto before = connect(full.at, base::kNever, source);
  ASSERT_FALSE(before);
  EXPECT_EQ(before.error().code, Code::cancelled);
}

// The address a stream is asked to connect to may be gone before the task runs.
TEST_P(ConnectTcp, owns_what_it_was_given) {
  Listener listener(world, world.loopback());
  auto address = std::make_unique<SocketAddress>(listener.at);
  auto task = connect_tcp(world.loop(), *address, base::kNever);
  address.reset();
  EXPECT_TRUE(world.run(std::move(task)));
}

TEST_P(ConnectTcp, a_released_handle_goes_on_under_a_new_stream) {
  TcpPair pair = world.pair();
  auto say = [](ByteStream& stream, std::string text) -> Task<int> {
    const int error = co_await stream.write(text);
    co_return error;
  };
  EXPECT_EQ(world.run(say(*pair.near, "ab")), 0);
  EXPECT_EQ(world.run(testing::read_exactly(*pair.far, 1)).bytes, "a");
  const SocketAddress peer = pair.far->peer();
  const int handle = pair.far->release();
  pair.far.reset();
  TcpStream again(world.loop(), handle, peer);
  EXPECT_EQ(world.run(testing::read_exactly(again, 1)).bytes, "b");
  EXPECT_EQ(world.run(say(again, "c")), 0);
  EXPECT_EQ(world.run(testing::read_exactly(*pair.near, 1)).bytes, "c");
}

class SimulatedConnect : public ConnectTcp {};
INSTANTIATE_TEST_SUITE_P(Net, SimulatedConnect, every_simulated_net(), net_name);

TEST_P(SimulatedConnect, nobody_answers_for_127_seconds) {
  const auto hole = SocketAddress::parse("192.0.2.1:80").value();
  world.sim()->black_hole(hole.with_port(0));
  const TimePoint start = world.loop().now();
  const auto stream = connect(hole);
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, Code::timeout);
  EXPECT_GE(world.loop().now() - start, base::seconds(127));
  EXPECT_LT(world.loop().now() - start, base::seconds(128));
  EXPECT_EQ(world.sim()->open_handles(), 0u);
}

TEST_P(SimulatedConnect, a_dropped_syn_is_sent_again) {
  Listener listener(world, world.loopback());
  world.sim()->black_hole(listener.at);
  auto heal = [](World& w, SocketAddress at) -> Task<void> {
    co_await w.loop().sleep_for(base::seconds(2));
    w.sim()->heal(at);
  };
  world.scope().spawn(heal(world, listener.at));
  const TimePoint start = world.loop().now();
  EXPECT_TRUE(connect(listener.at));
  EXPECT_GE(world.loop().now() - start, base::seconds(3));  // after 1 s and 3 s
  EXPECT_LT(world.loop().now() - start, base::seconds(4));
}

TEST_P(SimulatedConnect, out_of_handles_or_memory_is_an_error_of_resources) {
  Listener listener(world, world.loopback());
  world.sim()->set_max_handles(1);
  auto stream = connect(listener.at);
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, Code::resources);
  EXPECT_EQ(stream.error().retry, base::Retry::later);
  world.sim()->set_max_handles(100);
  world.sim()->fail_next_watches(1, ENOMEM);
  stream = connect(listener.at);
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, Code::resources);
  EXPECT_EQ(world.sim()->open_handles(), 1u);
}

TEST_P(SimulatedConnect, a_reset_while_connecting_is_an_error) {
  Listener listener(world, world.loopback());
  auto reset = [](World& w) -> Task<void> {
    w.sim()->reset_connection(w.sim()->connections().at(0));
    co_return;
  };
  auto later = [](World& w, Task<void> task) -> Task<void> {
    co_await w.loop().sleep_until(w.loop().now() + Duration(1));
    co_await std::move(task);
  };
  // The simulated flight takes longer than a tick of nothing: reset in the first turn after the connect began.
  world.scope().spawn(later(world, reset(world)));
  world.sim()->stall(-1, Flow::outgoing, Duration(0));  // of no handle: nothing
  world.sim()->black_hole(listener.at);
  const auto stream = connect(listener.at);
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, Code::reset);
}

}  // namespace
}  // namespace fairlead::net
