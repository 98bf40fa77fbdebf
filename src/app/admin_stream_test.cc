// Answers that are made bit by bit, over real sockets: each piece arrives when it was made, and what ends them.

#include <atomic>
#include <latch>
#include <semaphore>
#include <stdexcept>

#include "app/admin_server.h"
#include "app/testing/admin_client.h"

namespace fairlead::app {
namespace {

using control::ApiRequest;
using control::ApiResponse;
using control::ApiSink;
using std::chrono::hours;
using testing::AdminClient;
using testing::Answer;

class AdminStreamTest : public ::testing::Test {
 protected:
  ~AdminStreamTest() override { server_.stop(); }
  // "/v1/stream" is answered by the producer, everything else in a word.
  void start(control::ApiProducer produce) {
    AdminServer::Handlers handlers;
    handlers.metrics = handlers.ready_reason = [] { return std::string(); };
    handlers.ready = [] { return true; };
    handlers.api = [produce](const ApiRequest& request) {
      if (request.path != "/v1/stream") return ApiResponse{200, {}, "ok"};
      return ApiResponse{200, {{"content-type", "text/event-stream"}}, {}, produce};
    };
    ASSERT_TRUE(server_.start("127.0.0.1:0", handlers));
  }
  static constexpr const char* kAsk = "GET /v1/stream HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n";

