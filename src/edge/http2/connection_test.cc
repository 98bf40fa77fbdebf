// HTTP/2 connections through a whole worker, over the kernel and over simulated networks that cut the bytes everywhere:
// a client made of nghttp2's, an origin that speaks HTTP/1.1.

#include "edge/http2/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "edge/testing/http2_client.h"
#include "edge/testing/websocket_peers.h"
#include "edge/worker.h"
#include "net/testing/peers.h"
#include "net/testing/world.h"

namespace fairlead::edge {
namespace {

using namespace std::chrono_literals;
using net::Task;
using net::testing::Net;
using net::testing::Received;
using protocol::Http2Error;
using protocol::Opcode;
using testing::Frame;
using ::testing::HasSubstr;
using testing::Http2Peer;
using testing::Http2Tunnel;
using ::testing::Not;
using ::testing::StartsWith;
using testing::WebSocketPeer;

protocol::Fields head(std::string_view method, std::string_view path) {
  return protocol::testing::http2_head(method, path, "live.test", "http");
}

protocol::Fields handshake(std::string_view path) {
  protocol::Fields fields = head("CONNECT", path);
  fields.add(":protocol", "websocket");
  return fields;
}

class Http2Edge : public ::testing::TestWithParam<Net> {
 protected:
  Http2Edge()
      : shared_(1, model::GlobalLimits{}),
        worker_(0, world_.loop(), resolver_, shared_, model::GlobalLimits{}, 1),
        origin_(world_.loop(), [this](net::TcpStream& s) { return serve(s); }) {}

  void SetUp() override {
    ASSERT_TRUE(origin_.open(world_.loopback()));
    policy_.name = "live.test";
    policy_.origins.push_back({.host = "127.0.0.1", .http_port = origin_.address().port()});
    policy_.layer7.client_header_timeout = 1s;
    policy_.layer7.keepalive_timeout = 2s;
    publish();
    const auto at = worker_.listen({.address = "127.0.0.1:0", .h2c = true});
    ASSERT_TRUE(at) << base::describe(at.error());
    edge_ = *at;
  }

  void TearDown() override {
    if (!drained_) worker_.stop([this] { drained_ = true; });
    world_.run_until([this] { return drained_; });
    world_.run(origin_.stop());
    world_.finish();
    EXPECT_EQ(count().http2_connections_open.get(), 0u);
    EXPECT_EQ(count().http2_streams_open.get(), 0u);
    EXPECT_EQ(count().exceptions.get(), 0u);
    EXPECT_EQ(shared_.admission.gauges(world_.loop().now()).connections, 0u);
    EXPECT_EQ(shared_.admission.gauges(world_.loop().now()).sessions, 0u);
  }

  void publish(model::GlobalLimits limits = {}) {
    snapshot_ = model::PolicySnapshot::replace(snapshot_, {policy_}, snapshot_ ? snapshot_->revision() + 1 : 1);
    table_ = DomainTable::build(table_.get(), snapshot_, shared_.tickets);
    worker_.apply(table_, limits);
  }

  const MeterCell& cell() { return *shared_.counters.cells(CounterRegistry::Cells::all).at(0); }
  WorkerCounters& count() { return shared_.counters.worker(0); }
  std::uint64_t limit(Http2Limit l) { return count().http2_limits[static_cast<std::size_t>(l)].get(); }

  // A connection whose run() is under way in the world's scope.
  Task<void> connect(std::unique_ptr<Http2Peer>& peer, protocol::testing::Http2ClientOptions options) {
    auto connected = co_await net::connect_tcp(world_.loop(), edge_, base::later(world_.loop().now(), 10s));
    if (!connected) throw std::runtime_error("no connection to the edge");
    peer = std::make_unique<Http2Peer>(std::move(*connected), options);
    world_.scope().spawn(peer->run());
  }
  std::unique_ptr<Http2Peer> connected(const protocol::testing::Http2ClientOptions& options = {.consume = true}) {
    std::unique_ptr<Http2Peer> peer;
    world_.run(connect(peer, options));
    return peer;
  }
  // The whole answer to one request.
  protocol::testing::Http2Client::Stream answer(Http2Peer& peer, std::uint32_t id) {
    world_.run(peer.whole_answer(id));
    return peer.seen(id);
  }
  void end(Http2Peer& peer) {
    peer.close();
    world_.run_until([&peer] { return peer.over(); });
  }

