#pragma once
// An HTTP/2 client for tests of the edge over either network: nghttp2's client session (protocol/http2/testing) on a
// stream of the event loop. A tunnel is a ByteStream, so that the same peers talk over it as over HTTP/1.1.
// Header-only.
//
//   Http2Peer client(std::move(tcp));
//   scope.spawn(client.run());                       // ends with the connection
//   const auto id = client.ask(websocket("/chat"), false);
//   co_await client.answer(id);                      // client.seen(id).head.status, 0: the stream or connection is
//   over Http2Tunnel tunnel(client, id);
//   ...
//   client.close();                                  // when all tunnels are gone

#include <algorithm>
#include <cerrno>
#include <coroutine>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/socket_stream.h"
#include "net/task.h"
#include "net/task_scope.h"
#include "protocol/http2/testing/client_codec.h"

namespace fairlead::edge::testing {

class Http2Tunnel;

class Http2Peer {
 public:
  explicit Http2Peer(std::unique_ptr<net::SocketStream> stream,
                     const protocol::testing::Http2ClientOptions& options = {})
      : stream_(std::move(stream)), codec_(options) {}

  net::EventLoop& loop() const { return stream_->loop(); }
  net::SocketStream& stream() { return *stream_; }
  protocol::testing::Http2Client& codec() { return codec_; }
  protocol::testing::Http2Client::Stream& seen(std::uint32_t id) { return codec_.stream(id); }
  bool over() const { return over_; }
  int error() const { return error_; }

  net::Task<void> run();
  // Sends what the codec has to say: to be called after anything was asked of codec().
  void flush() { poke(writer_); }
  std::uint32_t ask(const protocol::Fields& head, bool end = true) {
    const std::uint32_t id = codec_.request(head, end);
    flush();
    return id;
  }
  // Waits until `done()` holds after something came, or until the connection is over.
  template <class Done>
  net::Task<void> until(Done done) {
    while (!over_ && !done()) co_await Wait{waiting_};
  }
  net::Task<void> answer(std::uint32_t id) {
    return until([this, id] { return seen(id).head.status != 0 || seen(id).closed; });
  }
  net::Task<void> whole_answer(std::uint32_t id) {
    return until([this, id] { return seen(id).ended || seen(id).closed; });
  }
  // Ends the sending side once everything queued is written; run() ends when the edge has ended its own.
  void close() {
    closing_ = true;
    flush();
  }

 private:
  friend class Http2Tunnel;
  struct Wait {
    std::vector<std::coroutine_handle<>>& list;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> h) { list.push_back(h); }
    void await_resume() const {}
  };
  struct WriterWait {
    std::coroutine_handle<>& place;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> h) { place = h; }
    void await_resume() const {}
  };
  void poke(std::coroutine_handle<>& h) {
    if (h) loop().ready(std::exchange(h, {}));
  }
  void wake_all();
  net::Task<void> write_loop();

  std::unique_ptr<net::SocketStream> stream_;
  protocol::testing::Http2Client codec_;
  std::map<std::uint32_t, Http2Tunnel*> tunnels_;
  std::vector<std::coroutine_handle<>> waiting_;
  std::coroutine_handle<> writer_;
  bool closing_ = false, over_ = false;
  int error_ = 0;
};

// The client's end of a tunnel. Reads what came, gives its window back as it reads; writes as far as windows allow.
class Http2Tunnel final : public net::ByteStream {
 public:
  Http2Tunnel(Http2Peer& peer, std::uint32_t id) : ByteStream(peer.loop()), peer_(peer), id_(id) {
    peer_.tunnels_[id] = this;
    update();
  }
  ~Http2Tunnel() override {
    peer_.tunnels_.erase(id_);
    if (!state().closed && !peer_.over_) {
      peer_.codec_.reset(id_);
      peer_.flush();
    }
  }
  void shutdown_write() override {
    peer_.codec_.data(id_, {}, true);
    peer_.flush();
  }
  // Something came on the connection. May end with the destruction of this tunnel.
  void changed() {
    update();
    if (peer_.over_ || (state().closed && !state().ended)) {
      cancel(ECONNRESET);
    } else {
      if (parked() != 0) writable();
      if (buffered_) look_again();
    }
  }

 protected:
  ssize_t try_read(char* buffer, std::size_t size) override {
    std::string& body = state().body;
    const std::size_t n = std::min(size, body.size());
    std::memcpy(buffer, body.data(), n);
    body.erase(0, n);
    if (n != 0 && !state().closed) {
      peer_.codec_.consume(id_, n);
      peer_.flush();
    }
    const bool at_end = n == 0 && state().ended;
    update();
    return n != 0 || at_end ? static_cast<ssize_t>(n) : -EAGAIN;
  }
  ssize_t try_write(const iovec* pieces, int count) override {
    if (state().closed || peer_.over_) return -ECONNRESET;
    ssize_t taken = 0;
    for (int i = 0; i < count; ++i) {
      const auto window = static_cast<std::ptrdiff_t>(peer_.codec_.send_window(id_)) -
                          static_cast<std::ptrdiff_t>(peer_.codec_.unsent(id_));
      const std::size_t n = std::min(pieces[i].iov_len, static_cast<std::size_t>(std::max<std::ptrdiff_t>(window, 0)));
      if (n == 0) continue;
      peer_.codec_.data(id_, {static_cast<const char*>(pieces[i].iov_base), n});
      taken += static_cast<ssize_t>(n);
      if (n < pieces[i].iov_len) break;
    }
    peer_.flush();
    return taken != 0 ? taken : -EAGAIN;
  }
  void want_read() override {}
  void want_write() override {}

 private:
  protocol::testing::Http2Client::Stream& state() { return peer_.codec_.stream(id_); }
  void update() { buffered_ = !state().body.empty() || state().ended; }

  Http2Peer& peer_;
  std::uint32_t id_;
};

inline void Http2Peer::wake_all() {
  for (const auto h : std::exchange(waiting_, {})) loop().ready(h);
  std::vector<std::uint32_t> ids;
  for (const auto& [id, t] : tunnels_) ids.push_back(id);
  for (const std::uint32_t id : ids) {
    const auto it = tunnels_.find(id);
    if (it != tunnels_.end()) it->second->changed();
  }
}

inline net::Task<void> Http2Peer::write_loop() {
  while (!over_) {
    const std::string out = codec_.output();
    if (out.empty()) {
      if (std::exchange(closing_, false)) stream_->shutdown_write();
      co_await WriterWait{writer_};
      continue;
    }
    const int error = co_await stream_->write(out);
    if (error != 0) break;
  }
}

inline net::Task<void> Http2Peer::run() {
  net::TaskScope writer(loop());
  writer.spawn(write_loop());
  for (;;) {
    const net::Chunk chunk = co_await stream_->read();
    if (chunk.size == 0) {
      error_ = chunk.error;
      break;
    }
    const auto good = codec_.receive(chunk.view());
    if (!good) {
      error_ = EPROTO;
      break;
    }
    flush();
    wake_all();
  }
  over_ = true;
  poke(writer_);
  stream_->cancel();
  co_await writer.join();
  wake_all();
}

}  // namespace fairlead::edge::testing
