#include "edge/http1_frontend.h"

#include <algorithm>
#include <cerrno>

#include "edge/http1_linger.h"
#include "edge/problem.h"
#include "edge/request.h"
#include "edge/session.h"
#include "edge/worker.h"
#include "protocol/http1/serialize.h"

namespace fairlead::edge {
namespace {

using base::Code;
using base::Side;

protocol::HeadLimits head_limits(const model::GlobalLimits& l) {
  protocol::HeadLimits h;
  h.max_bytes = l.max_head_bytes;
  h.max_fields = l.max_head_fields;
  h.max_start_line = std::min<std::size_t>(h.max_start_line, l.max_head_bytes);
  return h;
}

std::string_view code_of_refused_head(int status) {
  switch (status) {
    case 414: return "target_too_long";
    case 417: return "expectation_unknown";
    case 431: return "head_too_large";
    case 501: return "not_implemented";
    case 505: return "version_not_supported";
    default: return "malformed_request";
  }
}

class Http1Connection final : public ClientExchange {
 public:
  Http1Connection(Worker& worker, std::unique_ptr<net::SocketStream> stream, const ClientInfo& info)
      : worker_(worker), stream_(std::move(stream)), own_wire_(stream_->wire()), parser_(head_limits(worker.limits())) {
    client_ = &info;
  }

  net::Task<std::unique_ptr<Session>> run(net::TimePoint first_head_due);

  bool has_body() const override { return body_.has_value(); }
  std::optional<std::uint64_t> body_length() const override {
    if (framing_.kind == protocol::BodyFraming::Kind::length) return framing_.length;
    if (framing_.kind == protocol::BodyFraming::Kind::none) return 0;
    return std::nullopt;
  }
  net::Task<base::Result<BodyPart>> read_body(base::Duration idle) override;
  const protocol::Fields& trailers() const override { return body_ ? body_->trailers() : kNone; }
  net::StopToken gone() override { return worker_.stop_token(); }
  void stop_reading() override {
    keep_alive_ = false;
    stream_->interrupt_read(ECANCELED);
  }
  net::Task<base::Result<void>> send_interim(protocol::ResponseHead head) override;
  net::Task<base::Result<void>> send_head(protocol::ResponseHead head, AnswerBody body, bool hold) override;
  net::Task<base::Result<void>> send_body(std::string_view data) override;
  net::Task<base::Result<void>> send_end(const protocol::Fields& trailers) override;
  void abort_answer() override {
    stream_->abort_on_close();
    stream_->cancel();
  }
  net::Task<base::Result<std::unique_ptr<net::ByteStream>>> accept_tunnel(protocol::ResponseHead answer) override;

 private:
  static inline const protocol::Fields kNone;

  enum class Next : std::uint8_t { request, over };
  net::Task<Next> read_head(net::TimePoint due);
  net::Task<void> refuse(int status, std::string_view code, std::string detail);
  net::Task<bool> finish_body();
  net::Task<base::Result<void>> write(std::string_view a, std::string_view b = {});
  void count_wire(const std::shared_ptr<net::WireCount>& to) override;
  void stop_counting();
  // Of `size` bytes of body at the end of a write: those that the client took.
  void count_body(std::size_t size, bool all) { add_body_out(all ? size : size - std::min(size, stream_->unsent())); }

