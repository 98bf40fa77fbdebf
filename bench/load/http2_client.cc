#include "bench/load/http2_client.h"

#include <fmt/format.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <unordered_map>

#include "net/event_loop.h"
#include "net/tls_stream.h"

namespace fairlead::bench {
namespace {

using base::Code;
using base::Side;
using net::Task;

constexpr std::int32_t kWindow = 16 << 20;    // of the connection; a stream has a sixteenth
constexpr std::size_t kOutbox = 256 * 1024;   // of a stream: beyond, its writer waits
constexpr std::size_t kGather = 1024 * 1024;  // of one write of the connection

// Coroutines that wait for something to happen, woken all at once.
class Waiters {
 public:
  explicit Waiters(net::EventLoop& loop) : loop_(loop) {}
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> h) { waiting_.push_back(h); }
  void await_resume() const {}
  void wake() {
    for (const auto h : std::exchange(waiting_, {})) loop_.ready(h);
  }

 private:
  net::EventLoop& loop_;
  std::vector<std::coroutine_handle<>> waiting_;
};

}  // namespace

class Http2Stream final : public net::ByteStream {
 public:
  Http2Stream(net::EventLoop& loop, Http2Connection& connection)
      : ByteStream(loop), connection_(connection), answered_(loop) {}
  ~Http2Stream() override;
  void shutdown_write() override;

  std::int32_t id = 0;
  int status = 0;  // of the answer; 0: none yet
  bool closed = false;
  std::string subprotocol;

 protected:
  ssize_t try_read(char* buffer, std::size_t size) override;
  ssize_t try_write(const iovec* pieces, int count) override;
  void want_read() override {}  // bytes are brought
  void want_write() override;

 private:
  friend class Http2Connection;
  friend struct AnswerDeadline;
  void received(std::string_view data);
  void ended();
  void lost();

  Http2Connection& connection_;
  Waiters answered_;
  std::string inbox_, outbox_;
  std::size_t read_ = 0, taken_ = 0;
  bool end_seen_ = false, end_asked_ = false;
};

class Http2Connection {
 public:
  Http2Connection(net::EventLoop& loop, const Options& options, const Destination& to)
      : loop_(loop), options_(options), to_(to), settled_(loop) {}
  ~Http2Connection() { nghttp2_session_del(session_); }

  // Connects and greets; waits until the server's settings are there. The result is kept: whoever waits gets it.
  Task<void> start(net::TaskScope& scope);
  Task<base::Result<Opened>> open();
  void stop() {
    if (stream_) stream_->cancel();
    wake();
  }
  std::uint32_t sessions = 0;
  bool dead() const { return over_; }

 private:
  friend class Http2Stream;
  // Resumes the writer when all that this turn brings has been dealt with.
  struct Woken {
    Http2Connection& c;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> h) { c.writer_ = h; }
    void await_resume() const {}
  };
  void wake() {
    if (writer_) loop_.ready_at_end(std::exchange(writer_, {}));
  }
  Task<void> connect();
  void make_session();
  Task<void> read_loop();
  Task<void> write_loop();
  void fail(base::Error error);
  std::int32_t submit(Http2Stream& stream);
  Http2Stream* find(std::int32_t id) {
    const auto it = streams_.find(id);
    return it == streams_.end() ? nullptr : it->second;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* self);
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self);
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size,
                     void* self);
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t, void* self);
  static ssize_t give_data(nghttp2_session*, std::int32_t id, std::uint8_t* to, std::size_t size, std::uint32_t* flags,
                           nghttp2_data_source*, void* self);

  net::EventLoop& loop_;
  const Options& options_;
  const Destination& to_;
  std::unique_ptr<net::ByteStream> stream_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<std::int32_t, Http2Stream*> streams_;
  std::vector<std::int32_t> blocked_;  // streams whose writers wait for room
  std::coroutine_handle<> writer_;
  std::string out_;
  Waiters settled_;
  bool up_ = false, over_ = false;
  base::Error failure_;
  std::string tls_version_, cipher_;
  bool resumed_ = false;
};

