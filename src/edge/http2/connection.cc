#include "edge/http2/connection.h"

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "edge/http1_linger.h"
#include "edge/http2/exchange.h"
#include "edge/problem.h"
#include "edge/request.h"
#include "edge/session.h"
#include "edge/worker.h"

namespace fairlead::edge {
namespace {

using protocol::Http2Error;
using protocol::Http2Event;

// How long the last frames may take to leave.
constexpr base::Duration kLastWords = base::seconds(5);
// How long a client may take to end its side of a stream whose answer it has been sent whole. A reset at once would be
// right, too (RFC 9113 8.1), but makes some clients throw the answer away.
constexpr base::Duration kAfterwards = base::milliseconds(250);

protocol::Http2ServerOptions options_for(const Worker& worker, const ClientInfo& client) {
  const model::GlobalLimits& limits = worker.limits();
  protocol::Http2ServerOptions o;
  o.max_concurrent_streams = limits.http2.max_concurrent_streams;
  o.stream_window = limits.http2.stream_window;
  o.head.max_bytes = limits.max_head_bytes;
  o.head.max_fields = limits.max_head_fields;
  o.extended_connect = worker.takes_websocket(client.sni);
  return o;
}

std::string_view code_of_refused_request(int status) {
  switch (status) {
    case 417: return "expectation_unknown";
    case 431: return "head_too_large";
    case 501: return "not_implemented";
    default: return "malformed_request";
  }
}

}  // namespace

Http2Connection::Http2Connection(Worker& worker, std::unique_ptr<net::SocketStream> stream, const ClientInfo& client,
                                 net::TimePoint first_head_due)
    : worker_(worker),
      client_(client),
      wire_(stream->wire()),
      stream_(std::move(stream)),
      codec_(options_for(worker, client)),
      guard_(worker.limits().http2, stream_->loop().now()),
      serving_(stream_->loop()),
      clock_(*this),
      first_head_due_(first_head_due),
      idle_since_(stream_->loop().now()) {}

Http2Connection::~Http2Connection() = default;

net::Task<void> Http2Connection::run() {
  const net::StopCallback on_stop(worker_.stop_token(), [this] { stream_->cancel(); });
  const net::StopCallback on_drain(worker_.drain_token(), [this] { begin_drain(); });
  net::TaskScope writer(loop(), [this](const char*) { stream_->cancel(); });
  writer.spawn(write_loop());
  set_clock();
  try {
    co_await read_loop();
  } catch (...) {
    // Streams are still to be told and waited for, so it must not end this task.
    loop().caught("an HTTP/2 connection");
  }
  clock_.cancel();

  // Over: whatever still runs is told so, and what it wrote until now is sent.
  reading_ = false;
  for (auto next = streams_.begin(); next != streams_.end();) {
    Http2Stream* const s = (next++)->second;  // before what it hears could end it
    s->closed(Http2Error::cancel);
  }
  co_await serving_.join();
  finishing_ = true;
  {
    const net::StreamDeadline last_words(*stream_, base::later(loop().now(), kLastWords));
    flush();
    co_await writer.join();
  }
  co_await linger(*stream_);
  // What is left to say (close_notify) is the last stream's.
  wire_.settle_in();
  wire_.end_write(false);
  if (wire_.last()) stream_->count_wire(wire_.last().get());
}

net::Task<void> Http2Connection::read_loop() {
  while (reading_) {
    const net::Chunk chunk = co_await stream_->read();
    if (chunk.size == 0) break;
    // Bytes of one read go to several streams, whose readers may read something else meanwhile.
    const net::EventLoop::KeepReadBuffer keep(loop());
    const auto good = codec_.receive(chunk.view());
    judge();
    handle_events();
    wire_.settle_in();
    if (!good) {
      base::log_debug("HTTP/2 connection of {} ended: {}", client_.peer.to_string(), base::describe(good.error()));
      const base::Code why = good.error().code;
      const bool limit = why == base::Code::too_large || why == base::Code::overloaded;
      if (limit && reading_) count(Http2Limit::continuations_or_acks);  // else judge() has counted another
      worker_.counters().heads_refused.add();
      reading_ = false;
    }
    set_clock();
    flush();
  }
}

net::Task<void> Http2Connection::write_loop() {
  for (;;) {
    codec_.append_output(out_, kRoom);
    watch_leaving();
    handle_events();
    if (out_.empty()) wake_for_room();
    if (out_.empty()) {
      out_ = std::string();  // an idle connection holds no buffer
      writing_ = std::string();
      if (codec_.finished()) stop_reading();
      if (finishing_) co_return;
      co_await Work{*this};
      continue;
    }
    writing_.swap(out_);
    wire_.begin_write();
    const int error = co_await stream_->write(writing_);
    wire_.end_write(error == 0);
    writing_.clear();
    if (error != 0) {
      stream_->cancel(error);
      co_return;
    }
    wake_for_room();
  }
}

// What was appended may have been the end of some.
void Http2Connection::watch_leaving() {
  if (leaving_.empty()) return;
  std::erase_if(leaving_, [this](const Leaving& l) { return !codec_.is_open(l.id); });
  for (Leaving& l : leaving_) {
    if (l.end_sent || !codec_.end_sent(l.id)) continue;
    l.end_sent = true;
    l.until = base::later(loop().now(), kAfterwards);
  }
  set_clock();
}

void Http2Connection::flush() {
  if (writer_) loop().ready_at_end(std::exchange(writer_, {}));
}

void Http2Connection::stop_reading() {
  reading_ = false;
  stream_->interrupt_read(ECANCELED);
}

// --- events

void Http2Connection::handle_events() {
  std::vector<Http2Event> events = codec_.take_events();
  for (const Http2Event& e : events) {
    switch (e.kind) {
      case Http2Event::Kind::request: open_stream(e.stream); break;
      case Http2Event::Kind::data:
        if (Http2Stream* s = find(e.stream)) {
          wire_.came(s->wire_, e.data.size());
          s->received(e.data);
        }
        break;
      case Http2Event::Kind::trailers: break;  // asked for when the body has been read
      case Http2Event::Kind::end:
        if (Http2Stream* s = find(e.stream)) s->ended();
        break;
      case Http2Event::Kind::closed:
        if (Http2Stream* s = find(e.stream)) s->closed(e.error);
        break;
      case Http2Event::Kind::window: wake_for_window(e.stream); break;
      case Http2Event::Kind::ping_answered:
        if (worker_.draining() && !std::exchange(shut_down_, true)) {
          codec_.shut_down();
          flush();
        }
        break;
    }
  }
  codec_.recycle(std::move(events));
}

void Http2Connection::open_stream(std::uint32_t id) {
  any_request_ = true;
  // Reset in the same breath: no work is begun for it.
  if (!reading_ || !codec_.is_open(id)) return;
  auto opened = std::make_unique<Opened>();
  opened->request = codec_.take_request(id);
  worker_.counters().http2_streams.add();
  opened->stream = std::make_unique<Http2Stream>(*this, id);
  if (opened->request.ended) opened->stream->ended();
  serving_.spawn(serve_stream(std::move(opened)));
}

net::Task<void> Http2Connection::serve_stream(std::unique_ptr<Opened> opened) {
  // As in Worker::serve: nothing of ours lies beside an idle session.
  std::unique_ptr<Session> session = co_await serve_request_of(std::move(opened));
  if (session) {
    if (worker_.draining()) session->close_at(loop().now(), CloseBy::operator_, CloseCause::drain);
    Session::start(std::move(session), {net::TaskScope::Hold(serving_), {}, {}});
  }
}

net::Task<std::unique_ptr<Session>> Http2Connection::serve_request_of(std::unique_ptr<Opened> opened) {
  const int refusal_status = opened->request.refusal_status;
  const std::string_view refusal = opened->request.refusal;
  Http2Exchange exchange(std::move(opened->stream), std::move(opened->request));
  opened.reset();
  std::unique_ptr<Session> session;
  if (refusal_status != 0) {
    worker_.counters().http2_requests_malformed.add();
    if (refusal_status == 431) count(Http2Limit::header_list);
    RequestOutcome outcome;
    outcome.error = code_of_refused_request(refusal_status);
    co_await answer_problem(exchange, Problem(refusal_status, outcome.error, std::string(refusal)));
    log_request(worker_, exchange, nullptr, outcome);
  } else {
    RequestResult result = co_await serve_request(worker_, exchange);
    if (result.domain) set_timeouts(result.domain->policy().layer7);
    session = std::move(result.session);
  }
  co_return session;
}

// --- streams

Http2Stream* Http2Connection::find(std::uint32_t id) const {
  const auto it = streams_.find(id);
  return it == streams_.end() ? nullptr : it->second;
}

void Http2Connection::attach(Http2Stream& stream) {
  // Room for all to leave: detach(), in a destructor, could not say that there is none.
  const std::size_t leave = leaving_.size() + streams_.size() + 1;
  if (leaving_.capacity() < leave) leaving_.reserve(2 * leave);
  streams_.emplace(stream.id(), &stream);
  worker_.counters().http2_streams_open.add();
}

void Http2Connection::detach(Http2Stream& stream) {
  take_off(stream);
  streams_.erase(stream.id());
  worker_.counters().http2_streams_open.sub();
  if (stream.aborted_) {
    codec_.reset(stream.id(), stream.reset_by_);
  } else {
    codec_.release(stream.id(), stream.reset_by_);
    if (reading_ && codec_.is_open(stream.id())) {
      leaving_.push_back({stream.id(), base::later(loop().now(), worker_.limits().client_send_timeout), false});
    }
  }
  if (streams_.empty()) {
    idle_since_ = loop().now();
    // Nothing is under way any more, so nothing can be lost by the last word.
    if (worker_.draining() && !std::exchange(shut_down_, true)) codec_.shut_down();
  }
  set_clock();
  flush();
}

void Http2Connection::consumed(Http2Stream& stream, std::size_t bytes) {
  codec_.consumed(stream.id(), bytes);
  if (codec_.has_output()) flush();
}

protocol::Http2ServerCodec::Sent Http2Connection::send(Http2Stream& stream, std::string_view first,
                                                       std::string_view second) {
  const auto sent = codec_.send_data(stream.id(), first, second, out_, kRoom);
  wire_.framed(stream.wire_, sent.bytes);
  flush();
  return sent;
}

void Http2Connection::wait_to_write(Http2Stream& stream) {
  take_off(stream);
  stream.listed_ = stream.waits_;
  (stream.waits_ == Http2Stream::Waits::for_window ? for_window_ : for_room_).push_back(&stream);
}

void Http2Connection::take_off(Http2Stream& stream) {
  if (stream.listed_ == Http2Stream::Waits::no) return;
  auto& list = stream.listed_ == Http2Stream::Waits::for_window ? for_window_ : for_room_;
  if (list.front() == &stream) {
    list.pop_front();
  } else {
    std::erase(list, &stream);
  }
  stream.listed_ = Http2Stream::Waits::no;
}

void Http2Connection::wake_for_window(std::uint32_t id) {
  if (id != 0) {
    Http2Stream* const s = find(id);
    if (!s || s->listed_ != Http2Stream::Waits::for_window) return;
    take_off(*s);
    s->go_on_writing();
    return;
  }
  // In turns, as long as the connection's window lasts. Whose own window is shut is passed over: to try costs the more.
  for (std::size_t n = for_window_.size(); n != 0 && !for_window_.empty() && codec_.send_window() != 0; --n) {
    Http2Stream* const s = for_window_.front();
    if (codec_.send_window(s->id()) == 0) {
      for_window_.pop_front();
      for_window_.push_back(s);
      continue;
    }
    take_off(*s);
    s->go_on_writing();
  }
}

// In turns: who has written goes to the end of the line.
void Http2Connection::wake_for_room() {
  for (std::size_t n = for_room_.size(); n != 0 && !for_room_.empty() && out_.size() < kRoom; --n) {
    Http2Stream* const s = for_room_.front();
    take_off(*s);
    s->go_on_writing();
  }
}

bool Http2Connection::send_interim(Http2Stream& stream, const protocol::ResponseHead& head) {
  const bool taken = codec_.send_interim(stream.id(), head);
  flush();
  return taken;
}

bool Http2Connection::send_head(Http2Stream& stream, const protocol::ResponseHead& head, bool ends) {
  const bool taken = codec_.send_head(stream.id(), head, ends);
  flush();
  return taken;
}

bool Http2Connection::end(Http2Stream& stream, const protocol::Fields& trailers) {
  const bool taken = codec_.send_end(stream.id(), trailers);
  flush();
  return taken;
}

protocol::Fields Http2Connection::take_trailers(Http2Stream& stream) { return codec_.take_trailers(stream.id()); }

void Http2Connection::count(Http2Limit limit) { worker_.counters().count(limit); }

void Http2Connection::set_timeouts(const model::Layer7& settings) {
  keepalive_timeout_ = settings.keepalive_timeout;
  header_timeout_ = settings.client_header_timeout;
}

// --- limits, clocks, the end

void Http2Connection::judge() {
  const std::uint64_t resets = codec_.activity().resets;
  worker_.counters().http2_stream_resets.add(resets - std::exchange(resets_, resets));
  for (; refused_ < codec_.activity().streams_refused; ++refused_) count(Http2Limit::concurrent_streams);
  const auto over = guard_.judge(codec_.activity(), loop().now());
  if (!over || !reading_) return;
  count(*over);
  base::log_warn("HTTP/2 connection of {} ended: too many {}", client_.peer.to_string(), to_string(*over));
  codec_.fail(Http2Error::enhance_your_calm);
  reading_ = false;
}

void Http2Connection::begin_drain() {
  if (streams_.empty()) {
    shut_down_ = true;
    codec_.shut_down();
  } else {
    codec_.announce_shutdown();
    codec_.ping();
  }
  flush();
}

net::TimePoint Http2Connection::next_date() const {
  net::TimePoint next = base::kNever;
  if (!any_request_) next = first_head_due_;
  if (head_began_ != base::kNever) next = std::min(next, base::later(head_began_, header_timeout_));
  // A stream that waits for its end to be taken is not idleness: cut, the client would take its answer for half of one.
  if (any_request_ && streams_.empty() && leaving_.empty())
    next = std::min(next, base::later(idle_since_, keepalive_timeout_));
  for (const Leaving& l : leaving_) next = std::min(next, l.until);
  return next;
}

void Http2Connection::set_clock() {
  if (!reading_) return;
  const bool head = codec_.head_under_way();
  if (!head) {
    head_began_ = base::kNever;
  } else if (head_began_ == base::kNever) {
    head_began_ = loop().now();
  }
  // Lazily: a clock that is too early looks again when it comes.
  const net::TimePoint next = next_date();
  if (clock_.armed() && clock_.when() <= next) return;
  loop().timers().set(clock_, next);
}

void Http2Connection::on_clock() {
  const net::TimePoint now = loop().now();
  std::erase_if(leaving_, [&](const Leaving& l) {
    if (l.until > now) return false;
    if (!l.end_sent) count(Http2Limit::slow_client);
    codec_.reset(l.id, l.end_sent ? Http2Error::no_error : Http2Error::cancel);
    flush();
    return true;
  });
  if (next_date() <= now) {
    const bool owes_head = head_began_ != base::kNever && base::later(head_began_, header_timeout_) <= now;
    if (owes_head || !any_request_) {
      worker_.counters().handshake_timeouts.add();
      count(Http2Limit::slow_client);
      codec_.fail(any_request_ || owes_head ? Http2Error::enhance_your_calm : Http2Error::no_error);
      stop_reading();
    } else if (!std::exchange(shut_down_, true)) {
      codec_.shut_down();  // the write loop ends the connection when this is out
      idle_since_ = now;
      keepalive_timeout_ = std::chrono::duration_cast<model::milliseconds>(kLastWords);
    } else {
      stop_reading();
    }
    flush();
    if (!reading_) return;
  }
  set_clock();
}

net::Task<void> serve_http2(Worker& worker, std::unique_ptr<net::SocketStream> stream, const ClientInfo& client,
                            net::TimePoint first_head_due) {
  struct Count {
    explicit Count(WorkerCounters& c) : counters(c) {
      counters.http2_connections.add();
      counters.http2_connections_open.add();
    }
    ~Count() { counters.http2_connections_open.sub(); }
    WorkerCounters& counters;
  } const count(worker.counters());
  Http2Connection connection(worker, std::move(stream), client, first_head_due);
  co_await connection.run();
}

}  // namespace fairlead::edge
