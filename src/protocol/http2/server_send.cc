#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "protocol/http1/body_decoder.h"  // allowed_in_trailers
#include "protocol/http2/server_impl.h"

// What goes out: answers into nghttp2, frames out of it, and what nghttp2 tells of that.

namespace fairlead::protocol {

using Kind = Http2Event::Kind;

namespace {

std::uint32_t id_of(const nghttp2_frame* frame) { return static_cast<std::uint32_t>(frame->hd.stream_id); }

}  // namespace

struct Http2ServerCodec::Impl::Send {
  static int on_frame_send(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    return guarded(user, [frame](Impl& impl) {
      Stream* stream = impl.live(id_of(frame));
      switch (frame->hd.type) {
        case NGHTTP2_DATA: ++impl.activity.data_frames_sent; [[fallthrough]];
        case NGHTTP2_HEADERS:
          if (stream != nullptr && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
            stream->end_sent = true;
          }
          break;
        case NGHTTP2_GOAWAY: goaway(impl, frame->goaway); break;
        default:
          impl.replies_waiting += impl.replies_counted;
          // Not asked for by us: nghttp2 resets what breaks the rules.
          if (frame->hd.type == NGHTTP2_RST_STREAM && (stream == nullptr || !stream->resetting)) ++impl.activity.resets;
      }
      return 0;
    });
  }

  // nghttp2 ends the connection by itself when the client breaks its rules; its words are in the GOAWAY.
  static void goaway(Impl& impl, const nghttp2_goaway& frame) {
    if (frame.error_code == NGHTTP2_NO_ERROR || impl.failure) return;
    const auto error = static_cast<Http2Error>(frame.error_code);
    std::string why(to_string(error));
    if (frame.opaque_data_len != 0) why.append(": ").append(text_of(frame.opaque_data, frame.opaque_data_len));
    impl.over(error,
              base::Error(error == Http2Error::enhance_your_calm ? base::Code::overloaded : base::Code::malformed,
                          base::Side::client, std::move(why)));
  }

  static int on_frame_not_send(nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
    return guarded(user, [frame](Impl& impl) {
      Stream* stream = impl.live(id_of(frame));
      // A head that cannot be sent (too large) leaves a stream that nobody would ever end.
      if (frame->hd.type == NGHTTP2_HEADERS && stream != nullptr && !stream->resetting) {
        impl.reset(*stream, Http2Error::internal_error);
      }
      return 0;
    });
  }

  static int on_stream_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
    return guarded(user, [=](Impl& impl) {
      Stream* stream = impl.live(static_cast<std::uint32_t>(id));
      if (stream == nullptr) return 0;
      auto error = static_cast<Http2Error>(code);
      // RST_STREAM with NO_ERROR before both sides had ended is none the less an end before the end.
      const bool whole = (stream->end_received || stream->released) && stream->end_sent;
      if (error == Http2Error::no_error && !whole) error = Http2Error::cancel;
      impl.close(*stream, error);
      return 0;
    });
  }

  // How much of the stream's pending data goes into the next DATA frame. The bytes themselves stay where they are.
  static ssize_t read_data(nghttp2_session*, std::int32_t id, std::uint8_t*, std::size_t length, std::uint32_t* flags,
                           nghttp2_data_source*, void* user) {
    Impl& impl = *static_cast<Impl*>(user);
    const Stream* stream = impl.live(static_cast<std::uint32_t>(id));
    if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const std::size_t pending = stream->first.size() + stream->second.size();
    if (pending != 0) {
      if (impl.data_out->size() >= impl.data_room) return NGHTTP2_ERR_DEFERRED;
      *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
      return static_cast<ssize_t>(std::min(length, pending));
    }
    if (!stream->end_queued) return NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    return 0;
  }

  static int send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head, std::size_t length,
                       nghttp2_data_source*, void* user) {
    return guarded(user, [=](Impl& impl) -> int {
      constexpr std::size_t kFrameHead = 9;
      Stream* stream = impl.live(id_of(frame));
      if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
      impl.data_out->append(text_of(head, kFrameHead));
      std::size_t left = length;
      for (std::string_view* piece : {&stream->first, &stream->second}) {
        const std::size_t n = std::min(left, piece->size());
        impl.data_out->append(piece->substr(0, n));
        piece->remove_prefix(n);
        left -= n;
      }
      impl.data_taken += length;
      return 0;
    });
  }
};

namespace {

using Pairs = std::vector<nghttp2_nv>;

// nghttp2 copies both and writes the name in lower case.
void add_pair(Pairs& pairs, std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  pairs.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
}

// RFC 9113 8.2.2.
bool of_this_hop(std::string_view name) {
  static constexpr std::array<std::string_view, 5> kNames = {"connection", "transfer-encoding", "upgrade", "keep-alive",
                                                             "proxy-connection"};
  return std::any_of(kNames.begin(), kNames.end(), [name](std::string_view n) { return equal_nocase(n, name); });
}

}  // namespace

