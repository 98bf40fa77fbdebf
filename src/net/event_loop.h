#pragma once
// EventLoop: the only thing in a worker thread that waits. Owns the timer wheel, the shared read buffer and the queue
// of coroutines ready to go on; an object belongs to one loop for life. now() changes only between turns, so that all
// that happens in a turn happens at one time. post() is the one call other threads may make.
//
// A turn: wait for readiness, deliver it, fire due timers, run posted functions, resume what became ready. Objects that
// must not die while the turn's events still point to them are protected by Poller::forget.
//
// What a callback throws (guard.h) or a task lets escape (task_scope.h) is logged and counted here, and costs nothing
// but that call: the turn goes on with the rest of its work. Waking needs no memory: the queues have room from the
// start and keep it; a storm that outgrows them while memory is short ends the process with a line in the log, because
// a coroutine that is never resumed would be a connection that never ends.

#include <atomic>
#include <coroutine>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "net/guard.h"
#include "net/pipe_pool.h"
#include "net/poller.h"
#include "net/stop_token.h"
#include "net/timer_wheel.h"
#include "net/waiter.h"

namespace fairlead::net {

class ByteStream;

class EventLoop : private ExceptionListener {
 public:
  // Big enough that bulk transfer is bounded by the kernel, small enough to stay in the second-level cache.
  static constexpr std::size_t kReadBuffer = 64 * 1024;

  explicit EventLoop(Poller& poller);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Runs until quit(), or, over the simulated poller, until nothing can happen any more. A wait that throws (no memory
  // in the poller) is logged, counted and tried again; what throws kMostFailures times in a row is given to the caller,
  // whose loop cannot go on.
  void run();
  static constexpr int kMostFailures = 8;
  // Runs until `done()` says so after some turn (tests).
  void run_until(const std::function<bool()>& done);
  // From the loop's thread: run() returns after this turn; asked for between two run()s, the next returns at once.
  void quit();

  // Called for each exception caught on this loop, after it was logged; it must not throw. Replaces the one before; an
  // empty one for none.
  void on_exceptions(std::move_only_function<void()> handler) { on_exception_ = std::move(handler); }
  // In a catch block: logs and counts what was caught by something that belongs to this loop.
  void caught(const char* where) noexcept { net::caught(where, *this); }

  TimePoint now() const { return now_; }
  Poller& poller() { return poller_; }
  TimerWheel& timers() { return timers_; }
  PipePool& pipes() { return pipes_; }

  // Resumes `h` later in this turn, from the loop's own stack: the way to wake a coroutine from inside another.
  void ready(Waiter h) noexcept {
    if (ready_.size() == ready_.capacity()) [[unlikely]]
      make_room(ready_);
    ready_.push_back(h);
  }

  // Resumes `h` when all that this turn brought has been dealt with: for who gathers what others produce, so that many
  // small writes become one.
  void ready_at_end(Waiter h) noexcept {
    if (at_end_.size() == at_end_.capacity()) make_room(at_end_);
    at_end_.push_back(h);
  }

  // Runs `fn` on the loop's thread. Any thread; the functions of one thread run in order. What is still in the box when
  // the loop stops for good is destroyed with the loop, not run. When there is no memory for the letter, post() throws
  // and nothing was posted.
  void post(std::move_only_function<void()> fn);

  // Looks at `stream` again in the next turn, as if it had become readable: it holds bytes the poller does not know of.
  void defer(ByteStream* stream) noexcept;
  void undefer(ByteStream* stream);

  // The one buffer every read of this loop goes to; lent until the reader's next suspension.
  char* read_buffer() { return buffer_.get(); }

  // While it lives, what was read stays as it is whoever reads meanwhile (to another buffer): for one read whose bytes
  // go to several readers.
  class KeepReadBuffer {
   public:
    explicit KeepReadBuffer(EventLoop& loop)
        : loop_(loop), kept_(loop.spare_ ? std::move(loop.spare_) : std::make_unique<char[]>(kReadBuffer)) {
      kept_.swap(loop_.buffer_);
    }
    ~KeepReadBuffer() { loop_.spare_ = std::move(kept_); }
    KeepReadBuffer(const KeepReadBuffer&) = delete;
    KeepReadBuffer& operator=(const KeepReadBuffer&) = delete;

   private:
    EventLoop& loop_;
    std::unique_ptr<char[]> kept_;
  };

  // co_await loop.sleep_until(t[, token]): true when the time came, false when asked to stop.
  class Sleep;
  Sleep sleep_until(TimePoint when, StopToken token = {});
  Sleep sleep_for(Duration d, StopToken token = {});

 private:
  static constexpr std::size_t kRoom = 4096;  // of each queue: eight times what one wait of the poller brings
  template <class T>
  static void make_room(std::vector<T>& queue) noexcept;
  void on_exception() noexcept override;

  bool turn();  // false: stuck
  void run_posted();
  void run_deferred();
  void run_ready();
  void run_at_end();

  Poller& poller_;
  TimePoint now_;
  TimerWheel timers_;
  PipePool pipes_;
  std::unique_ptr<char[]> buffer_, spare_;
  std::vector<Waiter> ready_, running_, at_end_;
  std::vector<ByteStream*> deferred_, looking_;
  bool quit_ = false;
  std::move_only_function<void()> on_exception_;

  std::mutex mailbox_mutex_;
  std::vector<std::move_only_function<void()>> mailbox_;
  std::atomic<bool> mail_{false};
};

class EventLoop::Sleep {
 public:
  Sleep(EventLoop& loop, TimePoint when, StopToken token) : loop_(loop), when_(when), token_(token) {}
  bool await_ready() const { return token_.stop_requested() || when_ <= loop_.now(); }
  void await_suspend(std::coroutine_handle<> h);
  bool await_resume();

 private:
  struct Node final : Timer {
    explicit Node(Fire f) : Timer(f) {}
    Sleep* owner = nullptr;
  };
  struct Stop {
    Sleep* owner;
    void operator()() const;
  };
  void wake();
  EventLoop& loop_;
  TimePoint when_;
  StopToken token_;
  std::coroutine_handle<> waiter_;
  bool stopped_ = false;
  std::optional<Node> timer_;
  std::optional<StopCallback<Stop>> stop_;
};

}  // namespace fairlead::net
