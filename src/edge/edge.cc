#include "edge/edge.h"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <map>
#include <random>
#include <set>

#include "base/log.h"
#include "edge/origin/health_checker.h"
#include "edge/telemetry/exposition.h"
#include "net/epoll_poller.h"

namespace fairlead::edge {
namespace {

unsigned worker_count(const model::EdgeConfig& config) {
  return config.workers != 0 ? config.workers : std::max(1u, std::thread::hardware_concurrency());
}

std::uint64_t seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

}  // namespace

// One worker with the thread it runs on. Members in the order they depend on each other.
struct Edge::Thread {
  Thread(unsigned index, EdgeShared& shared, const model::EdgeConfig& config,
         std::unique_ptr<net::CaresResolver> (*make)(net::EventLoop&, const model::EdgeConfig&))
      : loop(poller),
        resolver(make(loop, config)),
        worker(index, loop, *resolver, shared, config.limits, seed()),
        tickets(loop, *shared.tickets),
        ending(loop, worker, tickets) {
    if (index == 0) tickets.turn();
  }

  net::EpollPoller poller;
  net::EventLoop loop;
  std::unique_ptr<net::CaresResolver> resolver;
  Worker worker;
  // Rotates the ticket keys of all workers; armed on the first.
  struct TicketTimer final : net::Timer {
    TicketTimer(net::EventLoop& l, net::TlsTicketKeys& k)
        : Timer([](Timer& t) { static_cast<TicketTimer&>(t).turn(); }), loop(l), keys(k) {}
    void turn() {
      // Armed before anything can fail: without memory for a new key the next try comes soon.
      loop.timers().set(*this, base::later(loop.now(), base::seconds(1)));
      keys.rotate(loop.now());
      loop.timers().set(*this, keys.next_rotation());
    }
    net::EventLoop& loop;
    net::TlsTicketKeys& keys;
  } tickets;
  // The end of this worker: its connections, then (first worker only) the health checks that use its loop, then the
  // loop. What there is no memory for is tried again, for without its end the process would wait for ever.
  struct Ending final : net::Timer {
    Ending(net::EventLoop& l, Worker& w, TicketTimer& t)
        : Timer([](Timer& self) { static_cast<Ending&>(self).step(); }),
          loop(l),
          worker(w),
          tickets(t),
          scope(l, [this](const char*) { again(); }) {}

    // `now` may follow a begin without it. `checks`: null for none.
    void begin(bool now, base::Duration drain_time, HealthChecker* checks) {
      at_once |= now;
      time = drain_time;
      health = checks;
      if (!connections_over) step();
    }
    void step() {
      again();  // before anything can fail
      if (connections_over) {
        scope.spawn(end());
        return;
      }
      const auto done = [this] {
        connections_over = true;
        net::guarded("a worker's end", [this] { step(); });
      };
      if (at_once) {
        worker.stop(done);
      } else {
        worker.drain(time, done);
      }
      if (!connections_over) cancel();
    }
    static constexpr base::Duration kAgain = base::milliseconds(20);
    void again() { loop.timers().set(*this, base::later(loop.now(), kAgain)); }
    net::Task<void> end() {
      cancel();
      if (health) {
        health->stop();
        co_await health->join();
      }
      tickets.cancel();
      loop.quit();
    }

