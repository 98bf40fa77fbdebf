// One worker, clients and origins over the simulated network. Each seed draws a story: how the bytes are cut, what is
// said, and what goes wrong (resets, stalls, ends without words, clocks, the switch, drain). After every story nothing
// may be left over, and what an end received must be what the other end sent.

#include "tests/sim/peers.h"
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "edge/testing/http2_client.h"
#include "edge/worker.h"
#include "net/sim_poller.h"
#include "net/socket_stream.h"

namespace fairlead::sim {
namespace {

using namespace std::chrono_literals;
using net::Chunk;
using net::Split;
using net::Task;

enum class Plot : std::uint8_t {
  talk,             // both talk, the client closes
  origin_closes,    // the origin closes in the middle
  client_vanishes,  // the client ends its stream without a Close
  origin_vanishes,
  faults,          // resets and stalls drawn per segment
  idle,            // nobody says anything: the clock ends it
  heartbeat_dead,  // the client falls silent for good
  switch_off,      // the domain's switch goes off
  drain,           // the edge goes away
  violation,       // the client breaks RFC 6455
  refused,         // the origin refuses the handshake
  kPlots
};

struct Story {
  std::uint64_t seed;
  Plot plot;
  net::SimOptions net;
  std::size_t messages;
  std::size_t largest;
  bool heartbeat;
  bool http2;
};

Story draw(std::uint64_t seed) {
  net::SimRandom r(seed);
  Story s;
  s.seed = seed;
  s.plot = static_cast<Plot>(r.below(static_cast<std::uint64_t>(Plot::kPlots)));
  s.net.seed = r.next();
  s.net.split = static_cast<Split>(r.below(3));
  s.net.odd_eagain = r.chance(0.5) ? 0.1 : 0;
  s.net.latency = std::chrono::microseconds(50 + r.below(20000));
  s.net.jitter = std::chrono::microseconds(r.below(5000));
  s.net.send_buffer = 256 + r.below(8192);
  s.net.receive_buffer = 256 + r.below(8192);
  s.messages = r.below(12);
  s.largest = s.net.split == Split::bytewise ? 600 : r.chance(0.2) ? 70000 : 3000;
  s.heartbeat = s.plot == Plot::heartbeat_dead || r.chance(0.3);
  s.http2 = r.chance(0.4);
  // Large frames go through pipes: of whatever room, and sometimes the world has none, or refuses at one end.
  s.net.pipe_room = 1 + r.below(70000);
  if (r.chance(0.15)) s.net.pipe_room = 0;
  if (r.chance(0.1)) s.net.fill_error = EINVAL;
  if (r.chance(0.1)) s.net.drain_error = EINVAL;
  if (s.plot == Plot::faults) {
    s.net.faults.reset = 0.01;
    s.net.faults.stall = 0.05;
    s.net.faults.connect_refused = 0.1;
    s.net.faults.accept_aborted = 0.05;
  }
  return s;
}

net::SocketAddress at(const char* ip, std::uint16_t port) { return net::SocketAddress::from_ip(ip, port).value(); }

class Play {
 public:
  explicit Play(const Story& story)
      : story_(story),
        random_(story.seed * 31 + 7),
        poller_(story.net),
        loop_(poller_),
        shared_(1, model::GlobalLimits{}),
        worker_(0, loop_, resolver_, shared_, model::GlobalLimits{}, story.seed),
        peers_(loop_) {}

  void run() {
    model::DomainPolicy policy;
    policy.name = "live.test";
    policy.origins.push_back({.host = "10.0.0.9", .http_port = 80});
    policy.websocket.connection_timeout = 20s;
    if (story_.heartbeat)
      policy.websocket.heartbeat = {.interval = 5s, .to = model::HeartbeatTo::both, .pong_timeout = 3s};
    if (story_.plot == Plot::heartbeat_dead) policy.websocket.connection_timeout = 600s;
    snapshot_ = model::PolicySnapshot::replace(nullptr, {policy}, 1);
    worker_.apply(table(), {});
    const auto listening = worker_.listen({.address = "10.0.0.1:8080", .h2c = true});
    ASSERT_TRUE(listening) << base::describe(listening.error());
    net::Acceptor origin(
        loop_, [this](int h, const net::SocketAddress& p) { peers_.spawn(origin_peer(h, p)); }, [](int) {});
    ASSERT_TRUE(origin.open(at("10.0.0.9", 80), {}));
    peers_.spawn(client_peer());
    loop_.run_until([this] { return client_done_; });
    ASSERT_TRUE(client_done_) << "the client is stuck";
    if (!draining_) worker_.drain(120s, [this] { drained_ = true; });
    loop_.run_until([&] { return drained_ && peers_.size() == 0; });
    ASSERT_TRUE(drained_) << "the worker does not end";
    ASSERT_EQ(peers_.size(), 0u) << "a peer is stuck";
    origin.close();
    judge();
  }

