// The connections of a SimNetwork: how they begin, what travels, how they end, and what goes wrong on the way.

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "net/sim_network.h"

namespace fairlead::net {
namespace {

constexpr int kSynTries = 7;  // Linux: after 1, 2, 4 ... 64 s, in all 127 s

}  // namespace

// ---- the agenda -----------------------------------------------------------------------------------------------------

void SimNetwork::put_on_agenda(Connection& c, int what, TimePoint at) {
  if (what != kSyn) c.pipe[what].on_agenda = true;
  agenda_.push({std::max(at, clock), orders_++, c.id, what});
}

TimePoint SimNetwork::next_event() {
  // Entries of connections that are gone must not move the clock.
  while (!agenda_.empty() && !connections[agenda_.top().connection]) agenda_.pop();
  return agenda_.empty() ? base::kNever : agenda_.top().at;
}

void SimNetwork::run_due() {
  while (next_event() <= clock) {
    const Due due = agenda_.top();
    agenda_.pop();
    Connection& c = *connections[due.connection];
    if (due.what == kSyn) {
      syn_arrives(c);
    } else {
      c.pipe[due.what].on_agenda = false;
      arrive(c, due.what);
    }
    collect(c);
  }
}

void SimNetwork::collect(Connection& c) {
  if (!c.end[0].open && !c.end[1].open && !c.pending) connections[c.id].reset();
}

std::size_t SimNetwork::cut(std::size_t n) {
  if (options.split == Split::bytewise) return std::min<std::size_t>(n, 1);
  if (options.split == Split::none || n < 2) return n;
  // Half of the time whole, else anywhere, with a preference for the very first bytes, where headers are.
  const std::uint64_t r = random.next();
  if (r & 1) return n;
  return 1 + (r >> 8) % ((r & 2) ? std::min<std::size_t>(n, 8) : n);
}

// ---- opening --------------------------------------------------------------------------------------------------------

int SimNetwork::connect(SimPoller* by, const SocketAddress& to, const SocketAddress& from) {
  if (to.family() == Family::none) return -EAFNOSUPPORT;
  if (out_of_handles()) {
    note(Op::connect, to.port(), -EMFILE);
    return -EMFILE;
  }
  if (to.family() == Family::unix_ && !listener_for(to)) return -ENOENT;
  const int handle = new_socket(by);
  connections.push_back(std::make_unique<Connection>());
  Connection& c = *connections.back();
  c.id = connections.size() - 1;
  c.end[0].handle = handle;
  c.end[0].open = true;
  if (from.family() == to.family() && from.family() != Family::unix_) {
    c.end[0].address = from;
  } else if (to.family() == Family::ipv4) {
    c.end[0].address = SocketAddress::from_ip("127.0.0.1", 0).value();
  } else if (to.family() == Family::ipv6) {
    c.end[0].address = SocketAddress::from_ip("::1", 0).value();
  }
  if (to.family() != Family::unix_) {
    if (next_client_port_ < 32768) next_client_port_ = 32768;
    c.end[0].address = c.end[0].address.with_port(next_client_port_++);
  }
  c.end[1].address = to;
  Socket* s = find(handle);
  s->connection = &c;
  s->local = c.end[0].address;
  note(Op::connect, to.port(), handle);
  if (random.chance(options.faults.connect_refused)) {
    send(c, 1, Kind::refuse, 0);
    return handle;
  }
  c.silent = random.chance(options.faults.connect_silent);
  put_on_agenda(c, kSyn, flight());
  return handle;
}

int SimNetwork::connect_result(int handle) {
  Socket* s = find(handle);
  if (!s || s->listening) {
    ++misuses;
    return -EBADF;
  }
  const int error = std::exchange(s->connection->end[s->side].error, 0);
  note(Op::connect_result, handle, -error);
  return -error;
}

void SimNetwork::syn_arrives(Connection& c) {
  if (c.end[0].dead) return;
  if (c.syn_tries >= kSynTries) {
    die(c, 0, ETIMEDOUT);
    return;
  }
  note(Op::syn, c.end[0].handle, c.syn_tries);
  if (c.silent || vanishes(c)) {
    syn_dropped(c);
    return;
  }
  Socket* l = listener_for(c.end[1].address);
  if (!l) {
    send(c, 1, Kind::refuse, 0);
    return;
  }
  // A full queue drops the SYN, as Linux does; the client tries again a second later.
  if (static_cast<int>(l->queue.size()) + l->embryos > l->options.backlog) {
    syn_dropped(c);
    return;
  }
  ++l->embryos;
  c.listener = l->handle;
  c.pending = true;
  send(c, 1, Kind::syn_ack, 0);
}

void SimNetwork::syn_dropped(Connection& c) {
  const TimePoint again = clock + base::seconds(1ll << c.syn_tries);
  ++c.syn_tries;
  put_on_agenda(c, kSyn, again);
}

// ---- what travels ---------------------------------------------------------------------------------------------------

void SimNetwork::send(Connection& c, int side, Kind kind, std::size_t bytes) {
  Pipe& p = c.pipe[side];
  p.last_arrival = std::max(p.last_arrival, flight());
  p.segments.push_back({p.last_arrival, kind, bytes});
  if (!p.on_agenda) put_on_agenda(c, side, p.segments.front().at);
}

// Turns what the writer left into segments, as far as the reader's window allows.
void SimNetwork::pump(Connection& c, int side) {
  Pipe& p = c.pipe[side];
  if (!c.end[side].established || c.end[side].dead) return;
  const std::size_t room = options.receive_buffer;
  for (;;) {
    const std::size_t unsent = p.outbox.size() - p.under_way;
    if (unsent == 0) break;
    const std::size_t full = p.inbox.size() + p.under_way;
    const std::size_t window = full < room ? room - full : 0;
    // No silly windows (RFC 9293, 3.8.6.2): a slow reader does not turn the stream into crumbs.
    if (window < std::min({unsent, options.max_segment, std::max<std::size_t>(room / 2, 1)})) break;
    std::size_t n = std::min({unsent, window, options.max_segment});
    if (options.split == Split::random) n = cut(n);
    if (random.chance(options.faults.reset)) {
      reset_connection(c);
      return;
    }
    if (random.chance(options.faults.stall)) {
      const auto most = static_cast<std::uint64_t>(std::max<Duration::rep>(options.faults.stall_most.count(), 1));
      stall(c, side, Duration(random.below(most)));
    }
    p.under_way += n;
    send(c, side, Kind::data, n);
  }
  if (p.fin_wanted && !p.fin_sent && p.outbox.size() == p.under_way) {
    p.fin_sent = true;
    send(c, side, Kind::fin, 0);
  }
}

void SimNetwork::arrive(Connection& c, int side) {
  Pipe& p = c.pipe[side];
  while (!p.segments.empty() && p.segments.front().at <= clock) {
    // What is held has no date when it is held for good: heal() or a shorter stall() brings it back.
    if (vanishes(c)) return;
    if (p.stalled_until > clock) {
      if (p.stalled_until != base::kNever) put_on_agenda(c, side, p.stalled_until);
      return;
    }
    const Segment s = p.segments.front();
    p.segments.pop_front();
    deliver(c, side, s);
  }
  if (!p.segments.empty() && !p.on_agenda) put_on_agenda(c, side, p.segments.front().at);
}

void SimNetwork::deliver(Connection& c, int side, const Segment& s) {
  const int to = 1 - side;
  Pipe& p = c.pipe[side];
  End& end = c.end[to];
  note(Op::segment, static_cast<std::int64_t>(c.id * 2) + side, static_cast<std::int64_t>(s.bytes * 8) + int(s.kind));
  switch (s.kind) {
    case Kind::syn_ack:
      end.established = true;
      activate(end.handle);
      send(c, to, Kind::ack, 0);
      break;
    case Kind::ack: {
      Socket* l = find(c.listener);
      c.pending = false;
      c.end[1].open = c.end[1].established = true;
      if (l) {
        --l->embryos;
        l->queue.push_back(&c);
        activate(l->handle);
      } else {
        c.end[1].abort_on_close = true;
        close_end(c, 1);
      }
      break;
    }
    case Kind::refuse: die(c, to, ECONNREFUSED); break;
    case Kind::data:
      if (end.open && !end.dead) {
        p.inbox.append(p.outbox.front(), s.bytes);
        activate(end.handle);
      }
      p.outbox.drop(s.bytes);
      p.under_way -= s.bytes;
      if (!end.open) {
        // Nobody will ever read it: the sender is told so by a reset (RFC 9293, 3.10.7.1).
        send(c, to, Kind::reset, 0);
        break;
      }
      activate(c.end[side].handle);
      pump(c, side);
      break;
    case Kind::fin:
      end.fin_in = true;
      activate(end.handle);
      break;
    case Kind::reset: die(c, to, end.fin_in ? EPIPE : ECONNRESET); break;
  }
}

// ---- ending ---------------------------------------------------------------------------------------------------------

// This end learns that the connection is no more. What it has received stays readable; what it has sent is lost.
void SimNetwork::die(Connection& c, int side, int error) {
  End& e = c.end[side];
  if (!e.open || e.dead) return;
  note(Op::reset, e.handle, error);
  e.dead = true;
  e.error = error;
  Pipe& out = c.pipe[side];
  out.segments.clear();
  out.outbox.clear();
  out.under_way = 0;
  activate(e.handle);
}

void SimNetwork::close_end(Connection& c, int side) {
  End& e = c.end[side];
  e.open = false;
  Pipe& in = c.pipe[1 - side];
  Pipe& out = c.pipe[side];
  if (e.established && !e.dead) {
    // Linux: closing with unread data is a reset, which may destroy what the peer has not read yet.
    if (e.abort_on_close || in.inbox.size() != 0) {
      out.outbox.cut_to(out.under_way);
      out.fin_sent = true;
      send(c, side, Kind::reset, 0);
    } else {
      out.fin_wanted = true;
      pump(c, side);
    }
    in.inbox.clear();
    pump(c, 1 - side);
  } else if (c.pending) {
    // Given up while shaking hands: the listener forgets it.
    if (Socket* l = find(c.listener)) --l->embryos;
    c.pending = false;
  }
}

// ---- faults ---------------------------------------------------------------------------------------------------------

bool SimNetwork::vanishes(const Connection& c) const {
  for (const SocketAddress& hole : holes_) {
    for (const End& e : c.end) {
      if (std::memcmp(hole.bytes(), e.address.bytes(), 16) != 0 || hole.family() != e.address.family()) continue;
      if (hole.port() == 0 || hole.port() == e.address.port()) return true;
    }
  }
  return false;
}

void SimNetwork::reset_connection(Connection& c) {
  for (int side : {0, 1}) {
    c.pipe[side].segments.clear();
    c.pipe[side].outbox.clear();
    c.pipe[side].under_way = 0;
    die(c, side, c.end[side].fin_in ? EPIPE : ECONNRESET);
  }
  if (c.pending) {
    if (Socket* l = find(c.listener)) --l->embryos;
    c.pending = false;
  }
}

void SimNetwork::stall(Connection& c, int side, Duration duration) {
  Pipe& p = c.pipe[side];
  p.stalled_until = base::later(clock, duration);
  // Even if there is an entry already: a shorter stall replaces a longer one.
  if (!p.segments.empty()) put_on_agenda(c, side, p.segments.front().at);
}

void SimNetwork::black_hole(const SocketAddress& at) { holes_.push_back(at); }

void SimNetwork::heal(const SocketAddress& at) {
  std::erase(holes_, at);
  for (const auto& c : connections) {
    if (!c) continue;
    for (int side : {0, 1}) {
      Pipe& p = c->pipe[side];
      if (!p.on_agenda && !p.segments.empty()) put_on_agenda(*c, side, p.segments.front().at);
    }
  }
}

}  // namespace fairlead::net
