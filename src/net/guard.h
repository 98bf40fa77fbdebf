#pragma once
// guarded(): the one place where what a callback throws ends. Everything the loop calls that is not a coroutine (a
// handler of readiness, a timer, a posted function, a stop callback, an acceptor's callback) is called through it, so
// that one call's exception (a bug, no memory) costs that call and nothing else: the turn's other work is done, the
// exception is logged with its text, the loop that runs on this thread counts it, and the worker goes on. Coroutines
// have their own place, the scope that owns the task (task_scope.h).
//
// Costs nothing while nothing is thrown. Logging needs no memory of its own: when even the log throws, the line goes to
// standard error as it is.

#include <utility>

namespace fairlead::net {

// Hears of every exception caught on a thread while it is installed there (EventLoop does that while it runs).
class ExceptionListener {
 public:
  virtual void on_exception() noexcept = 0;

 protected:
  ~ExceptionListener() = default;
};

// Installs `listener` on this thread for as long as it lives; the one before comes back after it.
class ListeningHere {
 public:
  explicit ListeningHere(ExceptionListener& listener);
  ~ListeningHere();
  ListeningHere(const ListeningHere&) = delete;
  ListeningHere& operator=(const ListeningHere&) = delete;

 private:
  ExceptionListener* before_;
};

// In a catch block: logs "`where` ended by an exception: TEXT" and tells this thread's listener, if there is one.
void caught(const char* where) noexcept;
// The same for an exception that concerns `listener`, whether or not it is installed.
void caught(const char* where, ExceptionListener& listener) noexcept;

// Calls `f`; false when it threw. `where` is static text, e.g. "a timer".
template <class F>
bool guarded(const char* where, F&& f) noexcept {
  try {
    std::forward<F>(f)();
    return true;
  } catch (...) {
    caught(where);
    return false;
  }
}

}  // namespace fairlead::net
