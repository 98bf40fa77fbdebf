// Large frames through a whole worker (ADR 0014): content, counts and the places of the edge's own frames are what they
// would be if every byte had been copied, over the kernel and over simulated networks.

#include <gtest/gtest.h>

#include <optional>

#include "edge/testing/websocket_peers.h"
#include "edge/worker.h"
#include "net/testing/peers.h"
#include "net/testing/world.h"

namespace fairlead::edge {
namespace {

using namespace std::chrono_literals;
using net::Task;
using net::testing::every_net;
using net::testing::Net;
using net::testing::net_name;
using protocol::Opcode;
using testing::Frame;
using testing::WebSocketPeer;

std::size_t frame_size(std::size_t payload, bool masked) {
  return payload + 2 + (payload > 65535 ? 8 : payload > 125 ? 2 : 0) + (masked ? 4 : 0);
}

std::string pattern(std::size_t size, std::uint64_t seed) {
  net::SimRandom random(seed);
  std::string out(size, 0);
  for (char& c : out) c = static_cast<char>(random.next());
  return out;
}

class BulkRelay : public ::testing::TestWithParam<Net> {
 public:
  BulkRelay()
      : shared_(1, model::GlobalLimits{}),
        worker_(0, world_.loop(), resolver_, shared_, model::GlobalLimits{}, 1),
        origin_(world_.loop(), [this](net::TcpStream& s) { return serve(s); }) {}

  void SetUp() override {
    ASSERT_TRUE(origin_.open(world_.loopback()));
    policy_.name = "live.test";
    policy_.origins.push_back({.host = "127.0.0.1", .http_port = origin_.address().port()});
    policy_.websocket.connection_timeout = 60s;
    publish();
    const auto at = worker_.listen({.address = "127.0.0.1:0"});
    ASSERT_TRUE(at) << base::describe(at.error());
    edge_ = *at;
  }

  void TearDown() override {
    bool stopped = false;
    worker_.stop([&stopped] { stopped = true; });
    world_.run_until([&stopped] { return stopped; });
    world_.run(origin_.stop());
    world_.finish();
    EXPECT_EQ(worker_.counters().exceptions.get(), 0u);
    if (world_.sim()) {
      EXPECT_EQ(world_.sim()->filled_pipes(), 0u);
      EXPECT_EQ(world_.sim()->misuses(), 0u);
    }
  }

  void publish() {
    snapshot_ = model::PolicySnapshot::replace(snapshot_, {policy_}, snapshot_ ? snapshot_->revision() + 1 : 1);
    table_ = DomainTable::build(table_.get(), snapshot_, shared_.tickets);
    worker_.apply(table_, {});
  }

  Task<void> serve(net::TcpStream& stream) {
    if (talk_ == nullptr) {
      co_await testing::websocket_echo(stream);
      co_return;
    }
    WebSocketPeer peer(stream, WebSocketPeer::origin());
    const bool accepted = co_await peer.accept();
    if (accepted) co_await (this->*talk_)(peer);
  }
  Task<void> (BulkRelay::*talk_)(WebSocketPeer&) = nullptr;

  Task<std::unique_ptr<net::TcpStream>> connect() {
    auto connected = co_await net::connect_tcp(world_.loop(), edge_, base::later(world_.loop().now(), 10s));
    EXPECT_TRUE(connected);
    co_return std::move(*connected);
  }
  // The client's part of an echo: everything is sent in one task and read in another.
  struct Sent {
    Opcode opcode;
    bool fin;
    std::size_t size;
  };
  Task<void> send(WebSocketPeer& peer, const std::vector<Sent>& frames) {
    std::uint64_t seed = 0;
    for (const Sent& f : frames) {
      const int error = co_await peer.send(f.opcode, pattern(f.size, ++seed), f.fin);
      EXPECT_EQ(error, 0);
    }
  }
  Task<void> receive(WebSocketPeer& peer, const std::vector<Sent>& frames) {
    std::uint64_t seed = 0;
    for (const Sent& f : frames) {
      const Frame got = co_await peer.receive();
      ++seed;
      EXPECT_TRUE(got.is(f.opcode == Opcode::ping ? Opcode::pong : f.opcode)) << seed;
      EXPECT_EQ(got.fin, f.fin);
      EXPECT_TRUE(got.payload == pattern(f.size, seed)) << "frame " << seed << " of " << f.size << " bytes";
    }
  }
  Task<void> echo(const std::vector<Sent>& frames) {
    auto stream = co_await connect();
    WebSocketPeer peer(*stream, WebSocketPeer::client(7));
    const int status = co_await peer.open("live.test", "/");
    EXPECT_EQ(status, 101);
    net::TaskScope scope(world_.loop());
    scope.spawn(receive(peer, frames));
    co_await send(peer, frames);
    co_await scope.join();
    co_await peer.close();
    const Frame end = co_await peer.receive();
    EXPECT_TRUE(end.is(Opcode::close));
    co_await net::testing::read_all(*stream);
  }

