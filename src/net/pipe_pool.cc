#include "net/pipe_pool.h"

#include <cerrno>
#include <utility>

namespace fairlead::net {

PipePool::~PipePool() {
  drop();
  if (hand_.in >= 0) close(hand_);
  while (kept_count_ != 0) close(kept_[--kept_count_]);
}

void PipePool::close(Poller::Pipe pipe) {
  poller_.close_pipe(pipe);
  --open_;
  counts_->open.sub();
}

void PipePool::set_impossible() {
  possible_ = false;
  counts_->impossible.add();
}

bool PipePool::take() {
  drop();
  if (hand_.in >= 0) return true;
  if (kept_count_ != 0) {
    hand_ = kept_[--kept_count_];
    return true;
  }
  int error = -EMFILE;
  if (open_ < kMost) error = poller_.open_pipe(&hand_);
  if (error == 0) {
    ++open_;
    counts_->open.add();
    return true;
  }
  hand_ = {};
  if (error == -ENOSYS) {
    set_impossible();
  } else {
    counts_->exhausted.add();
  }
  return false;
}

// Somebody read and did not write on: the pipe with the bytes goes, because only an empty one may be filled.
void PipePool::drop() {
  if (std::exchange(filled_, 0) != 0) close(std::exchange(hand_, {}));
}

Poller::Pipe PipePool::release() {
  filled_ = 0;
  return std::exchange(hand_, {});
}

void PipePool::give_back(Poller::Pipe pipe, bool empty) {
  if (empty && hand_.in < 0) {
    hand_ = pipe;
  } else if (empty && kept_count_ < kKept) {
    kept_[kept_count_++] = pipe;
  } else {
    close(pipe);
  }
}

}  // namespace fairlead::net
