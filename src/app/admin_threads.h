#pragma once
// The threads of the admin server, none of which a client can multiply: a fixed pool that answers, one that watches the
// connections between their requests, and a bounded number that stream.

#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "app/admin_connection.h"

namespace fairlead::app {

// A fixed number of threads and a bounded queue before them.
class AdminPool {
 public:
  // Throws std::system_error when a thread cannot be made.
  AdminPool(unsigned threads, std::size_t most_waiting);
  ~AdminPool() { join(); }
  // False when too many wait, or after join().
  bool submit(std::function<void()> job);
  // Whether a job waits that no thread is free for; one that a thread is about to take does not count.
  bool busy() const;
  // Runs what waits, then ends.
  void join();

 private:
  void work();

  const std::size_t most_waiting_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::size_t resting_ = 0;  // threads without a job, those just woken included
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

// Connections that wait for their client and hold no thread of the pool meanwhile: those between two requests, and
// those whose last answer is still on its way. Bounded in number and time.
class IdleConnections {
 public:
  using Connection = std::shared_ptr<AdminConnection>;

  // `ready` gets an idle connection on which something came, the end of its stream included; on the watching thread, so
  // it must be quick. Throws std::system_error when the thread or its wake-up call cannot be made.
  IdleConnections(std::size_t most, base::milliseconds time, base::milliseconds linger_time,
                  std::function<void(Connection)> ready);
  ~IdleConnections() { stop(); }
  // Until the next request. When there are too many, the one that has been idle for longest is closed.
  void add(Connection connection) { add(idle_, std::move(connection), time_); }
  // After end_writing(): drains it until its client has closed, and closes it. Likewise bounded.
  void linger(Connection connection) { add(lingering_, std::move(connection), linger_time_); }
  // Closes them all, and those that come later at once.
  void stop();

 private:
  struct Waiting {
    Connection connection;
    base::TimePoint until;
    bool polled = false, came = false;
  };
  using List = std::list<Waiting>;  // the oldest first

  void add(List& list, Connection connection, base::milliseconds time);
  void watch();
  void wake();
  void take_turn(std::vector<Connection>& ready, std::vector<Connection>& over);

  const std::size_t most_;
  const base::milliseconds time_, linger_time_;
  const std::function<void(Connection)> ready_;
  int wake_ = -1;
  std::mutex mutex_;
  List idle_, lingering_;
  bool stop_ = false;
  std::thread thread_;
};

// A thread for each job, at most so many at a time.
class StreamThreads {
 public:
  explicit StreamThreads(std::size_t most) : most_(most) {}
  ~StreamThreads() { join(); }
  // Runs it on a thread of its own; false, and the job is untouched, when there are too many or none can be made.
  bool start(const std::function<void()>& job);
  // Waits for those that run; none starts afterwards.
  void join();

 private:
  struct Stream {
    std::thread thread;
    bool done = false;
  };
  void reap();  // of the mutex's owner

  const std::size_t most_;
  std::mutex mutex_;
  bool stop_ = false;
  std::list<Stream> streams_;
};

}  // namespace fairlead::app
