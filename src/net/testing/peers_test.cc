// The peers themselves: a test that stands on them must be able to trust them.

#include "net/testing/peers.h"

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string>

#include "base/log.h"
#include "net/testing/world.h"

namespace fairlead::net::testing {
namespace {

class PeersTest : public ::testing::TestWithParam<Net> {
 protected:
  World world{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Net, PeersTest, every_net(), net_name);

TEST_P(PeersTest, a_raw_client_hears_an_echo) {
  Server server(world.loop(), echo_connection);
  ASSERT_TRUE(server.open(world.loopback()));
  const Received r = world.run(say_and_collect(world.loop(), server.address(), "hello there", true));
  EXPECT_EQ(r.bytes, "hello there");
  EXPECT_EQ(r.error, 0);
  world.run(server.stop());
  EXPECT_EQ(server.accepted(), 1u);
  EXPECT_EQ(server.live(), 0u);
  EXPECT_EQ(world.run(say_and_collect(world.loop(), server.address(), "x")).error, ECONNREFUSED);
}

Task<std::string> converse(EventLoop& loop, SocketAddress to) {
  RawClient client(loop);
  if (!co_await client.connect(to)) co_return "not connected";
  const bool sent = co_await client.send_cut("one\r\ntwo\r\nthree", 5, 3);
  if (!sent) co_return "not sent";
  const Received first = co_await client.read_until("\r\n");
  const Received second = co_await client.read_until("\r\n");
  const Received third = co_await client.read_exactly(3);
  client.finish();
  const Received rest = co_await client.read_all();
  co_return first.bytes + "|" + second.bytes + "|" + third.bytes + "|" + rest.bytes;
}

TEST_P(PeersTest, a_conversation_is_read_in_parts) {
  Server server(world.loop(), echo_connection);
  ASSERT_TRUE(server.open(world.loopback()));
  EXPECT_EQ(world.run(converse(world.loop(), server.address())), "one\r\n|two\r\n|thr|ee");
  world.run(server.stop());
}

Task<int> wait_for_nothing(EventLoop& loop, SocketAddress to) {
  RawClient client(loop, base::milliseconds(50));
  if (!co_await client.connect(to)) co_return -1;
  const Received r = co_await client.read_all();
  co_return r.error;
}

TEST_P(PeersTest, a_silent_server_makes_a_client_fail_and_not_hang) {
  Server server(world.loop(), silent_connection);
  ASSERT_TRUE(server.open(world.loopback()));
  EXPECT_EQ(world.run(wait_for_nothing(world.loop(), server.address())), ETIMEDOUT);
  world.run(server.stop());
}

TEST_P(PeersTest, stopping_a_server_ends_its_live_connections) {
  Server server(world.loop(), silent_connection);
  ASSERT_TRUE(server.open(world.loopback()));
  RawClient client(world.loop());
  EXPECT_TRUE(world.run(client.connect(server.address())));
  world.run_until([&] { return server.live() == 1; });
  world.run(server.stop());
  const Received r = world.run(client.read_all());
  EXPECT_EQ(r.error, 0);
}

TEST_P(PeersTest, a_handler_keeps_what_it_captured_and_its_exceptions_are_counted) {
  base::log_set_level(base::LogLevel::off);
  auto greeting = std::make_unique<std::string>("welcome");
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): the server keeps it, which is the point
  Server server(world.loop(), [&greeting, own = std::string(100, '!')](TcpStream& stream) -> Task<void> {
    co_await stream.write(*greeting);
    co_await stream.write(own);
    throw std::runtime_error("after the greeting");
  });
  ASSERT_TRUE(server.open(world.loopback()));
  const Received r = world.run(say_and_collect(world.loop(), server.address(), ""));
  EXPECT_EQ(r.bytes, "welcome" + std::string(100, '!'));
  world.run(server.stop());
  EXPECT_EQ(server.failures(), 1u);
  base::log_set_level(base::LogLevel::info);
}

}  // namespace
}  // namespace fairlead::net::testing
