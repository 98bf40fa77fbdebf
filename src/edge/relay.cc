#include "edge/relay.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "edge/session.h"

namespace fairlead::edge {

using protocol::FrameScanner;

namespace {

// "Look up": a read that is interrupted only so that the relay sees what is asked of it.
constexpr int kLookUp = EINTR;

const unsigned char* raw(const char* p) { return reinterpret_cast<const unsigned char*>(p); }

}  // namespace

inline FrameScanner::Step Relay::scan(const char* data, std::size_t size) {
  if (!(flags_ & kDiscard)) [[likely]]
    return scanner_.scan(raw(data), size, &meter_->tally);
  const std::uint64_t frames = scanner_.frames(), messages = scanner_.messages();
  const FrameScanner::Step step = scanner_.scan(raw(data), size);
  dropped_frames_ += static_cast<std::uint32_t>(scanner_.frames() - frames);
  dropped_messages_ += static_cast<std::uint32_t>(scanner_.messages() - messages);
  return step;
}

// Between large frames the header is read by itself, so that nothing of the payload behind it must be copied.
inline net::ByteStream::Read Relay::next_read(Session& session) const {
  net::ByteStream& source = session.stream(from_);
  std::size_t most = net::EventLoop::kReadBuffer;
  if (const std::uint64_t left = scanner_.data_left(); left >= kLarge || (flags_ & kBulk)) [[unlikely]] {
    if (source.passes_to(session.stream(other(from_))) && !(flags_ & (kDiscard | kHolding))) {
      const auto within = static_cast<std::size_t>(std::min<std::uint64_t>(left, net::PipePool::kFill));
      if (left >= kPipeFrom) return source.read_through(within);
      if (left != 0) most = within;
      if (scanner_.at_boundary()) most = kLongestHeader;
    }
  }
  return source.read(most);
}

// Of a chunk that was read into memory: whether it belongs to large frames. True when it is nothing but the header of
// one, which is of no use to the sink without the payload and may wait to go with it.
inline bool Relay::note_bulk(net::Chunk chunk) {
  const bool header = chunk.size <= kLongestHeader;
  if (flags_ & kBulk) {
    if (scanner_.data_left() >= kLarge) return header && scanner_.last_boundary() == FrameScanner::kNoBoundary;
    if (header || !scanner_.at_boundary()) clear(kBulk);
  } else if (scanner_.last_boundary() == FrameScanner::kNoBoundary || chunk.size - scanner_.last_boundary() >= kLarge) {
    set(kBulk);
  }
  return false;
}

// True: here is what came. False: the relay is resumed when something has.
inline bool Relay::read(net::Chunk& chunk) {
  net::ByteStream::Read& wait = *std::construct_at(&wait_.read, next_read(session_));
  set(kReading);
  if (!wait.await_ready() && wait.await_suspend(net::Waiter(*this))) return false;
  clear(kReading);
  chunk = wait.await_resume();
  return true;
}

// The outcome of a write is known: true. False: the relay is resumed when it is.
inline bool Relay::settle(int& error) {
  if (error != EAGAIN) [[likely]]
    return true;
  net::ByteStream::Flush& wait = *std::construct_at(&wait_.flush, session_.stream(other(from_)).flush());
  if (!wait.await_ready()) {
    wait.await_suspend(net::Waiter(*this));
    return false;
  }
  error = wait.await_resume();
  return true;
}

// With the outcome of the write that was under way, until the next wait or the end.
void Relay::run(int error) {
  while (passed_on(session_, error)) {
    net::Chunk chunk{nullptr, 0, kLookUp};
    if (!own_due() && !read(chunk)) return;
    error = pass(session_, chunk);
    if (!settle(error)) return;
  }
  if (!end(session_)) return;
  set(kEnded);
  session_.loop().ready(net::Waiter(*this));  // with nobody else on the stack
}

void Relay::go_on() {
  if (!(flags_ & kReading)) return run(wait_.flush.await_resume());
  clear(kReading);
  int error = pass(session_, wait_.read.await_resume());
  if (settle(error)) run(error);
}

void Relay::resume() {
  if (flags_ & kEnded) return session_.finish();
  try {
    go_on();
  } catch (const std::exception& e) {
    session_.failed_by_exception(e.what());
  } catch (...) {
    session_.failed_by_exception("unknown exception");
  }
}

void Relay::start() {
  try {
    run(0);
  } catch (const std::exception& e) {
    session_.failed_by_exception(e.what());
  } catch (...) {
    session_.failed_by_exception("unknown exception");
  }
}

// From one wait to the next: what is to be written for this chunk, and writing it as far as the sink takes it.
inline int Relay::pass(Session& session, net::Chunk chunk) {
  net::ByteStream& sink = session.stream(other(from_));
  writing_ = passing_ = 0;
  if (chunk.in_pipe()) {
    // Own frames that are asked for have their turn behind it: it ends where the frame does, or before.
    received_ += chunk.size;
    scanner_.skip(chunk.size, &meter_->tally);
    set(kBulk);
  } else if (chunk.size != 0) [[likely]] {
    received_ += chunk.size;
    const FrameScanner::Step step = scan(chunk.data, chunk.size);
    const bool fast = step.event == FrameScanner::Event::more && !(flags_ & kSlow) && scanner_.partial_header() == 0 &&
                      !scanner_.in_control();
    if (!fast) [[unlikely]]
      return write_slowly(session, chunk, step);
  } else {
    return write_slowly(session, chunk, {});
  }
  session.last_data_ = session.loop().now();
  const bool more = !chunk.in_pipe() && ((flags_ & kBulk) || chunk.size >= kLarge) && note_bulk(chunk);
  writing_ = passing_ = chunk.size;
  return sink.begin_write(chunk, more);
}

int Relay::write_slowly(Session& session, net::Chunk chunk, FrameScanner::Step step) {
  std::string out;
  set(kSlowly);
  if (chunk.size != 0) {
    pass_slowly(session, chunk, step, out);
  } else if (chunk.error != kLookUp) {
    set(kOver);
    append_last(session, out);
  } else if (own_due()) {
    append_own(session, out);
  }
  writing_ = static_cast<std::uint32_t>(out.size());
  return out.empty() ? 0 : session.stream(other(from_)).begin_write({out.data(), writing_, 0});
}

// The sink has taken it, or has failed. False when the source is over, too.
inline bool Relay::passed_on(Session& session, int error) {
  if (error == 0 && !(flags_ & kSlowly)) [[likely]] {
    count_passed(writing_);
    return true;
  }
  return passed_slowly(session, error);
}

bool Relay::passed_slowly(Session& session, int error) {
  clear(kSlowly);
  // Counted is what the sink took: bytes that nobody got are nobody's to pay.
  const Peer to = other(from_);
  const std::size_t lost = error != 0 ? std::min<std::size_t>(writing_, session.stream(to).unsent()) : 0;
  count_passed(std::min<std::size_t>(writing_ - lost, passing_));
  if (flags_ & kOver) return false;
  if (error != 0) {
    // What the source still has to say is read and dropped, so that its own end arrives and closing it does not reset
    // the bytes it was sent last.
    set(kDiscard);
    session.lost(to, error);
  } else if ((flags_ & (kCloseWritten | kCloseFlushed)) == kCloseWritten) {
    set(kCloseFlushed);
  }
  if (flags_ & (kCloseFlushed | kCloseReceived)) session.closing_progress();
  return true;
}

// True when it was the last of the session's relays, whose owner is to be told.
bool Relay::end(Session& session) {
  set(kSourceEnded);
  session.lost(from_, session.stream(from_).cancelled() ? ECANCELED : 0);
  if (!session.last_relay()) {
    if (!session.ends_by_itself(other(from_))) shut_sink(session);
  } else if (!(flags_ & kSinkShut)) {
    session.stream(other(from_)).shutdown_before_close();  // both sides are over: their streams go with the session
  }
  return session.ended();
}

// The source is over. Bytes held back were its last; a Close of the edge's own may still be owed to the sink.
void Relay::append_last(Session& session, std::string& out) {
  if ((flags_ & kCloseWanted) && sink_at_boundary()) {
    append_own(session, out);
  } else if ((flags_ & kHolding) && !(flags_ & kDiscard)) {
    release_held(out);
  }
}

void Relay::wake(Session& session) {
  if (flags_ & kReading) session.stream(from_).interrupt_read(kLookUp);
}

void Relay::request_ping(Session& session) {
  if (flags_ & (kCloseWritten | kCloseWanted | kDiscard)) return;
  set(kPingWanted);
  wake(session);
}

void Relay::request_close(Session& session) {
  if (flags_ & (kCloseWritten | kCloseWanted | kDiscard)) return;
  set(kCloseWanted);
  wake(session);
}

void Relay::append_own(Session& session, std::string& out) {
  const Peer to = other(from_);
  std::optional<protocol::MaskKey> mask;
  if (to == Peer::origin) {
    const std::uint32_t key = session.list_.next_mask();
    std::memcpy(mask.emplace().data(), &key, sizeof key);
  }
  if (!(flags_ & kDiscard)) {
    if (flags_ & kCloseWanted) {
      out += protocol::encode_close(session.close_code_, {session.close_reason_, session.close_reason_size_}, mask).text();
      set(kCloseWritten | kDiscard);
      drop_held();
    } else if ((flags_ & kPingWanted) && session.keepalive_) {
      out += protocol::encode_ping(session.keepalive_->nonce(to), mask).text();
      session.keepalive_->ping_written(to, session.loop().now(), session.from(to).received());
      session.set_clock();
    }
  }
  clear(kPingWanted | kCloseWanted);
}

void Relay::release_held(std::string& out) {
  out.append(held_.data(), held_size_);
  passing_ += held_size_;
  drop_held();
}

void Relay::drop_held() {
  held_size_ = 0;
  clear(kHolding);
}

void Relay::shut_sink(Session& session) {
  if (flags_ & kSinkShut) return;
  set(kSinkShut | kDiscard);
  session.stream(other(from_)).shutdown_write();
}

void Relay::finish_sink(Session& session) {
  if (flags_ & kSinkShut) return;
  set(kSinkShut | kDiscard);
  session.stream(other(from_)).finish();
}

bool Relay::is_own_pong(Session& session) const {
  return session.keepalive_ && scanner_.control_opcode() == protocol::Opcode::pong && scanner_.control_length() == 8 &&
         std::equal(scanner_.control_head().begin(), scanner_.control_head().end(),
                    session.keepalive_->nonce(from_).begin());
}

std::uint32_t Relay::undecided(Session& session) const {
  if (flags_ & kDiscard) return 0;
  if (const std::uint32_t header = scanner_.partial_header()) return header;
  if (!scanner_.in_control()) return 0;
  const bool pong =
      session.keepalive_ && scanner_.control_opcode() == protocol::Opcode::pong && scanner_.control_length() == 8;
  const bool close = scanner_.control_opcode() == protocol::Opcode::close && scanner_.control_captured() < 2 &&
                     scanner_.control_length() >= 2 && scanner_.control_length() != 255;
  if (!pong && !close) return 0;
  return scanner_.control_frame_size() - scanner_.control_length() + scanner_.control_captured();
}

void Relay::pass_slowly(Session& session, net::Chunk chunk, FrameScanner::Step step, std::string& out) {
  const char* const data = chunk.data;
  const std::uint32_t size = chunk.size;
  std::uint32_t at = 0;                                // scanned up to here
  std::uint32_t kept = 0;                              // bytes before this are in `out`, or were dropped
  std::uint32_t boundary = FrameScanner::kNoBoundary;  // the last offset at which a frame ended
  const auto keep = [&](std::uint32_t upto) {
    if (upto <= kept) return;
    if (flags_ & kDiscard) {
      drop_held();
    } else {
      release_held(out);
      out.append(data + kept, upto - kept);
      passing_ += upto - kept;
    }
    kept = upto;
  };
  std::uint32_t own = 0;  // bytes of the answers to the edge's own Pings
  bool dropping = flags_ & kDiscard;

  for (;;) {
    if (scanner_.last_boundary() != FrameScanner::kNoBoundary) boundary = at + scanner_.last_boundary();
    at += step.consumed;
    if (step.event == FrameScanner::Event::more) break;
    if (step.event == FrameScanner::Event::violation) {
      keep(at);
      drop_held();
      // Behind a Close nothing is relayed anyway, and a Pong that crossed it is no fault (RFC 6455 5.5.1).
      if (flags_ & kCloseReceived) return set(kDiscard);
      // The sink stands at a boundary, and the scanner will not find this peer's Close any more: count it as come.
      set(kCloseReceived | kBroken);
      session.last_data_ = session.loop().now();
      session.violated(from_, scanner_.violation_code(), scanner_.violation_reason());
      append_own(session, out);
      set(kDiscard);
      return;
    }
    boundary = at;  // a control frame ended here
    const bool own_pong = is_own_pong(session);
    if (!own_pong && !dropping) meter_->tally.of(protocol::frame_kind(scanner_.control_opcode())).add();
    if (own_pong) {
      // The answer to the edge's own Ping is for the edge alone: neither relayed nor counted.
      const std::uint32_t frame = scanner_.control_frame_size();
      if (frame > at - kept) {
        drop_held();  // it began in bytes held back
      } else {
        keep(at - frame);
      }
      kept = at;
      received_ -= frame;
      if (!dropping) scanner_.forget_control();
      own += frame;
      session.keepalive_->pong_received(from_);
    } else if (scanner_.control_opcode() == protocol::Opcode::close && !(flags_ & kCloseReceived)) {
      keep(at);
      set(kCloseReceived);
      if (!(flags_ & kDiscard)) set(kCloseWritten | kDiscard);
      session.close_passed(from_, scanner_.close_code());
    }
    if (at == size) break;
    dropping = flags_ & kDiscard;
    step = scan(data + at, size - at);
  }

  // In the middle of a frame now, but one ended in this chunk: what the edge has to say goes between.
  if ((flags_ & (kPingWanted | kCloseWanted)) && boundary != FrameScanner::kNoBoundary && boundary >= kept &&
      !scanner_.at_boundary()) {
    keep(boundary);
    append_own(session, out);
  }

  const std::uint32_t tail = undecided(session);
  assert(tail <= held_.size());
  const std::uint32_t rest = size - kept;
  if (tail == 0) {
    keep(size);
  } else if (tail <= rest) {
    keep(size - tail);
    std::memcpy(held_.data(), data + size - tail, tail);
    held_size_ = static_cast<std::uint8_t>(tail) & 0x7f;
    kept = size;
  } else {
    // It began in bytes held back already.
    std::memcpy(held_.data() + held_size_, data + kept, rest);
    held_size_ = static_cast<std::uint8_t>(held_size_ + rest) & 0x7f;
  }
  if (held_size_ != 0) set(kHolding);
  // R3: the answers to the edge's own Pings are no data, nor is what may yet turn out to be one.
  if (own + (session.keepalive_ ? tail : 0) < size) session.last_data_ = session.loop().now();
}

}  // namespace fairlead::edge
