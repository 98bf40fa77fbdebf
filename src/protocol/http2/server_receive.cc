#include <nghttp2/nghttp2.h>

#include "protocol/http1/body_decoder.h"  // allowed_in_trailers
#include "protocol/http2/server_impl.h"

// What the client did, as nghttp2 tells it.

namespace fairlead::protocol {

using Kind = Http2Event::Kind;

namespace {

std::uint32_t id_of(const nghttp2_frame* frame) { return static_cast<std::uint32_t>(frame->hd.stream_id); }

}  // namespace

struct Http2ServerCodec::Impl::Receive {
  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    return guarded(user, [frame](Impl& impl) {
      if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
      Stream& stream = impl.streams[id_of(frame)];
      stream.id = id_of(frame);
      stream.incoming = std::make_unique<Incoming>(impl.options.head);
      ++impl.open;
      return 0;
    });
  }

  // A head that goes on and on is stopped here, whatever it would become.
  static bool beyond_measure(Impl& impl, std::size_t bytes) {
    if (bytes <= kHeadBeyondMeasure * impl.options.head.max_bytes) return false;
    impl.beyond_measure = true;
    return true;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name_bytes,
                       std::size_t name_size, const std::uint8_t* value_bytes, std::size_t value_size, std::uint8_t,
                       void* user) {
    return guarded(user, [=](Impl& impl) -> int {
      Stream* stream = impl.live(id_of(frame));
      if (stream == nullptr) return 0;
      const std::string_view name = text_of(name_bytes, name_size), value = text_of(value_bytes, value_size);
      if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        detail::RequestBuild& build = stream->incoming->build;
        build.add(name, value);
        return beyond_measure(impl, build.bytes()) ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
      }
      return trailer(impl, *stream, name, value);
    });
  }

  static int trailer(Impl& impl, Stream& stream, std::string_view name, std::string_view value) {
    if (!stream.incoming) {
      stream.incoming = std::make_unique<Incoming>(impl.options.head);
      stream.incoming->request_taken = true;
    }
    Incoming& incoming = *stream.incoming;
    incoming.trailer_bytes += detail::field_size(name, value);
    if (incoming.trailer_bytes > impl.options.head.max_bytes ||
        incoming.trailers.size() >= impl.options.head.max_fields) {
      // Too late for an answer of ours, the origin may have spoken.
      impl.reset(stream, Http2Error::enhance_your_calm);
      ++impl.activity.resets;
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (!stream.released && allowed_in_trailers(name)) incoming.trailers.add(name, value);
    return 0;
  }

  // Without this nghttp2 would leave the field out and go on as if it had not been there.
  static int on_invalid_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                               std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                               void* user) {
    return guarded(user, [=](Impl& impl) -> int {
      Stream* stream = impl.live(id_of(frame));
      // In trailers it is a stream error (RFC 9113 8.1.1), for which nghttp2 resets.
      if (stream == nullptr || frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
      }
      detail::RequestBuild& build = stream->incoming->build;
      build.add_invalid(text_of(name, name_size), text_of(value, value_size));
      return beyond_measure(impl, build.bytes()) ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
    });
  }

  // nghttp2 refuses the stream, or, of a client that knows the limit, the connection (RFC 9113 5.1.2).
  static int on_invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
    return guarded(user, [frame](Impl& impl) {
      if (frame->hd.type == NGHTTP2_HEADERS && impl.open >= impl.options.max_concurrent_streams &&
          impl.live(id_of(frame)) == nullptr) {
        ++impl.activity.streams_refused;
      }
      return 0;
    });
  }

  static int on_data_chunk(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                           std::size_t size, void* user) {
    return guarded(user, [=](Impl& impl) -> int {
      if (const int rc = nghttp2_session_consume_connection(session, size); rc != 0) return rc;
      Stream* stream = impl.live(static_cast<std::uint32_t>(id));
      if (stream == nullptr || stream->released || stream->resetting || size == 0) return 0;
      impl.tell(Kind::data, stream->id, Http2Error::no_error, text_of(data, size));
      return 0;
    });
  }

  static int on_frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    return guarded(user, [frame](Impl& impl) {
      Stream* stream = impl.live(id_of(frame));
      switch (frame->hd.type) {
        case NGHTTP2_HEADERS:
          if (stream == nullptr) break;
          if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
            stream->end_received = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
            impl.request_complete(*stream);
          } else {
            if (!stream->released && stream->incoming && !stream->incoming->trailers.empty()) {
              impl.tell(Kind::trailers, stream->id);
            }
            impl.end_received(*stream);  // nghttp2 lets no trailers pass without END_STREAM
          }
          break;
        case NGHTTP2_DATA:
          if (stream != nullptr && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) impl.end_received(*stream);
          break;
        case NGHTTP2_WINDOW_UPDATE:
          if (frame->hd.stream_id == 0) {
            impl.tell(Kind::window, 0);
          } else if (stream != nullptr && stream->told && !stream->released && !stream->resetting) {
            impl.tell(Kind::window, stream->id);
          }
          break;
        case NGHTTP2_SETTINGS: settings(impl, frame->settings); break;
        case NGHTTP2_PING:
          if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 && impl.pings_under_way != 0) {
            --impl.pings_under_way;
            impl.tell(Kind::ping_answered, 0);
          }
          break;
        default: break;
      }
      return 0;
    });
  }

  static void settings(Impl& impl, const nghttp2_settings& settings) {
    for (std::size_t i = 0; i < settings.niv; ++i) {
      if (settings.iv[i].settings_id == NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE) impl.tell(Kind::window, 0);
    }
  }
};

void Http2ServerCodec::Impl::set_receive_callbacks(nghttp2_session_callbacks* callbacks) {
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Receive::on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Receive::on_header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, Receive::on_invalid_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Receive::on_data_chunk);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, Receive::on_invalid_frame);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Receive::on_frame_recv);
}

}  // namespace fairlead::protocol
