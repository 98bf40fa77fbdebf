#pragma once
// SimNetwork: what the SimPollers of one simulation share: the clock, the sockets, and the connections between them
// with their segments under way. Private to sim_poller.cc and its own .cc; everybody else talks to a SimPoller.
//
// A connection is two Ends and two Pipes. A pipe is one direction: bytes accepted from the writer (outbox), of which
// the first `under_way` are in segments, and bytes that have arrived and not been read (inbox). Segments of a pipe
// arrive in order; each pipe has at most one entry in the agenda, the time of its first segment.

#include <deque>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "net/sim_poller.h"

namespace fairlead::net {

class SimNetwork {
 public:
  explicit SimNetwork(const SimOptions& o);

  // A queue of bytes that neither moves them on every read nor grows without end.
  class Bytes {
   public:
    std::size_t size() const { return data_.size() - head_; }
    void append(const char* p, std::size_t n) { data_.append(p, n); }
    const char* front() const { return data_.data() + head_; }
    void drop(std::size_t n);
    void clear();
    void cut_to(std::size_t n) { data_.resize(head_ + n); }  // keeps the first n

   private:
    std::string data_;
    std::size_t head_ = 0;
  };

  enum class Kind : std::uint8_t { data, fin, reset, refuse, syn_ack, ack };
  struct Segment {
    TimePoint at;
    Kind kind;
    std::size_t bytes;
  };
  struct Pipe {
    Bytes outbox, inbox;
    std::size_t under_way = 0;
    std::deque<Segment> segments;
    bool on_agenda = false;
    bool fin_wanted = false, fin_sent = false;
    TimePoint last_arrival = TimePoint::min();
    TimePoint stalled_until = TimePoint::min();
  };
  struct End {
    int handle = -1;           // -1: not accepted yet, or closed
    bool open = false;         // somebody can still read here, now or after accept()
    bool established = false;  // may send
    bool shut = false;         // shutdown_write() was called
    bool fin_in = false;
    bool dead = false;  // a reset arrived, or the connect failed
    bool abort_on_close = false;
    int error = 0;  // pending, reported once (SO_ERROR)
    SocketAddress address;
  };
  struct Connection {
    std::size_t id = 0;
    End end[2];            // 0 connects, 1 is accepted
    Pipe pipe[2];          // pipe[s] carries what end s sends
    bool pending = false;  // counted in a listener's `embryos`
    bool silent = false;   // drawn or scripted: nobody answers
    int listener = -1;
    int syn_tries = 0;
  };
  struct Socket {
    int handle = -1;
    SimPoller* owner = nullptr;
    // Watching.
    Pollable* who = nullptr;
    Events interest = Poller::kNotWatched;
    bool active = false;  // in owner's list of candidates
    // A listener, or one end of a connection.
    bool listening = false;
    SocketAddress local;
    ListenOptions options;
    std::deque<Connection*> queue;
    int embryos = 0;
    Connection* connection = nullptr;
    int side = 0;
  };

  // Poller's calls; `by` is the poller that makes them.
  int listen(SimPoller* by, const SocketAddress& at, const ListenOptions& options, SocketAddress* bound);
  int accept(SimPoller* by, int handle, SocketAddress* peer);
  int connect(SimPoller* by, const SocketAddress& to, const SocketAddress& from);
  int connect_result(int handle);
  ssize_t read(int handle, char* buffer, std::size_t size);
  ssize_t write(int handle, const iovec* pieces, int count);
  // A pipe by its number, null when that is not open.
  std::string* pipe(int number) { return pipes.count(number) ? &pipes[number] : nullptr; }
  ssize_t fill(int pipe, int handle, std::size_t size);
  ssize_t drain(int pipe, int handle, std::size_t size);
  int shutdown_write(int handle);
  void close(int handle);
  int watch(SimPoller* by, int handle, Pollable* who, Events before, Events after);

  void reset_connection(Connection& c);
  // Frees a connection that both ends have left. Only from the outermost call: what runs below still holds `c`.
  void collect(Connection& c);
  void stall(Connection& c, int side, Duration duration);
  void black_hole(const SocketAddress& at);
  void heal(const SocketAddress& at);

  Socket* find(int handle) const;
  Events events_of(const Socket& s) const;
  // The time of the next thing the network will do by itself; kNever if nothing.
  TimePoint next_event();
  // Does everything that is due at `clock`.
  void run_due();

  enum class Op : std::uint8_t {
    listen,
    accept,
    connect,
    connect_result,
    read,
    write,
    shutdown,
    close,
    watch,
    segment,
    syn,
    reset,
    clock,
    ready
  };
  void note(Op op, std::int64_t a, std::int64_t b);

  SimOptions options;
  SimRandom random;
  TimePoint clock = TimePoint(base::seconds(1000));  // not 0, so that nobody mistakes a date for a duration
  std::vector<SimPoller*> pollers;
  std::vector<std::unique_ptr<Socket>> sockets;
  std::vector<std::unique_ptr<Connection>> connections;
  std::size_t open = 0;
  std::map<int, std::string> pipes;
  int next_pipe = 0;
  std::size_t misuses = 0;
  int watches_to_fail = 0, watch_error = 0;
  bool stuck = false;
  std::uint64_t progress = 0;  // bytes and segments that moved, connections that were made or ended
  std::uint64_t hash = 0xcbf29ce484222325ull;
  std::function<void(const std::string&)> sink;

 private:
  static constexpr int kFirstHandle = 1000;
  struct Due {
    TimePoint at;
    std::uint64_t order;
    std::size_t connection;
    int what;  // 0, 1: that pipe's first segment; kSyn: a SYN arrives
    bool operator>(const Due& o) const { return at != o.at ? at > o.at : order > o.order; }
  };
  static constexpr int kSyn = 2;

  int new_socket(SimPoller* by);
  bool out_of_handles();
  void activate(int handle);
  std::size_t cut(std::size_t n);
  void put_on_agenda(Connection& c, int what, TimePoint at);
  void send(Connection& c, int side, Kind kind, std::size_t bytes);
  void pump(Connection& c, int side);
  void arrive(Connection& c, int side);
  void deliver(Connection& c, int side, const Segment& s);
  void syn_arrives(Connection& c);
  void syn_dropped(Connection& c);
  void die(Connection& c, int side, int error);
  void close_end(Connection& c, int side);
  bool vanishes(const Connection& c) const;
  Socket* listener_for(const SocketAddress& to);
  TimePoint flight() { return clock + options.latency + Duration(random.below(jitter_bound())); }
  std::uint64_t jitter_bound() const { return static_cast<std::uint64_t>(options.jitter.count()) + 1; }

  std::priority_queue<Due, std::vector<Due>, std::greater<>> agenda_;
  std::uint64_t orders_ = 0;
  std::vector<int> listeners_;
  std::vector<SocketAddress> holes_;
  std::uint16_t next_listen_port_ = 20000, next_client_port_ = 32768;
};

}  // namespace fairlead::net
