#pragma once
// Poller: the seam between the event loop and what lies below it. Non-blocking socket operations, readiness, and the
// clock, in one interface with two implementations that pass the same tests: EpollPoller (the kernel) and SimPoller (a
// network and a clock in memory, driven by a seed). ADR 0002 says why it is readiness-shaped.
//
// Every operation returns >= 0, or -errno. A handle is a kernel descriptor or a simulated one; nobody above may
// assume which. All calls come from the loop's thread, except wake().

#include <sys/types.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/clock.h"
#include "net/address.h"

struct iovec;

namespace fairlead::net {

using base::Duration;
using base::TimePoint;

using Events = std::uint32_t;
inline constexpr Events kReadable = 1;
inline constexpr Events kWritable = 2;
inline constexpr Events kHangup = 4;  // reported without being asked for: error, or both directions over

// Whoever owns a handle and hears of its readiness.
class Pollable {
 public:
  virtual void on_ready(Events events) = 0;

 protected:
  ~Pollable() = default;
};

struct ListenOptions {
  int backlog = 4096;
  bool reuse_port = true;
  bool v6_only = true;
};

class Poller {
 public:
  virtual ~Poller() = default;

  virtual int listen(const SocketAddress& at, const ListenOptions& options, SocketAddress* bound) = 0;
  virtual int accept(int handle, SocketAddress* peer) = 0;
  // A socket that has begun to connect: writable when it is over. If it is writable alone, it is connected; with kHangup
  // connect_result() has the outcome, 0 or -errno.
  virtual int connect(const SocketAddress& to) = 0;
  virtual int connect_result(int handle) = 0;
  virtual ssize_t read(int handle, char* buffer, std::size_t size) = 0;  // 0 = end of stream
  virtual ssize_t write(int handle, const iovec* pieces, int count) = 0;
  // The same, with more to come at once: what is small may wait for that (200 ms at most, in the kernel).
  virtual ssize_t write_more(int handle, const iovec* pieces, int count) { return write(handle, pieces, count); }
  virtual int shutdown_write(int handle) = 0;
  virtual void close(int handle) = 0;
  virtual SocketAddress local_address(int handle) = 0;
  // Ends the connection with a reset when it is closed.
  virtual void reset_on_close(int handle) = 0;

  // A pipe carries bytes from one socket to another without copying them. A poller without pipes says -ENOSYS.
  struct Pipe {
    int in = -1, out = -1;
  };
  virtual int open_pipe(Pipe*) { return -ENOSYS; }
  virtual void close_pipe(Pipe) {}  // with what is in it
  // Into an empty pipe, up to what it has room for: as read(). Of two that cannot be joined: pipe_refused().
  virtual ssize_t fill(Pipe, int /*handle*/, std::size_t /*size*/) { return -ENOSYS; }
  // Out of a pipe that holds `size` bytes or more: as write().
  virtual ssize_t drain(Pipe, int /*handle*/, std::size_t /*size*/) { return -ENOSYS; }
  virtual ssize_t unload(Pipe, char* /*buffer*/, std::size_t /*size*/) { return -ENOSYS; }
  static bool pipe_refused(ssize_t result) {
    return result == -EINVAL || result == -ENOSYS || result == -EOPNOTSUPP || result == -EPERM;
  }

  // Level-triggered interest; `before` is what is registered now (kNotWatched: not at all). Another `who` than before
  // takes the handle over: from then on it alone is told.
  static constexpr Events kNotWatched = ~Events(0);
  virtual int watch(int handle, Pollable* who, Events before, Events after) = 0;
  // Drops events for `who` that were fetched by wait() and not delivered yet. Call before destroying a Pollable.
  virtual void forget(Pollable* who) = 0;

  struct Ready {
    Pollable* who;
    Events events;
  };
  // Waits until something is ready, `until` has passed, or wake(). The span is valid until the next call; entries
  // whose `who` is null are to be skipped. `stuck` (simulation only): nothing will ever happen again.
  virtual std::span<Ready> wait(TimePoint until, bool* stuck) = 0;
  virtual TimePoint now() = 0;
  virtual void wake() = 0;  // from any thread
};

}  // namespace fairlead::net