// --- a stream

Http2Stream::~Http2Stream() {
  if (id == 0) return;
  connection_.streams_.erase(id);
  if (connection_.over_ || closed) return;
  nghttp2_submit_rst_stream(connection_.session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  connection_.wake();
}

void Http2Stream::shutdown_write() {
  end_asked_ = true;
  if (connection_.over_ || closed) return;
  nghttp2_session_resume_data(connection_.session_, id);
  connection_.wake();
}

ssize_t Http2Stream::try_read(char* buffer, std::size_t size) {
  if (inbox_.empty()) return end_seen_ ? 0 : -EAGAIN;
  const std::size_t n = std::min(size, inbox_.size() - read_);
  std::memcpy(buffer, inbox_.data() + read_, n);
  read_ += n;
  if (read_ == inbox_.size()) {
    inbox_ = std::string();
    read_ = 0;
    buffered_ = end_seen_;
  }
  return static_cast<ssize_t>(n);
}

ssize_t Http2Stream::try_write(const iovec* pieces, int count) {
  if (connection_.over_ || closed) return -ECONNRESET;
  if (outbox_.size() - taken_ >= kOutbox) return -EAGAIN;
  std::size_t n = 0;
  for (int i = 0; i < count; ++i) {
    outbox_.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
    n += pieces[i].iov_len;
  }
  nghttp2_session_resume_data(connection_.session_, id);
  connection_.wake();
  return static_cast<ssize_t>(n);
}

void Http2Stream::want_write() { connection_.blocked_.push_back(id); }

void Http2Stream::received(std::string_view data) {
  const std::size_t taken = inbox_.empty() ? std::min(reader_takes(), data.size()) : 0;
  if (taken != data.size()) {
    inbox_ += data.substr(taken);
    buffered_ = true;
  }
  if (taken != 0) {
    deliver(data.substr(0, taken));  // this stream may be gone now
  } else {
    look_again();
  }
}

void Http2Stream::ended() {
  end_seen_ = true;
  buffered_ = true;
  look_again();
}

void Http2Stream::lost() {
  closed = true;
  answered_.wake();
  if (!end_seen_) cancel(ECONNRESET);
}

// Ends the wait for a stream's answer.
struct AnswerDeadline final : net::Timer {
  AnswerDeadline(Http2Stream& s, base::TimePoint when)
      : Timer([](net::Timer& t) {
          auto& self = static_cast<AnswerDeadline&>(t);
          self.passed = true;
          self.stream.answered_.wake();
        }),
        stream(s) {
    s.loop().timers().set(*this, when);
  }
  Http2Stream& stream;
  bool passed = false;
};

// --- a connection

int Http2Connection::on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                               std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                               void* self) {
  Http2Stream* s = static_cast<Http2Connection*>(self)->find(frame->hd.stream_id);
  if (!s) return 0;
  const std::string_view n(reinterpret_cast<const char*>(name), name_size),
      v(reinterpret_cast<const char*>(value), value_size);
  if (n == ":status") {
    int status = 0;
    std::from_chars(v.data(), v.data() + v.size(), status);
    if (status >= 200) s->status = status;
  } else if (n == "sec-websocket-protocol") {
    s->subprotocol = v;
  }
  return 0;
}

int Http2Connection::on_frame(nghttp2_session*, const nghttp2_frame* frame, void* data) {
  auto& self = *static_cast<Http2Connection*>(data);
  if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
    self.up_ = true;
    self.settled_.wake();
  }
  Http2Stream* s = self.find(frame->hd.stream_id);
  if (!s) return 0;
  if (frame->hd.type == NGHTTP2_HEADERS && s->status != 0) s->answered_.wake();
  if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
      (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
    s->ended();
  return 0;
}

int Http2Connection::on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                             std::size_t size, void* self) {
  if (Http2Stream* s = static_cast<Http2Connection*>(self)->find(id))
    s->received({reinterpret_cast<const char*>(data), size});
  return 0;
}