 private:
  std::shared_ptr<const edge::DomainTable> table() {
    table_ = edge::DomainTable::build(table_.get(), snapshot_, shared_.tickets);
    return table_;
  }

  std::string text(std::size_t size) {
    std::string s(size, 0);
    for (char& c : s) c = static_cast<char>('a' + random_.below(26));
    return s;
  }

  // ---- the client ----------------------------------------------------------------------------------------------

  // One frame at a time, whichever task has something to say: what a real library does with a lock.
  Task<int> send(net::ByteStream& stream, std::string bytes) {
    while (writing_) co_await loop_.sleep_for(1ms);
    writing_ = true;
    const int error = co_await stream.write(bytes);
    writing_ = false;
    co_return error;
  }

  Task<void> client_peer() {
    auto connected = co_await net::connect_tcp(loop_, at("10.0.0.1", 8080), base::later(loop_.now(), 60s));
    if (!connected) {
      client_done_ = true;
      co_return;
    }
    connection_ = connected->get();
    if (story_.http2) {
      co_await over_http2(std::move(*connected));
    } else {
      co_await over_http1(std::move(*connected));
    }
    client_done_ = true;
  }

  Task<void> over_http1(std::unique_ptr<net::TcpStream> stream) {
    const std::string key = "dGhlIHNhbXBsZSBub25jZQ==";
    const int error = co_await stream->write(
        "GET /x?y=1 HTTP/1.1\r\nHost: live.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
        key + "\r\n\r\n");
    if (error != 0) co_return;
    const auto head = co_await net::testing::read_until(*stream, "\r\n\r\n");
    if (head.bytes.size() > 12) client_.status = std::atoi(head.bytes.c_str() + 9);
    if (client_.status != 101) co_return;
    client_.open = true;
    client_.wrong = header_value(head.bytes, "sec-websocket-accept") != protocol::accept_key(key);
    co_await converse(*stream);
  }

  // A tunnel among others: a neighbour that says nothing and is left when the story is over, and one that is given up
  // in the middle of its handshake.
  Task<void> over_http2(std::unique_ptr<net::TcpStream> stream) {
    protocol::testing::Http2ClientOptions options;
    options.stream_window = static_cast<std::uint32_t>(1 + random_.below(70000));
    edge::testing::Http2Peer peer(std::move(stream), options);
    net::TaskScope running(loop_);
    running.spawn(peer.run());
    protocol::Fields head = protocol::testing::http2_head("CONNECT", "/x?y=1", "live.test", "http");
    head.add(":protocol", "websocket");
    protocol::Fields given_up_head = head;
    given_up_head.set(":path", "/given-up");
    const std::uint32_t given_up = peer.ask(given_up_head, false);
    const std::uint32_t id = peer.ask(head, false);
    if (random_.chance(0.5)) co_await loop_.sleep_for(std::chrono::milliseconds(random_.below(100)));
    peer.codec().reset(given_up);
    peer.flush();
    co_await peer.answer(id);
    // HTTP/2's 200 is HTTP/1.1's 101 (RFC 8441 5).
    client_.status = peer.seen(id).head.status == 200 ? 101 : peer.seen(id).head.status;
    if (client_.status == 101) {
      client_.open = true;
      client_.wrong = peer.seen(id).head.fields.contains("sec-websocket-accept");
      edge::testing::Http2Tunnel tunnel(peer, id);
      co_await converse(tunnel);
    }
    peer.close();
    co_await running.join();
  }

