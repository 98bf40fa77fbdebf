#include "net/task_scope.h"

#include <cassert>

#include "base/log.h"

namespace fairlead::net {

thread_local std::size_t last_frame_bytes = 0;

TaskScope::TaskScope(EventLoop& loop, ExceptionHandler on_exception)
    : loop_(loop), on_exception_(std::move(on_exception)) {}

TaskScope::~TaskScope() { assert(running_ == 0 && "a TaskScope is joined before it is destroyed"); }

void TaskScope::spawn(Task<void> task) {
  ++running_;
  drive(this, std::move(task));
}

TaskScope::Root TaskScope::drive(TaskScope* scope, Task<void> task) {
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

void TaskScope::report(std::exception_ptr e) {
  const char* what = "unknown exception";
  try {
    std::rethrow_exception(e);
  } catch (const std::exception& x) {
    what = x.what();
    base::log_error("a task ended by an exception: {}", what);
    if (on_exception_) on_exception_(what);
  } catch (...) {
    base::log_error("a task ended by an exception of unknown type");
    if (on_exception_) on_exception_(what);
  }
}

void TaskScope::ended() {
  // The joiner is resumed by the loop, not here: it may destroy the scope while this frame still unwinds.
  if (--running_ == 0 && joiner_) loop_.ready(std::exchange(joiner_, {}));
}

}  // namespace fairlead::net
