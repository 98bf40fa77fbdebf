#pragma once
// Worker: one thread with one loop and its share of the sessions, in phases that the run (run.h) announces: open, send,
// measure, stop, close. The public calls may come from another thread; each is a letter to the loop. on_phase is called
// on the worker's thread when what was asked for is done.

#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "bench/load/opening.h"
#include "bench/load/origin.h"
#include "bench/load/pacer.h"
#include "bench/load/session.h"
#include "net/epoll_poller.h"
#include "net/event_loop.h"
#include "net/task_scope.h"

namespace fairlead::bench {

class Worker {
 public:
  // `first` is the number of its first session; `sessions` how many it has.
  Worker(const Options& options, const Destination& to, std::uint32_t first, std::uint32_t sessions,
         std::function<void()> on_phase);
  ~Worker();  // the thread has ended

  // Before start(): an origin on this loop. Errors as of Acceptor::open.
  base::Result<net::SocketAddress> open_origin(const net::SocketAddress& at);
  void start();

  void open_sessions();  // on_phase: all have opened or failed
  void send(base::TimePoint from);
  void measure(base::TimePoint from, base::TimePoint to);
  void stop_measuring();  // on_phase: nothing is counted any more
  void stop_sending();
  void close_sessions();  // on_phase: all are closed
  void finish();          // ends the thread
  void join() { thread_.join(); }

  const Tally& tally() const { return shared_.tally; }
  // After join().
  const std::map<std::string, std::uint64_t>& errors() const { return shared_.errors; }
  // Of the first session that opened.
  const Opened& first_opened() const { return found_; }

 private:
  net::Task<void> open_lane();
  net::Task<void> open_paced();
  net::Task<void> open_one(Session& session);
  net::Task<void> connect_lane();
  net::Task<bool> open_and_close();
  net::Task<void> close_all();
  net::Task<void> give_up_later(net::StopToken stop);
  net::Task<void> finish_all();
  void began(const Opened& opened);
  void one_opened();

  const Options& options_;
  const Destination& to_;
  std::function<void()> on_phase_;
  net::EpollPoller poller_;
  net::EventLoop loop_;
  Shared shared_;
  std::optional<Origin> origin_;
  std::optional<Opener> opener_;
  net::TaskScope scope_;    // sessions
  net::TaskScope leading_;  // what waits for them
  Pacer pacer_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::uint32_t first_;
  std::size_t next_ = 0, attempted_ = 0;
  bool found_any_ = false;
  Opened found_;
  std::thread thread_;
};

}  // namespace fairlead::bench
