#include "bench/load/worker.h"

#include <fmt/format.h>

#include <cstring>

namespace fairlead::bench {
namespace {

using net::Task;

constexpr MaskKey kKey{0x37, 0xa9, 0x5c, 0xe1};

}  // namespace

Worker::Worker(const Options& options, const Destination& to, std::uint32_t first, std::uint32_t sessions,
               std::function<void()> on_phase)
    : options_(options),
      to_(to),
      on_phase_(std::move(on_phase)),
      loop_(poller_),
      shared_{.loop = loop_,
              .options = options,
              .message = Message(options.workload == Workload::receive ? kStamp : options.size,
                                 options.text ? Opcode::text : Opcode::binary, kKey)},
      scope_(loop_),
      leading_(loop_),
      pacer_(loop_, [this](std::uint64_t m) { sessions_[m % sessions_.size()]->due(); }),
      first_(first) {
  opener_.emplace(loop_, options_, to_);
  for (std::uint32_t i = 0; i < sessions; ++i) sessions_.push_back(std::make_unique<Session>(shared_, first + i));
}

Worker::~Worker() = default;

base::Result<net::SocketAddress> Worker::open_origin(const net::SocketAddress& at) {
  origin_.emplace(loop_);
  if (auto opened = origin_->open(at); !opened) return std::unexpected(opened.error());
  return origin_->address();
}

void Worker::start() {
  thread_ = std::thread([this] { loop_.run(); });
}

void Worker::began(const Opened& opened) {
  if (std::exchange(found_any_, true)) return;
  found_.tls_version = opened.tls_version;
  found_.cipher = opened.cipher;
  found_.subprotocol = opened.subprotocol;
}

void Worker::one_opened() {
  if (++attempted_ == sessions_.size() && !shared_.ending) on_phase_();
}

// --- opening

void Worker::open_sessions() {
  loop_.post([this] {
    if (options_.workload == Workload::connect) {
      for (std::size_t i = 0; i < sessions_.size(); ++i) scope_.spawn(connect_lane());
      on_phase_();
    } else if (options_.ramp > 0) {
      scope_.spawn(open_paced());
    } else {
      const std::uint32_t lanes = std::max(1u, options_.opening / options_.threads);
      for (std::uint32_t i = 0; i < lanes; ++i) scope_.spawn(open_lane());
    }
  });
}

Task<void> Worker::open_lane() {
  while (next_ < sessions_.size() && !shared_.ending) {
    Session& session = *sessions_[next_++];
    co_await open_one(session);
  }
}

Task<void> Worker::open_paced() {
  const auto from = loop_.now();
  const double each = 1e9 * options_.threads / options_.ramp;
  while (next_ < sessions_.size() && !shared_.ending) {
    const auto when = from + Nanoseconds(static_cast<std::int64_t>(each * static_cast<double>(next_)));
    const bool go_on = co_await loop_.sleep_until(when, scope_.token());
    if (!go_on) co_return;
    scope_.spawn(open_one(*sessions_[next_++]));
  }
}

Task<void> Worker::open_one(Session& session) {
  const bool opened = co_await session.open(*opener_);
  if (opened) {
    began(session.opened());
    scope_.spawn(session.read_answers());
    scope_.spawn(session.send_messages());
  }
  one_opened();
}

// --- connections one after the other

Task<void> Worker::connect_lane() {
  while (!shared_.ending) {
    const bool good = co_await open_and_close();
    // Whoever refuses is not asked again at once.
    if (!good) co_await loop_.sleep_for(std::chrono::milliseconds(10));
  }
}

Task<bool> Worker::open_and_close() {
  Tally& tally = shared_.tally;
  const auto begun = base::monotonic_now();
  auto opened = co_await opener_->open();
  if (!opened) {
    Tally::add(tally.failed);
    shared_.note(base::describe(opened.error()));
    co_return false;
  }
  const auto took = static_cast<std::uint64_t>((base::monotonic_now() - begun).count());
  began(*opened);
  Tally::add(tally.opened);
  if (opened->resumed) Tally::add(tally.resumed);
  tally.opening.add(took);
  bool good = true;
  if (options_.close == CloseWay::websocket) {
    net::ByteStream& stream = *opened->stream;
    const net::StreamDeadline guard(stream, base::later(loop_.now(), options_.timeout));
    const std::string close = close_frame();
    int error = co_await stream.write(close);
    bool seen = false;
    FrameReader frames;
    while (error == 0) {
      const net::Chunk chunk = co_await stream.read();
      error = chunk.error;
      if (chunk.ended()) break;
      std::string_view rest = chunk.view();
      for (auto step = frames.next(rest);
           step.what != FrameReader::What::more && step.what != FrameReader::What::broken; step = frames.next(rest))
        seen = seen || frames.head().opcode == Opcode::close;
    }
    if (!seen) {
      good = false;
      Tally::add(tally.broken);
      shared_.note(error != 0 ? fmt::format("closing: {}", std::strerror(error)) : "ended without a Close");
    }
  }
  if (good && shared_.measuring) {
    Tally::add(tally.exchanges);
    tally.latency.add(took);
  }
  co_return good;
}

// --- messages

void Worker::send(base::TimePoint from) {
  loop_.post([this, from] {
    shared_.sending = options_.workload != Workload::hold && options_.workload != Workload::connect;
    if (!shared_.sending) return;
    if (options_.rate == 0) {
      for (const auto& session : sessions_) session->wake();
      return;
    }
    const Nanoseconds interval(static_cast<std::int64_t>(1e9 * options_.threads / options_.rate));
    shared_.paced_from = from;
    shared_.interval = interval * static_cast<std::int64_t>(sessions_.size());
    for (std::size_t i = 0; i < sessions_.size(); ++i) sessions_[i]->pace(interval * static_cast<std::int64_t>(i));
    if (!pacer_.start(from, interval)) shared_.note("no timer to be had");
  });
}

void Worker::measure(base::TimePoint from, base::TimePoint to) {
  loop_.post([this, from, to] {
    shared_.measured_from = from;
    shared_.measured_to = to;
    shared_.measuring = true;
  });
}

void Worker::stop_measuring() {
  loop_.post([this] {
    shared_.measuring = false;
    on_phase_();
  });
}

void Worker::stop_sending() {
  loop_.post([this] {
    pacer_.stop();
    // What is due is still sent, in an open loop; in a closed one nothing more is.
    if (options_.rate == 0) shared_.sending = false;
  });
}

// --- the end

void Worker::close_sessions() {
  loop_.post([this] { leading_.spawn(close_all()); });
}

Task<void> Worker::close_all() {
  shared_.ending = true;
  scope_.request_stop();  // opening
  for (const auto& session : sessions_) session->wake();
  net::TaskScope waiting(loop_);
  waiting.spawn(give_up_later(waiting.token()));
  co_await scope_.join();
  waiting.request_stop();
  co_await waiting.join();
  on_phase_();
}

Task<void> Worker::give_up_later(net::StopToken stop) {
  const bool too_late = co_await loop_.sleep_for(options_.timeout, stop);
  if (!too_late) co_return;
  shared_.note("no answer in time at the end");
  for (const auto& session : sessions_) session->cancel();
}

void Worker::finish() {
  loop_.post([this] { leading_.spawn(finish_all()); });
}

Task<void> Worker::finish_all() {
  co_await opener_->stop();
  if (origin_) co_await origin_->stop();
  loop_.quit();
}

}  // namespace fairlead::bench
