// What one HTTP/2 stream may make the edge hold, through a whole worker.

#include <gtest/gtest.h>
#include <malloc.h>

#include "edge/http2/connection.h"
#include "edge/testing/http2_client.h"
#include "edge/worker.h"
#include "net/testing/peers.h"
#include "net/testing/world.h"

namespace fairlead::edge {
namespace {

using namespace std::chrono_literals;
using net::Task;
using net::testing::Net;
using net::testing::Received;
using testing::Http2Peer;

constexpr std::uint32_t kWindow = 1 << 20;

model::GlobalLimits wide_windows() {
  model::GlobalLimits limits;
  limits.http2.stream_window = kWindow;
  return limits;
}

class Http2Memory : public ::testing::TestWithParam<Net> {
 protected:
  Http2Memory()
      : shared_(1, wide_windows()),
        worker_(0, world_.loop(), resolver_, shared_, wide_windows(), 1),
        origin_(world_.loop(), [this](net::TcpStream& s) { return serve(s); }) {}

  void SetUp() override {
    ASSERT_TRUE(origin_.open(world_.loopback()));
    policy_.name = "live.test";
    policy_.origins.push_back({.host = "127.0.0.1", .http_port = origin_.address().port()});
    policy_.layer7.client_max_body_size = std::uint64_t{1} << 32;
    snapshot_ = model::PolicySnapshot::replace(snapshot_, {policy_}, 1);
    table_ = DomainTable::build(nullptr, snapshot_, shared_.tickets);
    worker_.apply(table_, wide_windows());
    const auto at = worker_.listen({.address = "127.0.0.1:0", .h2c = true});
    ASSERT_TRUE(at) << base::describe(at.error());
    edge_ = *at;
  }

  void TearDown() override {
    worker_.stop([this] { stopped_ = true; });
    world_.run_until([this] { return stopped_; });
    world_.run(origin_.stop());
    world_.finish();
  }

  // Reads a head, then a body, of which it notes what the process holds meanwhile.
  Task<void> serve(net::TcpStream& stream) {
    (void)co_await net::testing::read_until(stream, "\r\n\r\n");
    while (!full_) co_await world_.loop().sleep_for(1ms);
    for (std::size_t taken = 0;;) {
      const net::Chunk chunk = co_await stream.read(16 * 1024);
      if (chunk.size == 0) co_return;
      taken += chunk.size;
      taken_ = taken;
      held_ = std::max(held_, mallinfo2().uordblks + mallinfo2().hblkhd);
    }
  }

  // An upload that has always more to send than it may.
  Task<void> upload() {
    auto connected = co_await net::connect_tcp(world_.loop(), edge_, base::later(world_.loop().now(), 10s));
    if (!connected) throw std::runtime_error("no connection to the edge");
    net::SocketStream& stream = **connected;
    protocol::testing::Http2Client client;
    const auto id = client.request(protocol::testing::http2_head("POST", "/", "live.test", "http"), false);
    (void)id;
    while (taken_ < kAll) {
      const std::string out = client.output();
      if (!out.empty()) {
        const int error = co_await stream.write(out);
        if (error != 0) break;
      }
      if (client.send_window(id) > 0 && client.unsent(id) == 0) {
        client.data(id, std::string(static_cast<std::size_t>(client.send_window(id)), 'x'));
        continue;
      }
      full_ = client.server_setting(4).has_value() && client.send_window(id) <= 0;
      const net::Chunk chunk = co_await stream.read();
      if (chunk.size == 0) break;
      if (!client.receive(chunk.view())) break;
    }
    done_ = true;
  }

  static constexpr std::size_t kAll = 96u << 20;

  net::testing::World world_{GetParam()};
  net::StaticResolver resolver_;
  EdgeShared shared_;
  Worker worker_;
  net::testing::Server origin_;
  model::DomainPolicy policy_;
  model::PolicySnapshot::Ptr snapshot_;
  std::shared_ptr<const DomainTable> table_;
  net::SocketAddress edge_;
  std::size_t taken_ = 0, held_ = 0;
  bool full_ = false, done_ = false, stopped_ = false;
};

// An origin that is slower than its client: there is always something left of the window when it has read.
TEST_P(Http2Memory, of_a_slow_upload_is_its_window) {
  const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  world_.scope().spawn(upload());
  world_.run_until([this] { return done_; });
  EXPECT_GE(taken_, kAll);
  EXPECT_LT(held_ - before, 24u << 20);
}

INSTANTIATE_TEST_SUITE_P(Net, Http2Memory, ::testing::Values(Net::kernel, Net::sim_whole), net::testing::net_name);

}  // namespace
}  // namespace fairlead::edge
