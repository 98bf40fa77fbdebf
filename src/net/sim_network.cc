#include "net/sim_network.h"

#include <fmt/format.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fairlead::net {
namespace {

bool is_wildcard(const SocketAddress& a) {
  static constexpr unsigned char kAny4[4] = {};
  static constexpr unsigned char kAny6[16] = {};
  if (a.family() == Family::ipv4) return std::memcmp(a.bytes() + 12, kAny4, 4) == 0;
  return a.family() == Family::ipv6 && std::memcmp(a.bytes(), kAny6, 16) == 0;
}

}  // namespace

SimNetwork::SimNetwork(const SimOptions& o) : options(o), random(o.seed) {}

// ---- bytes ----------------------------------------------------------------------------------------------------------

// Moves the rest down only when at least half is dead, so that each byte is moved at most once on average.
void SimNetwork::Bytes::drop(std::size_t n) {
  head_ += n;
  if (head_ == data_.size()) {
    clear();
  } else if (head_ > data_.size() / 2 && head_ > 4096) {
    data_.erase(0, head_);
    head_ = 0;
  }
}

void SimNetwork::Bytes::clear() {
  data_.clear();
  head_ = 0;
}

// Every call and event passes here: the hash is the run's fingerprint, the sink its story.
void SimNetwork::note(Op op, std::int64_t a, std::int64_t b) {
  // Reading the end of a stream again and again is none.
  if (op != Op::clock && op != Op::ready && op != Op::watch && (b > 0 || (b == 0 && op >= Op::shutdown))) ++progress;
  for (const std::uint64_t v :
       {static_cast<std::uint64_t>(op), static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b),
        static_cast<std::uint64_t>(clock.time_since_epoch().count())}) {
    hash = (hash ^ v) * 0x100000001b3ull;
    hash ^= hash >> 29;
  }
  if (!sink) return;
  static constexpr const char* kNames[] = {"listen", "accept",   "connect", "connect_result", "read",
                                           "write",  "shutdown", "close",   "watch",          "segment",
                                           "syn",    "reset",    "clock",   "ready"};
  sink(fmt::format("{:.6f} {} {} {}", std::chrono::duration<double>(clock.time_since_epoch()).count(),
                   kNames[static_cast<std::size_t>(op)], a, b));
}

// ---- sockets --------------------------------------------------------------------------------------------------------

// Handles count up and are never used twice, so that a stale one finds nothing instead of somebody else's socket.
SimNetwork::Socket* SimNetwork::find(int handle) const {
  const std::size_t i = static_cast<std::size_t>(handle - kFirstHandle);
  return handle >= kFirstHandle && i < sockets.size() ? sockets[i].get() : nullptr;
}

int SimNetwork::new_socket(SimPoller* by) {
  auto s = std::make_unique<Socket>();
  s->handle = kFirstHandle + static_cast<int>(sockets.size());
  s->owner = by;
  ++open;
  sockets.push_back(std::move(s));
  return sockets.back()->handle;
}

// EMFILE by the limit, or by the draw.
bool SimNetwork::out_of_handles() {
  return open >= static_cast<std::size_t>(std::max(0, options.max_handles)) ||
         random.chance(options.faults.out_of_handles);
}

// Puts a socket on its poller's list of those that may have something to report, as the kernel does with epoll's.
void SimNetwork::activate(int handle) {
  Socket* s = find(handle);
  if (!s || s->active || s->interest == Poller::kNotWatched) return;
  s->active = true;
  s->owner->active_.push_back(handle);
}

// As tcp_poll() in Linux has it. A connection that is no more is everything at once, so that whoever waits for anything
// hears of it; one that has not begun is nothing.
Events SimNetwork::events_of(const Socket& s) const {
  if (s.listening) return s.queue.empty() ? 0 : kReadable;
  const Connection& c = *s.connection;
  const End& e = c.end[s.side];
  if (e.dead) return kReadable | kWritable | kHangup;
  if (!e.established) return 0;
  Events events = 0;
  if (c.pipe[1 - s.side].inbox.size() != 0 || e.fin_in) events |= kReadable;
  // Writable from a third of the buffer free on, as in Linux, so that a writer is not woken for every segment.
  const std::size_t used = c.pipe[s.side].outbox.size();
  if (e.shut || (used < options.send_buffer && (options.send_buffer - used) * 2 >= used)) events |= kWritable;
  if (e.error != 0 || (e.shut && e.fin_in)) events |= kHangup;
  return events;
}

