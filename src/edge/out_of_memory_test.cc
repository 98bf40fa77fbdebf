// A worker whose every allocation fails once, one after the other: on a thread of its own over the kernel, while one
// client goes through the story of a connection. Whatever the client gets (its answer, an error, a closed connection),
// nothing may hang, nothing may leak, no counter may stay behind, and the next client is served as if nothing had been.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "base/log.h"
#include "edge/testing/http2_client.h"
#include "edge/testing/websocket_peers.h"
#include "edge/worker.h"
#include "net/testing/peers.h"
#include "net/testing/scarce_memory.h"
#include "net/testing/tls_certificates.h"
#include "net/testing/world.h"
#include "net/tls_stream.h"

namespace fairlead::edge {
namespace {

using namespace std::chrono_literals;
using net::testing::Net;
using net::testing::ScarceMemory;
using testing::Frame;
using testing::WebSocketPeer;
using Opcode = protocol::Opcode;

// A worker on a thread of its own, so that its allocations can be told from those of its peers.
class WorkerThread {
 public:
  WorkerThread(model::DomainPolicy policy, model::ListenerConfig listener)
      : policy_(std::move(policy)), listener_(std::move(listener)) {
    std::promise<net::SocketAddress> at;
    auto bound = at.get_future();
    thread_ = std::thread([this, &at] { work(at); });
    address_ = bound.get();
  }
  ~WorkerThread() {
    ask([this] {
      worker_->stop([this] { loop_.quit(); });
      return 0;
    });
    thread_.join();
  }
  const net::SocketAddress& address() const { return address_; }
  EdgeShared& shared() { return shared_; }
  const WorkerCounters& counters() const { return worker_->counters(); }

  // What `f` says on the worker's thread.
  template <class F>
  auto ask(F f) -> decltype(f()) {
    std::promise<decltype(f())> said;
    loop_.post([&] { said.set_value(f()); });
    return said.get_future().get();
  }

 private:
  void work(std::promise<net::SocketAddress>& at) {
    net::StaticResolver resolver;
    Worker worker(0, loop_, resolver, shared_, model::GlobalLimits{}, 1);
    worker_ = &worker;
    const auto snapshot = model::PolicySnapshot::replace(nullptr, {policy_}, 1);
    worker.apply(DomainTable::build(nullptr, snapshot, shared_.tickets), {});
    at.set_value(worker.listen(listener_).value());
    loop_.run();
  }

  model::DomainPolicy policy_;
  model::ListenerConfig listener_;
  EdgeShared shared_{1, model::GlobalLimits{}};
  // Of the thread that made them, because who posts a letter may still be at it when the loop has read it and ended.
  net::EpollPoller poller_;
  net::EventLoop loop_{poller_};
  Worker* worker_ = nullptr;
  net::SocketAddress address_;
  std::thread thread_;
};

constexpr base::Duration kLimit = 5s;  // of real time: who waits longer waits for ever

class OutOfMemory : public ::testing::Test {
 protected:
  OutOfMemory() : origin_(world_.loop(), [this](net::TcpStream& s) { return serve(s); }) {}
  void SetUp() override {
    base::log_set_level(base::LogLevel::off);
    ASSERT_TRUE(origin_.open(world_.loopback()));
    policy_.name = "live.test";
    policy_.origins.push_back({.host = "127.0.0.1", .http_port = origin_.address().port()});
  }
  void TearDown() override {
    world_.run(origin_.stop());
    world_.finish();
    base::log_set_level(base::LogLevel::info);
  }

