#pragma once
// Edge: the data plane of one process: workers on threads of their own, the shared state, reload and drain. The
// application makes one, starts it, feeds it configurations, and waits for its end. All calls from one thread (the
// application's main), except apply_policy(), policy() and those marked so.
//
// Domains come from the configuration, or from a control plane: then start() is given the first snapshot,
// apply_policy() every change, and the configuration's own domains are not looked at.
//
// An exception on a worker costs what threw it: it is logged and counted (fairlead_worker_exceptions_total) where it is
// caught, by the loop or by a scope, and the worker goes on. A worker whose loop itself cannot go on ends the process
// with a line in the log; none is ever lost while its listeners accept.

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "cluster/policy_bus.h"
#include "edge/worker.h"
#include "model/edge_config.h"

namespace fairlead::edge {

class HealthChecker;

// Where an edge has its domains from. none: a control plane is to say, and has not yet.
enum class PolicySource : std::uint8_t { configuration, control, file, none };

class Edge {
 public:
  // `on_finished` is called from a worker's thread when the last worker has nothing left after drain() or stop().
  Edge(model::EdgeConfig config, std::function<void()> on_finished);
  ~Edge();  // stop() or drain(), and then wait(), must have been called if start() succeeded

  // Opens the log and every listener on every worker, then starts the threads. On failure nothing runs. Errors:
  // conflict (address in use), malformed, config (log file), resources (no thread). Out of memory it throws, and
  // nothing runs either.
  // `initial`: what a control plane says, or its last word kept on disk (`source`: PolicySource::file); null: the
  // configuration's domains.
  base::Result<void> start(model::PolicySnapshot::Ptr initial = nullptr, PolicySource source = PolicySource::control);
  // Where it listens, in the order of the configuration, real ports in place of 0.
  const std::vector<net::SocketAddress>& addresses() const { return addresses_; }

  // Obeys the domains (unless they come from a control plane), limits and drain_time of `next`. What needs a restart
  // (listeners, workers, admin, log) stays as it is and is returned as a list of names that differ.
  std::vector<std::string> apply(model::EdgeConfig next);

  // Obeys what a control plane says. Any thread, one at a time; after start(). Returns when every worker has its
  // letter.
  void apply_policy(const cluster::PolicyUpdate& update);
  // What was last published to the workers. Any thread.
  model::PolicySnapshot::Ptr policy() const;

  // When every worker began to obey a revision. Any thread.
  struct Applied {
    std::uint64_t revision = 0;
    std::int64_t at_ms = 0;  // since 1970 UTC
  };
  Applied applied() const;  // the newest
  // From when on every worker has obeyed `revision` or a later one; none: not yet, or too long ago to be known.
  std::optional<std::int64_t> applied_at(std::uint64_t revision) const;
  PolicySource policy_source() const { return source_.load(); }

  struct Load {
    std::size_t workers = 0, domains = 0, sessions = 0, connections = 0;
    std::int64_t started_ms = 0;  // since 1970 UTC
  };
  Load load() const;  // any thread
  // Calls `ask` on each worker, on its own thread; those that have ended never call it. Returns at once. Any thread,
  // after start().
  void ask_workers(const std::function<void(Worker&)>& ask);

  // Asks all sessions to close over the configured drain_time; stop() ends at once. Then wait() for the threads.
  void drain();
  void stop();
  void wait();

  void reopen_log();

  // Any thread.
  std::string metrics() const;
  // What the workers have counted of each domain they have met, one for each worker and domain. Any thread.
  std::vector<std::shared_ptr<const DomainCounters>> domain_counters() const;
  // Whether clients may come: running, and it knows which domains there are.
  bool ready() const { return state_.load() == State::running && source_.load() != PolicySource::none; }
  std::string_view state_name() const;

 private:
  enum class State : std::uint8_t { starting, running, draining, stopped };
  struct Thread;
  void publish(std::shared_ptr<const DomainTable> table);  // with policy_mutex_ held
  void note_applied(std::uint64_t revision);               // by the last worker that obeys it
  void end(bool now);
  void work(Thread& thread) noexcept;  // a worker's thread

  model::EdgeConfig config_;
  std::function<void()> on_finished_;
  std::unique_ptr<EdgeShared> shared_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::unique_ptr<HealthChecker> health_;
  std::vector<net::SocketAddress> addresses_;
  base::TimePoint started_{};
  std::atomic<std::int64_t> started_ms_{0};
  mutable std::mutex table_mutex_;  // metrics() reads what apply() replaces
  std::shared_ptr<const DomainTable> table_;
  mutable std::mutex policy_mutex_;  // of snapshot_, newest_source_, config_: apply() and apply_policy() take turns
  model::PolicySnapshot::Ptr snapshot_;
  std::atomic<PolicySource> source_{PolicySource::configuration};  // of what every worker obeys
  PolicySource newest_source_ = PolicySource::configuration;       // of the last publish()
  static constexpr std::size_t kAppliedKept = 1000;
  mutable std::mutex applied_mutex_;
  std::deque<Applied> applied_;   // the newest last
  bool applied_dropped_ = false;  // older ones are gone
  std::atomic<State> state_{State::starting};
  std::atomic<unsigned> running_{0};
};

}  // namespace fairlead::edge
