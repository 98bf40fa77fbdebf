#include "protocol/http2/testing/client_codec.h"

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>

namespace fairlead::protocol::testing {
namespace {

std::string_view text_of(const std::uint8_t* bytes, std::size_t n) { return {reinterpret_cast<const char*>(bytes), n}; }
std::int32_t signed_id(std::uint32_t id) { return static_cast<std::int32_t>(id); }

std::vector<nghttp2_nv> pairs_of(const Fields& fields) {
  std::vector<nghttp2_nv> pairs;
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  for (const Field& field : fields) {
    pairs.push_back({bytes(field.name), bytes(field.value), field.name.size(), field.value.size(), 0});
  }
  return pairs;
}

}  // namespace

struct Http2Client::Session {
  struct Outgoing {
    std::string data;
    std::size_t taken = 0;
    bool end = false;
    Fields trailers;
  };

  Http2Client* client = nullptr;
  nghttp2_session* session = nullptr;
  bool consume = false;
  std::map<std::uint32_t, Outgoing> outgoing;
  std::map<std::uint32_t, Fields> heads;  // under way
  std::string out;

  ~Session() { nghttp2_session_del(session); }

  static Session& of(void* user) { return *static_cast<Session*>(user); }
  static std::uint32_t id_of(const nghttp2_frame* f) { return static_cast<std::uint32_t>(f->hd.stream_id); }

  static int on_header(nghttp2_session*, const nghttp2_frame* f, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
    of(user).heads[id_of(f)].add(text_of(name, name_size), text_of(value, value_size));
    return 0;
  }

  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                     std::size_t size, void* user) {
    of(user).client->streams_[static_cast<std::uint32_t>(id)].body += text_of(data, size);
    return of(user).consume ? nghttp2_session_consume(session, id, size) : 0;
  }

  void head_complete(Stream& stream, Fields fields) {
    const std::string status(fields.find(":status").value_or(""));
    fields.remove(":status");
    if (status.empty()) {
      stream.trailers = std::move(fields);
      return;
    }
    ResponseHead head;
    head.status = std::stoi(status);
    head.version = HttpVersion::http2;
    head.fields = std::move(fields);
    if (head.status < 200) {
      stream.interim.push_back(std::move(head));
    } else {
      stream.head = std::move(head);
    }
  }

  static int on_frame_recv(nghttp2_session*, const nghttp2_frame* f, void* user) {
    Session& self = of(user);
    Http2Client& client = *self.client;
    const bool ack = (f->hd.flags & NGHTTP2_FLAG_ACK) != 0, end = (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (f->hd.type) {
      case NGHTTP2_HEADERS:
        self.head_complete(client.streams_[id_of(f)], std::move(self.heads[id_of(f)]));
        self.heads.erase(id_of(f));
        client.streams_[id_of(f)].ended = end;
        break;
      case NGHTTP2_DATA:
        ++client.streams_[id_of(f)].data_frames;
        client.streams_[id_of(f)].ended = end;
        break;
      case NGHTTP2_SETTINGS:
        if (ack) ++client.settings_acked_;
        for (std::size_t i = 0; i < f->settings.niv; ++i) {
          client.server_settings_[static_cast<std::uint16_t>(f->settings.iv[i].settings_id)] = f->settings.iv[i].value;
        }
        break;
      case NGHTTP2_PING: ++(ack ? client.pings_answered_ : client.pings_seen_); break;
      case NGHTTP2_GOAWAY:
        client.goaways_.push_back({static_cast<std::uint32_t>(f->goaway.last_stream_id),
                                   static_cast<Http2Error>(f->goaway.error_code),
                                   std::string(text_of(f->goaway.opaque_data, f->goaway.opaque_data_len))});
        break;
      default: break;
    }
    return 0;
  }

  static int on_stream_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
    Stream& stream = of(user).client->streams_[static_cast<std::uint32_t>(id)];
    stream.closed = true;
    stream.error = static_cast<Http2Error>(code);
    return 0;
  }

  static ssize_t read_data(nghttp2_session* session, std::int32_t id, std::uint8_t* buffer, std::size_t length,
                           std::uint32_t* flags, nghttp2_data_source*, void* user) {
    Outgoing& outgoing = of(user).outgoing[static_cast<std::uint32_t>(id)];
    const std::size_t n = std::min(length, outgoing.data.size() - outgoing.taken);
    std::copy_n(outgoing.data.begin() + static_cast<std::ptrdiff_t>(outgoing.taken), n, buffer);
    outgoing.taken += n;
    if (outgoing.taken < outgoing.data.size()) return static_cast<ssize_t>(n);
    if (outgoing.end) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!outgoing.trailers.empty()) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const auto pairs = pairs_of(outgoing.trailers);
        nghttp2_submit_trailer(session, id, pairs.data(), pairs.size());
      }
    } else if (n == 0) {
      return NGHTTP2_ERR_DEFERRED;
    }
    return static_cast<ssize_t>(n);
  }

  void collect() {
    const std::uint8_t* bytes = nullptr;
    while (true) {
      const ssize_t n = nghttp2_session_mem_send(session, &bytes);
      if (n <= 0) break;
      out += text_of(bytes, static_cast<std::size_t>(n));
    }
  }
};

Http2Client::Http2Client(const Http2ClientOptions& options) : session_(std::make_unique<Session>()) {
  session_->client = this;
  session_->consume = options.consume;
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Session::on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Session::on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Session::on_frame_recv);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Session::on_stream_close);
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_peer_max_concurrent_streams(option, 1000000);  // asks as often as it is told to
  nghttp2_session_client_new2(&session_->session, callbacks, session_.get(), option);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                             {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.stream_window}};
  nghttp2_submit_settings(session_->session, NGHTTP2_FLAG_NONE, settings, 2);
  nghttp2_session_set_local_window_size(session_->session, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(options.connection_window));
}