  // The origin: what it does hangs on the path.
  Task<void> serve(net::TcpStream& stream) {
    for (;;) {
      const Received request = co_await net::testing::read_until(stream, "\r\n\r\n");
      if (!request.bytes.ends_with("\r\n\r\n")) co_return;
      heads_.push_back(request.bytes);
      const std::size_t space = request.bytes.find(' ');
      const std::string path = request.bytes.substr(space + 1, request.bytes.find(' ', space + 1) - space - 1);
      if (path.starts_with("/ws")) {
        stream.unread(request.bytes);
        co_await talk(stream, path);
        co_return;
      }
      std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(path.size()) + "\r\n\r\n" + path;
      if (path == "/chunked") {
        answer =
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
            "5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 11\r\n\r\n";
      } else if (path == "/interim") {
        answer.clear();
        for (int i = 0; i < 40; ++i) answer += "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        answer += "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
      } else if (path == "/head") {
        answer = "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n";
      } else if (path == "/none") {
        answer = "HTTP/1.1 204 No Content\r\n\r\n";
      } else if (path == "/short") {
        answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
      } else if (path == "/never") {
        (void)co_await net::testing::read_all(stream);
        ++abandoned_;
        co_return;
      } else if (path == "/upload") {
        const Received body = co_await net::testing::read_until(stream, "0\r\nx-end: 1\r\n\r\n");
        bodies_.push_back(body.bytes);
      }
      const int error = co_await stream.write(answer);
      if (error != 0 || path == "/short") co_return;
    }
  }

  Task<void> talk(net::TcpStream& stream, std::string path) {
    if (path == "/ws/refused") {
      (void)co_await net::testing::read_until(stream, "\r\n\r\n");
      (void)co_await stream.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
      co_return;
    }
    if (path == "/ws/ok") {
      (void)co_await net::testing::read_until(stream, "\r\n\r\n");
      (void)co_await stream.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      co_return;
    }
    if (path != "/ws/flood") {
      co_await testing::websocket_echo(stream);
      co_return;
    }
    WebSocketPeer peer(stream, WebSocketPeer::origin());
    const bool accepted = co_await peer.accept();
    if (!accepted) co_return;
    for (int error = 0; error == 0;) {
      error = co_await peer.send(Opcode::binary, std::string(8000, 'x'));
      flooded_ += 8000;
    }
  }

  // Says something, hears it, closes.
  Task<void> chat(Http2Peer& peer, std::uint32_t id, std::size_t size, int& code) {
    co_await peer.answer(id);
    if (peer.seen(id).head.status != 200) co_return;
    Http2Tunnel tunnel(peer, id);
    WebSocketPeer client(tunnel, WebSocketPeer::client(id));
    for (int i = 0; i < 3; ++i) {
      const std::string said(size + static_cast<std::size_t>(i), static_cast<char>('a' + i));
      const int error = co_await client.send(Opcode::text, said);
      EXPECT_EQ(error, 0);
      const Frame heard = co_await client.receive_message();
      EXPECT_TRUE(heard.is(Opcode::text));
      EXPECT_EQ(heard.payload, said);
    }
    const int error = co_await client.close(1000, "bye");
    EXPECT_EQ(error, 0);
    const Frame last = co_await client.receive_message();
    code = last.close_code();
    tunnel.shutdown_write();
    const Received rest = co_await net::testing::read_all(tunnel);
    EXPECT_EQ(rest.error, 0);
  }

