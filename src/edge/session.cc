#include "edge/session.h"

#include <algorithm>
#include <cerrno>

#include "base/log.h"

namespace fairlead::edge {
namespace {

CloseBy side_of(Peer p) { return p == Peer::client ? CloseBy::client : CloseBy::origin; }

protocol::FrameScanner::Options scan_options(const model::WebSocketPolicy& ws, bool from_client, std::uint8_t rsv) {
  return {.from_client = from_client, .validate = ws.validate, .allowed_rsv = rsv, .max_message = ws.max_message_size};
}

// What the Close says: names the clock or the act, so that who debugs a client sees why.
std::string_view reason_of(CloseCause cause) {
  switch (cause) {
    case CloseCause::connection_timeout: return "connection_timeout: no data in either direction";
    case CloseCause::pong_timeout: return "pong_timeout: the other side does not answer";
    case CloseCause::max_session_age: return "max_session_age reached";
    case CloseCause::disabled: return "websocket disabled for this domain";
    case CloseCause::drain: return "edge going away";
    case CloseCause::ended_by_operator: return "ended by operator";
    default: return "";
  }
}

}  // namespace

Session::Session(Parts parts, SessionList& list)
    : Timer([](Timer& t) { static_cast<Session&>(t).on_clock(); }),
      policy_(std::move(parts.policy)),
      meter_(std::move(parts.meter)),
      client_(std::move(parts.client)),
      origin_(std::move(parts.origin)),
      relays_{Relay(*this, Peer::client, scan_options(policy_->websocket, true, parts.allowed_rsv),
                    meter_->websocket.in),
              Relay(*this, Peer::origin, scan_options(policy_->websocket, false, parts.allowed_rsv),
                    meter_->websocket.out)},
      last_data_(client_->loop().now()),
      opened_(last_data_),
      record_(std::move(parts.record).value()),
      shared_(std::move(parts.shared)),
      seat_(std::move(parts.seat)),
      lease_(std::move(parts.lease)),
      list_(list) {
  const model::WebSocketPolicy& ws = policy_->websocket;
  if (ws.heartbeat.interval.count() > 0) keepalive_ = std::make_unique<Keepalive>(ws.heartbeat, opened_, parts.seed);
  if (ws.max_session_age.count() > 0) {
    close_at(base::later(opened_, ws.max_session_age), CloseBy::edge, CloseCause::max_session_age);
  }
  next_ = list_.head_;
  prev_ = &list_.head_;
  if (next_) next_->prev_ = &next_;
  list_.head_ = this;
  ++list_.size_;
}

Session::~Session() {
  *prev_ = next_;
  if (next_) next_->prev_ = prev_;
  --list_.size_;
}

void Session::start(std::unique_ptr<Session> session, Keeps keeps) {
  Session& s = *session.release();
  s.keeps_ = std::move(keeps);
  for (Peer p : {Peer::client, Peer::origin}) s.stream(p).forget_peer();
  s.meter_->websocket.sessions_opened.add();
  s.meter_->websocket.sessions_open.add();
  s.running_ = kPeers;
  s.set_clock();
  for (Relay& relay : s.relays_) relay.start();
}

void Session::finish() noexcept {
  Timer::cancel();
  try {
    report();
  } catch (...) {
    loop().caught("a session's report");
  }
  delete this;
}

void Session::close(CloseBy by, CloseCause cause, protocol::CloseCode code, std::string_view reason) {
  set_end(by, cause, static_cast<std::uint16_t>(code));
  if (std::exchange(closing_, true)) return;
  close_code_ = code;
  close_reason_ = reason.data();
  close_reason_size_ = static_cast<std::uint8_t>(std::min<std::size_t>(reason.size(), UINT8_MAX));
  begin_closing_date();
  for (Relay& relay : relays_) relay.request_close(*this);
}

void Session::close_at(TimePoint when, CloseBy by, CloseCause cause) {
  if (when >= close_at_) return;
  close_at_ = when;
  close_at_by_ = by;
  close_at_cause_ = cause;
  if (running_ != 0) set_clock();
}

void Session::abort(CloseBy by, CloseCause cause) {
  set_end(by, cause, static_cast<std::uint16_t>(protocol::CloseCode::abnormal));
  cut();
}

void Session::set_end(CloseBy by, CloseCause cause, std::uint16_t code) {
  if (std::exchange(end_set_, true)) return;
  end_by_ = by;
  end_cause_ = cause;
  end_code_ = code;
}

void Session::begin_closing_date() {
  if (closing_date_ != base::kNever) return;
  closing_date_ = base::later(loop().now(), kCloseTimeout);
  closing_latest_ = base::later(loop().now(), kCloseLongest);
  set_clock();
}

// Bytes that a slow peer took since the last look are data that moved, though nothing was read meanwhile.
bool Session::drained_some() {
  bool some = false;
  for (Peer p : {Peer::client, Peer::origin}) {
    const auto unsent = static_cast<std::uint32_t>(stream(p).parked());
    std::uint32_t& before = parked_[static_cast<std::size_t>(p)];
    some |= std::exchange(before, unsent) != unsent;
  }
  return some;
}

// A Close that waits for its turn, behind bytes that pass or were taken lately.
bool Session::close_on_its_way() {
  const TimePoint now = loop().now();
  const bool moving = drained_some() || base::later(last_data_, kCloseTimeout) > now;
  return moving && now < closing_latest_ && (relays_[0].close_pending() || relays_[1].close_pending());
}

void Session::cut() {
  for (Peer p : {Peer::client, Peer::origin}) stream(p).cancel();
}

void Session::close_passed(Peer p, protocol::CloseCode code) {
  set_end(side_of(p), CloseCause::closing_handshake, static_cast<std::uint16_t>(code));
  begin_closing_date();
}

void Session::violated(Peer, protocol::CloseCode code, std::string_view reason) {
  const bool big = code == protocol::CloseCode::message_too_big;
  close(CloseBy::edge, big ? CloseCause::message_too_big : CloseCause::protocol_error, code, reason);
}

void Session::lost(Peer p, int error) {
  set_end(side_of(p), CloseCause::connection_lost, static_cast<std::uint16_t>(protocol::CloseCode::abnormal));
  // A stream that failed has nobody left to write to; one that ended in order may still listen.
  if (error != 0) stream(p).cancel();
  begin_closing_date();
}

// A client that has sent a Close and has been sent one is done with, whatever the origin still owes. The server closes
// first (RFC 6455 7.1.1), which towards the client is the edge; an origin in that state is expected to. Who closes first
// also keeps the port for a minute, and the edge has more use for those that lead to origins.
void Session::closing_progress() {
  std::uint8_t steps = 0;
  for (Peer p : {Peer::client, Peer::origin}) {
    steps = static_cast<std::uint8_t>(steps + from(p).close_received() + from(p).close_flushed());
  }
  Relay& to_client = from(Peer::origin);
  if (to_client.close_flushed() && from(Peer::client).said_close()) {
    to_client.finish_sink(*this);
  } else if (to_client.close_flushed() && from(Peer::client).close_received()) {
    to_client.shut_sink(*this);  // who broke the rules may be speaking still, and is read on, or could lose its Close
  }
  if (std::exchange(close_steps_, steps) == steps || closing_date_ == base::kNever) return;
  closing_date_ = std::min(closing_latest_, base::later(loop().now(), kCloseTimeout));
}

bool Session::ends_by_itself(Peer p) {
  const bool told = from(Peer::origin).said_close() && from(Peer::client).close_flushed();
  if (p != Peer::origin || !told || origin_->cancelled()) return false;
  closing_date_ = std::min(closing_latest_, base::later(loop().now(), kOriginEnds));
  set_clock();
  return true;
}

void Session::failed_by_exception(const char* what) {
  loop().caught("a session's relay");
  net::guarded("a line of the log",
               [&] { base::log_error("session {} ({}): {}", record_.session_id(), policy_->name, what); });
  abort(CloseBy::edge, CloseCause::internal_error);
  // No relay is left that could call finish(): the clock does, as soon as it can.
  if (ended()) loop().timers().set(*this, loop().now());
}

void Session::pong_missing(Peer dead) {
  close(CloseBy::edge, CloseCause::pong_timeout, protocol::CloseCode::going_away, reason_of(CloseCause::pong_timeout));
  stream(dead).abort_on_close();
  stream(dead).cancel();
}

void Session::on_clock() {
  if (running_ == 0) return finish();
  const TimePoint now = loop().now();
  if (closing_date_ <= now && close_on_its_way()) {
    closing_date_ = std::min(closing_latest_, base::later(now, kCloseTimeout));
  }
  if (closing_date_ <= now && from(Peer::client).source_ended() && !from(Peer::client).sink_shut()) {
    from(Peer::client).shut_sink(*this);
    closing_date_ = std::min(closing_latest_, base::later(now, kCloseTimeout));
  }
  if (closing_date_ <= now) {
    if (!end_set_) set_end(CloseBy::edge, CloseCause::send_timeout, 1006);
    cut();
    return;
  }
  if (!closing_) {
    if (drained_some()) last_data_ = now;
    if (close_at_ <= now) {
      close(close_at_by_, close_at_cause_, protocol::CloseCode::going_away, reason_of(close_at_cause_));
    } else if (base::later(last_data_, policy_->websocket.connection_timeout) <= now) {
      close(CloseBy::edge, CloseCause::connection_timeout, protocol::CloseCode::going_away,
            reason_of(CloseCause::connection_timeout));
    } else if (keepalive_) {
      for (Peer p : {Peer::client, Peer::origin}) {
        if (!from(p).reading()) keepalive_->unheard(p, now);
        if (from(other(p)).reading()) keepalive_->unasked(p, now);
        switch (keepalive_->check(p, now, from(p).received(), from(other(p)).received() - stream(p).parked())) {
          case Keepalive::Due::nothing: break;
          case Keepalive::Due::ping: from(other(p)).request_ping(*this); break;
          case Keepalive::Due::dead: pong_missing(p); break;
        }
        if (closing_) break;
      }
    }
  }
  set_clock();
}

// One timer for all of a session's dates. It is armed for the earliest; traffic only moves last_data_, and the wheel
// looks again when the old date comes.
void Session::set_clock() {
  if (running_ == 0) return;  // over: it has been set for the last time
  TimePoint next = closing_date_;
  if (!closing_) {
    next = std::min({next, close_at_, base::later(last_data_, policy_->websocket.connection_timeout)});
    if (keepalive_) next = std::min(next, keepalive_->next());
  }
  if (Timer::armed() && Timer::when() <= next && Timer::when() > loop().now()) return;
  loop().timers().set(*this, next);
}

SessionCounts Session::counts() const {
  const auto count = [this](Peer p) {
    const Relay& r = relays_[static_cast<std::size_t>(p)];
    return DirectionCount{r.passed(), r.frames(), r.messages()};
  };
  SessionCounts out;
  out.to_origin = count(Peer::client);
  out.to_client = count(Peer::origin);
  out.age = loop().now() - opened_;
  out.idle = loop().now() - last_data_;
  out.closing = closing_;
  return out;
}

void Session::report() {
  if (!end_set_) set_end(CloseBy::edge, CloseCause::internal_error, 1006);
  SessionEnd end{.by = end_by_, .cause = end_cause_, .code = end_code_, .to_origin = {}, .to_client = {}};
  const SessionCounts counted = counts();
  end.to_origin = counted.to_origin;
  end.to_client = counted.to_client;

  meter_->websocket.sessions_open.sub();
  meter_->websocket.sessions_closed[static_cast<std::size_t>(end.cause)].add();

  AccessRecord r = record_.unpack(policy_->name);
  r.duration_ms = (loop().now() - opened_) / base::milliseconds(1);
  r.bytes_in = end.to_origin.bytes;
  r.bytes_out = end.to_client.bytes;
  r.frames_in = end.to_origin.frames;
  r.frames_out = end.to_client.frames;
  r.messages_in = end.to_origin.messages;
  r.messages_out = end.to_client.messages;
  r.close_by = to_string(end.by);
  r.close_cause = to_string(end.cause);
  r.close_code = end.code;
  list_.log_.write(r);
}

}  // namespace fairlead::edge
