#pragma once
// Peers for tests, as coroutines on any loop: a server whose connections are handled by a task each, and a raw client
// that says given bytes and collects what comes. They trust nobody: every wait of a client has a limit, so that a
// silent peer makes a test fail and not hang. Header-only; the tests of edge/ use them too.
//
//   Server origin(loop, echo_connection);                     // or a lambda: it lives as long as the server does
//   ASSERT_TRUE(origin.open(at));
//   RawClient client(loop);
//   const bool up = co_await client.connect(origin.address());
//   const bool sent = co_await client.send("GET / HTTP/1.1\r\n\r\n");
//   const Received head = co_await client.read_until("\r\n\r\n");
//   co_await origin.stop();

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/acceptor.h"
#include "net/event_loop.h"
#include "net/socket_stream.h"
#include "net/task.h"
#include "net/task_scope.h"
#include "net/testing/stream_tools.h"

namespace fairlead::net::testing {

// Listens and runs `handler` for every connection; the stream lives until the handler's task ends.
class Server {
 public:
  // Called once a connection; may be a coroutine lambda with captures, because it is kept as long as the server.
  using Handler = std::function<Task<void>(TcpStream& stream)>;

  Server(EventLoop& loop, Handler handler)
      : loop_(loop),
        handler_(std::move(handler)),
        scope_(loop, [this](const char*) { ++failures_; }),
        acceptor_(
            loop, [this](int handle, const SocketAddress& peer) { take(handle, peer); },
            [this](int) { ++exhausted_; }) {}

  base::Result<void> open(const SocketAddress& at, const ListenOptions& options = {}) {
    return acceptor_.open(at, options);
  }
  const SocketAddress& address() const { return acceptor_.address(); }

  // No new connections; those that live go on.
  void close() { acceptor_.close(); }

  // Ends everything: no new connections, the streams of the live ones cancelled, their tasks awaited.
  Task<void> stop() {
    acceptor_.close();
    scope_.request_stop();
    for (TcpStream* s : live_) s->cancel();
    co_await scope_.join();
  }
  // For handlers that sleep: stops with the server.
  StopToken token() { return scope_.token(); }

  std::size_t accepted() const { return accepted_; }
  std::size_t live() const { return live_.size(); }
  const std::vector<TcpStream*>& streams() const { return live_; }  // oldest first
  std::size_t failures() const { return failures_; }                // handlers that ended by an exception
  std::size_t exhausted() const { return exhausted_; }              // times there was no descriptor to accept with

 private:
  void take(int handle, const SocketAddress& peer) {
    ++accepted_;
    scope_.spawn(serve(this, std::make_unique<TcpStream>(loop_, handle, peer)));
  }
  static Task<void> serve(Server* self, std::unique_ptr<TcpStream> stream) {
    struct Listed {
      Server* server;
      TcpStream* stream;
      ~Listed() { std::erase(server->live_, stream); }
    };
    self->live_.push_back(stream.get());
    const Listed listed{self, stream.get()};
    co_await self->handler_(*stream);
  }

  EventLoop& loop_;
  Handler handler_;
  TaskScope scope_;
  Acceptor acceptor_;
  std::vector<TcpStream*> live_;
  std::size_t accepted_ = 0, failures_ = 0, exhausted_ = 0;
};

// Handlers.

// Sends back what comes, ends when the client ends.
inline Task<void> echo_connection(TcpStream& stream) { co_await echo(stream); }
// Accepts and says nothing until the client or the test ends it.
inline Task<void> silent_connection(TcpStream& stream) { co_await read_all(stream); }
class RawClient {
 public:
  // `limit` is how long a connect or one read may take.
  explicit RawClient(EventLoop& loop, Duration limit = base::seconds(30)) : loop_(loop), limit_(limit) {}

  // False when the connection failed: error() says why.
  Task<bool> connect(SocketAddress to) {
    auto stream = co_await connect_tcp(loop_, to, base::later(loop_.now(), limit_));
    if (!stream) {
      error_ = std::move(stream.error());
      co_return false;
    }
    stream_ = std::move(*stream);
    co_return true;
  }
  const base::Error& error() const { return error_; }

  // False when the peer did not take it all.
  Task<bool> send(std::string bytes) {
    const int error = co_await stream_->write(bytes);
    co_return error == 0;
  }
  // In pieces of 1 .. most bytes drawn from `seed`, a turn of the loop apart, so that each is likely to arrive alone.
  Task<bool> send_cut(std::string bytes, std::uint64_t seed, std::size_t most) {
    SimRandom random(seed);
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t n = std::min<std::size_t>(bytes.size() - at, 1 + random.below(most));
      const int error = co_await stream_->write(std::string_view(bytes).substr(at, n));
      if (error != 0) co_return false;
      at += n;
      co_await loop_.sleep_for(base::milliseconds(1));
    }
    co_return true;
  }

  // What came up to and including `end`; what lies behind it is read next. At the limit the error is ETIMEDOUT.
  Task<Received> read_until(std::string end) {
    ReadDeadline deadline(*stream_, base::later(loop_.now(), limit_));
    Received r = co_await testing::read_until(*stream_, end);
    co_return r;
  }
  Task<Received> read_exactly(std::size_t size) {
    ReadDeadline deadline(*stream_, base::later(loop_.now(), limit_));
    Received r = co_await testing::read_exactly(*stream_, size);
    co_return r;
  }
  // Until the peer ends the stream.
  Task<Received> read_all() {
    ReadDeadline deadline(*stream_, base::later(loop_.now(), limit_));
    Received r = co_await testing::read_all(*stream_);
    co_return r;
  }

  void finish() { stream_->shutdown_write(); }  // no more will be sent
  void close() { stream_.reset(); }
  void reset() {
    stream_->abort_on_close();
    stream_.reset();
  }
  TcpStream& stream() { return *stream_; }
  bool connected() const { return stream_ != nullptr; }

 private:
  EventLoop& loop_;
  Duration limit_;
  std::unique_ptr<TcpStream> stream_;
  base::Error error_;
};

// Connects, says `bytes`, and collects everything until the peer ends the stream. A connect that failed is the errno
// ECONNREFUSED with no bytes.
inline Task<Received> say_and_collect(EventLoop& loop, SocketAddress to, std::string bytes, bool finish = false) {
  RawClient client(loop);
  const bool up = co_await client.connect(to);
  if (!up) co_return Received{{}, ECONNREFUSED};
  const bool sent = co_await client.send(std::move(bytes));
  if (sent && finish) client.finish();
  Received r = co_await client.read_all();
  co_return r;
}

}  // namespace fairlead::net::testing