    net::EventLoop& loop;
    Worker& worker;
    TicketTimer& tickets;
    HealthChecker* health = nullptr;
    base::Duration time{};
    bool at_once = false;
    bool connections_over = false;
    net::TaskScope scope;
  } ending;
  // What the thread waits for before it goes on.
  enum class Go : std::uint8_t { not_yet, yes, no };
  void tell(Go what) {
    go = what;
    go.notify_all();
  }
  std::atomic<Go> go{Go::not_yet};
  std::thread thread;
};

Edge::Edge(model::EdgeConfig config, std::function<void()> on_finished)
    : config_(std::move(config)),
      on_finished_(std::move(on_finished)),
      shared_(std::make_unique<EdgeShared>(worker_count(config_), config_.limits)) {
  shared_->origin_tls_records = config_.tls_records;
}

Edge::~Edge() = default;

base::Result<void> Edge::start(model::PolicySnapshot::Ptr initial, PolicySource source) {
  started_ = base::monotonic_now();
  started_ms_ = base::wall_clock_ms();
  if (auto opened = shared_->log.open(config_.access_log); !opened) return opened;
  shared_->geo.configure(config_.geo);
  const auto make_resolver = [](net::EventLoop& loop, const model::EdgeConfig& config) {
    net::CaresResolver::Options options;
    options.servers = config.resolvers;
    auto made = net::CaresResolver::create(loop, std::move(options));
    if (!made) {
      base::log_error("resolver: {}; using the system's servers", base::describe(made.error()));
      made = net::CaresResolver::create(loop, {});
    }
    return made ? std::move(*made) : nullptr;
  };
  for (unsigned i = 0; i < worker_count(config_); ++i) {
    threads_.push_back(std::make_unique<Thread>(i, *shared_, config_, +make_resolver));
    if (!threads_.back()->resolver) return base::fail(base::Code::internal, base::Side::edge, "no resolver");
  }
  for (const model::ListenerConfig& listener : config_.listeners) {
    model::ListenerConfig at = listener;
    for (auto& t : threads_) {
      const auto bound = t->worker.listen(at);
      if (!bound) return std::unexpected(bound.error());
      if (t == threads_.front()) addresses_.push_back(*bound);
      at.address = bound->to_string();  // port 0 was a question; the others take the answer
    }
  }
  health_ = std::make_unique<HealthChecker>(threads_.front()->loop, threads_.front()->worker.connector(), seed());
  if (initial) {
    source_ = newest_source_ = source;
    snapshot_ = std::move(initial);
  } else {
    snapshot_ = model::PolicySnapshot::replace(nullptr, config_.domains, 1);
  }
  const auto table = DomainTable::build(nullptr, snapshot_, shared_->tickets);
  // Nothing runs yet: each worker has its table before its first connection, and needs no letter for it.
  for (auto& t : threads_) t->worker.apply(table, config_.limits);
  publish(table);
  running_ = static_cast<unsigned>(threads_.size());
  // None goes on before all are made: when one cannot be, nothing has happened that would have to be ended in order.
  try {
    for (auto& t : threads_) t->thread = std::thread([this, thread = t.get()] { work(*thread); });
  } catch (const std::exception& e) {  // std::system_error (the system's limit), std::bad_alloc
    for (auto& t : threads_) t->tell(Thread::Go::no);
    wait();
    return base::fail(base::Code::resources, base::Side::edge,
                      std::string("a worker's thread cannot be made: ") + e.what());
  }
  for (auto& t : threads_) t->tell(Thread::Go::yes);
  state_ = State::running;
  return {};
}

// The loop catches what a connection, a timer or a letter throws, and tries again when its poller does. What still
// comes out of run() leaves a worker that serves nobody while the kernel goes on giving it a share of the clients, so
// the process ends, with the reason in its log, and its supervisor starts another.
void Edge::work(Thread& thread) noexcept {
  thread.go.wait(Thread::Go::not_yet);
  if (thread.go == Thread::Go::no) return;
  try {
    thread.loop.run();
  } catch (...) {
    thread.loop.caught("a worker cannot go on and the process with it: its loop");
    std::abort();
  }
  if (running_.fetch_sub(1) == 1) on_finished_();
}

model::PolicySnapshot::Ptr Edge::policy() const {
  const std::lock_guard lock(policy_mutex_);
  return snapshot_;
}

Edge::Load Edge::load() const {
  Load load;
  const AdmissionGauges gauges = shared_->admission.gauges(base::monotonic_now());
  load.sessions = gauges.sessions;
  load.connections = gauges.connections;
  load.started_ms = started_ms_;
  // Until it has started there are no workers that could answer, and their list is being made.
  if (state_.load() == State::starting) return load;
  load.workers = threads_.size();
  const std::lock_guard lock(table_mutex_);
  load.domains = table_ ? table_->all().size() : 0;
  return load;
}

void Edge::ask_workers(const std::function<void(Worker&)>& ask) {
  if (state_.load() == State::starting) return;
  for (auto& t : threads_) {
    t->loop.post([worker = &t->worker, ask] { ask(*worker); });
  }
}

void Edge::note_applied(std::uint64_t revision) {
  const std::lock_guard lock(applied_mutex_);
  applied_.push_back({revision, base::wall_clock_ms()});
  if (applied_.size() > kAppliedKept) {
    applied_.pop_front();
    applied_dropped_ = true;
  }
}

Edge::Applied Edge::applied() const {
  const std::lock_guard lock(applied_mutex_);
  return applied_.empty() ? Applied() : applied_.back();
}

std::optional<std::int64_t> Edge::applied_at(std::uint64_t revision) const {
  const std::lock_guard lock(applied_mutex_);
  for (const Applied& a : applied_) {
    if (a.revision < revision) continue;
    // Had it been obeyed before the oldest that is kept, nobody knows when.
    if (&a == &applied_.front() && applied_dropped_) return std::nullopt;
    return a.at_ms;
  }
  return std::nullopt;
}

void Edge::apply_policy(const cluster::PolicyUpdate& update) {
  const std::lock_guard lock(policy_mutex_);
  std::vector<model::PolicyEdit> edits = update.edits;
  if (update.whole) {
    // Built on what there is, so that a domain that did not change stays the same object and its sessions hear nothing.
    std::set<std::string_view> there;
    for (const model::PolicyEdit& e : update.edits) there.insert(e.name);
    snapshot_->for_each([&](const model::DomainPolicyPtr& policy) {
      if (!there.contains(policy->name)) edits.push_back(model::PolicyEdit::remove(policy->name));
    });
  }
  snapshot_ = model::PolicySnapshot::build(snapshot_, std::move(edits), update.revision);
  base::log_debug("policy revision {}: {} edits{}", update.revision, update.edits.size(),
                  update.whole ? ", whole" : "");
  newest_source_ = PolicySource::control;
  publish(DomainTable::build(table_.get(), snapshot_, shared_->tickets));
}

void Edge::publish(std::shared_ptr<const DomainTable> table) {
  {
    std::lock_guard lock(table_mutex_);
    table_ = table;
  }
  const auto waited_for = std::make_shared<std::atomic<std::size_t>>(threads_.size());
  for (auto& t : threads_) {
    t->loop.post([this, worker = &t->worker, table, limits = config_.limits, waited_for, source = newest_source_] {
      worker->apply(table, limits);
      if (waited_for->fetch_sub(1) != 1) return;
      source_ = source;
      note_applied(table->revision());
    });
  }
  // Gathered here: ten thousand domains are nothing for a worker to look through.
  std::vector<HealthTarget> targets;
  for (const auto& [name, domain] : table->all()) {
    if (!domain->policy().health_check.active.path.empty()) {
      targets.push_back({domain->origins_ptr(), [domain](const model::Origin& o) { return domain->origin_tls(o); }});
    }
  }
  threads_.front()->loop.post([health = health_.get(), targets = std::move(targets)] { health->set_targets(targets); });
}

std::vector<std::string> Edge::apply(model::EdgeConfig next) {
  const std::lock_guard lock(policy_mutex_);
  std::vector<std::string> differ;
  if (next.listeners != config_.listeners) differ.push_back("listeners");
  if (next.workers != config_.workers) differ.push_back("workers");
  if (next.admin_address != config_.admin_address || next.admin_tls != config_.admin_tls) differ.push_back("admin");
  if (next.tls_records != config_.tls_records) differ.push_back("tls");
  if (next.access_log != config_.access_log) differ.push_back("access_log");
  if (next.resolvers != config_.resolvers) differ.push_back("resolvers");
  config_.drain_time = next.drain_time;
  config_.limits = next.limits;
  shared_->admission.set_limits(config_.limits);
  shared_->geo.configure(next.geo);
  if (source_ != PolicySource::configuration) {
    publish(table_);
    return differ;
  }
  config_.domains = std::move(next.domains);
  const std::uint64_t revision = snapshot_->revision() + 1;
  const auto before = snapshot_;
  snapshot_ = model::PolicySnapshot::replace(snapshot_, config_.domains, revision);
  const model::PolicyDiff diff = model::diff(before, snapshot_);
  base::log_info("policy revision {}: {} domains added, {} changed, {} removed", revision, diff.added.size(),
                 diff.changed.size(), diff.removed.size());
  publish(DomainTable::build(table_.get(), snapshot_, shared_->tickets));
  return differ;
}

void Edge::end(bool now) {
  state_ = now ? State::stopped : State::draining;
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    Thread* t = threads_[i].get();
    // By value: config_ is the caller's thread's.
    t->loop.post([this, t, i, now, time = base::Duration(config_.drain_time)] {
      t->ending.begin(now, time, i == 0 ? health_.get() : nullptr);
    });
  }
}

