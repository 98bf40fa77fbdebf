#pragma once
// EpollPoller: the Poller over Linux: level-triggered epoll, non-blocking sockets, CLOCK_MONOTONIC. One per worker.

#include <memory>
#include <vector>

#include "net/poller.h"

struct epoll_event;

namespace fairlead::net {

class EpollPoller final : public Poller {
 public:
  EpollPoller();  // throws std::system_error when the process is out of descriptors
  ~EpollPoller() override;

  int listen(const SocketAddress& at, const ListenOptions& options, SocketAddress* bound) override;
  int accept(int handle, SocketAddress* peer) override;
  int connect(const SocketAddress& to) override;
  int connect_result(int handle) override;
  ssize_t read(int handle, char* buffer, std::size_t size) override;
  ssize_t write(int handle, const iovec* pieces, int count) override;
  ssize_t write_more(int handle, const iovec* pieces, int count) override;
  int shutdown_write(int handle) override;
  void close(int handle) override;
  SocketAddress local_address(int handle) override;
  void reset_on_close(int handle) override;
  int open_pipe(Pipe* pipe) override;
  void close_pipe(Pipe pipe) override;
  ssize_t fill(Pipe pipe, int handle, std::size_t size) override;
  ssize_t drain(Pipe pipe, int handle, std::size_t size) override;
  ssize_t unload(Pipe pipe, char* buffer, std::size_t size) override;
  int watch(int handle, Pollable* who, Events before, Events after) override;
  void forget(Pollable* who) override;
  std::span<Ready> wait(TimePoint until, bool* stuck) override;
  TimePoint now() override { return now_; }
  void wake() override;

 private:
  static constexpr int kBatch = 512;
  int wait_for_events(TimePoint until);
  bool pipe_signal_blocked_ = false;
  bool fine_timeout_ = true;  // epoll_pwait2 is to be had
  int epoll_ = -1;
  int wake_fd_ = -1;
  TimePoint now_;
  std::unique_ptr<epoll_event[]> events_;
  std::vector<Ready> ready_;
};

}  // namespace fairlead::net