void Http2ServerCodec::Impl::set_send_callbacks(nghttp2_session_callbacks* callbacks) {
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Send::on_frame_send);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, Send::on_frame_not_send);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Send::on_stream_close);
  nghttp2_session_callbacks_set_send_data_callback(callbacks, Send::send_data);
}

bool Http2ServerCodec::Impl::submit_head(Stream& stream, const ResponseHead& head, bool final, bool ends) {
  const std::string status = std::to_string(head.status);
  Pairs pairs;
  pairs.reserve(head.fields.size() + 1);
  add_pair(pairs, ":status", status);
  for (const Field& field : head.fields) {
    if (!of_this_hop(field.name)) add_pair(pairs, field.name, field.value);
  }
  const auto id = static_cast<std::int32_t>(stream.id);
  nghttp2_data_provider provider{};
  provider.read_callback = Send::read_data;
  const int rc =
      final ? nghttp2_submit_response(session, id, pairs.data(), pairs.size(), ends ? nullptr : &provider)
            : nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, id, nullptr, pairs.data(), pairs.size(), nullptr);
  if (rc == 0) return true;
  reset(stream, Http2Error::internal_error);
  return false;
}

bool Http2ServerCodec::Impl::submit_end(Stream& stream, const Fields& trailers) {
  const auto id = static_cast<std::int32_t>(stream.id);
  Pairs pairs;
  for (const Field& field : trailers) {
    if (allowed_in_trailers(field.name)) add_pair(pairs, field.name, field.value);
  }
  stream.end_queued = true;
  if (pairs.empty()) {
    nghttp2_session_resume_data(session, id);  // fails when it was not deferred: then it will be asked anyway
    return true;
  }
  if (nghttp2_submit_trailer(session, id, pairs.data(), pairs.size()) == 0) return true;
  reset(stream, Http2Error::internal_error);
  return false;
}

void Http2ServerCodec::Impl::reset(Stream& stream, Http2Error error) {
  if (stream.resetting) return;
  stream.resetting = true;
  nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, static_cast<std::int32_t>(stream.id),
                            static_cast<std::uint32_t>(error));
}

void Http2ServerCodec::Impl::let_go(Stream& stream) {
  if (!stream.released || stream.resetting) return;
  if (!stream.end_queued) reset(stream, stream.release_error);
}

void Http2ServerCodec::Impl::over(Http2Error error, base::Error why) {
  if (failure) return;
  failure = std::move(why);
  std::vector<std::uint32_t> ids;
  for (const auto& [id, stream] : streams) {
    if (!stream.closed) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  for (const std::uint32_t id : ids) close(streams.at(id), error);
}

void Http2ServerCodec::Impl::fail(Http2Error error, base::Error why) {
  over(error, std::move(why));
  if (nghttp2_session_terminate_session(session, static_cast<std::uint32_t>(error)) != 0) broken = true;
  collect();
}

void Http2ServerCodec::Impl::pump(std::string& out, std::size_t room) {
  while (!broken && out.size() < room) {
    const std::uint8_t* frame = nullptr;
    const ssize_t n = nghttp2_session_mem_send(session, &frame);
    if (n < 0) {
      broken = true;
      over(Http2Error::internal_error,
           base::Error(base::Code::internal, base::Side::edge, nghttp2_strerror(static_cast<int>(n))));
      return;
    }
    if (n == 0) return;
    try {
      out.append(text_of(frame, static_cast<std::size_t>(n)));
    } catch (...) {
      broken = true;  // the frame is lost, and what comes behind it would not be understood
      throw;
    }
  }
}

void Http2ServerCodec::Impl::collect() {
  replies_counted = true;
  if (nghttp2_session_want_write(session) != 0) pump(waiting, SIZE_MAX);
  replies_counted = false;
}

void Http2ServerCodec::Impl::flush(std::string& out, std::size_t room) {
  if (waiting.empty() || out.size() >= room) return;
  const std::size_t n = std::min(room - out.size(), waiting.size() - waiting_taken);
  out.append(waiting, waiting_taken, n);
  waiting_taken += n;
  if (waiting_taken < waiting.size()) {
    if (waiting_taken > waiting.size() / 2) waiting.erase(0, std::exchange(waiting_taken, 0));
    return;
  }
  constexpr std::size_t kKeep = 4096;
  if (waiting.capacity() > kKeep) waiting = {};
  waiting.clear();
  waiting_taken = 0;
  replies_waiting = 0;
}

}  // namespace fairlead::protocol
