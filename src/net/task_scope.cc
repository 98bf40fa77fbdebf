#include "net/task_scope.h"

#include <cassert>

#include "net/guard.h"

namespace fairlead::net {

thread_local std::size_t last_frame_bytes = 0;

TaskScope::TaskScope(EventLoop& loop, ExceptionHandler on_exception)
    : loop_(loop), on_exception_(std::move(on_exception)) {}

TaskScope::~TaskScope() { assert(running_ == 0 && "a TaskScope is joined before it is destroyed"); }

void TaskScope::spawn(Task<void> task) noexcept {
  try {
    drive(this, std::move(task));
  } catch (...) {
    report(std::current_exception());  // no memory for the frame
  }
}

TaskScope::Root TaskScope::drive(TaskScope* scope, Task<void> task) {
  ++scope->running_;  // not before there is a frame
  std::exception_ptr escaped;
  {
    Task<void> mine = std::move(task);  // destroyed before the scope hears of the end
    try {
      co_await std::move(mine);
    } catch (...) {
      escaped = std::current_exception();
    }
  }
  if (escaped) scope->report(escaped);
  scope->ended();
}

void TaskScope::report(std::exception_ptr e) noexcept {
  try {
    std::rethrow_exception(std::move(e));
  } catch (const std::exception& x) {
    loop_.caught("a task");
    if (on_exception_) guarded("a scope's handler", [&] { on_exception_(x.what()); });
  } catch (...) {
    loop_.caught("a task");
    if (on_exception_) guarded("a scope's handler", [&] { on_exception_("unknown exception"); });
  }
}

void TaskScope::ended() noexcept {
  // The joiner is resumed by the loop, not here: it may destroy the scope while this frame still unwinds.
  if (--running_ == 0 && joiner_) loop_.ready(std::exchange(joiner_, {}));
}

}  // namespace fairlead::net