int Http2Connection::on_close(nghttp2_session*, std::int32_t id, std::uint32_t, void* self) {
  if (Http2Stream* s = static_cast<Http2Connection*>(self)->find(id)) s->lost();
  return 0;
}

ssize_t Http2Connection::give_data(nghttp2_session*, std::int32_t id, std::uint8_t* to, std::size_t size,
                                   std::uint32_t* flags, nghttp2_data_source*, void* self) {
  Http2Stream* s = static_cast<Http2Connection*>(self)->find(id);
  if (!s) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const std::size_t n = std::min(size, s->outbox_.size() - s->taken_);
  if (n == 0 && !s->end_asked_) return NGHTTP2_ERR_DEFERRED;
  std::memcpy(to, s->outbox_.data() + s->taken_, n);
  s->taken_ += n;
  if (s->taken_ == s->outbox_.size()) {
    s->outbox_.clear();
    s->taken_ = 0;
    if (s->end_asked_) *flags |= NGHTTP2_DATA_FLAG_EOF;
  }
  return static_cast<ssize_t>(n);
}

void Http2Connection::make_session() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  nghttp2_session_client_new(&session_, callbacks, this);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                             {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow / 16}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kWindow);
}

Task<void> Http2Connection::start(net::TaskScope& scope) {
  co_await connect();
  if (!stream_) {
    settled_.wake();
    co_return;
  }
  make_session();
  scope.spawn(write_loop());
  scope.spawn(read_loop());
}

Task<void> Http2Connection::connect() {
  const auto deadline = base::later(loop_.now(), options_.timeout);
  auto tcp = co_await net::connect_tcp(loop_, to_.address, deadline);
  if (!tcp) {
    fail(tcp.error());
    co_return;
  }
  if (!to_.tls) {
    stream_ = std::move(*tcp);
    co_return;
  }
  auto tls = co_await net::tls_connect(std::move(*tcp), to_.tls, to_.target.host, deadline);
  if (!tls) {
    fail(tls.error());
    co_return;
  }
  if ((*tls)->alpn() != "h2") {
    fail(base::Error(Code::unsupported, Side::origin, "the server does not speak HTTP/2"));
    co_return;
  }
  tls_version_ = (*tls)->tls_version();
  cipher_ = (*tls)->cipher();
  resumed_ = (*tls)->resumed();
  stream_ = std::move(*tls);
}

void Http2Connection::fail(base::Error error) {
  if (over_) return;
  over_ = true;
  failure_ = std::move(error);
  settled_.wake();
  // A stream's end may bring that of others.
  std::vector<Http2Stream*> left;
  for (const auto& [id, s] : streams_) left.push_back(s);
  for (Http2Stream* s : left) s->lost();
  wake();
}

Task<void> Http2Connection::read_loop() {
  std::optional<net::ReadDeadline> greeting(std::in_place, *stream_, base::later(loop_.now(), options_.timeout));
  for (;;) {
    const net::Chunk chunk = co_await stream_->read();
    if (up_) greeting.reset();
    if (chunk.ended()) {
      fail(chunk.error != 0 ? base::from_errno(chunk.error, Side::origin, "HTTP/2 connection")
                            : base::Error(Code::closed, Side::origin, "the HTTP/2 connection was closed"));
      break;
    }
    const ssize_t n = nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(chunk.data), chunk.size);
    if (n < 0) {
      fail(base::Error(Code::protocol, Side::origin, fmt::format("HTTP/2: {}", nghttp2_strerror(static_cast<int>(n)))));
      break;
    }
    wake();
  }
  stream_->cancel();
}