// As epoll_ctl() with the operation that `before` and `after` imply; what the caller believes is registered is checked,
// because the kernel would answer EEXIST or ENOENT and nobody above looks.
int SimNetwork::watch(SimPoller* by, int handle, Pollable* who, Events before, Events after) {
  Socket* s = find(handle);
  if (!s) {
    ++misuses;
    return -EBADF;
  }
  if (before == after) return 0;
  note(Op::watch, handle, static_cast<std::int64_t>(after));
  // Another `who` than before takes the handle over.
  if (s->interest != before) {
    ++misuses;
    return before == Poller::kNotWatched ? -EEXIST : -ENOENT;
  }
  if (before == Poller::kNotWatched && watches_to_fail > 0) {
    --watches_to_fail;
    return -watch_error;
  }
  if (s->owner != by) {
    // Handed over to another loop: what the former one's list says of it no longer counts.
    s->owner = by;
    s->active = false;
  }
  s->who = after == Poller::kNotWatched ? nullptr : who;
  s->interest = after;
  activate(handle);
  return 0;
}

// The best match: the address itself, then the wildcard of its family, then a dual-stack wildcard for IPv4.
SimNetwork::Socket* SimNetwork::listener_for(const SocketAddress& to) {
  Socket* best = nullptr;
  int best_score = 0;
  std::uint64_t alike = 0;
  for (const int handle : listeners_) {
    Socket* s = find(handle);
    if (s->local.port() != to.port()) continue;
    int score = 0;
    if (s->local == to) {
      score = 3;
    } else if (is_wildcard(s->local) && to.family() != Family::unix_) {
      if (s->local.family() == to.family()) score = 2;
      if (s->local.family() == Family::ipv6 && to.family() == Family::ipv4 && !s->options.v6_only) score = 1;
    }
    if (score == 0 || score < best_score) continue;
    alike = score == best_score ? alike + 1 : 1;
    best_score = score;
    // Several with SO_REUSEPORT: each is as likely as the others.
    if (alike == 1 || random.below(alike) == 0) best = s;
  }
  return best;
}

// Errors: EAFNOSUPPORT for no address, EADDRINUSE unless all on the address share it, EMFILE.
int SimNetwork::listen(SimPoller* by, const SocketAddress& at, const ListenOptions& o, SocketAddress* bound) {
  if (at.family() == Family::none) return -EAFNOSUPPORT;
  if (out_of_handles()) return -EMFILE;
  SocketAddress local = at;
  const auto taken = [&](const SocketAddress& a) {
    return std::any_of(listeners_.begin(), listeners_.end(), [&](int h) {
      const Socket* s = find(h);
      if (s->local.port() != a.port() || s->local.family() != a.family()) return false;
      if (s->local != a && !is_wildcard(s->local) && !is_wildcard(a)) return false;
      return !(o.reuse_port && s->options.reuse_port) || a.family() == Family::unix_;
    });
  };
  if (local.family() != Family::unix_ && local.port() == 0) {
    do {
      local = at.with_port(next_listen_port_++);
    } while (taken(local) || listener_for(local));
  } else if (taken(local)) {
    return -EADDRINUSE;
  }
  const int handle = new_socket(by);
  Socket* s = find(handle);
  s->listening = true;
  s->local = local;
  s->options = o;
  listeners_.push_back(handle);
  if (bound) *bound = local;
  note(Op::listen, handle, local.port());
  return handle;
}

// Out of handles, the connection stays in the queue, as in Linux: who frees one can accept it later.
int SimNetwork::accept(SimPoller* by, int handle, SocketAddress* peer) {
  Socket* s = find(handle);
  if (!s || !s->listening) {
    ++misuses;
    return -EBADF;
  }
  if (s->queue.empty()) return -EAGAIN;
  if (out_of_handles()) {
    note(Op::accept, handle, -EMFILE);
    return -EMFILE;
  }
  Connection* c = s->queue.front();
  s->queue.pop_front();
  if (random.chance(options.faults.accept_aborted)) {
    note(Op::accept, handle, -ECONNABORTED);
    c->end[1].abort_on_close = true;
    close_end(*c, 1);
    collect(*c);
    return -ECONNABORTED;
  }
  const int h = new_socket(by);
  Socket* n = find(h);
  n->connection = c;
  n->side = 1;
  n->local = c->end[1].address;
  c->end[1].handle = h;
  if (peer) *peer = c->end[0].address;
  note(Op::accept, handle, h);
  return h;
}