  // Speaks WebSocket, HTTP, and to a client of a tunnel.
  net::Task<void> serve(net::TcpStream& stream) {
    for (int error = 0; error == 0;) {
      const net::testing::Received head = co_await net::testing::read_until(stream, "\r\n\r\n");
      if (!head.bytes.ends_with("\r\n\r\n")) co_return;
      if (head.bytes.find("ebsocket") != std::string::npos) {
        stream.unread(head.bytes);
        co_await testing::websocket_echo(stream);
        co_return;
      }
      if (head.bytes.starts_with("POST")) co_await net::testing::read_until(stream, "0\r\n\r\n");
      std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-A: b\r\n\r\ndone";
      if (head.bytes.starts_with("GET /long")) {
        // More than the edge reads, and passes on, at a time.
        answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40000\r\n" + std::string(0x40000, 'x') +
                 "\r\n4\r\ndone\r\n0\r\n\r\n";
      }
      if (head.bytes.starts_with("NO HTTP")) answer = "whatever, done";
      error = co_await stream.write(answer);
    }
  }

  // What a client of an open WebSocket comes to.
  net::Task<std::string> converse(WebSocketPeer& peer) {
    co_await peer.send(Opcode::text, "hello");
    const Frame echoed = co_await peer.receive();
    std::string outcome = echoed.is(Opcode::text) && echoed.payload == "hello" ? "hello" : "cut";
    co_await peer.send(Opcode::ping, "are you there");
    const Frame pong = co_await peer.receive();
    if (!pong.is(Opcode::pong)) outcome = "cut";
    co_await peer.close();
    const Frame closed = co_await peer.receive();
    if (!closed.is(Opcode::close)) outcome = "cut";
    co_return outcome;
  }

  net::Task<std::string> session(net::SocketAddress at, net::TimePoint due) {
    auto stream = co_await net::connect_tcp(world_.loop(), at, due);
    if (!stream) co_return "refused";
    const net::StreamDeadline deadline(**stream, due);
    WebSocketPeer peer(**stream, WebSocketPeer::client(1));
    const int status = co_await peer.open("live.test", "/chat?with=a+target+longer+than+any+small+string");
    if (status == 101) co_return co_await converse(peer);
    co_return std::to_string(status);
  }

  net::Task<std::string> request(net::SocketAddress at, net::TimePoint due, std::string bytes) {
    auto stream = co_await net::connect_tcp(world_.loop(), at, due);
    if (!stream) co_return "refused";
    const net::StreamDeadline deadline(**stream, due);
    const int error = co_await (*stream)->write(bytes);
    if (error != 0) co_return "cut";
    const net::testing::Received r = co_await net::testing::read_all(**stream);
    if (!r.bytes.starts_with("HTTP/1.1 ")) co_return "cut";
    const std::string status = r.bytes.substr(9, 3);
    if (status != "200" || r.bytes.ends_with("done") || r.bytes.ends_with("done\r\n0\r\n\r\n")) co_return status;
    // Without a length only the connection's end could tell that this is not all.
    const bool framed =
        r.bytes.find("Content-Length") != std::string::npos || r.bytes.find("Transfer-Encoding") != std::string::npos;
    co_return framed || r.error != 0 ? "cut" : "taken for whole";
  }

  net::Task<std::string> tunnel(net::SocketAddress at, net::TimePoint due) {
    auto tcp = co_await net::connect_tcp(world_.loop(), at, due);
    if (!tcp) co_return "refused";
    auto stream = co_await net::tls_connect(std::move(*tcp), trusting_, "live.test", due);
    if (!stream) co_return "refused";
    const net::StreamDeadline deadline(**stream, due);
    const int error = co_await (*stream)->write(std::string_view("NO HTTP\r\n\r\n"));
    if (error != 0) co_return "cut";
    const net::testing::Received r = co_await net::testing::read_until(**stream, "done");
    (*stream)->shutdown_write();
    const net::testing::Received rest = co_await net::testing::read_all(**stream);
    co_return r.bytes == "whatever, done" && rest.error == 0 ? "done" : "cut";
  }

