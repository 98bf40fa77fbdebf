#include "net/event_loop.h"

#include <algorithm>
#include <cstdlib>

#include "net/byte_stream.h"

namespace fairlead::net {

EventLoop::EventLoop(Poller& poller)
    : poller_(poller),
      now_(poller.now()),
      timers_(now_),
      pipes_(poller),
      buffer_(std::make_unique<char[]>(kReadBuffer)) {
  for (auto* queue : {&ready_, &running_, &at_end_}) queue->reserve(kRoom);
  for (auto* queue : {&deferred_, &looking_}) queue->reserve(kRoom);
}

EventLoop::~EventLoop() = default;

template <class T>
void EventLoop::make_room(std::vector<T>& queue) noexcept {
  try {
    queue.reserve(2 * queue.size());
  } catch (...) {
    net::caught("making room for what is to be resumed, which cannot wait,");
    std::abort();
  }
}
template void EventLoop::make_room(std::vector<Waiter>&) noexcept;

void EventLoop::on_exception() noexcept {
  if (on_exception_) on_exception_();
}

void EventLoop::post(std::move_only_function<void()> fn) {
  {
    std::lock_guard lock(mailbox_mutex_);
    mailbox_.push_back(std::move(fn));
  }
  // Only the first letter since the box was emptied needs to ring.
  if (!mail_.exchange(true, std::memory_order_acq_rel)) poller_.wake();
}

void EventLoop::run_posted() {
  if (!mail_.exchange(false, std::memory_order_acq_rel)) return;
  std::vector<std::move_only_function<void()>> letters;
  {
    std::lock_guard lock(mailbox_mutex_);
    letters.swap(mailbox_);
  }
  for (auto& fn : letters) {
    guarded("a posted function", fn);
    run_ready();
  }
}

void EventLoop::run_ready() {
  while (!ready_.empty()) {
    running_.swap(ready_);
    // Index loop: what is resumed may make others ready, which goes to ready_, never to this list.
    for (std::size_t i = 0; i < running_.size(); ++i) guarded("a coroutine", running_[i]);
    running_.clear();
  }
}

void EventLoop::run_at_end() {
  // Once: what asks again while this runs has produced more, and waits for the next turn's end.
  ready_.swap(at_end_);
  run_ready();
}

void EventLoop::defer(ByteStream* stream) noexcept {
  if (stream->deferred_) return;
  if (deferred_.size() == deferred_.capacity()) make_room(deferred_);
  stream->deferred_ = true;
  deferred_.push_back(stream);
}

void EventLoop::undefer(ByteStream* stream) {
  stream->deferred_ = false;
  std::erase(deferred_, stream);
  std::replace(looking_.begin(), looking_.end(), stream, static_cast<ByteStream*>(nullptr));
}

void EventLoop::run_deferred() {
  if (deferred_.empty()) return;
  looking_.swap(deferred_);
  for (std::size_t i = 0; i < looking_.size(); ++i) {
    ByteStream* s = looking_[i];
    if (!s) continue;
    looking_[i] = nullptr;
    s->deferred_ = false;
    guarded("reading what was buffered", [s] { s->readable(); });
    run_ready();
  }
  looking_.clear();
}

bool EventLoop::turn() {
  bool stuck = false;
  TimePoint until = timers_.next();
  if (mail_.load(std::memory_order_acquire) || !ready_.empty() || !at_end_.empty() || !deferred_.empty()) {
    until = now_;
  }
  const auto batch = poller_.wait(until, &stuck);
  now_ = poller_.now();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    // One call a side: the first may end with the destruction of `who`, which Poller::forget notes in the batch.
    const Events events = batch[i].events;
    guarded("a writable handle's owner", [&] {
      if (batch[i].who && (events & kWritable)) batch[i].who->on_ready(kWritable);
    });
    guarded("a readable handle's owner", [&] {
      if (batch[i].who && (events & ~kWritable)) batch[i].who->on_ready(events & ~kWritable);
    });
    if (!ready_.empty()) run_ready();
  }
  run_deferred();
  timers_.advance(now_);
  run_ready();
  run_posted();
  run_ready();
  run_at_end();
  return !stuck;
}

void EventLoop::run() {
  const ListeningHere here(*this);
  run_ready();
  int failures = 0;
  bool stuck = false;
  while (!quit_ && !stuck) {
    try {
      stuck = !turn();
      failures = 0;
    } catch (...) {
      if (++failures == kMostFailures) throw;
      caught("a turn of the loop");
    }
  }
  quit_ = false;
}

void EventLoop::run_until(const std::function<bool()>& done) {
  const ListeningHere here(*this);
  run_ready();
  while (!done() && turn()) {
  }
}

void EventLoop::quit() { quit_ = true; }

EventLoop::Sleep EventLoop::sleep_until(TimePoint when, StopToken token) { return Sleep(*this, when, token); }
EventLoop::Sleep EventLoop::sleep_for(Duration d, StopToken token) { return Sleep(*this, base::later(now_, d), token); }

void EventLoop::Sleep::await_suspend(std::coroutine_handle<> h) {
  waiter_ = h;
  timer_.emplace([](Timer& t) { static_cast<Node&>(t).owner->wake(); });
  timer_->owner = this;
  loop_.timers().set(*timer_, when_);
  stop_.emplace(token_, Stop{this});
}

bool EventLoop::Sleep::await_resume() { return !stopped_ && !token_.stop_requested(); }

void EventLoop::Sleep::Stop::operator()() const {
  owner->stopped_ = true;
  owner->wake();
}

void EventLoop::Sleep::wake() {
  timer_->cancel();
  if (waiter_) loop_.ready(std::exchange(waiter_, {}));
}

}  // namespace fairlead::net
