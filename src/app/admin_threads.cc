#include "app/admin_threads.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace fairlead::app {

AdminPool::AdminPool(unsigned threads, std::size_t most_waiting) : most_waiting_(most_waiting) {
  try {
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back(&AdminPool::work, this);
  } catch (...) {
    join();
    throw;
  }
}

bool AdminPool::submit(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (stop_ || jobs_.size() >= most_waiting_) return false;
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

bool AdminPool::busy() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size() > resting_;
}

void AdminPool::join() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (auto& t : threads_) t.join();
  threads_.clear();
}

void AdminPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++resting_;
    wake_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    --resting_;
    if (jobs_.empty()) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it held ends here, not under the lock
    lock.lock();
  }
}

IdleConnections::IdleConnections(std::size_t most, base::milliseconds time, base::milliseconds linger_time,
                                 std::function<void(Connection)> ready)
    : most_(most),
      time_(time),
      linger_time_(linger_time),
      ready_(std::move(ready)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  try {
    thread_ = std::thread(&IdleConnections::watch, this);
  } catch (...) {
    ::close(wake_);
    throw;
  }
}

void IdleConnections::add(List& list, Connection connection, base::milliseconds time) {
  Connection evicted;  // ends after the lock
  const std::lock_guard lock(mutex_);
  if (stop_) return;
  if (list.size() >= most_) {
    evicted = std::move(list.front().connection);
    list.pop_front();
  }
  list.push_back({std::move(connection), base::later(base::monotonic_now(), time)});
  wake();  // under the lock: stop() closes what it writes to
}

void IdleConnections::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stop_, true)) return;
    wake();
  }
  thread_.join();
  ::close(wake_);
  idle_.clear();  // nobody adds to them any more
  lingering_.clear();
}

void IdleConnections::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(wake_, &one, sizeof one);
}

void IdleConnections::watch() {
  std::vector<pollfd> fds;
  for (;;) {
    base::TimePoint first = base::kNever;
    fds.assign(1, pollfd{wake_, POLLIN, 0});
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return;
      for (List* list : {&idle_, &lingering_}) {
        if (!list->empty()) first = std::min(first, list->front().until);
        for (Waiting& waiting : *list) {
          waiting.polled = true;
          fds.push_back({waiting.connection->fd(), POLLIN, 0});
        }
      }
    }
    int wait = -1;
    if (first != base::kNever) {
      const auto left = std::chrono::ceil<base::milliseconds>(first - base::monotonic_now()).count();
      wait = static_cast<int>(std::max<std::int64_t>(left, 0));
    }
    if (::poll(fds.data(), fds.size(), wait) < 0) continue;
    if (fds[0].revents) {
      std::uint64_t count = 0;
      [[maybe_unused]] const auto n = ::read(wake_, &count, sizeof count);
    }
    std::vector<Connection> ready, over;
    {
      const std::lock_guard lock(mutex_);
      // In the order they were polled in; one that was evicted meanwhile left a gap, one that came was not polled.
      auto polled = fds.cbegin() + 1;
      for (List* list : {&idle_, &lingering_}) {
        for (Waiting& waiting : *list) {
          if (!waiting.polled) continue;
          while (polled->fd != waiting.connection->fd()) ++polled;
          waiting.came = polled->revents != 0;
        }
      }
      take_turn(ready, over);
    }
    for (Connection& connection : ready) ready_(std::move(connection));
  }
}

void IdleConnections::take_turn(std::vector<Connection>& ready, std::vector<Connection>& over) {
  const auto now = base::monotonic_now();
  for (auto it = idle_.begin(); it != idle_.end();) {
    if (it->came || it->until <= now) {
      (it->came ? ready : over).push_back(std::move(it->connection));
      it = idle_.erase(it);
    } else {
      ++it;
    }
  }
  for (auto it = lingering_.begin(); it != lingering_.end();) {
    if ((it->came && !it->connection->drain()) || it->until <= now) {
      over.push_back(std::move(it->connection));
      it = lingering_.erase(it);
    } else {
      it->came = false;
      ++it;
    }
  }
}

bool StreamThreads::start(const std::function<void()>& job) {
  const std::lock_guard lock(mutex_);
  reap();
  if (stop_ || streams_.size() >= most_) return false;
  Stream& stream = streams_.emplace_back();
  try {
    stream.thread = std::thread([this, &stream, job = job]() mutable {
      job();
      job = nullptr;
      const std::lock_guard done(mutex_);
      stream.done = true;
    });
  } catch (const std::system_error&) {
    streams_.pop_back();
    return false;
  }
  return true;
}

void StreamThreads::join() {
  std::list<Stream> rest;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    rest.splice(rest.end(), streams_);
  }
  for (Stream& stream : rest) stream.thread.join();
}

void StreamThreads::reap() {
  for (auto it = streams_.begin(); it != streams_.end();) {
    if (it->done) {
      it->thread.join();
      it = streams_.erase(it);
    } else {
      ++it;
    }
  }
}

}  // namespace fairlead::app
