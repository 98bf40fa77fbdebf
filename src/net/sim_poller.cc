#include "net/sim_poller.h"

#include <algorithm>
#include <cerrno>
#include <new>

#include "net/event_loop.h"
#include "net/sim_network.h"

namespace fairlead::net {

SimPoller::SimPoller(const SimOptions& options) : network_(std::make_shared<SimNetwork>(options)) {
  now_ = network_->clock;
  network_->pollers.push_back(this);
}

SimPoller::SimPoller(SimPoller& shared) : network_(shared.network_), now_(network_->clock) {
  network_->pollers.push_back(this);
}

// Sockets outlive their poller as descriptors outlive an epoll: open, and watched by nobody.
SimPoller::~SimPoller() {
  std::erase(network_->pollers, this);
  for (const auto& s : network_->sockets) {
    if (!s || s->owner != this) continue;
    s->owner = nullptr;
    s->interest = kNotWatched;
  }
}

int SimPoller::listen(const SocketAddress& at, const ListenOptions& options, SocketAddress* bound) {
  return network_->listen(this, at, options, bound);
}
int SimPoller::accept(int handle, SocketAddress* peer) { return network_->accept(this, handle, peer); }
int SimPoller::connect(const SocketAddress& to) { return network_->connect(this, to, client_address_); }
int SimPoller::connect_result(int handle) { return network_->connect_result(handle); }
ssize_t SimPoller::read(int handle, char* buffer, std::size_t size) { return network_->read(handle, buffer, size); }
ssize_t SimPoller::write(int handle, const iovec* pieces, int count) { return network_->write(handle, pieces, count); }
int SimPoller::shutdown_write(int handle) { return network_->shutdown_write(handle); }
void SimPoller::close(int handle) { network_->close(handle); }

SocketAddress SimPoller::local_address(int handle) {
  const auto* s = network_->find(handle);
  return s ? s->local : SocketAddress();
}

void SimPoller::reset_on_close(int handle) {
  auto* s = network_->find(handle);
  if (s && s->connection) s->connection->end[s->side].abort_on_close = true;
}

int SimPoller::open_pipe(Pipe* pipe) {
  if (network_->options.pipe_room == 0) return -ENOSYS;
  try {
    pipe->in = pipe->out = network_->next_pipe;
    network_->pipes[network_->next_pipe];
    ++network_->next_pipe;
    return 0;
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  }
}

void SimPoller::close_pipe(Pipe pipe) { network_->misuses += network_->pipes.erase(pipe.in) != 1; }

ssize_t SimPoller::fill(Pipe pipe, int handle, std::size_t size) { return network_->fill(pipe.in, handle, size); }
ssize_t SimPoller::drain(Pipe pipe, int handle, std::size_t size) { return network_->drain(pipe.out, handle, size); }

ssize_t SimPoller::unload(Pipe pipe, char* buffer, std::size_t size) {
  std::string* const from = network_->pipe(pipe.out);
  if (!from) {
    ++network_->misuses;
    return -EBADF;
  }
  const std::size_t n = from->copy(buffer, size);
  from->erase(0, n);
  return n != 0 ? static_cast<ssize_t>(n) : -EAGAIN;
}

int SimPoller::watch(int handle, Pollable* who, Events before, Events after) {
  return network_->watch(this, handle, who, before, after);
}

void SimPoller::forget(Pollable* who) {
  for (Ready& r : ready_) {
    if (r.who == who) r.who = nullptr;
  }
}

// Level-triggered: a socket stays on the list as long as it has something to report, and comes back to it by
// SimNetwork::activate(), which every change that could make it ready calls. So a turn costs what is ready, not what is
// open.
bool SimPoller::collect_ready() {
  ready_.clear();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < active_.size(); ++i) {
    SimNetwork::Socket* s = network_->find(active_[i]);
    if (!s || s->owner != this || !s->active) continue;
    const Events events = s->interest == kNotWatched ? 0 : network_->events_of(*s) & (s->interest | kHangup);
    if (events == 0) {
      s->active = false;
      continue;
    }
    active_[kept++] = active_[i];
    ready_.push_back({s->who, events});
  }
  active_.resize(kept);
  return kept != 0;
}

// Whether this poller's next wait() would return at once: then the others must not move the clock.
bool SimPoller::has_work() {
  if (woken_.load(std::memory_order_acquire) || until_ <= network_->clock) return true;
  return collect_ready();
}