  Worker& worker_;
  std::unique_ptr<net::SocketStream> stream_;  // meter_, in the base, outlives it
  net::WireCount* own_wire_;                   // what the connection carried for nobody yet; may be null
  protocol::RequestHeadParser parser_;
  protocol::BodyFraming framing_;
  std::optional<Http1BodyReader> body_;
  std::string held_;  // a head that waits for the first bytes of its body
  AnswerBody answer_;
  bool chunked_ = false;
  bool keep_alive_ = true;
  std::uint64_t requests_ = 0;
  bool ended_ = false;
  model::milliseconds keepalive_timeout_{75'000}, header_timeout_{60'000};
};

net::Task<base::Result<void>> Http1Connection::write(std::string_view a, std::string_view b) {
  net::StreamDeadline deadline(*stream_, base::later(stream_->loop().now(), worker_.limits().client_send_timeout));
  const int error = co_await stream_->write(a, b);
  if (error != 0) co_return std::unexpected(base::from_errno(error, Side::client, "write"));
  co_return base::Result<void>{};
}

void Http1Connection::count_wire(const std::shared_ptr<net::WireCount>& to) {
  if (own_wire_) net::move_count(*own_wire_, *to);
  stream_->count_wire(to.get());
}

// What comes now is the next request's, or nobody's.
void Http1Connection::stop_counting() { stream_->count_wire(own_wire_); }

net::Task<Http1Connection::Next> Http1Connection::read_head(net::TimePoint due) {
  parser_.reset();
  net::TimePoint deadline = due;
  bool was_started = false;
  for (;;) {
    net::Chunk chunk;
    {
      // A connection between two requests ends when the edge drains; one with a request under way finishes it first.
      const net::StopCallback on_drain(worker_.drain_token(), [this] {
        if (!parser_.started()) stream_->interrupt_read(ECANCELED);
      });
      const net::ReadDeadline guard(*stream_, deadline);
      chunk = co_await stream_->read();
    }
    if (chunk.size == 0) {
      if (chunk.error == ETIMEDOUT && (parser_.started() || requests_ == 0)) {
        worker_.counters().handshake_timeouts.add();
        co_await refuse(408, "request_head_timeout", "the request head did not arrive in time");
      }
      co_return Next::over;
    }
    const auto used = parser_.feed(chunk.view());
    if (!used) {
      worker_.counters().heads_refused.add();
      const int status = parser_.suggested_status();
      co_await refuse(status, code_of_refused_head(status), used.error().context);
      co_return Next::over;
    }
    if (parser_.done()) {
      stream_->unread(chunk.view().substr(*used));
      co_return Next::request;
    }
    // From the first byte on a head has its own clock; trickling bytes do not move it.
    if (!was_started && parser_.started()) {
      was_started = true;
      deadline = std::min(deadline, base::later(worker_.loop().now(), header_timeout_));
    }
  }
}

net::Task<void> Http1Connection::refuse(int status, std::string_view code, std::string detail) {
  keep_alive_ = false;
  // Nothing of the request before may show in this answer or its log line, nor may the policy it was served under be
  // asked, which a reload can have ended since.
  head_ = {};
  framing_ = {};
  body_.reset();
  layer7_ = nullptr;
  begin_counting();
  started_ = worker_.loop().now();
  status_ = 0;
  co_await answer_problem(*this, Problem{status, code, std::move(detail)});
  RequestOutcome outcome;
  outcome.error = code;
  log_request(worker_, *this, nullptr, outcome);
  co_await linger(*stream_);
}

// Reads what the consumer left of the body, if that is little; a client in the midst of an upload it was told to stop
// cannot go on with this connection.
net::Task<bool> Http1Connection::finish_body() {
  if (!body_) co_return true;
  constexpr std::uint64_t kDrain = 64 * 1024;
  const std::uint64_t limit = body_->total() + kDrain;
  while (!body_->done()) {
    if (body_->total() > limit) co_return false;
    const auto part = co_await body_->next(base::seconds(1));
    if (!part) co_return false;
  }
  co_return true;
}

net::Task<std::unique_ptr<Session>> Http1Connection::run(net::TimePoint first_head_due) {
  for (net::TimePoint due = first_head_due;;) {
    if (co_await read_head(due) == Next::over) break;
    ++requests_;
    head_ = parser_.take_head();
    framing_ = parser_.framing();
    keep_alive_ = parser_.keep_alive();
    parser_.reset();
    started_ = worker_.loop().now();
    status_ = 0;
    begin_counting();
    ended_ = false;
    layer7_ = nullptr;
    body_.reset();
    if (framing_.kind != protocol::BodyFraming::Kind::none) body_.emplace(*stream_, framing_, Side::client);

    RequestResult result = co_await serve_request(worker_, *this);
    if (result.session) co_return std::move(result.session);
    stop_counting();
    if (result.domain) {
      keepalive_timeout_ = result.domain->policy().layer7.keepalive_timeout;
      header_timeout_ = result.domain->policy().layer7.client_header_timeout;
    }
    if (!ended_ || stream_->cancelled()) break;
    if (!keep_alive_ || !co_await finish_body()) {
      co_await linger(*stream_);
      break;
    }
    due = base::later(worker_.loop().now(), keepalive_timeout_);
    if (worker_.draining()) break;
  }
  if (meter_.wire) count_wire(meter_.wire);  // the connection's last words are its last request's
  co_return nullptr;
}

net::Task<base::Result<BodyPart>> Http1Connection::read_body(base::Duration idle) {
  if (!body_) co_return BodyPart{{}, true};
  auto part = co_await body_->next(idle);
  if (part) {
    add_body_in(part->data.size());
  } else {
    keep_alive_ = false;
  }
  co_return part;
}

net::Task<base::Result<void>> Http1Connection::send_interim(protocol::ResponseHead head) {
  if (head_.version == protocol::HttpVersion::http10) co_return base::Result<void>{};  // RFC 9110 15.2
  std::string out;
  if (!protocol::append_response_head(out, head)) co_return base::Result<void>{};
  co_return co_await write(out);
}

net::Task<base::Result<void>> Http1Connection::send_head(protocol::ResponseHead head, AnswerBody body, bool hold) {
  if (worker_.draining() || (layer7_ && layer7_->keepalive_timeout.count() == 0)) keep_alive_ = false;
  answer_ = body;
  chunked_ = false;
  if (body.kind == AnswerBody::Kind::unknown) {
    head.fields.remove("content-length");
    if (head_.version == protocol::HttpVersion::http10) {
      keep_alive_ = false;  // the end of the connection is the end of the body
    } else {
      chunked_ = true;
      head.fields.add("Transfer-Encoding", "chunked");
    }
  }
  if (layer7_) {
    for (const auto& f : layer7_->add_header) head.fields.add(f.name, f.value);
  }
  if (!keep_alive_) {
    head.fields.add("Connection", "close");
  } else if (head_.version == protocol::HttpVersion::http10) {
    head.fields.add("Connection", "keep-alive");
  }
  held_.clear();
  if (!protocol::append_response_head(held_, head)) {
    co_return base::fail(Code::malformed, Side::origin, "the answer's head cannot be written");
  }
  status_ = head.status;
  if (hold) co_return base::Result<void>{};
  std::string out;
  out.swap(held_);
  co_return co_await write(out);
}

net::Task<base::Result<void>> Http1Connection::send_body(std::string_view data) {
  if (data.empty() || answer_.kind == AnswerBody::Kind::none) co_return base::Result<void>{};
  std::string out;
  out.swap(held_);
  const std::size_t size = data.size();  // the data itself is lent until the first wait
  if (!chunked_) {
    auto done = co_await write(out, data);
    count_body(size, done.has_value());
    co_return done;
  }
  protocol::append_chunk_header(out, data.size());
  // One write a chunk: small ones are copied together; a big one keeps its end for a write of its own.
  constexpr std::size_t kCopy = 16 * 1024;
  if (data.size() <= kCopy) {
    out += data;
    out += protocol::kChunkEnd;
    auto done = co_await write(out);
    count_body(size, done.has_value());
    co_return done;
  }
  auto done = co_await write(out, data);
  count_body(size, done.has_value());
  if (!done) co_return done;
  co_return co_await write(protocol::kChunkEnd);
}

net::Task<base::Result<void>> Http1Connection::send_end(const protocol::Fields& trailers) {
  ended_ = true;
  std::string out;
  out.swap(held_);
  if (chunked_ && !protocol::append_last_chunk(out, trailers) && !protocol::append_last_chunk(out, {})) {
    co_return base::fail(Code::internal, Side::edge, "last chunk");
  }
  if (out.empty()) co_return base::Result<void>{};
  co_return co_await write(out);
}

net::Task<base::Result<std::unique_ptr<net::ByteStream>>> Http1Connection::accept_tunnel(
    protocol::ResponseHead answer) {
  std::string out;
  if (layer7_) {
    for (const auto& f : layer7_->add_header) answer.fields.add(f.name, f.value);
  }
  if (!protocol::append_response_head(out, answer)) {
    co_return base::fail(Code::malformed, Side::origin, "the answer's head cannot be written");
  }
  if (auto done = co_await write(out); !done) co_return std::unexpected(done.error());
  status_ = answer.status;
  co_return std::unique_ptr<net::ByteStream>(std::move(stream_));
}

}  // namespace

net::Task<std::unique_ptr<Session>> serve_http1(Worker& worker, std::unique_ptr<net::SocketStream> stream,
                                                const ClientInfo& client, net::TimePoint first_head_due) {
  Http1Connection connection(worker, std::move(stream), client);
  co_return co_await connection.run(first_head_due);
}

}  // namespace fairlead::edge
