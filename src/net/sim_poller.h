#pragma once
// SimPoller: a Poller without a kernel. A TCP network and a clock in memory, both driven by a seed, so that a scenario
// of handshakes, relays and faults takes microseconds, never waits, and repeats exactly: same seed and same calls, same
// trace_hash(). It behaves as Linux does where the code above could notice: finite buffers, back-pressure, half-close,
// a reset after data was left unread, level-triggered readiness with an unmaskable hangup, SYN retries, backlogs.
//
//   SimPoller poller({.seed = seed, .split = Split::random});
//   EventLoop loop(poller);                      // code under test and its peers, all as tasks of one loop
//   loop.run_until([&] { return done; });        // returns early when nothing can happen any more
//
// The clock stands still while anything is ready and then jumps to the next network event or timer; only a loop that is
// kept busy for more than kFreeTurns turns finds that a turn takes a microsecond. Several loops
// share one network when their pollers are built from each other; then drive them in turn (sim_run_all): time moves
// only when none of them has anything to do. One thread drives them all; only wake() may come from another.
//
// Handles are never used twice, so a call on a closed one is a bug: it answers -EBADF and counts in misuses().

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "net/poller.h"

namespace fairlead::net {

class EventLoop;
class SimNetwork;

// The simulation's source of chance (splitmix64). Small, fast, the same everywhere; not for secrets.
class SimRandom {
 public:
  explicit SimRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  // 0 .. bound-1; bound > 0.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  bool chance(double p) { return p > 0 && static_cast<double>(next() >> 11) * 0x1.0p-53 < p; }

 private:
  std::uint64_t state_;
};

// Where reads, writes and segments are cut.
enum class Split : std::uint8_t {
  none,      // as much as fits
  random,    // at points drawn from the seed
  bytewise,  // a read gives one byte, a write takes one byte
};

// Which way, seen from a handle.
enum class Flow : std::uint8_t { outgoing, incoming };

// Faults drawn from the seed. Probabilities are 0..1.
struct SimFaults {
  double reset = 0;  // per segment: the connection is reset at both ends instead
  double stall = 0;  // per segment: its direction stops for 0..stall_most first
  Duration stall_most = base::seconds(2);
  double connect_refused = 0;  // per connect
  double connect_silent = 0;   // per connect: no answer, ETIMEDOUT after the kernel's 127 s
  double accept_aborted = 0;   // per accept: ECONNABORTED, the connection is gone
  double out_of_handles = 0;   // per accept or connect: EMFILE although there are some
};

struct SimOptions {
  std::uint64_t seed = 1;
  Split split = Split::random;
  // Per direction and connection, in bytes. Small, so that writers park.
  std::size_t send_buffer = 4096;
  std::size_t receive_buffer = 4096;
  std::size_t max_segment = 1460;
  // One way: latency + 0..jitter, drawn per segment; segments of a connection keep their order.
  Duration latency = std::chrono::microseconds(200);
  Duration jitter = std::chrono::microseconds(100);
  double odd_eagain = 0;  // per read or write that could go on: EAGAIN this once
  bool shuffle = true;    // what is ready at one time is reported in drawn order, sometimes in part
  // Of a pipe; 0: there are none. What fill() and drain() say instead of doing it, if not 0 (an errno).
  std::size_t pipe_room = 64 * 1024;
  int fill_error = 0, drain_error = 0;
  int max_handles = 1 << 20;  // sockets open at one time, over all pollers of the network
  SimFaults faults = {};
};

class SimPoller final : public Poller {
 public:
  explicit SimPoller(const SimOptions& options = {});
  // One more poller (for one more loop) on the network and clock of `shared`, which may die first.
  explicit SimPoller(SimPoller& shared);
  ~SimPoller() override;
  SimPoller(const SimPoller&) = delete;
  SimPoller& operator=(const SimPoller&) = delete;