std::span<Poller::Ready> SimPoller::wait(TimePoint until, bool* stuck) {
  SimNetwork& n = *network_;
  ++waits_;
  ++still_;
  if (std::exchange(progress_seen_, n.progress) != n.progress) still_ = 0;
  // Level-triggered readiness that nobody acts on would stop time for everybody else.
  if (++busy_ > kFreeTurns) n.clock += std::chrono::microseconds(1);
  until_ = until;
  n.stuck = false;
  const bool woken = woken_.exchange(false, std::memory_order_acq_rel);
  for (;;) {
    n.run_due();
    if (collect_ready() || woken || until <= n.clock) break;
    // Idle: time may pass, to whatever comes first for anybody on this network.
    TimePoint next = std::min(until, n.next_event());
    bool wait_for_others = false;
    for (SimPoller* p : n.pollers) {
      if (p == this) continue;
      wait_for_others = wait_for_others || p->has_work();
      next = std::min(next, p->until_);
    }
    if (wait_for_others) break;
    if (next == base::kNever) {
      n.stuck = *stuck = true;
      break;
    }
    n.clock = next;
    for (SimPoller* p : n.pollers) p->still_ = p->busy_ = 0;
    n.note(SimNetwork::Op::clock, 0, 0);
  }
  if (livelocked()) n.stuck = *stuck = true;
  now_ = n.clock;
  if (n.options.shuffle && ready_.size() > 1) {
    for (std::size_t i = ready_.size() - 1; i > 0; --i) std::swap(ready_[i], ready_[n.random.below(i + 1)]);
    // Level-triggered: what is left out now is reported by the next wait().
    if (n.random.chance(0.25)) ready_.resize(1 + n.random.below(ready_.size()));
  }
  n.note(SimNetwork::Op::ready, static_cast<std::int64_t>(ready_.size()), 0);
  return ready_;
}

void SimPoller::reset_connection(int handle) {
  if (auto* s = network_->find(handle); s && s->connection) {
    network_->reset_connection(*s->connection);
    network_->collect(*s->connection);
  }
}

void SimPoller::stall(int handle, Flow flow, Duration duration) {
  if (auto* s = network_->find(handle); s && s->connection) {
    network_->stall(*s->connection, flow == Flow::outgoing ? s->side : 1 - s->side, duration);
  }
}

void SimPoller::black_hole(const SocketAddress& at) { network_->black_hole(at); }
void SimPoller::heal(const SocketAddress& at) { network_->heal(at); }
void SimPoller::set_max_handles(int most) { network_->options.max_handles = most; }
void SimPoller::set_faults(const SimFaults& faults) { network_->options.faults = faults; }

void SimPoller::fail_next_watches(int count, int error) {
  network_->watches_to_fail = count;
  network_->watch_error = error;
}

std::uint64_t SimPoller::seed() const { return network_->options.seed; }
std::uint64_t SimPoller::trace_hash() const { return network_->hash; }
void SimPoller::set_trace(std::function<void(const std::string&)> sink) { network_->sink = std::move(sink); }
std::size_t SimPoller::open_handles() const { return network_->open; }
std::size_t SimPoller::open_pipes() const { return network_->pipes.size(); }
std::size_t SimPoller::filled_pipes() const {
  return static_cast<std::size_t>(
      std::count_if(network_->pipes.begin(), network_->pipes.end(), [](const auto& p) { return !p.second.empty(); }));
}
std::size_t SimPoller::misuses() const { return network_->misuses; }
bool SimPoller::stuck() const { return network_->stuck; }

int SimPoller::peer_of(int handle) const {
  const auto* s = network_->find(handle);
  return s && s->connection ? s->connection->end[1 - s->side].handle : -1;
}

std::vector<int> SimPoller::connections() const {
  std::vector<int> out;
  for (const auto& s : network_->sockets) {
    if (s && s->connection) out.push_back(s->handle);
  }
  return out;
}

bool sim_run_all(std::span<EventLoop* const> loops, const std::function<bool()>& done) {
  for (;;) {
    for (EventLoop* loop : loops) {
      if (done()) return true;
      int turns = 0;
      loop->run_until([&] { return turns++ != 0; });
      if (static_cast<SimPoller&>(loop->poller()).stuck()) return done();
    }
  }
}

}  // namespace fairlead::net
