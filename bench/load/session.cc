#include "bench/load/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "bench/load/origin.h"
#include "net/event_loop.h"

namespace fairlead::bench {
namespace {

using net::Task;
using What = FrameReader::What;

constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kMostErrors = 20;  // different ones

}  // namespace

std::string close_frame() {
  return std::string(protocol::encode_close(protocol::CloseCode::normal, {}, MaskKey{0x5a, 0x17, 0xc3, 0x88}).text());
}

void Shared::note(const std::string& error) {
  if (errors.size() < kMostErrors || errors.contains(error)) ++errors[error];
}

Task<bool> Session::open(Opener& opener) {
  const auto begun = base::monotonic_now();
  auto result = co_await opener.open();
  Tally& tally = shared_.tally;
  if (!result) {
    Tally::add(tally.failed);
    shared_.note(base::describe(result.error()));
    co_return false;
  }
  opened_ = std::move(*result);
  tally.opening.add(static_cast<std::uint64_t>((base::monotonic_now() - begun).count()));
  Tally::add(tally.opened);
  Tally::add(tally.open);
  if (opened_.resumed) Tally::add(tally.resumed);
  if (shared_.options.rate == 0) sent_at_.resize(shared_.options.in_flight);
  co_return true;
}

std::uint64_t Session::to_send() const {
  if (!shared_.sending || close_seen_) return 0;
  return shared_.options.rate != 0 ? due_ - sent_ : shared_.options.in_flight - (sent_ - answered_);
}

void Session::wake() {
  if (sender_) std::exchange(sender_, {}).resume();
}

void Session::cancel() {
  if (opened_.stream) opened_.stream->cancel();
}

Task<void> Session::send_messages() {
  while (!over_) {
    std::uint64_t n = to_send();
    const bool leave = shared_.ending && !close_sent_ && (sent_ == answered_ || close_seen_);
    if (n == 0 && pong_.empty() && !leave) {
      co_await Woken{*this};
      continue;
    }
    int error = 0;
    if (n != 0 && shared_.message.frame_size() > kPiece && pong_.empty()) {
      error = co_await send_large();
    } else {
      std::string& batch = shared_.batch;
      batch = std::exchange(pong_, {});
      const base::TimePoint now = base::monotonic_now();
      for (; n != 0 && batch.size() < kPiece; --n, ++sent_) {
        if (!sent_at_.empty()) sent_at_[sent_ % sent_at_.size()] = now;
        batch += shared_.message.stamped(stamp_of(sent_));
      }
      if (leave) {
        close_sent_ = true;
        if (shared_.options.close == CloseWay::tcp) {
          cancel();
          break;
        }
        batch += close_frame();
      }
      error = co_await opened_.stream->write(batch);
    }
    if (error != 0 && !over_ && !close_seen_ && !shared_.ending) fail(fmt::format("writing: {}", std::strerror(error)));
    if (error != 0) break;
  }
  task_ended();
}

// In pieces, so that what a stream has to keep is never a whole message.
Task<int> Session::send_large() {
  if (!sent_at_.empty()) sent_at_[sent_ % sent_at_.size()] = base::monotonic_now();
  const std::string_view frame = shared_.message.stamped(stamp_of(sent_));
  ++sent_;
  for (std::size_t at = 0; at < frame.size(); at += kPiece) {
    const int error = co_await opened_.stream->write(frame.substr(at, kPiece));
    if (error != 0) co_return error;
  }
  co_return 0;
}

Task<void> Session::read_answers() {
  int error = 0;
  while (!over_) {
    const net::Chunk chunk = co_await opened_.stream->read();
    if (chunk.ended()) {
      error = chunk.error;
      break;
    }
    take(chunk.view());
    wake();
  }
  const bool left = close_sent_ && shared_.options.close == CloseWay::tcp;
  if (!close_seen_ && !left && !over_)
    fail(error != 0 ? fmt::format("reading: {}", std::strerror(error)) : "ended without a Close");
  over_ = true;
  Tally& tally = shared_.tally;
  Tally::add(tally.unanswered, std::max(due_, sent_) - answered_);
  tally.open.store(tally.open.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  opened_.stream->cancel();  // a write that nobody will take
  wake();
  task_ended();
}

void Session::task_ended() {
  if (--tasks_ == 0) opened_.stream.reset();
}

void Session::fail(const std::string& why) {
  Tally::add(shared_.tally.broken);
  shared_.note(why);
}

void Session::take(std::string_view chunk) {
  while (!over_) {
    const auto step = frames_.next(chunk);
    const FrameHead& head = frames_.head();
    if (step.what == What::more) return;
    if (step.what == What::broken || head.masked || head.rsv != 0) {
      fail("a frame that breaks the protocol");
      over_ = true;
      return;
    }
    if (step.what == What::head) continue;
    if (!protocol::is_control(head.opcode)) {
      judge(step);
      continue;
    }
    if (head.opcode == Opcode::ping) {
      if (step.at == 0) append_head(pong_, Opcode::pong, true, head.length, &head.key);  // a key of zeros: as it is
      pong_ += step.piece;
    } else if (head.opcode == Opcode::close && step.last) {
      close_seen_ = true;
      if (!close_sent_) {
        fail("closed by the other side");
        close_sent_ = true;
        pong_ += close_frame();
      }
    }
  }
}

void Session::judge(const FrameReader::Step& step) {
  const FrameHead& head = frames_.head();
  const Options& options = shared_.options;
  const std::uint64_t at = message_at_ + step.at;
  const bool content = options.check == Check::content;
  if (content || (options.check == Check::size && options.workload == Workload::echo)) {
    if (at < kStamp) {
      const Stamp stamp = stamp_of(answered_);
      const auto n = std::min<std::size_t>(step.piece.size(), static_cast<std::size_t>(kStamp - at));
      matches_ = matches_ && std::memcmp(step.piece.data(), stamp.data() + at, n) == 0;
    }
    for (std::size_t i = at < kStamp ? static_cast<std::size_t>(kStamp - at) : 0;
         content && matches_ && i < step.piece.size();) {
      const std::string& known = pattern();
      const auto from = static_cast<std::size_t>((at + i) % known.size());
      const std::size_t n = std::min(step.piece.size() - i, known.size() - from);
      matches_ = std::memcmp(step.piece.data() + i, known.data() + from, n) == 0;
      i += n;
    }
  }
  if (!step.last) return;
  message_at_ += head.length;
  if (head.fin) answered();
}

void Session::answered() {
  const Options& options = shared_.options;
  Tally& tally = shared_.tally;
  const std::uint64_t size = std::exchange(message_at_, 0);
  const bool right = std::exchange(matches_, true) &&
                     (options.check == Check::none || options.workload == Workload::send || size == options.size);
  if (sent_ == answered_) {
    Tally::add(tally.wrong);
    shared_.note("a message that answers none");
    return;
  }
  if (!right) {
    Tally::add(tally.wrong);
    shared_.note(size == options.size ? "an answer with other content" : fmt::format("an answer of {} bytes", size));
  }
  const base::TimePoint now = base::monotonic_now();
  if (options.rate != 0) {
    const base::TimePoint was_due =
        shared_.paced_from + offset_ + shared_.interval * static_cast<std::int64_t>(answered_);
    if (was_due >= shared_.measured_from && was_due < shared_.measured_to)
      tally.latency.add(static_cast<std::uint64_t>((now - was_due).count()));
  } else if (shared_.measuring) {
    tally.latency.add(static_cast<std::uint64_t>((now - sent_at_[answered_ % sent_at_.size()]).count()));
  }
  ++answered_;
  if (!shared_.measuring) return;
  Tally::add(tally.exchanges);
  Tally::add(tally.bytes_out, options.workload == Workload::receive ? kStamp : options.size);
  Tally::add(tally.bytes_in, size);
}

}  // namespace fairlead::bench
