#include "net/acceptor.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "net/testing/stream_tools.h"
#include "net/testing/world.h"

namespace fairlead::net {
namespace {

using base::Code;
using base::milliseconds;
using testing::every_net;
using testing::Net;
using testing::net_name;
using testing::World;

// Lets only `more` descriptors be opened beyond those that are open now.
class FewHandles {
 public:
  FewHandles(World& world, int more) : world_(world) {
    if (world.sim()) {
      world.sim()->set_max_handles(static_cast<int>(world.sim()->open_handles()) + more);
      return;
    }
    ::getrlimit(RLIMIT_NOFILE, &before_);
    // The limit is on the number of a descriptor: so the holes below the highest one are filled first.
    int highest = 0;
    DIR* d = ::opendir("/proc/self/fd");
    EXPECT_NE(d, nullptr);
    if (d == nullptr) return;
    while (dirent* e = ::readdir(d)) highest = std::max(highest, std::atoi(e->d_name));
    ::closedir(d);
    do {
      fillers_.push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    } while (fillers_.back() >= 0 && fillers_.back() <= highest);
    EXPECT_EQ(fillers_.back(), highest + 1);
    rlimit few = before_;
    few.rlim_cur = static_cast<rlim_t>(highest) + 2 + static_cast<rlim_t>(more);
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewHandles() {
    if (world_.sim()) {
      world_.sim()->set_max_handles(1 << 20);
      return;
    }
    ::setrlimit(RLIMIT_NOFILE, &before_);
    for (const int fd : fillers_) ::close(fd);
  }

 private:
  World& world_;
  rlimit before_{};
  std::vector<int> fillers_;
};

class AcceptorTest : public ::testing::TestWithParam<Net> {
 protected:
  World world{GetParam()};
  std::vector<std::unique_ptr<TcpStream>> accepted;
  std::vector<int> exhausted;
  Acceptor acceptor{world.loop(),
                    [this](int handle, const SocketAddress& peer) {
                      accepted.push_back(std::make_unique<TcpStream>(world.loop(), handle, peer));
                    },
                    [this](int error) { exhausted.push_back(error); }};

