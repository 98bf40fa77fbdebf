#include "protocol/http2/server_codec.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <new>
#include <utility>

#include "protocol/http2/server_impl.h"

namespace fairlead::protocol {
namespace {

using base::Code;
using base::Side;
using Kind = Http2Event::Kind;

struct FreeCallbacks {
  void operator()(nghttp2_session_callbacks* c) const { nghttp2_session_callbacks_del(c); }
};
struct FreeOption {
  void operator()(nghttp2_option* o) const { nghttp2_option_del(o); }
};

void must(int rc) {
  if (rc != 0) throw std::bad_alloc();  // the only way these calls fail
}

std::int32_t signed_id(std::uint32_t stream) { return static_cast<std::int32_t>(stream); }

}  // namespace

std::string_view to_string(Http2Error e) {
  static constexpr std::array<std::string_view, 14> kNames = {"NO_ERROR",
                                                              "PROTOCOL_ERROR",
                                                              "INTERNAL_ERROR",
                                                              "FLOW_CONTROL_ERROR",
                                                              "SETTINGS_TIMEOUT",
                                                              "STREAM_CLOSED",
                                                              "FRAME_SIZE_ERROR",
                                                              "REFUSED_STREAM",
                                                              "CANCEL",
                                                              "COMPRESSION_ERROR",
                                                              "CONNECT_ERROR",
                                                              "ENHANCE_YOUR_CALM",
                                                              "INADEQUATE_SECURITY",
                                                              "HTTP_1_1_REQUIRED"};
  const auto code = static_cast<std::size_t>(e);
  return code < kNames.size() ? kNames[code] : "UNKNOWN";
}

// --- the connection as a whole

Http2ServerCodec::Impl::Impl(const Http2ServerOptions& o) : Impl(Bare{}, o) {
  static_assert(kCallbackFailure == NGHTTP2_ERR_CALLBACK_FAILURE);
  nghttp2_session_callbacks* raw_callbacks = nullptr;
  must(nghttp2_session_callbacks_new(&raw_callbacks));
  const std::unique_ptr<nghttp2_session_callbacks, FreeCallbacks> callbacks(raw_callbacks);
  set_receive_callbacks(raw_callbacks);
  set_send_callbacks(raw_callbacks);

  nghttp2_option* raw_option = nullptr;
  must(nghttp2_option_new(&raw_option));
  const std::unique_ptr<nghttp2_option, FreeOption> option(raw_option);
  nghttp2_option_set_no_auto_window_update(raw_option, 1);
  nghttp2_option_set_no_closed_streams(raw_option, 1);
  nghttp2_option_set_max_send_header_block_length(raw_option, kMaxSentHeadBytes);
  nghttp2_option_set_max_continuations(raw_option, SIZE_MAX);
  nghttp2_option_set_max_outbound_ack(raw_option, kMaxRepliesWaiting);
  // nghttp2 would count resets by the wall clock. The edge counts them by its own (activity().resets).
  nghttp2_option_set_stream_reset_rate_limit(raw_option, UINT64_MAX, UINT64_MAX);
  must(nghttp2_session_server_new2(&session, raw_callbacks, this, raw_option));

  std::array<nghttp2_settings_entry, 5> settings{};
  std::size_t n = 0;
  const auto set = [&](std::int32_t id, std::size_t value) {
    settings[n++] = {id, static_cast<std::uint32_t>(std::min<std::size_t>(value, UINT32_MAX))};
  };
  set(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.max_concurrent_streams);
  set(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.stream_window);
  set(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options.head.max_bytes);
  set(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1);  // RFC 9218 2.1: no tree of priorities is kept
  if (options.extended_connect) set(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1);
  must(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), n));
  must(nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
                                             static_cast<std::int32_t>(options.connection_window)));
}

Http2ServerCodec::Impl::~Impl() { nghttp2_session_del(session); }