// What has arrived comes first, then the error (once), then the end, for ever.
ssize_t SimNetwork::read(int handle, char* buffer, std::size_t size) {
  Socket* s = find(handle);
  if (!s || s->listening) {
    ++misuses;
    return s ? -ENOTCONN : -EBADF;
  }
  Connection& c = *s->connection;
  End& e = c.end[s->side];
  Pipe& in = c.pipe[1 - s->side];
  ssize_t result = -EAGAIN;
  if (in.inbox.size() != 0) {
    // Data that arrived before a reset or a FIN is read before it.
    if (!random.chance(options.odd_eagain)) {
      const std::size_t n = cut(std::min(size, in.inbox.size()));
      std::memcpy(buffer, in.inbox.front(), n);
      in.inbox.drop(n);
      result = static_cast<ssize_t>(n);
      pump(c, 1 - s->side);
    }
  } else if (e.error != 0) {
    result = -std::exchange(e.error, 0);
  } else if (e.dead || e.fin_in) {
    result = 0;
  }
  note(Op::read, handle, result);
  return result;
}

// Takes what fits into the send buffer, or less by the draw. An error is told once, after that it is EPIPE.
ssize_t SimNetwork::write(int handle, const iovec* pieces, int count) {
  Socket* s = find(handle);
  if (!s || s->listening) {
    ++misuses;
    return s ? -ENOTCONN : -EBADF;
  }
  Connection& c = *s->connection;
  End& e = c.end[s->side];
  Pipe& out = c.pipe[s->side];
  std::size_t total = 0;
  for (int i = 0; i < count; ++i) total += pieces[i].iov_len;
  ssize_t result = -EAGAIN;
  if (e.error != 0) {
    result = -std::exchange(e.error, 0);
  } else if (e.dead || e.shut) {
    result = -EPIPE;
  } else if (total == 0) {
    result = 0;
  } else if (e.established && out.outbox.size() < options.send_buffer && !random.chance(options.odd_eagain)) {
    std::size_t n = cut(std::min(total, options.send_buffer - out.outbox.size()));
    result = static_cast<ssize_t>(n);
    for (int i = 0; n != 0; ++i) {
      const std::size_t part = std::min(n, pieces[i].iov_len);
      out.outbox.append(static_cast<const char*>(pieces[i].iov_base), part);
      n -= part;
    }
    pump(c, s->side);
  }
  note(Op::write, handle, result);
  return result;
}

// From the socket as read() has it, cuts and faults included.
ssize_t SimNetwork::fill(int number, int handle, std::size_t size) {
  std::string* const to = pipe(number);
  if (!to || !to->empty()) {
    ++misuses;
    return -EBADF;
  }
  if (options.fill_error != 0) return -options.fill_error;
  to->resize(std::min(size, options.pipe_room));
  const ssize_t n = read(handle, to->data(), to->size());
  to->resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return n;
}

ssize_t SimNetwork::drain(int number, int handle, std::size_t size) {
  std::string* const from = pipe(number);
  if (!from || from->size() < size) {
    ++misuses;
    return -EBADF;
  }
  if (options.drain_error != 0) return -options.drain_error;
  const iovec piece{from->data(), size};
  const ssize_t n = write(handle, &piece, 1);
  if (n > 0) from->erase(0, static_cast<std::size_t>(n));
  return n;
}

// The FIN leaves behind what was written before; writing is over at once.
int SimNetwork::shutdown_write(int handle) {
  Socket* s = find(handle);
  if (!s) {
    ++misuses;
    return -EBADF;
  }
  note(Op::shutdown, handle, 0);
  if (s->listening || !s->connection->end[s->side].established || s->connection->end[s->side].dead) return -ENOTCONN;
  Connection& c = *s->connection;
  c.end[s->side].shut = true;
  c.pipe[s->side].fin_wanted = true;
  pump(c, s->side);
  activate(handle);
  return 0;
}

// The connection may live on without the handle, until what was written has arrived.
void SimNetwork::close(int handle) {
  Socket* s = find(handle);
  if (!s) {
    ++misuses;
    return;
  }
  note(Op::close, handle, 0);
  const std::unique_ptr<Socket> gone = std::move(sockets[static_cast<std::size_t>(handle - kFirstHandle)]);
  --open;
  if (!gone->listening) {
    gone->connection->end[gone->side].handle = -1;
    close_end(*gone->connection, gone->side);
    collect(*gone->connection);
    return;
  }
  std::erase(listeners_, handle);
  // Whoever waits in the queue is reset; those still shaking hands are when their last packet comes.
  for (Connection* c : gone->queue) {
    c->end[1].abort_on_close = true;
    close_end(*c, 1);
    collect(*c);
  }
}

}  // namespace fairlead::net
