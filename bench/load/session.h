#pragma once
// Session: one WebSocket session of the load, from its opening to its Close. Two tasks: one reads and judges answers,
// one sends what is due; the reader wakes the sender, which is a call, not a turn of the loop. Owned by its worker,
// whose Tally it adds to.
//
// Closed loop: up to `in_flight` messages under way, each timed from when it was sent. Open loop: the worker's pacer
// says how many messages are due; each is timed from when it was due, whether or not it could be sent then, so that a
// stall counts with all it delayed.

#include <coroutine>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/frames.h"
#include "bench/load/histogram.h"
#include "bench/load/message.h"
#include "bench/load/opening.h"
#include "net/byte_stream.h"
#include "net/task.h"

namespace fairlead::bench {

// What a worker counts. Read by the reporting thread while it runs, hence atomic; one writer.
struct Tally {
  using Cell = std::atomic<std::uint64_t>;
  static void add(Cell& cell, std::uint64_t n = 1) {
    cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  Cell open{0};                    // sessions now
  Cell opened{0};                  // in all
  Cell failed{0};                  // did not open
  Cell broken{0};                  // ended though nobody asked them to
  Cell wrong{0};                   // answers that are not what they should be
  Cell resumed{0};                 // TLS handshakes
  Cell exchanges{0};               // messages answered while measuring
  Cell bytes_out{0}, bytes_in{0};  // payload of these
  Cell unanswered{0};
  Histogram latency;  // of exchanges; of openings where nothing is exchanged
  Histogram opening;
};

// Everything sessions of a worker share; all of it outlives them.
struct Shared {
  net::EventLoop& loop;
  const Options& options;
  Tally tally{};
  Message message;
  std::map<std::string, std::uint64_t> errors{};  // words of what failed, how often
  bool sending = false;                           // messages are to be sent
  bool measuring = false;
  bool ending = false;                             // close when all is answered
  base::TimePoint measured_from{}, measured_to{};  // open loop: due dates that count
  base::TimePoint paced_from{};
  Nanoseconds interval{0};  // between two messages of one session, open loop
  std::string batch{};      // frames about to be written; streams copy what they cannot write at once

  void note(const std::string& error);
};

class Session {
 public:
  Session(Shared& shared, std::uint32_t number) : shared_(shared), number_(number) {}

  // True when it opened; else the tally and the errors say why not.
  net::Task<bool> open(Opener& opener);
  const Opened& opened() const { return opened_; }
  bool is_open() const { return opened_.stream != nullptr && !over_; }

  // The two tasks of an open session. Both end soon after Shared::ending is set and wake() was called.
  net::Task<void> read_answers();
  net::Task<void> send_messages();
  // Something changed: see whether anything is to be sent.
  void wake();
  // Open loop: another message is due.
  void due() {
    ++due_;
    wake();
  }
  // When the session's first message is due, from Shared::paced_from.
  void pace(Nanoseconds offset) { offset_ = offset; }
  // Gives up waiting.
  void cancel();

 private:
  // Waits for wake().
  struct Woken {
    Session& session;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> h) { session.sender_ = h; }
    void await_resume() const {}
  };

  std::uint64_t to_send() const;
  Stamp stamp_of(std::uint64_t message) const {
    return make_stamp(static_cast<std::uint32_t>(message) + number_ * 2654435761u);
  }
  net::Task<int> send_large();
  void take(std::string_view chunk);
  void judge(const FrameReader::Step& step);
  void answered();
  void fail(const std::string& why);
  void task_ended();

  Shared& shared_;
  std::uint32_t number_;
  Opened opened_;
  std::coroutine_handle<> sender_;
  int tasks_ = 2;  // the stream is closed with the last of them
  bool over_ = false, close_sent_ = false, close_seen_ = false;

  std::uint64_t sent_ = 0, answered_ = 0, due_ = 0;
  std::vector<base::TimePoint> sent_at_;  // closed loop: a ring of in_flight
  Nanoseconds offset_{0};

  FrameReader frames_;
  std::uint64_t message_at_ = 0;  // payload of the answer under way
  bool matches_ = true;
  std::string pong_;  // to be sent before the next message
};

// A masked Close with code 1000.
std::string close_frame();

}  // namespace fairlead::bench