Task<void> Http2Connection::write_loop() {
  while (!over_) {
    out_.clear();
    const std::uint8_t* data = nullptr;
    while (out_.size() < kGather) {
      const ssize_t n = nghttp2_session_mem_send(session_, &data);
      if (n <= 0) break;
      out_.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(n));
    }
    // Whose bytes have found room may write on; what they write is gathered before anybody waits.
    bool more = false;
    for (const std::int32_t id : std::exchange(blocked_, {})) {
      Http2Stream* s = find(id);
      if (!s) continue;
      if (s->outbox_.size() - s->taken_ < kOutbox) {
        more = true;
        s->writable();
      } else {
        blocked_.push_back(id);
      }
    }
    if (out_.empty()) {
      if (!more) co_await Woken{*this};
      continue;
    }
    const int error = co_await stream_->write(out_);
    if (error != 0) {
      fail(base::from_errno(error, Side::origin, "HTTP/2 connection"));
      break;
    }
  }
}

std::int32_t Http2Connection::submit(Http2Stream& stream) {
  std::vector<std::pair<std::string, std::string>> fields = {
      {":method", "CONNECT"},     {":protocol", "websocket"},           {":scheme", to_.target.tls ? "https" : "http"},
      {":path", to_.target.path}, {":authority", to_.target.authority}, {"sec-websocket-version", "13"}};
  if (!options_.subprotocol.empty()) fields.emplace_back("sec-websocket-protocol", options_.subprotocol);
  for (const std::string& h : options_.headers) {
    const std::size_t colon = h.find(':');
    std::string name = h.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    fields.emplace_back(name, h.substr(std::min(h.size(), h.find_first_not_of(" \t", colon + 1))));
  }
  std::vector<nghttp2_nv> list;
  for (auto& [name, value] : fields)
    list.push_back({reinterpret_cast<std::uint8_t*>(name.data()), reinterpret_cast<std::uint8_t*>(value.data()),
                    name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  nghttp2_data_provider provider{};
  provider.read_callback = give_data;
  const std::int32_t id = nghttp2_submit_request(session_, nullptr, list.data(), list.size(), &provider, nullptr);
  if (id > 0) {
    stream.id = id;
    streams_.emplace(id, &stream);
    wake();
  }
  return id;
}

Task<base::Result<Opened>> Http2Connection::open() {
  if (!up_ && !over_) co_await settled_;
  if (over_) co_return std::unexpected(failure_);
  if (nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) != 1)
    co_return base::fail(Code::unsupported, Side::origin, "the server does not take WebSocket over HTTP/2 (RFC 8441)");
  auto stream = std::make_unique<Http2Stream>(loop_, *this);
  if (const std::int32_t id = submit(*stream); id <= 0)
    co_return base::fail(Code::protocol, Side::origin, fmt::format("HTTP/2: {}", nghttp2_strerror(id)));
  {
    const AnswerDeadline guard(*stream, base::later(loop_.now(), options_.timeout));
    while (stream->status == 0 && !stream->closed && !guard.passed) co_await stream->answered_;
    if (guard.passed) co_return base::fail(Code::timeout, Side::origin, "no answer in time");
  }
  if (stream->status != 200) {
    if (stream->status == 0)
      co_return base::fail(Code::closed, Side::origin, "the stream was closed without an answer");
    co_return base::fail(Code::protocol, Side::origin, fmt::format("answered with status {}", stream->status));
  }
  Opened opened;
  opened.tls_version = tls_version_;
  opened.cipher = cipher_;
  opened.resumed = resumed_;
  opened.subprotocol = stream->subprotocol;
  opened.stream = std::move(stream);
  co_return opened;
}

// --- all of them

Http2Clients::Http2Clients(net::EventLoop& loop, const Options& options, const Destination& to)
    : loop_(loop), options_(options), to_(to), scope_(loop) {}
Http2Clients::~Http2Clients() = default;

Task<base::Result<Opened>> Http2Clients::open() {
  if (connections_.empty() || connections_.back()->sessions == options_.sessions_per_connection ||
      connections_.back()->dead()) {
    connections_.push_back(std::make_unique<Http2Connection>(loop_, options_, to_));
    scope_.spawn(connections_.back()->start(scope_));
  }
  Http2Connection& connection = *connections_.back();
  ++connection.sessions;
  co_return co_await connection.open();
}

Task<void> Http2Clients::stop() {
  for (const auto& connection : connections_) connection->stop();
  co_await scope_.join();
}

}  // namespace fairlead::bench