Http2ServerCodec::Http2ServerCodec(const Http2ServerOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Http2ServerCodec::~Http2ServerCodec() = default;

base::Result<void> Http2ServerCodec::receive(std::string_view bytes) {
  Impl& impl = *impl_;
  if (impl.failure) return std::unexpected(*impl.failure);
  ssize_t n = 0;
  impl.meter.feed(bytes, impl.activity, [&](std::string_view piece) {
    if (impl.meter.most_continuations() > Impl::kMaxContinuations) return false;
    n = nghttp2_session_mem_recv(impl.session, reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size());
    return n >= 0;
  });
  if (impl.meter.most_continuations() > Impl::kMaxContinuations) {
    impl.fail(Http2Error::enhance_your_calm,
              base::Error(Code::too_large, Side::client, "too many CONTINUATION frames"));
    return std::unexpected(*impl.failure);
  }
  if (n < 0) {
    const auto client = [](Code code, std::string why) { return base::Error(code, Side::client, std::move(why)); };
    if (impl.beyond_measure) {
      impl.fail(Http2Error::enhance_your_calm, client(Code::too_large, "head beyond all measure"));
    } else if (n == NGHTTP2_ERR_FLOODED) {
      impl.fail(Http2Error::enhance_your_calm, client(Code::overloaded, "more acknowledgements asked for than taken"));
    } else if (n == NGHTTP2_ERR_BAD_CLIENT_MAGIC) {
      impl.fail(Http2Error::protocol_error, client(Code::malformed, "not the preface of HTTP/2"));
    } else {
      impl.fail(Http2Error::internal_error,
                base::Error(Code::internal, Side::edge, nghttp2_strerror(static_cast<int>(n))));
    }
  } else {
    impl.collect();
    const bool unread = impl.waiting.size() - impl.waiting_taken > impl.most_waiting();
    if (!impl.failure && (unread || impl.replies_waiting > Impl::kMaxRepliesWaiting)) {
      impl.fail(Http2Error::enhance_your_calm,
                base::Error(Code::overloaded, Side::client, "more answers asked for than taken"));
    }
  }
  if (impl.failure) return std::unexpected(*impl.failure);
  return {};
}

void Http2ServerCodec::announce_shutdown() { nghttp2_submit_shutdown_notice(impl_->session); }

void Http2ServerCodec::shut_down() {
  nghttp2_session* session = impl_->session;
  nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session), NGHTTP2_NO_ERROR,
                        nullptr, 0);
}

void Http2ServerCodec::fail(Http2Error error) {
  if (impl_->failure) return;
  impl_->fail(error, base::Error(error == Http2Error::enhance_your_calm ? Code::overloaded : Code::cancelled,
                                 Side::edge, std::string(to_string(error))));
}

void Http2ServerCodec::ping() {
  if (nghttp2_submit_ping(impl_->session, NGHTTP2_FLAG_NONE, nullptr) == 0) ++impl_->pings_under_way;
}

std::size_t Http2ServerCodec::streams_open() const { return impl_->open; }
bool Http2ServerCodec::end_sent(std::uint32_t id) const {
  const Impl::Stream* stream = impl_->live(id);
  return stream != nullptr && stream->end_sent;
}
bool Http2ServerCodec::is_open(std::uint32_t id) const {
  const Impl::Stream* stream = impl_->live(id);
  return stream != nullptr && !stream->resetting;
}
bool Http2ServerCodec::head_under_way() const { return impl_->meter.head_under_way(); }
const Http2Activity& Http2ServerCodec::activity() const { return impl_->activity; }

bool Http2ServerCodec::finished() const {
  const Impl& impl = *impl_;
  if (!impl.waiting.empty()) return false;
  return impl.broken || (nghttp2_session_want_read(impl.session) == 0 && nghttp2_session_want_write(impl.session) == 0);
}

void Http2ServerCodec::append_output(std::string& out, std::size_t room) {
  impl_->flush(out, room);
  if (impl_->waiting.empty()) impl_->pump(out, room);
}

bool Http2ServerCodec::has_output() const {
  return !impl_->waiting.empty() || (!impl_->broken && nghttp2_session_want_write(impl_->session) != 0);
}

// --- events

std::vector<Http2Event> Http2ServerCodec::take_events() {
  Impl& impl = *impl_;
  for (const std::uint32_t id : impl.closed_and_taken) impl.streams.erase(id);
  impl.closed_and_taken.clear();
  std::swap(impl.closed, impl.closed_and_taken);
  return std::exchange(impl.events, {});
}

void Http2ServerCodec::recycle(std::vector<Http2Event> events) {
  constexpr std::size_t kKeep = 64;  // a burst's memory is not kept for a connection's life
  if (events.capacity() > kKeep || !impl_->events.empty() || impl_->events.capacity() >= events.capacity()) return;
  events.clear();
  impl_->events = std::move(events);
}

Http2ServerCodec::Impl::Stream* Http2ServerCodec::Impl::find(std::uint32_t id) {
  const auto found = streams.find(id);
  return found == streams.end() ? nullptr : &found->second;
}

Http2ServerCodec::Impl::Stream* Http2ServerCodec::Impl::live(std::uint32_t id) {
  Stream* stream = find(id);
  return stream != nullptr && !stream->closed ? stream : nullptr;
}

Http2ServerCodec::Impl::Stream* Http2ServerCodec::Impl::answerable(std::uint32_t id) {
  Stream* stream = live(id);
  return stream != nullptr && !stream->resetting && !stream->end_queued ? stream : nullptr;
}

void Http2ServerCodec::Impl::tell(Kind kind, std::uint32_t stream, Http2Error error, std::string_view data) {
  // One is as good as many: a client may send a WINDOW_UPDATE per byte.
  if (kind == Kind::window && !events.empty() && events.back().kind == kind && events.back().stream == stream) return;
  events.push_back({kind, stream, error, data});
}

void Http2ServerCodec::Impl::close(Stream& stream, Http2Error error) {
  --open;
  if (!stream.told) {
    streams.erase(stream.id);
    return;
  }
  stream.closed = true;
  stream.first = stream.second = {};
  tell(Kind::closed, stream.id, error);
  closed.push_back(stream.id);
}