  // One stream of an HTTP/2 connection: a request, with a body when there is one to send, or a WebSocket.
  net::Task<std::string> over_http2(net::SocketAddress at, net::TimePoint due, std::string method, std::string body) {
    auto tcp = co_await net::connect_tcp(world_.loop(), at, due);
    if (!tcp) co_return "refused";
    const net::StreamDeadline deadline(**tcp, due);
    testing::Http2Peer peer(std::move(*tcp));
    net::TaskScope running(world_.loop());
    running.spawn(peer.run());
    protocol::Fields head = protocol::testing::http2_head(method, "/a", "live.test", "http");
    if (method == "CONNECT") head.add(":protocol", "websocket");
    const std::uint32_t id = peer.ask(head, method == "GET");
    if (!body.empty()) {
      peer.codec().data(id, body, true);
      peer.flush();
    }
    std::string outcome;
    if (method == "CONNECT") {
      co_await peer.answer(id);
      outcome = std::to_string(peer.seen(id).head.status);
      if (outcome == "200") {
        testing::Http2Tunnel stream(peer, id);
        WebSocketPeer client(stream, WebSocketPeer::client(1));
        outcome = co_await converse(client);
      }
    } else {
      co_await peer.whole_answer(id);
      outcome = std::to_string(peer.seen(id).head.status);
      if (outcome == "200" && peer.seen(id).body != "done") outcome = peer.seen(id).ended ? "taken for whole" : "cut";
    }
    peer.close();
    co_await running.join();
    co_return outcome;
  }

  // A client that vanishes while it has two WebSockets on its connection.
  net::Task<std::string> leave_http2(net::SocketAddress at, net::TimePoint due) {
    auto tcp = co_await net::connect_tcp(world_.loop(), at, due);
    if (!tcp) co_return "refused";
    const net::StreamDeadline deadline(**tcp, due);
    testing::Http2Peer peer(std::move(*tcp));
    net::TaskScope running(world_.loop());
    running.spawn(peer.run());
    protocol::Fields head = protocol::testing::http2_head("CONNECT", "/a", "live.test", "http");
    head.add(":protocol", "websocket");
    const std::uint32_t first = peer.ask(head, false), second = peer.ask(head, false);
    co_await peer.answer(first);
    co_await peer.answer(second);
    const int status = std::max(peer.seen(first).head.status, peer.seen(second).head.status);
    peer.stream().cancel();
    co_await running.join();
    co_return status == 200 ? "left" : std::to_string(status);
  }

  // Tells `story` with the n-th allocation failing, for every n there is, to a fresh worker each time; what it comes to
  // when all goes well is `well`.
  template <class Story>
  void fail_each(std::string well, Story story) {
    std::uint64_t caught = 0;
    long n = 0;
    for (bool happened = true; happened && n < 5000; ++n) {
      WorkerThread worker(policy_, listener_);
      const auto tell = [&] {
        const net::TimePoint due = base::later(base::monotonic_now(), kLimit);
        const std::string outcome = world_.run(story(worker.address(), due));
        return base::monotonic_now() < due ? outcome : "waits for ever";
      };
      worker.ask([n] {
        ScarceMemory::fail_nth(n);
        return 0;
      });
      const std::string first = tell();
      settle(worker, n);
      happened = worker.ask([] { return ScarceMemory::end(); });
      const std::uint64_t counted = worker.ask([&] { return worker.counters().exceptions.get(); });
      EXPECT_LE(counted, 1u);  // one failure, one exception
      caught += counted;
      if (!happened) {
        EXPECT_EQ(first, well);
      }
      EXPECT_NE(first, "waits for ever");
      EXPECT_NE(first, "taken for whole");
      EXPECT_EQ(tell(), well) << "after allocation " << n;
      settle(worker, n);
      ASSERT_FALSE(HasFailure()) << "allocation " << n;
    }
    EXPECT_GT(n, 20);
    EXPECT_GT(caught, 10u);
    RecordProperty("allocations", static_cast<int>(n));
  }

