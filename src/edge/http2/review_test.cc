// What one HTTP/2 client may make the edge hold, and do, through a whole worker.

#include <gtest/gtest.h>
#include <malloc.h>

#include <map>

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

class Http2Fairness : public ::testing::TestWithParam<Net> {
 protected:
  Http2Fairness()
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
    const Received head = co_await net::testing::read_until(stream, "\r\n\r\n");
    if (head.bytes.starts_with("GET")) {
      int error = co_await stream.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
      while (error == 0) error = co_await stream.write(std::string(8000, 'x'));
      co_return;
    }
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

// Which streams are sent the bytes that fit into the connection's window, opened a hundred bytes at a time.
Task<void> open_little_by_little(net::SocketAddress edge, net::EventLoop& loop, std::map<std::uint32_t, int>& turns,
                                 bool& done) {
  using namespace protocol::testing;
  constexpr std::uint32_t kStep = 100, kFrameHead = 9;
  auto connected = co_await net::connect_tcp(loop, edge, base::later(loop.now(), 10s));
  if (!connected) throw std::runtime_error("no connection to the edge");
  net::SocketStream& stream = **connected;
  Http2Client client({.stream_window = kWindow, .connection_window = 65535});
  std::vector<std::uint32_t> ids;
  for (int i = 0; i < 2; ++i) ids.push_back(client.request(http2_head("GET", "/", "live.test", "http")));
  const auto total = [&] { return client.stream(ids[0]).body.size() + client.stream(ids[1]).body.size(); };
  const auto heads = [&] { return client.stream(ids[0]).head.status != 0 && client.stream(ids[1]).head.status != 0; };
  while (total() < 65535 || !heads()) {
    const std::string out = client.output();
    int error = 0;
    if (!out.empty()) error = co_await stream.write(out);
    const net::Chunk chunk = co_await stream.read();
    if (error != 0 || chunk.size == 0 || !client.receive(chunk.view())) throw std::runtime_error("the edge went");
  }
  for (int i = 0; i < 40; ++i) {
    int error = co_await stream.write(frame(FrameType::window_update, 0, 0, big_endian(kStep)));
    std::string came;
    while (error == 0 && came.size() < kFrameHead + kStep) {
      const net::Chunk chunk = co_await stream.read();
      if (chunk.size == 0) error = ECONNRESET;
      came += chunk.view();
    }
    if (error != 0) throw std::runtime_error("the edge went");
    for (const RawFrame& f : frames_of(came)) ++turns[f.stream];
  }
  done = true;
}

TEST_P(Http2Fairness, streams_take_turns_at_the_connections_window) {
  std::map<std::uint32_t, int> turns;
  bool done = false;
  world_.scope().spawn(open_little_by_little(edge_, world_.loop(), turns, done));
  world_.run_until([&] { return done; });
  ASSERT_EQ(turns.size(), 2u);
  for (const auto& [id, n] : turns) EXPECT_GE(n, 15) << id;
}

// An origin that is slower than its client: there is always something left of the window when it has read.
TEST_P(Http2Fairness, a_slow_upload_is_held_to_its_window) {
  const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  world_.scope().spawn(upload());
  world_.run_until([this] { return done_; });
  EXPECT_GE(taken_, kAll);
  EXPECT_LT(held_ - before, 24u << 20);
}

// One entry more than the codec takes in one SETTINGS frame, and what the edge has to say to that.
Task<void> send_many_settings(net::SocketAddress edge, net::EventLoop& loop, bool& done) {
  using namespace protocol::testing;
  auto connected = co_await net::connect_tcp(loop, edge, base::later(loop.now(), 10s));
  if (!connected) throw std::runtime_error("no connection to the edge");
  net::SocketStream& stream = **connected;
  std::string entries;
  for (int i = 0; i < 33; ++i) entries += std::string("\x00\x04", 2) + big_endian(65535);
  const std::string bytes = std::string(protocol::kHttp2Preface) + frame(FrameType::settings, 0, 0, entries);
  const int error = co_await stream.write(bytes);
  EXPECT_EQ(error, 0);
  (void)co_await net::testing::read_all(stream);
  done = true;
}

// The codec's own limits are counted, as those are that the edge judges.
TEST_P(Http2Fairness, a_limit_of_the_codec_is_counted) {
  bool done = false;
  world_.scope().spawn(send_many_settings(edge_, world_.loop(), done));
  world_.run_until([&] { return done; });
  const auto& limits = shared_.counters.worker(0).http2_limits;
  EXPECT_EQ(limits[static_cast<std::size_t>(Http2Limit::continuations_or_acks)].get(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Net, Http2Fairness, ::testing::Values(Net::kernel, Net::sim_whole), net::testing::net_name);

}  // namespace
}  // namespace fairlead::edge