void Edge::drain() { end(false); }
void Edge::stop() { end(true); }

void Edge::wait() {
  for (auto& t : threads_) {
    if (t->thread.joinable()) t->thread.join();
  }
}

void Edge::reopen_log() {
  if (auto opened = shared_->log.reopen(); !opened) base::log_error("{}", base::describe(opened.error()));
}

namespace {

OriginRow row_of(const std::string& domain, const OriginState& s, base::TimePoint now) {
  return {.domain = domain,
          .origin = s.label(),
          .up = s.active_health() != ActiveHealth::down,
          .ejected = s.ejected(now),
          .sessions = s.sessions(),
          .requests = s.requests(),
          .success = s.outcomes(Outcome::success),
          .refused = s.outcomes(Outcome::refused),
          .timeout = s.outcomes(Outcome::timeout),
          .status_5xx = s.outcomes(Outcome::status_5xx),
          .other = s.outcomes(Outcome::other),
          .ejections = s.ejections(),
          .checks_passed = s.checks_passed(),
          .checks_failed = s.checks_failed()};
}

}  // namespace

std::string Edge::metrics() const {
  std::shared_ptr<const DomainTable> table;
  {
    std::lock_guard lock(table_mutex_);
    table = table_;
  }
  const base::TimePoint now = base::monotonic_now();
  ExpositionExtras extras;
  extras.uptime = now - started_;
  extras.ready = ready();
  extras.policy_revision_published = table ? table->revision() : 0;
  extras.domains_configured = table ? table->all().size() : 0;
  extras.access_log_dropped = shared_->log.dropped();
  const AdmissionGauges g = shared_->admission.gauges(now);
  extras.limits = {{"max_connections", static_cast<double>(g.max_connections), static_cast<double>(g.connections)},
                   {"max_sessions", static_cast<double>(g.max_sessions), static_cast<double>(g.sessions)},
                   {"access_log_queue_bytes", static_cast<double>(AccessLog::kMaxQueued),
                    static_cast<double>(shared_->log.queued_bytes())}};
  // Origins of domains that were asked for, or whose origins are checked: not those of ten thousand silent ones. By
  // name.
  std::map<std::string_view, std::shared_ptr<const Domain>> active;
  if (table) {
    for (const auto& c : shared_->counters.domains()) {
      if (auto domain = table->by_name(c->domain)) active.emplace(domain->policy().name, domain);
    }
    for (const auto& [name, domain] : table->all()) {
      if (!domain->policy().health_check.active.path.empty()) active.emplace(name, domain);
    }
  }
  for (const auto& [name, domain] : active) {
    for (std::size_t i = 0; i < domain->origins().size(); ++i) {
      extras.origins.push_back(row_of(domain->policy().name, *domain->origins().state(i), now));
    }
  }
  return render_metrics(shared_->counters, extras);
}

std::string_view Edge::state_name() const {
  switch (state_.load()) {
    case State::starting: return "starting";
    case State::running: return "running";
    case State::draining: return "draining";
    case State::stopped: return "stopped";
  }
  return "stopped";
}

}  // namespace fairlead::edge