  // Until the worker has nothing left of its connections.
  void settle(WorkerThread& worker, long n) {
    const auto left = [&] {
      const AdmissionGauges g = worker.shared().admission.gauges(base::monotonic_now());
      std::uint64_t sum = worker.counters().connections_open.get() + g.connections + g.sessions;
      sum += worker.counters().http2_connections_open.get() + worker.counters().http2_streams_open.get();
      for (const auto& c : worker.shared().counters.cells(CounterRegistry::Cells::all)) {
        sum += c->websocket.sessions_open.get() + c->http.requests_open.get() + c->tunnel.open.get();
      }
      return sum;
    };
    const base::TimePoint due = base::monotonic_now() + kLimit;
    // Counted on this thread, whose allocations do not fail; each look is a turn of the worker's later than the last.
    while (left() != 0) {
      if (base::monotonic_now() > due) FAIL() << "allocation " << n << " left " << left() << " behind";
      worker.ask([] { return 0; });
      bool turned = false;  // the origin's loop, too: it may have to see an end
      world_.loop().post([&] { turned = true; });
      world_.run_until([&] { return turned; });
    }
  }

  net::testing::World world_{Net::kernel};
  model::DomainPolicy policy_;
  model::ListenerConfig listener_{.address = "127.0.0.1:0", .h2c = true};
  std::shared_ptr<const net::TlsClientContext> trusting_ = net::TlsClientContext::create({.verify = false}).value();
  net::testing::Server origin_;
};

TEST_F(OutOfMemory, at_every_allocation_of_a_session) {
  fail_each("hello", [this](net::SocketAddress at, net::TimePoint due) { return session(at, due); });
}

TEST_F(OutOfMemory, at_every_allocation_of_a_request) {
  fail_each("200", [this](net::SocketAddress at, net::TimePoint due) {
    return request(at, due, "GET /a HTTP/1.1\r\nHost: live.test\r\nConnection: close\r\n\r\n");
  });
}

// RFC 1945 7.2.2: the end of the answer is the end of the connection.
TEST_F(OutOfMemory, at_every_allocation_of_a_request_whose_answer_has_no_length) {
  fail_each("200", [this](net::SocketAddress at, net::TimePoint due) {
    return request(at, due, "GET /long HTTP/1.0\r\nHost: live.test\r\n\r\n");
  });
}

TEST_F(OutOfMemory, at_every_allocation_of_an_upload) {
  fail_each("200", [this](net::SocketAddress at, net::TimePoint due) {
    return request(at, due,
                   "POST /a HTTP/1.1\r\nHost: live.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "5\r\nhello\r\n0\r\n\r\n");
  });
}

TEST_F(OutOfMemory, at_every_allocation_of_a_tunnel) {
  const auto identity = net::testing::make_identity({"live.test"});
  policy_.certificates.push_back({identity.leaf.pem, identity.leaf.key_pem});
  policy_.websocket.origin_scheme = model::OriginScheme::http;
  listener_.protocol = model::ListenerProtocol::tcp_ssl;
  listener_.domain = policy_.name;
  fail_each("done", [this](net::SocketAddress at, net::TimePoint due) { return tunnel(at, due); });
}

TEST_F(OutOfMemory, at_every_allocation_of_a_request_over_http2) {
  fail_each("200", [this](net::SocketAddress at, net::TimePoint due) { return over_http2(at, due, "GET", ""); });
}

TEST_F(OutOfMemory, at_every_allocation_of_an_upload_over_http2) {
  fail_each("200", [this](net::SocketAddress at, net::TimePoint due) { return over_http2(at, due, "POST", "hello"); });
}

TEST_F(OutOfMemory, at_every_allocation_of_a_session_over_http2) {
  fail_each("hello", [this](net::SocketAddress at, net::TimePoint due) { return over_http2(at, due, "CONNECT", ""); });
}

TEST_F(OutOfMemory, at_every_allocation_when_a_client_of_http2_vanishes) {
  fail_each("left", [this](net::SocketAddress at, net::TimePoint due) { return leave_http2(at, due); });
}

}  // namespace
}  // namespace fairlead::edge
