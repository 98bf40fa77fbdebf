#pragma once
// The inside of Http2ServerCodec: its state, and what nghttp2 calls. Internal to http2. server_codec.cc has the public
// half (what the edge asks for), server_receive.cc what the client did, server_send.cc what goes out. Whatever nghttp2
// calls only notes: neither receiving nor sending may be entered from there.
//
// A stream is in `streams` from its HEADERS on. Once closed it stays there until its `closed` was handed out and the
// next take_events() comes, so that its request can still be taken; one whose request was never told (nghttp2 reset it
// for its head) goes without an event.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "protocol/http2/frame_meter.h"
#include "protocol/http2/request_rules.h"
#include "protocol/http2/server_codec.h"

struct nghttp2_session;
struct nghttp2_session_callbacks;

namespace fairlead::protocol {

struct Http2ServerCodec::Impl {
  // Frames that answer the client (acks, RST_STREAM, WINDOW_UPDATE, and the like) may wait in such a number to be
  // taken, then the connection is failed: whoever asks without end and reads nothing gets nothing. The limit nghttp2
  // has for acks inside of one receive().
  static constexpr std::size_t kMaxRepliesWaiting = 1000;
  // A head may come in so many CONTINUATION frames, the limit nghttp2 has, too. But that counts how often it is called
  // while it waits for one, so that a head that arrives in small pieces would be taken for a flood; it is switched off.
  static constexpr std::size_t kMaxContinuations = 8;
  // In bytes, what may wait beside DATA. A client that keeps to its streams has not asked for more answers than that.
  std::size_t most_waiting() const {
    return std::max(kMaxSentHeadBytes, options.max_concurrent_streams * options.head.max_bytes);
  }
  // A response head or trailers beyond this cannot be sent; the stream is then reset.
  static constexpr std::size_t kMaxSentHeadBytes = 1024 * 1024;
  // How far past its limit a head may go before the connection is failed.
  static constexpr std::size_t kHeadBeyondMeasure = 4;

  // What arrives of a stream until somebody takes it; an idle tunnel has none.
  struct Incoming {
    explicit Incoming(const HeadLimits& limits) : build(limits) {}
    detail::RequestBuild build;
    Http2Request request;
    bool request_taken = false;
    Fields trailers;
    std::size_t trailer_bytes = 0;
  };

  struct Stream {
    std::uint32_t id = 0;
    std::unique_ptr<Incoming> incoming;
    // The pieces that send_data() is framing, empty at any other time.
    std::string_view first{}, second{};
    Http2Error release_error = Http2Error::no_error;
    bool told : 1 = false;         // its `request` is among the events
    bool head_queued : 1 = false;  // send_head() was called
    bool end_queued : 1 = false;   // our side's last frame is queued ...
    bool end_sent : 1 = false;     // ... and out
    bool end_received : 1 = false;
    bool released : 1 = false;
    bool resetting : 1 = false;  // RST_STREAM is queued
    bool closed : 1 = false;
  };

  // For the other constructor, which may fail in its midst: from here on the destructor cleans up.
  struct Bare {};
  Impl(Bare, const Http2ServerOptions& o) : options(o) {}
  explicit Impl(const Http2ServerOptions& options);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  struct Receive;  // server_receive.cc
  struct Send;     // server_send.cc
  static void set_receive_callbacks(nghttp2_session_callbacks* callbacks);
  static void set_send_callbacks(nghttp2_session_callbacks* callbacks);

  // Runs `body(Impl&)` for nghttp2, which is C: an exception may not pass through it and fails the connection instead.
  template <class Body>
  static int guarded(void* user, Body body) noexcept {
    try {
      return body(*static_cast<Impl*>(user));
    } catch (...) {
      return kCallbackFailure;
    }
  }
  static constexpr int kCallbackFailure = -902;  // NGHTTP2_ERR_CALLBACK_FAILURE; checked where nghttp2's header is seen
  static std::string_view text_of(const std::uint8_t* bytes, std::size_t n) {
    return {reinterpret_cast<const char*>(bytes), n};
  }

  Stream* find(std::uint32_t id);        // nullptr when unknown
  Stream* live(std::uint32_t id);        // ... or closed
  Stream* answerable(std::uint32_t id);  // ... or reset, or our side is over
  void tell(Http2Event::Kind kind, std::uint32_t stream, Http2Error error = Http2Error::no_error,
            std::string_view data = {});
  void close(Stream& stream, Http2Error error);
  // False when nghttp2 will not have it; the stream is reset then.
  bool submit_head(Stream& stream, const ResponseHead& head, bool final, bool ends);
  bool submit_end(Stream& stream, const Fields& trailers);
  void reset(Stream& stream, Http2Error error);
  // Resets a released stream when its time has come.
  void let_go(Stream& stream);
  void request_complete(Stream& stream);
  void end_received(Stream& stream);
  // Notes the end of the connection; the first one counts.
  void over(Http2Error error, base::Error why);
  // over(), and the GOAWAY that says so.
  void fail(Http2Error error, base::Error why);

  // Frames what is due until `out` has reached `room`.
  void pump(std::string& out, std::size_t room);
  // Frames all that is due into `waiting`, so that what nghttp2 thinks of the client is known at once.
  void collect();
  // Moves `waiting` to `out`, up to `room`.
  void flush(std::string& out, std::size_t room);

  nghttp2_session* session = nullptr;
  Http2ServerOptions options;
  detail::FrameMeter meter;
  Http2Activity activity;
  std::unordered_map<std::uint32_t, Stream> streams;
  std::size_t open = 0;                         // of them, not closed
  std::vector<std::uint32_t> closed;            // whose `closed` is among the events
  std::vector<std::uint32_t> closed_and_taken;  // ... has been handed out
  std::vector<Http2Event> events;
  std::string waiting;              // frames that go before all others
  std::size_t waiting_taken = 0;    // bytes of it that are gone
  std::size_t replies_waiting = 0;  // frames in it that answer the client
  bool replies_counted = false;     // while frames go there
  std::string* data_out = nullptr;  // of send_data(), while it runs
  std::size_t data_room = 0;
  std::uint32_t data_stream = 0;
  std::size_t data_taken = 0;
  std::size_t pings_under_way = 0;
  std::optional<base::Error> failure;  // why the connection is over
  bool beyond_measure = false;         // a head had to be stopped
  bool broken = false;                 // nghttp2 cannot go on: no memory
};

}  // namespace fairlead::protocol
