#pragma once
// PipePool: the pipes of one loop, through which bulk goes from socket to socket without being copied (ADR 0014). There
// is one at hand that reads fill, lent until the reader's next suspension as the loop's read buffer is. When a sink
// does not take all that is in it, the sink keeps it, as its parked bytes, until it is empty; another one comes to
// hand. So pipes are as many as sinks that are blocked at this time, never one a session, and no more than kMost:
// beyond that, and where the poller has no pipes, bytes are copied as ever. Nothing here allocates.
//
// Owned by the EventLoop, used by ByteStream on the loop's thread; the counts may be read by any.

#include <array>
#include <cstddef>

#include "base/counter.h"
#include "net/poller.h"

namespace fairlead::net {

struct PipeCounts {
  base::Counter bytes;       // that went through pipes
  base::Counter open;        // pipes open now
  base::Counter exhausted;   // reads that were copied because no pipe was to be had
  base::Counter impossible;  // loops or sockets found not to do it
};

class PipePool {
 public:
  static constexpr std::size_t kMost = 64;  // open at one time
  static constexpr std::size_t kKept = 8;   // empty ones that stay open
  // One read takes no more: so much lies in the kernel for a sink that is blocked, and so long do others wait.
  static constexpr std::size_t kFill = 256 * 1024;

  explicit PipePool(Poller& poller) : poller_(poller) {}
  ~PipePool();
  PipePool(const PipePool&) = delete;
  PipePool& operator=(const PipePool&) = delete;

  // Counts there from now on; null: in the pool itself.
  void count_in(PipeCounts* counts) {
    counts_->open.sub(open_);
    counts_ = counts ? counts : &own_;
    counts_->open.add(open_);
  }
  const PipeCounts& counts() const { return *counts_; }

  // Whether it is worth asking.
  bool possible() const { return possible_; }
  // The kernel has said that it is not.
  void set_impossible();

  // An empty pipe is at hand; false (and counted): none is to be had.
  bool take();
  const Poller::Pipe& at_hand() const { return hand_; }
  std::size_t filled() const { return filled_; }
  void set_filled(std::size_t bytes) {
    filled_ = bytes;
    counts_->bytes.add(bytes);
  }
  // The bytes have gone, all of them; or nobody wants them.
  void set_empty() { filled_ = 0; }
  void drop();
  // The caller keeps it, until give_back().
  Poller::Pipe release();
  void give_back(Poller::Pipe pipe, bool empty);

 private:
  void close(Poller::Pipe pipe);

  Poller& poller_;
  Poller::Pipe hand_;
  std::size_t filled_ = 0;
  std::array<Poller::Pipe, kKept> kept_;
  std::size_t kept_count_ = 0;
  std::size_t open_ = 0;
  bool possible_ = true;
  PipeCounts own_;
  PipeCounts* counts_ = &own_;
};

}  // namespace fairlead::net