  // Writes in one task, reads in another, as real clients do.
  Task<void> converse(net::ByteStream& stream) {
    net::TaskScope scope(loop_);
    scope.spawn(client_reads(stream, scope));
    co_await client_writes(stream);
    co_await scope.join();
  }

  Task<void> client_writes(net::ByteStream& stream) {
    for (std::size_t i = 0; i < story_.messages && !client_close_seen_; ++i) {
      std::string message = text(random_.below(story_.largest + 1));
      std::string rest = message;
      sent_.push_back(std::move(message));
      std::uint8_t opcode = 2;
      for (bool fin = false; !fin;) {
        const std::size_t cut = random_.chance(0.3) ? random_.below(rest.size() + 1) : rest.size();
        fin = cut == rest.size();
        const Frame f{fin, opcode, true, rest.substr(0, cut)};
        rest.erase(0, cut);
        opcode = 0;
        if (co_await send(stream, encode(f, &random_)) != 0) co_return;
        if (random_.chance(0.2)) {
          if (co_await send(stream, encode({true, 9, true, text(random_.below(126))}, &random_)) != 0) co_return;
        }
      }
      if (random_.chance(0.3)) co_await loop_.sleep_for(std::chrono::milliseconds(random_.below(3000)));
    }
    switch (story_.plot) {
      case Plot::talk:
      case Plot::faults:
        co_await answered();
        co_await client_closes(stream, 1000);
        break;
      case Plot::client_vanishes: stream.shutdown_write(); break;
      case Plot::heartbeat_dead:
        co_await answered();
        poller_.stall(connection_->handle(), net::Flow::outgoing, base::Duration::max());
        // Out of reach for good: what it would still hear does not matter.
        co_await loop_.sleep_for(30s);
        stream.abort_on_close();
        stream.cancel();
        break;
      case Plot::switch_off: {
        co_await loop_.sleep_for(std::chrono::milliseconds(random_.below(200)));
        model::DomainPolicy off = *snapshot_->find("live.test");
        off.websocket.enabled = false;
        snapshot_ = model::PolicySnapshot::replace(snapshot_, {off}, 2);
        worker_.apply(table(), {});
        break;
      }
      case Plot::drain:
        co_await loop_.sleep_for(std::chrono::milliseconds(random_.below(200)));
        draining_ = true;
        worker_.drain(10s, [this] { drained_ = true; });
        break;
      case Plot::violation: {
        static constexpr std::string_view kBad[] = {"\x81\x01x",
                                                    "\x83\x80"
                                                    "abcd",
                                                    "\x89\xfe\x01\x00"
                                                    "abcd",
                                                    "\xc1\x80"
                                                    "abcd",
                                                    "\x80\x80"
                                                    "abcd",
                                                    "\x88\x81"
                                                    "abcd\x01"};
        (void)co_await send(stream, std::string(kBad[random_.below(std::size(kBad))]));
        break;
      }
      default: break;
    }
  }

  // Until the echo of everything has come (or the stream is over).
  Task<void> answered() {
    while (client_.messages.size() < sent_.size() && !client_over_) co_await loop_.sleep_for(10ms);
  }

  Task<void> client_answers(net::ByteStream& stream, std::string bytes) {
    (void)co_await send(stream, std::move(bytes));
  }

  Task<void> client_closes(net::ByteStream& stream, std::uint16_t code) {
    if (std::exchange(client_close_sent_, true)) co_return;
    std::string payload{static_cast<char>(code >> 8), static_cast<char>(code)};
    (void)co_await send(stream, encode({true, 8, true, payload}, &random_));
  }