  // Poller. Beyond its contract: listen() with port 0 draws ports from 20000 up; addresses need not be local.
  int listen(const SocketAddress& at, const ListenOptions& options, SocketAddress* bound) override;
  int accept(int handle, SocketAddress* peer) override;
  int connect(const SocketAddress& to) override;
  int connect_result(int handle) override;
  ssize_t read(int handle, char* buffer, std::size_t size) override;
  ssize_t write(int handle, const iovec* pieces, int count) override;
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
  void wake() override { woken_.store(true, std::memory_order_release); }

  // ---- scripted faults -------------------------------------------------------------------------------------------

  // A reset arrives at both ends now, as from a middlebox. What they had received stays readable first.
  void reset_connection(int handle);
  // Nothing of that direction arrives for `duration` (Duration::max(): for good); it is kept and arrives then.
  void stall(int handle, Flow flow, Duration duration);
  // Whatever is sent to or from this address (the port counts unless it is 0) vanishes until heal(): new connections
  // are not answered, live ones fall silent. After heal() what was kept arrives, as TCP would send it again.
  void black_hole(const SocketAddress& at);
  void heal(const SocketAddress& at);
  // Sockets that may be open from now on; those open stay.
  void set_max_handles(int most);
  // The next `count` calls of watch() that add a handle fail with -error (ENOSPC, ENOMEM).
  void fail_next_watches(int count, int error);
  void set_faults(const SimFaults& faults);
  // Connections made through this poller from now on come from this address (of its family; the port is drawn).
  void set_client_address(const SocketAddress& from) { client_address_ = from; }

  // ---- what can be seen ------------------------------------------------------------------------------------------

  std::uint64_t seed() const;
  // Of every call with its result and every network event with its time, in order.
  std::uint64_t trace_hash() const;
  // Each line of the trace as text, for finding out what a failing seed does. Costs time; null turns it off.
  void set_trace(std::function<void(const std::string&)> sink);
  // The other end's handle, or -1 if that is closed or not accepted yet.
  int peer_of(int handle) const;
  // Connected or connecting handles, oldest first.
  std::vector<int> connections() const;
  // Sockets open now, over all pollers of the network: 0 at the end of a scenario that leaks none.
  std::size_t open_handles() const;
  // Pipes open now, and those of them that hold bytes.
  std::size_t open_pipes() const;
  std::size_t filled_pipes() const;
  // Calls that no correct caller makes: on closed handles, watch() with a wrong `before`, fill() of a pipe that is not
  // empty, drain() of more than is in it.
  std::size_t misuses() const;
  // wait() calls of this poller so far: a busy loop shows here.
  std::uint64_t waits() const { return waits_; }
  // More than a million wait() calls in a row that reported something while not a byte moved and nobody slept: somebody
  // is told of readiness and does nothing about it. wait() then says stuck.
  bool livelocked() const { return still_ > kLivelock; }
  // The last wait() of any poller of this network found that nothing will ever happen again.
  bool stuck() const;

 private:
  friend class SimNetwork;
  static constexpr std::uint64_t kLivelock = 1'000'000;
  static constexpr std::uint64_t kFreeTurns = 64;
  // Fills ready_ from active_; false if there is nothing.
  bool collect_ready();
  bool has_work();

  std::shared_ptr<SimNetwork> network_;
  TimePoint now_;
  TimePoint until_ = TimePoint::min();  // what the last wait() waited for; min: has not waited yet
  SocketAddress client_address_;
  std::vector<int> active_;  // watched handles that may have events
  std::vector<Ready> ready_;
  std::atomic<bool> woken_{false};
  std::uint64_t waits_ = 0;
  std::uint64_t busy_ = 0;   // wait() calls since this poller was last idle
  std::uint64_t still_ = 0;  // the same, and since the network last made progress
  std::uint64_t progress_seen_ = 0;
};

// Runs loops that share a network, a turn each, until `done` or until nothing can happen to any of them.
// Returns done().
bool sim_run_all(std::span<EventLoop* const> loops, const std::function<bool()>& done);

}  // namespace fairlead::net
