#pragma once
// Task<T>: a lazy coroutine with one owner, for everything off the per-message path (a relay's read and write are
// plain awaiters, see byte_stream.h). It starts when awaited, runs on the thread of the loop that resumed it, and
// gives back a value or rethrows what escaped from it.
//
// No symmetric transfer: on g++ 12 a long chain of awaits that complete at once overflows the stack with it (at
// -O0..-O1 and under ASan). Here the awaiting side starts the child and asks whether it has finished already; only a
// child that really waited resumes its parent.
//
// A suspended task is asked to stop (stop_token.h) and then awaited; it is never destroyed while something may still
// resume it.

#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <optional>
#include <utility>

#include "net/frame_memory.h"

namespace fairlead::net {

// The size of the last coroutine frame allocated on this thread, for tests that hold frames to a budget.
extern thread_local std::size_t last_frame_bytes;

namespace detail {

struct PromiseBase {
  std::coroutine_handle<> continuation;  // set only when the parent really waits
  std::exception_ptr exception;

  static void* operator new(std::size_t size) {
    last_frame_bytes = size;
    return take_frame(size);
  }
  static void operator delete(void* p, std::size_t size) { give_frame(p, size); }

  std::suspend_always initial_suspend() noexcept { return {}; }

  struct Final {
    bool await_ready() noexcept { return false; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> self) noexcept {
      // Nothing of this frame may be touched after resume(): the parent destroys it.
      if (auto parent = self.promise().continuation) parent.resume();
    }
    void await_resume() noexcept {}
  };
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  auto get_return_object() noexcept { return std::coroutine_handle<Promise>::from_promise(*this); }
  template <class U>
  void return_value(U&& v) {
    value.emplace(std::forward<U>(v));
  }
  T take() {
    if (exception) std::rethrow_exception(exception);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  auto get_return_object() noexcept { return std::coroutine_handle<Promise>::from_promise(*this); }
  void return_void() noexcept {}
  void take() {
    if (exception) std::rethrow_exception(exception);
  }
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task(Handle h) noexcept : handle_(h) {}
  Task(Task&& o) noexcept : handle_(std::exchange(o.handle_, {})) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  struct Awaiter {
    Handle child;
    bool await_ready() noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> parent) {
      child.resume();
      if (child.done()) return false;
      child.promise().continuation = parent;
      return true;
    }
    T await_resume() { return child.promise().take(); }
  };
  Awaiter operator co_await() && noexcept { return {handle_}; }

 private:
  Handle handle_;
};

}  // namespace fairlead::net