  // What it has to answer it answers beside the reading: a reader that waits for its writer stops the whole circle.
  Task<void> client_reads(net::ByteStream& stream, net::TaskScope& answers) {
    FrameReader reader(stream);
    std::string message;
    while (auto f = co_await reader.next()) {
      if (f->masked) client_.wrong = true;
      if (client_.close_code != 0) client_.after_close = true;
      if (f->opcode == 8) {
        client_.close_code = close_code_of(*f);
        client_close_seen_ = true;
        answers.spawn(client_closes(stream, client_.close_code));
        break;
      }
      if (f->opcode == 9) {
        answers.spawn(client_answers(stream, encode(Frame(true, 10, true, f->payload), &random_)));
        continue;
      }
      if (f->opcode == 10) continue;
      message += f->payload;
      if (f->fin) {
        client_.messages.push_back(std::move(message));
        message.clear();
      }
    }
    client_.wrong |= reader.torn && reader.error == 0 && !may_be_cut();
    client_.clean = client_.close_code != 0;
    client_over_ = true;
    if (story_.plot == Plot::heartbeat_dead && !client_.clean) co_return;
    // The rest of what comes is dropped; the edge ends the stream when it has had its answer or its patience is over.
    for (;;) {
      const Chunk c = co_await stream.read();
      if (c.size == 0) break;
    }
  }

  bool may_be_cut() const {
    return story_.plot == Plot::faults || story_.plot == Plot::origin_vanishes ||
           story_.plot == Plot::client_vanishes || story_.plot == Plot::violation ||
           story_.plot == Plot::heartbeat_dead;
  }

  // ---- the origin ----------------------------------------------------------------------------------------------

  Task<void> origin_peer(int handle, net::SocketAddress peer) {
    net::TcpStream stream(loop_, handle, peer);
    const auto head = co_await net::testing::read_until(stream, "\r\n\r\n");
    if (head.error != 0 || !head.bytes.ends_with("\r\n\r\n")) co_return;
    Seen& seen = head.bytes.starts_with("GET /given-up") ? given_up_ : origin_;
    seen.open = true;
    seen.wrong |= header_value(head.bytes, "x-forwarded-proto") != "http";
    if (story_.plot == Plot::refused) {
      (void)co_await stream.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
      stream.shutdown_write();
      (void)co_await net::testing::read_all(stream);
      co_return;
    }
    const std::string answer =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        protocol::accept_key(header_value(head.bytes, "sec-websocket-key")) + "\r\n\r\n";
    if (co_await stream.write(answer) != 0) co_return;
    FrameReader reader(stream);
    std::string message;
    const std::size_t close_after = random_.below(story_.messages + 1);
    while (auto f = co_await reader.next()) {
      if (!f->masked) seen.wrong = true;
      if (seen.close_code != 0) seen.after_close = true;
      if (f->opcode == 8) {
        seen.close_code = close_code_of(*f);
        if (!origin_close_sent_) (void)co_await stream.write(encode({true, 8, false, f->payload}, nullptr));
        break;
      }
      if (f->opcode == 9) {
        if (co_await stream.write(encode({true, 10, false, f->payload}, nullptr)) != 0) break;
        continue;
      }
      if (f->opcode == 10) {
        seen.wrong = true;  // nobody here sent a Ping, and the edge's own Pongs are for the edge
        continue;
      }
      message += f->payload;
      if (!f->fin) continue;
      seen.messages.push_back(message);
      if (co_await stream.write(encode({true, 2, false, message}, nullptr)) != 0) break;
      message.clear();
      if (seen.messages.size() != close_after) continue;
      if (story_.plot == Plot::origin_vanishes) co_return;
      if (story_.plot == Plot::origin_closes && !std::exchange(origin_close_sent_, true)) {
        if (co_await stream.write(encode({true, 8, false, std::string("\x0f\xa1", 2)}, nullptr)) != 0) break;
      }
    }
    stream.shutdown_write();
    for (;;) {
      const Chunk c = co_await stream.read();
      if (c.size == 0) break;
    }
  }

  // ---- afterwards ----------------------------------------------------------------------------------------------

  void expect_prefix(const std::vector<std::string>& got, const std::vector<std::string>& sent, const char* who) {
    ASSERT_LE(got.size(), sent.size()) << who;
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], sent[i]) << who << " message " << i;
  }

