#pragma once
// StopSource, StopToken, StopCallback: how a task is asked to stop. Single-threaded (one loop), allocation-free:
// callbacks are nodes of a list inside the source. Asking is not cancelling: who asks then awaits the task's end
// (TaskScope::join), so that nothing is destroyed under anybody's feet.

#include <utility>

#include "net/guard.h"

namespace fairlead::net {

class StopSource;

class StopCallbackBase {
 public:
  StopCallbackBase(const StopCallbackBase&) = delete;
  StopCallbackBase& operator=(const StopCallbackBase&) = delete;

 protected:
  StopCallbackBase() = default;
  ~StopCallbackBase() { unlink(); }
  void link(StopSource* source);
  void unlink();

 private:
  friend class StopSource;
  virtual void on_stop() = 0;
  StopCallbackBase* next_ = nullptr;
  StopCallbackBase** prev_ = nullptr;
};

// Owned by whoever may ask (a scope, a session). Must outlive the tokens given out.
class StopSource {
 public:
  StopSource() = default;
  StopSource(const StopSource&) = delete;
  StopSource& operator=(const StopSource&) = delete;

  bool stop_requested() const { return stopped_; }

  // Calls every registered callback once, in no given order. A callback may unregister itself or others. What one
  // throws is caught and logged (guard.h), and the others are called: who asks to stop could do nothing about it, and a
  // callback left out would be a task that never ends.
  void request_stop() noexcept {
    if (std::exchange(stopped_, true)) return;
    while (head_) {
      StopCallbackBase* c = head_;
      c->unlink();
      guarded("a stop callback", [c] { c->on_stop(); });
    }
  }

 private:
  friend class StopCallbackBase;
  StopCallbackBase* head_ = nullptr;
  bool stopped_ = false;
};

inline void StopCallbackBase::link(StopSource* source) {
  next_ = source->head_;
  prev_ = &source->head_;
  if (next_) next_->prev_ = &next_;
  source->head_ = this;
}

inline void StopCallbackBase::unlink() {
  if (!prev_) return;
  *prev_ = next_;
  if (next_) next_->prev_ = prev_;
  prev_ = nullptr;
}

// A view of a StopSource; the default one never stops.
class StopToken {
 public:
  StopToken() = default;
  StopToken(StopSource& source) : source_(&source) {}
  bool stop_requested() const { return source_ && source_->stop_requested(); }
  StopSource* source() const { return source_; }

 private:
  StopSource* source_ = nullptr;
};

// Runs `fn` when stop is asked for, at once if it has been already (then what it throws is the constructor's
// exception); unregisters on destruction.
template <class F>
class StopCallback final : StopCallbackBase {
 public:
  StopCallback(StopToken token, F fn) : fn_(std::move(fn)) {
    if (token.stop_requested()) {
      fn_();
    } else if (token.source()) {
      link(token.source());
    }
  }
  ~StopCallback() = default;

 private:
  void on_stop() override { fn_(); }
  F fn_;
};

}  // namespace fairlead::net
