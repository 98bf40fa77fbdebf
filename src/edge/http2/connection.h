#pragma once
// Http2Connection: one client's HTTP/2 connection (RFC 9113), a frontend like http1_frontend.h: reads, has the codec
// make events of it, gives each stream a task of its own (a request, or an extended CONNECT that becomes a session, RFC
// 8441), and gathers what all of them write into one write a turn. serve_http2() is the way in.
//
// Streams do not disturb each other: a stream whose window is shut waits by itself, and the connection's window never
// shuts because of a stream that nobody reads. What the connection may hold is bounded: kRoom of output twice, and on
// the way in max_concurrent_streams x stream_window.
//
// It ends by itself (a GOAWAY, then the streams that are left, then the close) when the worker drains, when it has been
// idle for the domain's keepalive_timeout, or when a head is not finished in client_header_timeout; at once, with
// ENHANCE_YOUR_CALM, when a limit of flood_guard.h is passed.

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "edge/client_exchange.h"
#include "edge/http2/flood_guard.h"
#include "edge/http2/stream.h"
#include "edge/http2/wire_shares.h"
#include "net/socket_stream.h"
#include "net/task_scope.h"
#include "protocol/http2/server_codec.h"

namespace fairlead::edge {

class Session;
class Worker;

// Serves the connection to its end. `first_head_due`: the listener's handshake_timeout.
net::Task<void> serve_http2(Worker& worker, std::unique_ptr<net::SocketStream> stream, const ClientInfo& client,
                            net::TimePoint first_head_due);

class Http2Connection {
 public:
  Http2Connection(Worker& worker, std::unique_ptr<net::SocketStream> stream, const ClientInfo& client,
                  net::TimePoint first_head_due);
  ~Http2Connection();

  net::Task<void> run();

  net::EventLoop& loop() const { return stream_->loop(); }
  const ClientInfo& client() const { return client_; }
  Worker& worker() const { return worker_; }

  // For streams and exchanges.
  void attach(Http2Stream& stream);
  void detach(Http2Stream& stream);
  void consumed(Http2Stream& stream, std::size_t bytes);
  protocol::Http2ServerCodec::Sent send(Http2Stream& stream, std::string_view first, std::string_view second);
  void wait_to_write(Http2Stream& stream);
  // False: the stream is gone.
  bool send_interim(Http2Stream& stream, const protocol::ResponseHead& head);
  bool send_head(Http2Stream& stream, const protocol::ResponseHead& head, bool ends);
  bool end(Http2Stream& stream, const protocol::Fields& trailers);
  protocol::Fields take_trailers(Http2Stream& stream);
  void set_timeouts(const model::Layer7& settings);
  void serves(const std::shared_ptr<net::WireCount>& wire) { wire_.serves(wire); }
  void count(Http2Limit limit);

 private:
  // Bytes of output gathered before streams have to wait for the socket.
  static constexpr std::size_t kRoom = 64 * 1024;

  net::Task<void> read_loop();
  net::Task<void> write_loop();
  // A stream's beginning, on the heap so that no frame that lives on keeps room for it.
  struct Opened {
    std::unique_ptr<Http2Stream> stream;
    protocol::Http2Request request;
  };
  net::Task<void> serve_stream(std::unique_ptr<Opened> opened);
  net::Task<std::unique_ptr<Session>> serve_request_of(std::unique_ptr<Opened> opened);
  void handle_events();
  void open_stream(std::uint32_t id);
  Http2Stream* find(std::uint32_t id) const;
  void wake_for_window(std::uint32_t id);
  void wake_for_room();
  void take_off(Http2Stream& stream);
  void judge();
  void watch_leaving();
  void begin_drain();
  void set_clock();
  net::TimePoint next_date() const;
  void on_clock();
  void stop_reading();
  void flush();  // what is due is written at the end of this turn

  // The write loop waits here while there is nothing to write.
  struct Work {
    Http2Connection& connection;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> h) { connection.writer_ = h; }
    void await_resume() const {}
  };
  struct Clock final : net::Timer {
    explicit Clock(Http2Connection& c)
        : Timer([](Timer& t) { static_cast<Clock&>(t).connection.on_clock(); }), connection(c) {}
    Http2Connection& connection;
  };

  Worker& worker_;
  const ClientInfo& client_;
  WireShares wire_;  // outlives the stream, whose last words are counted in it
  std::unique_ptr<net::SocketStream> stream_;
  protocol::Http2ServerCodec codec_;
  FloodGuard guard_;
  std::unordered_map<std::uint32_t, Http2Stream*> streams_;
  std::deque<Http2Stream*> for_room_, for_window_;
  // Streams that nobody serves any more: their end waits for the client's window (until client_send_timeout), or is out
  // and the client has not ended its side (until kAfterwards).
  struct Leaving {
    std::uint32_t id;
    net::TimePoint until;
    bool end_sent;
  };
  std::vector<Leaving> leaving_;
  std::string out_, writing_;
  std::coroutine_handle<> writer_;
  net::TaskScope serving_;
  Clock clock_;
  std::uint64_t resets_ = 0, refused_ = 0;  // counted
  net::TimePoint first_head_due_;
  net::TimePoint head_began_ = base::kNever;
  net::TimePoint idle_since_;
  model::milliseconds keepalive_timeout_{75'000}, header_timeout_{60'000};
  bool any_request_ = false;
  bool reading_ = true;
  bool finishing_ = false;  // nothing more will be produced: the write loop ends when it has written
  bool shut_down_ = false;
};

}  // namespace fairlead::edge
