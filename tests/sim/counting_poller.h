#pragma once
// CountingPoller: a simulated network that tells who asks what each of their sockets carried, at the moment it did. It
// stands below everything that the edge's own counting is made of, so that a fault there cannot hide on both sides of a
// comparison. Owned by a test; header only.

#include <functional>
#include <unordered_map>
#include <utility>

#include "net/sim_poller.h"

namespace fairlead::sim {

class CountingPoller final : public net::Poller {
 public:
  // Whether the bytes were written (else read), and how many.
  using Heard = std::function<void(bool written, std::size_t bytes)>;

  explicit CountingPoller(const net::SimOptions& options) : sim_(options) {}

  net::SimPoller& sim() { return sim_; }
  // Of this handle, until it is closed.
  void listen_to(int handle, Heard heard) { heard_[handle] = std::move(heard); }

  int listen(const net::SocketAddress& at, const net::ListenOptions& options, net::SocketAddress* bound) override {
    return sim_.listen(at, options, bound);
  }
  int accept(int handle, net::SocketAddress* peer) override { return sim_.accept(handle, peer); }
  int connect(const net::SocketAddress& to) override { return sim_.connect(to); }
  int connect_result(int handle) override { return sim_.connect_result(handle); }
  ssize_t read(int handle, char* buffer, std::size_t size) override {
    return tell(handle, false, sim_.read(handle, buffer, size));
  }
  ssize_t write(int handle, const iovec* pieces, int count) override {
    return tell(handle, true, sim_.write(handle, pieces, count));
  }
  int open_pipe(Pipe* pipe) override { return sim_.open_pipe(pipe); }
  void close_pipe(Pipe pipe) override { sim_.close_pipe(pipe); }
  ssize_t fill(Pipe pipe, int handle, std::size_t size) override {
    return tell(handle, false, sim_.fill(pipe, handle, size));
  }
  ssize_t drain(Pipe pipe, int handle, std::size_t size) override {
    return tell(handle, true, sim_.drain(pipe, handle, size));
  }
  ssize_t unload(Pipe pipe, char* buffer, std::size_t size) override { return sim_.unload(pipe, buffer, size); }
  int shutdown_write(int handle) override { return sim_.shutdown_write(handle); }
  void close(int handle) override {
    heard_.erase(handle);
    sim_.close(handle);
  }
  net::SocketAddress local_address(int handle) override { return sim_.local_address(handle); }
  void reset_on_close(int handle) override { sim_.reset_on_close(handle); }
  int watch(int handle, net::Pollable* who, net::Events before, net::Events after) override {
    return sim_.watch(handle, who, before, after);
  }
  void forget(net::Pollable* who) override { sim_.forget(who); }
  std::span<Ready> wait(net::TimePoint until, bool* stuck) override { return sim_.wait(until, stuck); }
  net::TimePoint now() override { return sim_.now(); }
  void wake() override { sim_.wake(); }

 private:
  ssize_t tell(int handle, bool written, ssize_t n) {
    if (n <= 0) return n;
    if (const auto it = heard_.find(handle); it != heard_.end()) it->second(written, static_cast<std::size_t>(n));
    return n;
  }

  net::SimPoller sim_;
  std::unordered_map<int, Heard> heard_;
};

}  // namespace fairlead::sim