  net::testing::World world_{GetParam()};
  net::StaticResolver resolver_;
  EdgeShared shared_;
  Worker worker_;
  net::testing::Server origin_;
  model::DomainPolicy policy_;
  model::PolicySnapshot::Ptr snapshot_;
  std::shared_ptr<const DomainTable> table_;
  net::SocketAddress edge_;
  std::vector<std::string> heads_, bodies_;
  std::uint64_t flooded_ = 0;
  int abandoned_ = 0;
  bool drained_ = false;
};

TEST_P(Http2Edge, requests_side_by_side_get_their_own_answers) {
  auto peer = connected();
  std::vector<std::uint32_t> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(peer->ask(head("GET", "/" + std::to_string(i))));
  for (int i = 0; i < 20; ++i) {
    const auto seen = answer(*peer, ids[static_cast<std::size_t>(i)]);
    EXPECT_EQ(seen.head.status, 200);
    EXPECT_EQ(seen.body, "/" + std::to_string(i));
  }
  const auto chunked = answer(*peer, peer->ask(head("GET", "/chunked")));
  EXPECT_EQ(chunked.body, "hello world");
  ASSERT_EQ(chunked.interim.size(), 1u);
  EXPECT_EQ(chunked.interim[0].status, 103);
  EXPECT_EQ(chunked.trailers.find("x-sum"), "11");
  EXPECT_FALSE(chunked.head.fields.contains("connection"));
  const auto to_head = answer(*peer, peer->ask(head("HEAD", "/head")));
  EXPECT_EQ(to_head.head.fields.find("content-length"), "1234");
  EXPECT_EQ(to_head.body, "");
  EXPECT_EQ(answer(*peer, peer->ask(head("GET", "/none"))).head.status, 204);
  EXPECT_EQ(count().http2_streams.get(), 23u);
  end(*peer);
}

TEST_P(Http2Edge, an_answer_cut_short_is_a_reset_and_the_connection_goes_on) {
  auto peer = connected();
  const auto cut = answer(*peer, peer->ask(head("GET", "/short")));
  EXPECT_EQ(cut.head.status, 200);
  EXPECT_FALSE(cut.ended);
  EXPECT_EQ(cut.error, Http2Error::internal_error);
  EXPECT_EQ(answer(*peer, peer->ask(head("GET", "/next"))).body, "/next");
  end(*peer);
}

TEST_P(Http2Edge, an_upload_keeps_its_trailers_and_its_cookies_come_together) {
  auto peer = connected();
  protocol::Fields post = head("POST", "/upload");
  post.add("cookie", "a=1");
  post.add("cookie", "b=2");
  const auto id = peer->ask(post, false);
  peer->codec().data(id, std::string(100, 'x'));
  protocol::Fields trailers;
  trailers.add("x-end", "1");
  peer->codec().trailers(id, trailers);
  peer->flush();
  EXPECT_EQ(answer(*peer, id).body, "/upload");
  ASSERT_EQ(bodies_.size(), 1u);
  EXPECT_THAT(bodies_[0], HasSubstr(std::string(100, 'x')));
  EXPECT_THAT(heads_[0], HasSubstr("a=1; b=2"));
  end(*peer);
}

TEST_P(Http2Edge, an_origin_hears_of_a_body_that_is_none_and_how_the_request_came) {
  auto peer = connected();
  EXPECT_EQ(answer(*peer, peer->ask(head("POST", "/1"))).head.status, 200);
  EXPECT_EQ(answer(*peer, peer->ask(head("GET", "/2"))).head.status, 200);
  ASSERT_EQ(heads_.size(), 2u);
  EXPECT_THAT(heads_[0], HasSubstr("Content-Length: 0\r\n"));
  EXPECT_THAT(heads_[0], HasSubstr("Via: 2.0 fairlead\r\n"));
  EXPECT_THAT(heads_[1], Not(HasSubstr("Content-Length")));
  end(*peer);
}

TEST_P(Http2Edge, interim_answers_have_a_limit) {
  auto peer = connected();
  const auto seen = answer(*peer, peer->ask(head("GET", "/interim")));
  EXPECT_EQ(seen.interim.size(), 32u);
  EXPECT_EQ(seen.head.status, 502);
  end(*peer);
}

TEST_P(Http2Edge, sessions_side_by_side_on_one_connection) {
  auto peer = connected({});
  std::vector<int> codes(5);
  std::size_t over = 0;
  const auto one = [&](std::size_t i) -> Task<void> {
    co_await chat(*peer, peer->ask(handshake("/ws"), false), 10 + i * 300, codes[i]);
    ++over;
  };
  for (std::size_t i = 0; i < codes.size(); ++i) world_.scope().spawn(one(i));
  world_.run_until([&] { return over == codes.size(); });
  for (const int code : codes) EXPECT_EQ(code, 1000);
  // RFC 8441 5.1: the origin hears an opening handshake of HTTP/1.1.
  EXPECT_THAT(heads_[0], StartsWith("GET /ws HTTP/1.1\r\n"));
  EXPECT_THAT(heads_[0], HasSubstr("Sec-WebSocket-Key: "));
  EXPECT_THAT(heads_[0], HasSubstr("Sec-WebSocket-Version: 13\r\n"));
  EXPECT_THAT(heads_[0], Not(HasSubstr(":protocol")));
  EXPECT_EQ(cell().websocket.sessions_opened.get(), 5u);
  EXPECT_EQ(cell().key.protocol, model::UsageProtocol::h2);
  end(*peer);
}

TEST_P(Http2Edge, a_refusal_keeps_its_status_and_a_2xx_is_none) {
  auto peer = connected();
  const auto refused = answer(*peer, peer->ask(handshake("/ws/refused"), false));
  EXPECT_EQ(refused.head.status, 403);
  EXPECT_EQ(refused.body, "no");
  EXPECT_EQ(answer(*peer, peer->ask(handshake("/ws/ok"), false)).head.status, 502);
  policy_.websocket.enabled = false;
  publish();
  const auto off = answer(*peer, peer->ask(handshake("/ws"), false));
  EXPECT_EQ(off.head.status, 403);
  EXPECT_EQ(off.head.fields.find("fairlead-error"), "websocket_disabled");
  end(*peer);
}

TEST_P(Http2Edge, where_http2_is_off_a_request_is_sent_away_and_a_handshake_served) {
  auto peer = connected();
  EXPECT_EQ(answer(*peer, peer->ask(head("GET", "/"))).head.status, 200);
  protocol::Fields other = head("CONNECT", "/");
  other.add(":protocol", "connect-udp");
  EXPECT_EQ(answer(*peer, peer->ask(other, false)).head.status, 501);
  policy_.http2 = false;
  publish();
  EXPECT_EQ(answer(*peer, peer->ask(head("GET", "/"))).head.status, 421);
  int code = 0;
  world_.run(chat(*peer, peer->ask(handshake("/ws"), false), 10, code));
  EXPECT_EQ(code, 1000);
  end(*peer);
}

TEST_P(Http2Edge, a_stream_that_nobody_reads_stalls_itself_alone) {
  auto peer = connected({.stream_window = 20'000, .connection_window = 1 << 20});
  const auto stalled = peer->ask(handshake("/ws/flood"), false);
  world_.run_until([&] { return peer->seen(stalled).body.size() == 20'000; });
  int code = 0;
  world_.run(chat(*peer, peer->ask(handshake("/ws"), false), 1000, code));
  EXPECT_EQ(code, 1000);
  EXPECT_EQ(peer->seen(stalled).body.size(), 20'000u);
  peer->codec().reset(stalled);
  peer->flush();
  world_.run_until([&] { return count().http2_streams_open.get() == 0; });
  end(*peer);
}

TEST_P(Http2Edge, a_stream_that_is_reset_gives_its_origin_up) {
  auto peer = connected();
  const auto id = peer->ask(head("GET", "/never"));
  world_.run_until([&] { return !heads_.empty(); });
  peer->codec().reset(id);
  peer->flush();
  world_.run_until([&] { return abandoned_ == 1; });
  EXPECT_EQ(answer(*peer, peer->ask(head("GET", "/next"))).body, "/next");
  EXPECT_EQ(count().http2_stream_resets.get(), 1u);
  end(*peer);
}

TEST_P(Http2Edge, drain_says_goaway_and_every_session_its_own_close) {
  auto peer = connected({});
  const auto talk = [&](std::uint32_t id, int& code) -> Task<void> {
    co_await peer->answer(id);
    Http2Tunnel tunnel(*peer, id);
    WebSocketPeer client(tunnel, WebSocketPeer::client(id));
    const Frame last = co_await client.receive_message();
    code = last.close_code();
    if (last.is(Opcode::close)) {
      const int error = co_await client.close(code);
      EXPECT_EQ(error, 0);
    }
    tunnel.shutdown_write();
    (void)co_await net::testing::read_all(tunnel);
  };
  std::vector<int> codes(3);
  for (int& code : codes) world_.scope().spawn(talk(peer->ask(handshake("/ws"), false), code));
  world_.run_until([&] { return shared_.admission.gauges(world_.loop().now()).sessions == 3; });
  worker_.drain(2s, [this] { drained_ = true; });
  world_.run_until([&] { return drained_ && peer->over(); });
  for (const int code : codes) EXPECT_EQ(code, 1001);
  ASSERT_FALSE(peer->codec().goaways().empty());
  for (const auto& goaway : peer->codec().goaways()) EXPECT_EQ(goaway.error, Http2Error::no_error);
  EXPECT_EQ(peer->codec().goaways().back().last_stream, 5u);
}

TEST_P(Http2Edge, an_idle_connection_is_told_goodbye) {
  auto peer = connected();
  EXPECT_EQ(answer(*peer, peer->ask(head("GET", "/1"))).head.status, 200);
  const auto since = world_.loop().now();
  world_.run_until([&] { return peer->over(); });
  EXPECT_GE(world_.loop().now() - since, 1900ms);
  EXPECT_LT(world_.loop().now() - since, 4s);
  ASSERT_EQ(peer->codec().goaways().size(), 1u);
  EXPECT_EQ(peer->codec().goaways()[0].error, Http2Error::no_error);
}

TEST_P(Http2Edge, a_head_that_does_not_end_ends_the_connection) {
  auto peer = connected();
  EXPECT_EQ(answer(*peer, peer->ask(head("GET", "/1"))).head.status, 200);
  const auto since = world_.loop().now();
  const std::string fields = protocol::testing::literals(head("GET", "/slow"));
  peer->codec().raw(protocol::testing::frame(protocol::testing::FrameType::headers, 0, 9, fields));
  peer->flush();
  world_.run_until([&] { return peer->over(); });
  EXPECT_GE(world_.loop().now() - since, 900ms);
  EXPECT_LT(world_.loop().now() - since, 3s);
  ASSERT_FALSE(peer->codec().goaways().empty());
  EXPECT_EQ(peer->codec().goaways().back().error, Http2Error::enhance_your_calm);
  EXPECT_EQ(limit(Http2Limit::slow_client), 1u);
}

TEST_P(Http2Edge, a_flood_ends_in_calm_and_its_other_streams_with_it) {
  auto peer = connected();
  const auto id = peer->ask(head("GET", "/never"));
  world_.run_until([&] { return !heads_.empty(); });
  for (int i = 0; i < 200; ++i) peer->codec().ping();
  peer->flush();
  world_.run_until([&] { return peer->over() && abandoned_ == 1; });
  EXPECT_EQ(peer->seen(id).head.status, 0);
  ASSERT_FALSE(peer->codec().goaways().empty());
  EXPECT_EQ(peer->codec().goaways().back().error, Http2Error::enhance_your_calm);
  EXPECT_EQ(limit(Http2Limit::pings), 1u);
}

INSTANTIATE_TEST_SUITE_P(Net, Http2Edge, net::testing::every_net(), net::testing::net_name);

}  // namespace
}  // namespace fairlead::edge
