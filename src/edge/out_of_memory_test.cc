// A worker whose every allocation fails once, one after the other: on a thread of its own over the kernel, while one
// client goes through the story of a connection. Whatever the client gets (its answer, an error, a closed connection),
// nothing may hang, nothing may leak, no counter may stay behind, and the next client is served as if nothing had been.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "base/log.h"
#include "edge/testing/websocket_peers.h"
#include "edge/worker.h"
#include "net/testing/peers.h"
#include "net/testing/scarce_memory.h"
#include "net/testing/world.h"

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
  explicit WorkerThread(model::DomainPolicy policy) : policy_(std::move(policy)) {
    std::promise<net::SocketAddress> at;
    auto bound = at.get_future();
    thread_ = std::thread([this, &at] { work(at); });
    address_ = bound.get();
  }
  ~WorkerThread() {
    ask([this] {
      worker_->stop([this] { loop_->quit(); });
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
    loop_->post([&] { said.set_value(f()); });
    return said.get_future().get();
  }

 private:
  void work(std::promise<net::SocketAddress>& at) {
    net::EpollPoller poller;
    net::EventLoop loop(poller);
    net::StaticResolver resolver;
    Worker worker(0, loop, resolver, shared_, model::GlobalLimits{}, 1);
    loop_ = &loop;
    worker_ = &worker;
    const auto snapshot = model::PolicySnapshot::replace(nullptr, {policy_}, 1);
    worker.apply(DomainTable::build(nullptr, snapshot, shared_.tickets), {});
    at.set_value(worker.listen({.address = "127.0.0.1:0"}).value());
    loop.run();
  }

  model::DomainPolicy policy_;
  EdgeShared shared_{1, model::GlobalLimits{}};
  net::EventLoop* loop_ = nullptr;
  Worker* worker_ = nullptr;
  net::SocketAddress address_;
  std::thread thread_;
};

constexpr base::Duration kLimit = 5s;  // of real time: who waits longer waits for ever

class OutOfMemory : public ::testing::Test {
 protected:
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

  net::Task<std::string> session(net::SocketAddress at) {
    const net::TimePoint due = base::later(base::monotonic_now(), kLimit);
    auto stream = co_await net::connect_tcp(world_.loop(), at, due);
    if (!stream) co_return "refused";
    const net::StreamDeadline deadline(**stream, due);
    WebSocketPeer peer(**stream, WebSocketPeer::client(1));
    const int status = co_await peer.open("live.test", "/chat?with=a+target+longer+than+any+small+string");
    std::string outcome = std::to_string(status);
    if (status == 101) {
      co_await peer.send(Opcode::text, "hello");
      const Frame echoed = co_await peer.receive();
      outcome = echoed.is(Opcode::text) && echoed.payload == "hello" ? "hello" : "cut";
      co_await peer.send(Opcode::ping, "are you there");
      const Frame pong = co_await peer.receive();
      if (!pong.is(Opcode::pong)) outcome = "cut";
      co_await peer.close();
      const Frame closed = co_await peer.receive();
      if (!closed.is(Opcode::close)) outcome = "cut";
    }
    if (base::monotonic_now() >= due) outcome = "waits for ever";
    co_return outcome;
  }

  // Tells `story` with the n-th allocation failing, for every n there is, to a fresh worker each time; what it comes to
  // when all goes well is `well`.
  template <class Story>
  void fail_each(std::string well, Story story) {
    std::uint64_t caught = 0;
    long n = 0;
    for (bool happened = true; happened && n < 5000; ++n) {
      WorkerThread worker(policy_);
      worker.ask([n] {
        ScarceMemory::fail_nth(n);
        return 0;
      });
      const std::string first = world_.run(story(worker.address()));
      settle(worker, n);
      happened = worker.ask([] { return ScarceMemory::end(); });
      caught += worker.ask([&] { return worker.counters().exceptions.get(); });
      if (!happened) {
        EXPECT_EQ(first, well);
      }
      EXPECT_NE(first, "waits for ever");
      EXPECT_EQ(world_.run(story(worker.address())), well) << "after allocation " << n;
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
      for (const auto& c : worker.shared().counters.domains()) sum += c->sessions_open.get() + c->requests_open.get();
      return sum;
    };
    const base::TimePoint due = base::monotonic_now() + kLimit;
    // Counted on this thread, whose allocations do not fail; each look is a turn of the worker's later than the last.
    while (left() != 0) {
      if (base::monotonic_now() > due) FAIL() << "allocation " << n << " left " << left() << " behind";
      worker.ask([] { return 0; });
    }
  }

  net::testing::World world_{Net::kernel};
  model::DomainPolicy policy_;
  net::testing::Server origin_{world_.loop(), testing::websocket_echo};
};

TEST_F(OutOfMemory, at_every_allocation_of_a_session) {
  fail_each("hello", [this](net::SocketAddress at) { return session(at); });
}

}  // namespace
}  // namespace fairlead::edge