  std::unique_ptr<TcpStream> connect(const SocketAddress& to) {
    auto stream = world.run(connect_tcp(world.loop(), to, base::later(world.loop().now(), base::seconds(10))));
    EXPECT_TRUE(stream) << (stream ? "" : base::describe(stream.error()));
    return stream ? std::move(*stream) : nullptr;
  }
};

// Connections that have begun: the handles are taken now, what happens to them is up to the acceptor.
std::vector<std::unique_ptr<TcpStream>> begin_to_connect(World& world, const SocketAddress& to, int count) {
  std::vector<std::unique_ptr<TcpStream>> out;
  for (int i = 0; i < count; ++i) {
    const int handle = world.poller().connect(to);
    EXPECT_GE(handle, 0);
    out.push_back(std::make_unique<TcpStream>(world.loop(), handle, to));
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(Net, AcceptorTest, every_net(), net_name);

TEST_P(AcceptorTest, hands_over_who_connects_with_its_address) {
  ASSERT_TRUE(acceptor.open(world.loopback(), {}));
  EXPECT_TRUE(acceptor.is_open());
  EXPECT_NE(acceptor.address().port(), 0);
  std::vector<std::unique_ptr<TcpStream>> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(connect(acceptor.address()));
  world.run_until([&] { return accepted.size() == 200; });
  for (std::size_t i = 0; i < clients.size(); ++i) EXPECT_EQ(accepted[i]->peer(), clients[i]->local());
  EXPECT_TRUE(exhausted.empty());
}

TEST_P(AcceptorTest, listens_on_ipv6_and_on_both_families) {
  ASSERT_TRUE(acceptor.open(SocketAddress::parse("[::1]:0").value(), {}));
  auto six = connect(acceptor.address());
  world.run_until([&] { return accepted.size() == 1; });
  EXPECT_EQ(accepted[0]->peer().family(), Family::ipv6);
  acceptor.close();
  EXPECT_FALSE(acceptor.is_open());
  ASSERT_TRUE(acceptor.open(SocketAddress::parse("[::]:0").value(), {.v6_only = false}));
  auto four = connect(world.loopback(acceptor.address().port()));
  world.run_until([&] { return accepted.size() == 2; });
  EXPECT_EQ(accepted[1]->peer().family(), Family::ipv4);
  EXPECT_EQ(accepted[1]->peer().ip(), "127.0.0.1");
}

TEST_P(AcceptorTest, says_that_an_address_is_in_use) {
  ASSERT_TRUE(acceptor.open(world.loopback(), {.reuse_port = false}));
  Acceptor second(world.loop(), [](int, const SocketAddress&) {}, [](int) {});
  const auto opened = second.open(acceptor.address(), {.reuse_port = false});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::conflict);
  EXPECT_EQ(opened.error().side, base::Side::edge);
  EXPECT_FALSE(second.is_open());
}

// SO_REUSEPORT: a listener per worker on one address, every connection to exactly one of them.
TEST_P(AcceptorTest, several_share_an_address) {
  ASSERT_TRUE(acceptor.open(world.loopback(), {}));
  Acceptor second(
      world.loop(),
      [&](int handle, const SocketAddress& peer) {
        accepted.push_back(std::make_unique<TcpStream>(world.loop(), handle, peer));
      },
      [](int) {});
  ASSERT_TRUE(second.open(acceptor.address(), {}));
  std::vector<std::unique_ptr<TcpStream>> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(connect(acceptor.address()));
  world.run_until([&] { return accepted.size() == 50; });
}

Task<bool> echo_once(ByteStream& from, ByteStream& to) {
  const std::string_view text = "still alive";
  if (co_await from.write(text) != 0) co_return false;
  const testing::Received got = co_await testing::read_exactly(to, text.size());
  co_return got.bytes == text;
}

TEST_P(AcceptorTest, out_of_descriptors_it_rests_while_live_connections_go_on_and_then_recovers) {
  ASSERT_TRUE(acceptor.open(world.loopback(), {}));
  auto live = connect(acceptor.address());
  world.run_until([&] { return accepted.size() == 1; });
  const auto waiting = begin_to_connect(world, acceptor.address(), 3);
  {
    FewHandles few(world, 0);
    world.run_until([&] { return exhausted.size() >= 2; });
    EXPECT_TRUE(exhausted[0] == EMFILE || exhausted[0] == ENFILE) << exhausted[0];
    EXPECT_EQ(accepted.size(), 1u);
    EXPECT_TRUE(world.run(echo_once(*live, *accepted[0])));
    // It does not spin: with nothing else to do, a rest is a rest.
    const std::size_t before = exhausted.size();
    int turns = 0;
    bool over = false;
    auto rest = [](EventLoop& loop, bool& flag) -> Task<void> {
      co_await loop.sleep_for(milliseconds(500));
      flag = true;
    };
    world.scope().spawn(rest(world.loop(), over));
    world.run_until([&] {
      ++turns;
      return over;
    });
    EXPECT_LE(exhausted.size() - before, 11u);
    EXPECT_LE(turns, 60);
  }
  world.run_until([&] { return accepted.size() == 4; });
  for (const auto& client : waiting) {
    const auto far = std::find_if(accepted.begin(), accepted.end(),
                                  [&](const auto& stream) { return stream->peer() == client->local(); });
    ASSERT_NE(far, accepted.end());
    EXPECT_TRUE(world.run(echo_once(*client, **far)));
  }
}

// Room for some of those who wait: each freed descriptor lets one in.
TEST_P(AcceptorTest, a_freed_descriptor_lets_the_next_in) {
  ASSERT_TRUE(acceptor.open(world.loopback(), {}));
  auto clients = begin_to_connect(world, acceptor.address(), 4);
  {
    FewHandles few(world, 2);
    world.run_until([&] { return accepted.size() == 2 && !exhausted.empty(); });
    accepted.erase(accepted.begin());
    world.run_until([&] { return accepted.size() == 2; });
    clients.clear();
    world.run_until([&] { return accepted.size() == 3; });
  }
}

TEST_P(AcceptorTest, may_be_closed_by_its_callback) {
  int taken = 0;
  std::unique_ptr<Acceptor> once;
  once = std::make_unique<Acceptor>(
      world.loop(),
      [&](int handle, const SocketAddress&) {
        world.poller().close(handle);
        ++taken;
        once->close();
      },
      [](int) {});
  ASSERT_TRUE(once->open(world.loopback(), {}));
  std::vector<std::unique_ptr<TcpStream>> clients;
  const SocketAddress at = once->address();
  for (int i = 0; i < 3; ++i) {
    auto stream = world.run(connect_tcp(world.loop(), at, base::later(world.loop().now(), base::seconds(5))));
    if (stream) clients.push_back(std::move(*stream));
  }
  world.run_until([&] { return taken == 1; });
  EXPECT_FALSE(once->is_open());
}

TEST(AcceptorSimulated, one_client_that_is_gone_does_not_stop_the_next) {
  World world(Net::sim_random);
  std::vector<int> handles;
  Acceptor acceptor(world.loop(), [&](int handle, const SocketAddress&) { handles.push_back(handle); }, [](int) {});
  ASSERT_TRUE(acceptor.open(world.loopback(), {}));
  world.sim()->set_faults({.accept_aborted = 0.5});
  std::vector<std::unique_ptr<TcpStream>> clients;
  auto connect_all = [](World& w, SocketAddress at, std::vector<std::unique_ptr<TcpStream>>& out) -> Task<void> {
    for (int i = 0; i < 100; ++i) {
      auto stream = co_await connect_tcp(w.loop(), at, base::kNever);
      EXPECT_TRUE(stream);
      if (stream) out.push_back(std::move(*stream));
    }
    co_await w.loop().sleep_for(base::milliseconds(10));
  };
  world.run(connect_all(world, acceptor.address(), clients));
  EXPECT_GT(handles.size(), 20u);
  EXPECT_LT(handles.size(), 80u);
  for (const int h : handles) world.poller().close(h);
}

// The poller cannot take the listener now: tried again after a rest.
TEST(AcceptorSimulated, a_failed_watch_is_tried_again) {
  World world(Net::sim_random);
  std::vector<int> handles;
  Acceptor acceptor(world.loop(), [&](int handle, const SocketAddress&) { handles.push_back(handle); }, [](int) {});
  world.sim()->fail_next_watches(1, ENOSPC);
  ASSERT_TRUE(acceptor.open(world.loopback(), {}));
  auto client = world.run(connect_tcp(world.loop(), acceptor.address(), base::kNever));
  ASSERT_TRUE(client);
  world.run_until([&] { return handles.size() == 1; });
  world.poller().close(handles[0]);
}

// What the callback throws is logged and counted; the acceptor rests, so that a shortage is no storm of log lines, and
// then goes on with who waited.
TEST_P(AcceptorTest, a_callback_that_throws_costs_that_connection_only) {
  base::log_set_level(base::LogLevel::off);
  int calls = 0, counted = 0;
  std::vector<TimePoint> at;
  world.loop().on_exceptions([&] { ++counted; });
  Acceptor failing(
      world.loop(),
      [&](int handle, const SocketAddress& peer) {
        auto stream = std::make_unique<TcpStream>(world.loop(), handle, peer);
        at.push_back(world.loop().now());
        if (++calls <= 3) throw std::bad_alloc();
        accepted.push_back(std::move(stream));
      },
      [](int) {});
  ASSERT_TRUE(failing.open(world.loopback(), {}));
  const auto clients = begin_to_connect(world, failing.address(), 6);
  world.run_until([&] { return accepted.size() == 3; });
  EXPECT_EQ(calls, 6);
  EXPECT_EQ(counted, 3);
  for (std::size_t i = 1; i <= 3; ++i) EXPECT_GE(at[i] - at[i - 1], milliseconds(50)) << i;
  for (const auto& stream : accepted) {
    const auto far = std::find_if(clients.begin(), clients.end(),
                                  [&](const auto& client) { return client->local() == stream->peer(); });
    ASSERT_NE(far, clients.end());
    EXPECT_TRUE(world.run(echo_once(**far, *stream)));
  }
  world.loop().on_exceptions({});
  base::log_set_level(base::LogLevel::info);
}

TEST_P(AcceptorTest, a_callback_may_close_it_and_then_throw) {
  base::log_set_level(base::LogLevel::off);
  int taken = 0;
  std::unique_ptr<Acceptor> once;
  once = std::make_unique<Acceptor>(
      world.loop(),
      [&](int handle, const SocketAddress&) {
        world.poller().close(handle);
        ++taken;
        once->close();
        throw 7;
      },
      [](int) {});
  ASSERT_TRUE(once->open(world.loopback(), {}));
  const auto clients = begin_to_connect(world, once->address(), 2);
  world.run_until([&] { return taken == 1; });
  EXPECT_FALSE(once->is_open());
  EXPECT_EQ(world.loop().timers().size(), 0u);  // no rest for what is closed
  base::log_set_level(base::LogLevel::info);
}

}  // namespace
}  // namespace fairlead::net