  void judge() {
    EXPECT_EQ(poller_.open_handles(), 0u) << "connections leaked";
    EXPECT_EQ(poller_.misuses(), 0u);
    EXPECT_EQ(poller_.filled_pipes(), 0u) << "bytes lie in a pipe that nobody has";
    EXPECT_FALSE(poller_.livelocked());
    const auto gauges = shared_.admission.gauges(loop_.now() + 10s);
    EXPECT_EQ(gauges.sessions, 0u);
    EXPECT_EQ(gauges.connections, 0u);
    EXPECT_EQ(gauges.tracked_clients, 0u);
    EXPECT_FALSE(client_.wrong) << "the client was sent something no edge may send";
    EXPECT_FALSE(origin_.wrong) << "the origin was sent something no edge may send";
    EXPECT_FALSE(given_up_.wrong);
    // Where nothing else could have ended it before the reset arrived.
    if (story_.plot == Plot::talk || story_.plot == Plot::idle || story_.plot == Plot::origin_closes) {
      EXPECT_EQ(given_up_.close_code, 0) << "a tunnel that was reset outlived its client's patience";
    }
    EXPECT_FALSE(client_.after_close);
    EXPECT_FALSE(origin_.after_close);
    expect_prefix(origin_.messages, sent_, "origin");
    expect_prefix(client_.messages, sent_, "client");
    for (const auto& c : shared_.counters.cells(edge::CounterRegistry::Cells::all)) {
      EXPECT_EQ(c->websocket.sessions_open.get(), 0u);
      EXPECT_EQ(c->http.requests_open.get(), 0u);
      std::uint64_t closed = 0;
      for (const auto& n : c->websocket.sessions_closed) closed += n.get();
      EXPECT_EQ(closed, c->websocket.sessions_opened.get());
      EXPECT_GE(c->websocket.wire.in.get(), c->websocket.in.bytes.get());
    }
    switch (story_.plot) {
      case Plot::talk:
        EXPECT_EQ(client_.status, 101);
        EXPECT_EQ(client_.messages.size(), sent_.size());
        EXPECT_EQ(client_.close_code, 1000);
        EXPECT_EQ(origin_.close_code, 1000);
        break;
      case Plot::idle:
        EXPECT_EQ(client_.messages.size(), sent_.size());
        EXPECT_EQ(client_.close_code, 1001);
        EXPECT_EQ(origin_.close_code, 1001);
        break;
      case Plot::switch_off:
      case Plot::drain: EXPECT_EQ(client_.close_code, 1001); break;
      case Plot::heartbeat_dead: EXPECT_EQ(origin_.close_code, 1001); break;
      case Plot::refused:
        EXPECT_EQ(client_.status, 403);
        EXPECT_FALSE(client_.open);
        break;
      case Plot::violation:
        EXPECT_EQ(client_.close_code, 1002);
        EXPECT_EQ(origin_.close_code, 1002);
        break;
      default: break;
    }
  }

  const Story& story_;
  net::SimRandom random_;
  net::SimPoller poller_;
  net::EventLoop loop_;
  net::StaticResolver resolver_;
  edge::EdgeShared shared_;
  edge::Worker worker_;
  net::TaskScope peers_;
  model::PolicySnapshot::Ptr snapshot_;
  std::shared_ptr<const edge::DomainTable> table_;

  net::SocketStream* connection_ = nullptr;  // the client's
  Seen client_, origin_;
  Seen given_up_;  // by the origin, of the tunnel that its client gave up
  std::vector<std::string> sent_;
  bool writing_ = false;
  bool client_done_ = false, client_over_ = false, client_close_seen_ = false, client_close_sent_ = false;
  bool origin_close_sent_ = false, draining_ = false, drained_ = false;
};

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST(SessionSim, seeds) {
  const std::uint64_t first = from_environment("FAIRLEAD_SIM_SEED", 1);
  const std::uint64_t count = std::getenv("FAIRLEAD_SIM_SEED") ? 1 : from_environment("FAIRLEAD_SIM_SEEDS", 10'000);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const Story story = draw(seed);
    SCOPED_TRACE("repeat with FAIRLEAD_SIM_SEED=" + std::to_string(seed) + ", plot " +
                 std::to_string(static_cast<int>(story.plot)));
    Play play(story);
    play.run();
    if (HasFailure()) {
      std::cerr << "seed " << seed << " failed\n";
      std::_Exit(1);  // a stuck world cannot be destroyed; the seed is all one needs
    }
  }
  std::cout << count << " seeds from " << first << "\n";
}

}  // namespace
}  // namespace fairlead::sim