void Http2ServerCodec::Impl::request_complete(Stream& stream) {
  stream.incoming->request = std::move(stream.incoming->build).finish(stream.end_received);
  stream.told = true;
  tell(Kind::request, stream.id);
}

void Http2ServerCodec::Impl::end_received(Stream& stream) {
  stream.end_received = true;
  if (!stream.released && !stream.resetting) tell(Kind::end, stream.id);
}

Http2Request Http2ServerCodec::take_request(std::uint32_t id) {
  Impl::Stream* stream = impl_->find(id);
  if (stream == nullptr || !stream->incoming || !stream->told) return {};
  Http2Request request = std::move(stream->incoming->request);
  stream->incoming->request_taken = true;
  if (stream->incoming->trailers.empty()) stream->incoming.reset();
  return request;
}

Fields Http2ServerCodec::take_trailers(std::uint32_t id) {
  Impl::Stream* stream = impl_->find(id);
  if (stream == nullptr || !stream->incoming) return {};
  Fields trailers = std::move(stream->incoming->trailers);
  stream->incoming->trailers.clear();
  if (stream->incoming->request_taken) stream->incoming.reset();
  return trailers;
}

void Http2ServerCodec::consumed(std::uint32_t id, std::size_t n) {
  const Impl::Stream* stream = impl_->live(id);
  if (stream == nullptr || stream->end_received || stream->released || stream->resetting) return;
  nghttp2_session_consume_stream(impl_->session, signed_id(id), n);
}

// --- answers

bool Http2ServerCodec::send_interim(std::uint32_t id, const ResponseHead& head) {
  Impl::Stream* stream = impl_->answerable(id);
  assert(head.status >= 100 && head.status < 200 && head.status != 101);
  return stream != nullptr && impl_->submit_head(*stream, head, false, false);
}

bool Http2ServerCodec::send_head(std::uint32_t id, const ResponseHead& head, bool ends) {
  Impl::Stream* stream = impl_->answerable(id);
  assert(head.status >= 200 && head.status <= 999);
  if (stream == nullptr) return false;
  assert(!stream->head_queued);
  if (!impl_->submit_head(*stream, head, true, ends)) return false;
  stream->head_queued = true;
  stream->end_queued = ends;
  return true;
}

Http2ServerCodec::Sent Http2ServerCodec::send_data(std::uint32_t id, std::string_view first, std::string_view second,
                                                   std::string& out, std::size_t room) {
  Impl& impl = *impl_;
  Sent sent;
  Impl::Stream* stream = impl.answerable(id);
  if (stream == nullptr || !stream->head_queued) {
    sent.gone = true;
    return sent;
  }
  const std::size_t size = first.size() + second.size();
  impl.flush(out, room);
  if (!impl.waiting.empty() || out.size() >= room || size == 0) return sent;

  {
    // The pieces are the caller's and lent until here, also when there is no memory for them.
    struct Lent {
      Impl& impl;
      std::uint32_t id;
      ~Lent() {
        impl.data_out = nullptr;
        // Looked up again: nghttp2 may have closed it on the way.
        if (Impl::Stream* s = impl.find(id)) s->first = s->second = {};
      }
    } const lent{impl, id};
    stream->first = first;
    stream->second = second;
    impl.data_out = &out;
    impl.data_room = room;
    impl.data_taken = 0;
    nghttp2_session_resume_data(impl.session, signed_id(id));  // fails when it was not deferred: as well
    impl.pump(out, room);
    sent.bytes = impl.data_taken;
  }
  sent.gone = impl.answerable(id) == nullptr;
  sent.blocked_by_window = !sent.gone && sent.bytes < size && send_window(id) == 0;
  return sent;
}

bool Http2ServerCodec::send_end(std::uint32_t id, const Fields& trailers) {
  Impl::Stream* stream = impl_->answerable(id);
  return stream != nullptr && stream->head_queued && impl_->submit_end(*stream, trailers);
}

void Http2ServerCodec::reset(std::uint32_t id, Http2Error error) {
  if (Impl::Stream* stream = impl_->live(id)) impl_->reset(*stream, error);
}

void Http2ServerCodec::release(std::uint32_t id, Http2Error error) {
  Impl::Stream* stream = impl_->live(id);
  if (stream == nullptr || stream->released) return;
  stream->released = true;
  stream->release_error = error;
  stream->incoming.reset();
  impl_->let_go(*stream);
}

std::size_t Http2ServerCodec::send_window(std::uint32_t id) const {
  const Impl::Stream* stream = impl_->live(id);
  if (stream == nullptr || stream->resetting) return 0;
  const std::int32_t window = std::min(nghttp2_session_get_stream_remote_window_size(impl_->session, signed_id(id)),
                                       nghttp2_session_get_remote_window_size(impl_->session));
  return window > 0 ? static_cast<std::size_t>(window) : 0;
}

std::size_t Http2ServerCodec::send_window() const {
  return static_cast<std::size_t>(std::max(nghttp2_session_get_remote_window_size(impl_->session), 0));
}

}  // namespace fairlead::protocol