  AdminServer server_;
};

TEST_F(AdminStreamTest, EachPieceArrivesWhenItIsMade) {
  std::counting_semaphore<8> go(0);
  int made = 0;
  start([&](ApiSink& sink) {
    go.acquire();
    if (++made == 4) return false;
    EXPECT_TRUE(sink.write(""));  // nothing is not the end
    return sink.write(fmt::format("data: {}\n\n", made));
  });
  AdminClient client(server_.address());
  client.send(kAsk);
  const Answer head = client.head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.fields.at("transfer-encoding"), "chunked");
  EXPECT_EQ(head.fields.at("content-type"), "text/event-stream");
  EXPECT_EQ(head.fields.at("cache-control"), "no-store");
  EXPECT_EQ(head.fields.at("x-content-type-options"), "nosniff");
  EXPECT_FALSE(head.has("content-length"));
  EXPECT_FALSE(head.has("content-encoding"));
  for (int i = 1; i <= 3; ++i) {
    go.release();
    EXPECT_EQ(client.until("\n\n\r\n"), fmt::format("9\r\ndata: {}\n\n\r\n", i));
  }
  go.release();
  EXPECT_EQ(client.to_end(), "0\r\n\r\n");
  EXPECT_TRUE(client.ended());
}

TEST_F(AdminStreamTest, AnOldClientGetsNoChunks) {
  int made = 0;
  start([&](ApiSink& sink) { return sink.write("x\n") && ++made < 3; });
  AdminClient client(server_.address());
  client.send("GET /v1/stream HTTP/1.0\r\n\r\n");
  const Answer head = client.head();
  EXPECT_FALSE(head.has("transfer-encoding"));
  EXPECT_FALSE(head.has("content-length"));
  EXPECT_EQ(client.to_end(), "x\nx\nx\n");
  EXPECT_TRUE(client.ended());
}

TEST_F(AdminStreamTest, HeadAsksForNoPiece) {
  std::atomic<int> called{0};
  start([&](ApiSink&) { return ++called < 0; });
  AdminClient client(server_.address());
  EXPECT_EQ(client.ask("HEAD", "/v1/stream").fields.at("content-type"), "text/event-stream");
  EXPECT_EQ(client.ask("GET", "/v1/x").body, "ok");
  EXPECT_EQ(called, 0);
}

TEST_F(AdminStreamTest, TheProducerHearsThatTheClientHasGone) {
  std::latch waiting(1), told(1);
  start([&](ApiSink& sink) {
    waiting.count_down();
    EXPECT_FALSE(sink.wait(hours(1)));
    EXPECT_FALSE(sink.write("too late"));
    told.count_down();
    return false;
  });
  {
    AdminClient client(server_.address());
    client.send(kAsk);
    EXPECT_EQ(client.head().status, 200);
    waiting.wait();
  }
  told.wait();
}

TEST_F(AdminStreamTest, WaitingTakesItsTime) {
  start([](ApiSink& sink) {
    const auto began = base::monotonic_now();
    EXPECT_TRUE(sink.wait(base::milliseconds(30)));
    EXPECT_GE(base::monotonic_now() - began, base::milliseconds(30));
    sink.write("x");
    return false;
  });
  AdminClient client(server_.address());
  client.send(kAsk);
  EXPECT_EQ(client.head().status, 200);
  EXPECT_EQ(client.to_end(), "1\r\nx\r\n0\r\n\r\n");
}

TEST_F(AdminStreamTest, StopEndsStreams) {
  std::latch waiting(2);
  start([&](ApiSink& sink) {
    waiting.count_down();
    return sink.wait(hours(1));
  });
  AdminClient one(server_.address()), two(server_.address());
  one.send(kAsk);
  two.send(kAsk);
  waiting.wait();
  server_.stop();
  EXPECT_EQ(one.head().status, 200);
  EXPECT_EQ(one.to_end(), "0\r\n\r\n");  // an orderly end
  EXPECT_TRUE(one.ended());
}

TEST_F(AdminStreamTest, StopDoesNotWaitForAClientThatDoesNotRead) {
  std::atomic<std::size_t> pieces{0};
  const std::string piece(1 << 20, 'x');
  std::latch begun(1);
  std::atomic<bool> first{true};
  start([&](ApiSink& sink) {
    if (first.exchange(false)) begun.count_down();
    ++pieces;
    return sink.write(piece);
  });
  AdminClient client(server_.address());
  client.send(kAsk);
  begun.wait();
  const auto began = base::monotonic_now();
  server_.stop();
  EXPECT_LT(base::monotonic_now() - began, AdminServer::kDeadline / 2);
  EXPECT_LT(pieces, 64u);  // what the kernel takes, and not more: nothing piles up here
}

// A stream that was cut must not look complete.
TEST_F(AdminStreamTest, AProducerThatThrowsCutsTheAnswerShort) {
  int made = 0;
  start([&](ApiSink& sink) {
    if (++made == 2) throw std::runtime_error("no such luck");
    return sink.write("x");
  });
  AdminClient client(server_.address());
  client.send(kAsk);
  EXPECT_EQ(client.head().status, 200);
  EXPECT_EQ(client.to_end(), "1\r\nx\r\n");
  EXPECT_EQ(AdminClient(server_.address()).ask("GET", "/v1/x").body, "ok");
}

TEST_F(AdminStreamTest, TheyAreBoundedAndHoldNobodyElseUp) {
  std::atomic<std::size_t> begun{0}, ended{0};
  start([&](ApiSink& sink) {
    if (!sink.write("x")) return false;
    ++begun;
    begun.notify_all();
    sink.wait(hours(1));
    ++ended;
    ended.notify_all();
    return false;
  });
  std::vector<std::unique_ptr<AdminClient>> open;
  for (std::size_t i = 0; i < AdminServer::kMaxStreams; ++i) {
    open.push_back(std::make_unique<AdminClient>(server_.address()));
    open.back()->send(kAsk);
    ASSERT_EQ(open.back()->head().status, 200) << i;
  }
  for (std::size_t n; (n = begun) < AdminServer::kMaxStreams;) begun.wait(n);
  AdminClient one_too_many(server_.address());
  one_too_many.send(kAsk);
  const Answer refused = one_too_many.answer();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.fields.at("retry-after"), "5");
  EXPECT_EQ(refused.fields.at("fairlead-error"), "overloaded");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(AdminClient(server_.address()).ask("GET", "/v1/x").body, "ok");

  open.clear();
  for (std::size_t n; (n = ended) < AdminServer::kMaxStreams;) ended.wait(n);
  // There is room again, as soon as their threads have ended.
  int status = 0;
  for (const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(20);
       status != 200 && std::chrono::steady_clock::now() < late;) {
    AdminClient again(server_.address());
    again.send(kAsk);
    status = again.head().status;
  }
  EXPECT_EQ(status, 200);
  server_.stop();  // the last stream counts in what ends here
}

}  // namespace
}  // namespace fairlead::app
