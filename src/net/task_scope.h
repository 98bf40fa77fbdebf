#pragma once
// TaskScope: owns tasks that run side by side, asks them to stop and waits for their ends. Structured: a scope is
// joined before it is destroyed, so a task never outlives what it refers to. An exception that escapes a task is
// caught here, logged, counted by the loop, handed to the scope's handler, and ends that task only.

#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>

#include "net/event_loop.h"
#include "net/stop_token.h"
#include "net/task.h"

namespace fairlead::net {

class TaskScope {
 public:
  using ExceptionHandler = std::function<void(const char* what)>;

  explicit TaskScope(EventLoop& loop, ExceptionHandler on_exception = {});
  ~TaskScope();  // the scope must be empty
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;

  // Starts `task` now, on the caller's stack, until its first wait. Never throws: a task that cannot be started for
  // want of memory has ended by an exception like any other. Making the task may throw, in the caller: who spawns
  // several that need each other makes them all first.
  void spawn(Task<void> task) noexcept;

  // Counts as a task that runs, for as long as it lives: for what goes on without a coroutine.
  class Hold {
   public:
    explicit Hold(TaskScope& scope) noexcept : scope_(&scope) { ++scope_->running_; }
    Hold() = default;  // of nobody
    Hold(Hold&& o) noexcept : scope_(std::exchange(o.scope_, nullptr)) {}
    Hold& operator=(Hold&& o) noexcept {
      std::swap(scope_, o.scope_);
      return *this;
    }
    ~Hold() {
      if (scope_) scope_->ended();
    }

   private:
    TaskScope* scope_ = nullptr;
  };

  StopToken token() { return stop_; }
  bool stop_requested() const { return stop_.stop_requested(); }
  void request_stop() { stop_.request_stop(); }
  std::size_t size() const { return running_; }

  // Completes when no task is left. One waiter at a time.
  struct Join {
    TaskScope& scope;
    bool await_ready() const { return scope.running_ == 0; }
    void await_suspend(std::coroutine_handle<> h) { scope.joiner_ = h; }
    void await_resume() const {}
  };
  Join join() { return Join{*this}; }

 private:
  // The frame that drives one task and frees itself at its end.
  struct Root {
    struct promise_type {
      static void* operator new(std::size_t size) { return take_frame(size); }
      static void operator delete(void* p, std::size_t size) { give_frame(p, size); }
      Root get_return_object() { return {}; }
      std::suspend_never initial_suspend() noexcept { return {}; }
      std::suspend_never final_suspend() noexcept { return {}; }
      void return_void() {}
      void unhandled_exception() noexcept { std::terminate(); }  // drive() lets nothing out
    };
  };
  static Root drive(TaskScope* scope, Task<void> task);
  void report(std::exception_ptr e) noexcept;
  void ended() noexcept;

  EventLoop& loop_;
  ExceptionHandler on_exception_;
  StopSource stop_;
  std::size_t running_ = 0;
  std::coroutine_handle<> joiner_;
};

}  // namespace fairlead::net
