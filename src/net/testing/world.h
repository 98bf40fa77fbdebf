#pragma once
// World: a poller, a loop and a scope for one test, so that the same test text runs over the kernel's loopback sockets
// and over the simulated network. Header-only; the tests of edge/ use it too.
//
//   class Streams : public testing::TestWithParam<Net> { protected: World world{GetParam()}; };
//   TEST_P(Streams, says_hello) { world.run(says_hello(world)); }          // a Task; run() waits for its end
//   INSTANTIATE_TEST_SUITE_P(Net, Streams, every_net(), net_name);
//
// A test that hangs fails: over the kernel after kLongest of real time, in the simulation as soon as nothing can happen
// any more. The world is then left as it is (who waits in it cannot be destroyed) and Stuck is thrown.

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "net/acceptor.h"
#include "net/epoll_poller.h"
#include "net/event_loop.h"
#include "net/sim_poller.h"
#include "net/socket_stream.h"
#include "net/task.h"
#include "net/task_scope.h"

namespace fairlead::net::testing {

// What lies below a test.
enum class Net { kernel, sim_whole, sim_random, sim_bytewise };

inline auto every_net() { return ::testing::Values(Net::kernel, Net::sim_whole, Net::sim_random, Net::sim_bytewise); }
inline auto every_simulated_net() { return ::testing::Values(Net::sim_whole, Net::sim_random, Net::sim_bytewise); }

inline std::string net_name(const ::testing::TestParamInfo<Net>& info) {
  switch (info.param) {
    case Net::kernel: return "kernel";
    case Net::sim_whole: return "sim_whole";
    case Net::sim_random: return "sim_random";
    case Net::sim_bytewise: return "sim_bytewise";
  }
  return "unknown";
}

struct Stuck : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct TcpPair {
  std::unique_ptr<TcpStream> near;  // the end that connected
  std::unique_ptr<TcpStream> far;   // the end that was accepted
};

class World {
 public:
  static constexpr Duration kLongest = base::seconds(60);              // real time
  static constexpr Duration kLongestSimulated = base::seconds(86400);  // simulated time

  // `options` are those of the simulation; its split is the one `net` says.
  explicit World(Net net, SimOptions options = {}) : net_(net) {
    if (net == Net::kernel) {
      poller_ = std::make_unique<EpollPoller>();
    } else {
      options.split = net == Net::sim_whole ? Split::none : net == Net::sim_random ? Split::random : Split::bytewise;
      auto sim = std::make_unique<SimPoller>(options);
      sim_ = sim.get();
      poller_ = std::move(sim);
    }
    loop_ = std::make_unique<EventLoop>(*poller_);
    scope_ = std::make_unique<TaskScope>(*loop_);
  }
  ~World() {
#ifndef __clang_analyzer__  // which takes what is kept on purpose for a leak
    if (!stuck_) return;
    // Somebody still waits in there: destroying it would hide the failure behind an assertion. Kept to the end.
    struct Remains {
      std::unique_ptr<Poller> poller;
      std::unique_ptr<EventLoop> loop;
      std::unique_ptr<TaskScope> scope;
    };
    static auto* const kept = new std::vector<Remains>;  // NOLINT(bugprone-unhandled-exception-at-new)
    kept->push_back({std::move(poller_), std::move(loop_), std::move(scope_)});
#endif
  }

  Net net() const { return net_; }
  Poller& poller() { return *poller_; }
  EventLoop& loop() { return *loop_; }
  TaskScope& scope() { return *scope_; }
  SimPoller* sim() { return sim_; }  // null over the kernel
  bool kernel() const { return sim_ == nullptr; }

  // Turns until `done`. Throws Stuck when that does not happen.
  void run_until(const std::function<bool()>& done) {
    bool late = false;
    Alarm alarm(late);
    if (kernel()) loop_->timers().set(alarm, base::later(loop_->now(), kLongest));
    const TimePoint latest = base::later(poller_->now(), kLongestSimulated);
    loop_->run_until([&] { return late || done() || (sim_ && poller_->now() > latest); });
    if (done()) return;
    stuck_ = true;
    std::string text = sim_ ? "the simulation is stuck (seed " + std::to_string(sim_->seed()) + ")" : "the test hangs";
    ADD_FAILURE() << text;
    throw Stuck(text);
  }

  // Runs a task to its end and gives back its value, or throws what it threw.
  template <class T>
  T run(Task<T> task) {
    Slot<T> slot;
    scope_->spawn(keep(std::move(task), slot));
    run_until([&] { return slot.done; });
    if (slot.error) std::rethrow_exception(slot.error);
    if constexpr (!std::is_void_v<T>) return std::move(*slot.value);
  }

  // Joins the scope: every task spawned on it has ended.
  void finish() {
    run_until([&] { return scope_->size() == 0; });
  }

  SocketAddress loopback(std::uint16_t port = 0) const { return SocketAddress::from_ip("127.0.0.1", port).value(); }

  // Two ends of one connection.
  TcpPair pair() {
    TcpPair out;
    Acceptor acceptor(
        *loop_,
        [&](int handle, const SocketAddress& peer) { out.far = std::make_unique<TcpStream>(*loop_, handle, peer); },
        [](int error) { throw std::runtime_error("accept: " + std::to_string(error)); });
    auto open = acceptor.open(loopback(), {});
    if (!open) throw std::runtime_error(base::describe(open.error()));
    auto connected = run(connect_tcp(*loop_, acceptor.address(), base::kNever));
    if (!connected) throw std::runtime_error(base::describe(connected.error()));
    out.near = std::move(*connected);
    run_until([&] { return out.far != nullptr; });
    return out;
  }

 private:
  class Alarm final : public Timer {
   public:
    explicit Alarm(bool& late) : Timer([](Timer& t) { static_cast<Alarm&>(t).late_ = true; }), late_(late) {}

   private:
    bool& late_;
  };
  template <class T>
  struct Slot {
    std::optional<std::conditional_t<std::is_void_v<T>, char, T>> value;
    std::exception_ptr error;
    bool done = false;
  };
  template <class T>
  static Task<void> keep(Task<T> task, Slot<T>& slot) {
    try {
      if constexpr (std::is_void_v<T>) {
        co_await std::move(task);
      } else {
        T value = co_await std::move(task);
        slot.value.emplace(std::move(value));
      }
    } catch (...) {
      slot.error = std::current_exception();
    }
    slot.done = true;
  }

  Net net_;
  SimPoller* sim_ = nullptr;
  std::unique_ptr<Poller> poller_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<TaskScope> scope_;
  bool stuck_ = false;
};

}  // namespace fairlead::net::testing