Http2Client::~Http2Client() = default;

std::uint32_t Http2Client::request(const Fields& head, bool end) {
  nghttp2_data_provider provider{};
  provider.read_callback = Session::read_data;
  const auto pairs = pairs_of(head);
  const std::int32_t id = nghttp2_submit_request(session_->session, nullptr, pairs.data(), pairs.size(),
                                                 end ? nullptr : &provider, nullptr);
  EXPECT_GT(id, 0);
  session_->collect();
  return static_cast<std::uint32_t>(id);
}

void Http2Client::data(std::uint32_t stream, std::string_view bytes, bool end) {
  Session::Outgoing& outgoing = session_->outgoing[stream];
  outgoing.data.erase(0, outgoing.taken);
  outgoing.taken = 0;
  outgoing.data += bytes;
  outgoing.end = outgoing.end || end;
  nghttp2_session_resume_data(session_->session, signed_id(stream));
  session_->collect();
}

void Http2Client::trailers(std::uint32_t stream, const Fields& fields) {
  session_->outgoing[stream].trailers = fields;
  data(stream, "", true);
}

void Http2Client::reset(std::uint32_t stream, Http2Error error) {
  nghttp2_submit_rst_stream(session_->session, NGHTTP2_FLAG_NONE, signed_id(stream), static_cast<std::uint32_t>(error));
  session_->collect();
}

void Http2Client::consume(std::uint32_t stream, std::size_t n) {
  EXPECT_EQ(nghttp2_session_consume(session_->session, signed_id(stream), n), 0);
  session_->collect();
}

void Http2Client::ping() {
  nghttp2_submit_ping(session_->session, NGHTTP2_FLAG_NONE, nullptr);
  session_->collect();
}

void Http2Client::setting(std::uint16_t id, std::uint32_t value) {
  const nghttp2_settings_entry entry{id, value};
  EXPECT_EQ(nghttp2_submit_settings(session_->session, NGHTTP2_FLAG_NONE, &entry, 1), 0);
  session_->collect();
}

void Http2Client::go_away(Http2Error error) {
  nghttp2_submit_goaway(session_->session, NGHTTP2_FLAG_NONE, 0, static_cast<std::uint32_t>(error), nullptr, 0);
  session_->collect();
}

void Http2Client::raw(std::string_view bytes) {
  session_->collect();
  session_->out += bytes;
}

std::string Http2Client::output() {
  session_->collect();
  return std::exchange(session_->out, {});
}

base::Result<void> Http2Client::receive(std::string_view bytes) {
  const ssize_t n =
      nghttp2_session_mem_recv(session_->session, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (n < 0) return base::fail(base::Code::protocol, base::Side::edge, nghttp2_strerror(static_cast<int>(n)));
  session_->collect();
  return {};
}

std::optional<std::uint32_t> Http2Client::server_setting(std::uint16_t id) const {
  const auto found = server_settings_.find(id);
  return found == server_settings_.end() ? std::nullopt : std::optional(found->second);
}

std::size_t Http2Client::unsent(std::uint32_t stream) const {
  const auto found = session_->outgoing.find(stream);
  return found == session_->outgoing.end() ? 0 : found->second.data.size() - found->second.taken;
}

std::int32_t Http2Client::send_window(std::uint32_t stream) const {
  return std::min(nghttp2_session_get_stream_remote_window_size(session_->session, signed_id(stream)),
                  nghttp2_session_get_remote_window_size(session_->session));
}

Fields http2_head(std::string_view method, std::string_view path, std::string_view authority, std::string_view scheme) {
  Fields head;
  head.add(":method", method);
  head.add(":scheme", scheme);
  head.add(":authority", authority);
  head.add(":path", path);
  return head;
}

Fields websocket(std::string_view path) {
  Fields head = http2_head("CONNECT", path);
  head.add(":protocol", "websocket");
  head.add("sec-websocket-version", "13");
  return head;
}

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

std::string frame(FrameType type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
  std::string bytes = big_endian(static_cast<std::uint32_t>(payload.size())).substr(1);
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(flags);
  bytes += big_endian(stream);
  bytes += payload;
  return bytes;
}

std::string literal(std::string_view name, std::string_view value) {
  EXPECT_LT(std::max(name.size(), value.size()), 127u);
  std::string bytes(1, '\0');
  for (const std::string_view text : {name, value}) {
    bytes += static_cast<char>(text.size());
    bytes += text;
  }
  return bytes;
}

std::string literals(const Fields& fields) {
  std::string bytes;
  for (const Field& field : fields) bytes += literal(field.name, field.value);
  return bytes;
}

std::vector<RawFrame> frames_of(std::string_view bytes) {
  std::vector<RawFrame> frames;
  const auto at = [&bytes](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(bytes[i])}; };
  while (bytes.size() >= 9) {
    const std::size_t size = at(0) << 16 | at(1) << 8 | at(2);
    if (bytes.size() < 9 + size) break;
    frames.push_back({static_cast<FrameType>(at(3)), static_cast<std::uint8_t>(at(4)),
                      (at(5) << 24 | at(6) << 16 | at(7) << 8 | at(8)) & 0x7fffffffu,
                      std::string(bytes.substr(9, size))});
    bytes.remove_prefix(9 + size);
  }
  EXPECT_EQ(bytes.size(), 0u) << "a frame was cut";
  return frames;
}

}  // namespace fairlead::protocol::testing