  // An origin that takes the whole frame and then expects the edge's Close.
  Task<void> expect_frame_then_close(WebSocketPeer& peer) {
    const Frame data = co_await peer.receive();
    EXPECT_TRUE(data.is(Opcode::binary));
    EXPECT_TRUE(data.payload == pattern(kBig, 1));
    const Frame close = co_await peer.receive();
    EXPECT_TRUE(close.is(Opcode::close));
    EXPECT_EQ(close.close_code(), 1001);
    whole_ = data.ok() && close.ok();
    co_await peer.close(1001);
    peer.stream().shutdown_write();
    co_await net::testing::read_all(peer.stream());
  }
  // Half a frame, the switch, the other half.
  Task<void> switch_off_in_the_middle() {
    auto stream = co_await connect();
    WebSocketPeer peer(*stream, WebSocketPeer::client(7));
    const int status = co_await peer.open("live.test", "/");
    EXPECT_EQ(status, 101);
    const std::string bytes = testing::encode_frame(Opcode::binary, pattern(kBig, 1), protocol::MaskKey{1, 2, 3, 4});
    co_await peer.send_raw(bytes.substr(0, kBig / 2));
    co_await world_.loop().sleep_for(50ms);
    policy_.websocket.enabled = false;
    publish();
    co_await world_.loop().sleep_for(50ms);
    co_await peer.send_raw(bytes.substr(kBig / 2));
    const Frame close = co_await peer.receive();
    EXPECT_TRUE(close.is(Opcode::close));
    EXPECT_EQ(close.close_code(), 1001);
    co_await peer.close(1001);
    co_await net::testing::read_all(*stream);
  }
  // An origin that takes a little of a frame and resets.
  Task<void> reset_early(WebSocketPeer& peer) {
    co_await net::testing::read_exactly(peer.stream(), 20'000);
    peer.stream().abort_on_close();
    peer.stream().cancel();
  }
  Task<void> send_into_a_reset() {
    auto stream = co_await connect();
    WebSocketPeer peer(*stream, WebSocketPeer::client(7));
    const int status = co_await peer.open("live.test", "/");
    EXPECT_EQ(status, 101);
    (void)co_await peer.send(Opcode::binary, pattern(world_.kernel() ? 32 << 20 : 200'000, 1));
    co_await net::testing::read_all(*stream);
  }

  std::shared_ptr<const MeterCell> cell() {
    const auto cells = shared_.counters.cells(CounterRegistry::Cells::all);
    EXPECT_EQ(cells.size(), 1u);
    // Both peers know that it is over; the session does a moment later.
    world_.run_until([&] { return cells.front()->websocket.sessions_open.get() == 0; });
    return cells.front();
  }

  static constexpr std::size_t kBig = 90'000;
  net::testing::World world_{GetParam()};
  net::StaticResolver resolver_;
  EdgeShared shared_;
  Worker worker_;
  net::testing::Server origin_;
  net::SocketAddress edge_;
  model::DomainPolicy policy_;
  model::PolicySnapshot::Ptr snapshot_;
  std::shared_ptr<const DomainTable> table_;
  bool whole_ = false;
};
INSTANTIATE_TEST_SUITE_P(Net, BulkRelay, every_net(), net_name);

TEST_P(BulkRelay, frames_of_every_size_arrive_whole_and_are_counted_to_the_byte) {
  const std::vector<Sent> frames = {{Opcode::binary, true, 0},
                                    {Opcode::binary, true, 32'767},
                                    {Opcode::text, true, 32'768},
                                    {Opcode::binary, true, 100'000},
                                    {Opcode::text, false, 50'000},
                                    {Opcode::ping, true, 125},
                                    {Opcode::continuation, false, 40'000},
                                    {Opcode::continuation, true, 60'000},
                                    {Opcode::binary, true, 65'535},
                                    {Opcode::binary, true, 65'536},
                                    {Opcode::ping, true, 3},
                                    {Opcode::binary, true, 70'000},
                                    {Opcode::binary, true, 10},
                                    {Opcode::text, true, 66'000},
                                    {Opcode::binary, true, 66'000},
                                    {Opcode::binary, true, 66'000},
                                    {Opcode::text, true, 1}};
  world_.run(echo(frames));
  std::uint64_t in = frame_size(2, true), out = frame_size(2, false);
  for (const Sent& f : frames) {
    in += frame_size(f.size, true);
    out += frame_size(f.size, false);
  }
  const auto& meter = cell()->websocket;
  EXPECT_EQ(meter.in.bytes.get(), in);
  EXPECT_EQ(meter.out.bytes.get(), out);
  for (const auto* direction : {&meter.in, &meter.out}) {
    EXPECT_EQ(direction->tally.text_messages.get(), 4u);
    EXPECT_EQ(direction->tally.binary_messages.get(), 9u);
  }
  const std::uint64_t passed = worker_.counters().pipes.bytes.get();
  EXPECT_GT(passed, (in + out) / 2) << "large frames go through pipes";
  EXPECT_LE(worker_.counters().pipes.open.get(), 4u);
}

TEST_P(BulkRelay, the_edges_own_close_waits_for_the_end_of_a_large_frame) {
  talk_ = &BulkRelay::expect_frame_then_close;
  world_.run(switch_off_in_the_middle());
  EXPECT_EQ(cell()->websocket.sessions_closed[static_cast<std::size_t>(CloseCause::disabled)].get(), 1u);
  EXPECT_TRUE(whole_);
  EXPECT_GT(worker_.counters().pipes.bytes.get(), 0u);
}

TEST_P(BulkRelay, what_a_lost_origin_did_not_take_is_not_counted) {
  talk_ = &BulkRelay::reset_early;
  world_.run(send_into_a_reset());
  const auto& meter = cell()->websocket;
  EXPECT_GE(meter.in.bytes.get(), 20'000u);
  // Its own buffers and the edge's may have taken more than it read; nobody can have taken all of it.
  EXPECT_LT(meter.in.bytes.get(), world_.kernel() ? 32u << 20 : 200'000u);
  EXPECT_EQ(meter.sessions_closed[static_cast<std::size_t>(CloseCause::connection_lost)].get(), 1u);
}

}  // namespace
}  // namespace fairlead::edge
