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
  return !jobs_.empty();
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
    wake_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it held ends here, not under the lock
    lock.lock();
  }
}

IdleConnections::IdleConnections(std::size_t most, base::milliseconds time, std::function<void(Connection)> ready)
    : most_(most), time_(time), ready_(std::move(ready)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  try {
    thread_ = std::thread(&IdleConnections::watch, this);
  } catch (...) {
    ::close(wake_);
    throw;
  }
}

void IdleConnections::add(Connection connection) {
  Connection evicted;
  {
    const std::lock_guard lock(mutex_);
    if (stop_) return;
    if (idle_.size() >= most_) {
      evicted = std::move(idle_.front().connection);
      idle_.pop_front();
    }
    idle_.push_back({std::move(connection), base::later(base::monotonic_now(), time_)});
    wake();  // under the lock: stop() closes what it writes to
  }
}

void IdleConnections::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stop_, true)) return;
    wake();
  }
  thread_.join();
  ::close(wake_);
  idle_.clear();  // nobody adds to it any more
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
      for (const Idle& idle : idle_) fds.push_back({idle.connection->fd(), POLLIN, 0});
      if (!idle_.empty()) first = idle_.front().until;
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
      const auto now = base::monotonic_now();
      for (auto it = idle_.begin(); it != idle_.end();) {
        // Looked up by descriptor: one that came meanwhile was not polled, or stands where another was, and is polled
        // again. A wrong "ready" of that kind costs a thread one wait, no more.
        const auto polled =
            std::find_if(fds.begin() + 1, fds.end(), [&](const pollfd& p) { return p.fd == it->connection->fd(); });
        const bool came = polled != fds.end() && polled->revents != 0;
        if (came || it->until <= now) {
          (came ? ready : over).push_back(std::move(it->connection));
          it = idle_.erase(it);
        } else {
          ++it;
        }
      }
    }
    for (Connection& connection : ready) ready_(std::move(connection));
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
