#include "bench/load/run.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>

#include "bench/load/progress.h"
#include "bench/load/worker.h"

namespace fairlead::bench {
namespace {

using base::Code;
using base::Side;
using base::TimePoint;

std::atomic<int> signalled{0};

// The first one ends the run in order, with what was measured so far; the second at once.
void on_signal(int number) {
  if (signalled.exchange(number) != 0) ::_exit(1);
}

void catch_signals() {
  struct sigaction action{};
  action.sa_handler = on_signal;
  for (const int number : {SIGINT, SIGTERM}) ::sigaction(number, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

// Every session is a descriptor, and another one where the origin is ours.
base::Result<void> check_descriptors(const Options& o) {
  const std::uint64_t each = o.own_origin.empty() ? 1 : 2;
  const std::uint64_t needed = each * o.sessions + 64 + 8 * o.threads;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < needed && limit.rlim_max > limit.rlim_cur) {
    limit.rlim_cur = std::min<rlim_t>(needed, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= needed) return {};
  return base::fail(Code::resources, Side::config,
                    fmt::format("{} sessions need {} file descriptors, and this process may have {} (ulimit -n): "
                                "raise that, or spread the sessions over several processes",
                                o.sessions, needed, limit.rlim_cur));
}

// The workers, and what the leading thread waits for.
class Crew {
 public:
  explicit Crew(const Options& options)
      : options_(options), meter_(options.watch), own_({::getpid()}), watch_(options.watch) {}

  base::Result<void> prepare();
  void go(Result& result);

 private:
  using Call = void (Worker::*)();
  // Asks all workers; false: interrupted before all said that it is done.
  bool all(Call call, const char* doing);
  // Lets time pass; false: interrupted.
  bool pass(TimePoint until, const char* doing);
  void phase_done();
  Memory look() const { return {watch_.look(), kernel_slab_kib()}; }
  Progress::Counts counts() const;
  void measure(Result& result);
  void collect(Result& result);

  const Options& options_;
  Destination to_;
  std::vector<std::unique_ptr<Worker>> workers_;
  CpuMeter meter_, own_;
  Watch watch_;
  Progress progress_{options_};
  std::mutex mutex_;
  std::condition_variable done_;
  std::size_t waiting_for_ = 0;
};

base::Result<void> Crew::prepare() {
  if (auto enough = check_descriptors(options_); !enough) return enough;
  auto to = find_destination(options_);
  if (!to) return std::unexpected(to.error());
  to_ = std::move(*to);
  net::SocketAddress origin;
  if (!options_.own_origin.empty()) {
    auto at = net::SocketAddress::parse(options_.own_origin);
    if (!at) return std::unexpected(at.error());
    origin = *at;
  }
  std::uint32_t first = 0;
  for (std::uint32_t i = 0; i < options_.threads; ++i) {
    const std::uint32_t share =
        options_.sessions / options_.threads + (i < options_.sessions % options_.threads ? 1 : 0);
    workers_.push_back(std::make_unique<Worker>(options_, to_, first, share, [this] { phase_done(); }));
    first += share;
    if (options_.own_origin.empty()) continue;
    auto bound = workers_.back()->open_origin(origin);
    if (!bound) return std::unexpected(bound.error());
    origin = *bound;  // port 0: the others listen where the first one does
  }
  return {};
}

void Crew::phase_done() {
  std::lock_guard lock(mutex_);
  --waiting_for_;
  done_.notify_one();
}

bool Crew::all(Call call, const char* doing) {
  {
    std::lock_guard lock(mutex_);
    waiting_for_ = workers_.size();
  }
  for (const auto& worker : workers_) (worker.get()->*call)();
  std::unique_lock lock(mutex_);
  while (waiting_for_ != 0) {
    done_.wait_for(lock, std::chrono::milliseconds(200));
    progress_.show(doing, counts());
    if (signalled != 0 && waiting_for_ != 0 && call != &Worker::close_sessions) return false;
  }
  return true;
}

bool Crew::pass(TimePoint until, const char* doing) {
  std::unique_lock lock(mutex_);
  for (auto now = base::monotonic_now(); now < until && signalled == 0; now = base::monotonic_now()) {
    done_.wait_for(lock, std::min<Nanoseconds>(until - now, std::chrono::milliseconds(200)));
    progress_.show(doing, counts());
  }
  return signalled == 0;
}

Progress::Counts Crew::counts() const {
  Progress::Counts c;
  for (const auto& worker : workers_) {
    const Tally& t = worker->tally();
    c.open += t.open;
    c.opened += t.opened;
    c.failed += t.failed + t.broken + t.wrong;
    c.exchanges += t.exchanges;
    c.p99_ns = std::max(c.p99_ns, progress_.live() ? t.latency.percentile(99) : 0);
  }
  return c;
}

void Crew::measure(Result& result) {
  const TimePoint sending = base::monotonic_now() + std::chrono::milliseconds(5);
  for (const auto& worker : workers_) worker->send(sending);
  if (options_.workload != Workload::hold && !pass(sending + options_.warmup, "warming up")) return;
  meter_.find();
  own_.find();
  const TimePoint from = base::monotonic_now();
  const TimePoint to = from + options_.duration;
  meter_.begin();
  own_.begin();
  for (const auto& worker : workers_) worker->measure(from, to);
  pass(to, options_.workload == Workload::hold ? "holding" : "measuring");
  meter_.end();
  own_.end();
  result.measured_seconds = std::chrono::duration<double>(base::monotonic_now() - from).count();
  all(&Worker::stop_measuring, "measuring");
  result.watched_cpu_us = meter_.microseconds();
  result.own_cpu_us = own_.microseconds();
  result.measured = look();
}

void Crew::go(Result& result) {
  for (const auto& worker : workers_) worker->start();
  result.before = look();
  meter_.find();
  const TimePoint begun = base::monotonic_now();
  meter_.begin();
  const bool opened = all(&Worker::open_sessions, "opening");
  result.opening_seconds = std::chrono::duration<double>(base::monotonic_now() - begun).count();
  meter_.end();
  result.opening_cpu_us = meter_.microseconds();
  result.ramped = look();
  // Without a session there is nothing to wait for.
  if (opened && (options_.workload == Workload::connect || counts().open != 0)) measure(result);
  if (signalled != 0) result.interrupted = "interrupted by a signal";
  for (const auto& worker : workers_) worker->stop_sending();
  all(&Worker::close_sessions, "closing");
  if (options_.settle.count() > 0) pass(base::monotonic_now() + options_.settle, "settling");
  result.closed = look();
  for (const auto& worker : workers_) worker->finish();
  for (const auto& worker : workers_) worker->join();
  progress_.end();
  collect(result);
}

void Crew::collect(Result& r) {
  for (const auto& worker : workers_) {
    const Tally& t = worker->tally();
    r.opened += t.opened;
    r.failed += t.failed;
    r.broken += t.broken;
    r.wrong += t.wrong;
    r.resumed += t.resumed;
    r.exchanges += t.exchanges;
    r.bytes_out += t.bytes_out;
    r.bytes_in += t.bytes_in;
    r.unanswered += t.unanswered;
    r.latency.merge(t.latency);
    r.opening.merge(t.opening);
    for (const auto& [error, times] : worker->errors()) r.errors[error] += times;
    const Opened& found = worker->first_opened();
    if (!r.tls_version.empty() || found.tls_version.empty()) continue;
    r.tls_version = found.tls_version;
    r.cipher = found.cipher;
  }
  r.subprotocol = workers_.front()->first_opened().subprotocol;
}

}  // namespace

double Result::units() const {
  return static_cast<double>(exchanges) * (options.workload == Workload::connect ? 1 : 2);
}

base::Result<std::unique_ptr<Result>> run(const Options& options) {
  catch_signals();
  auto result = std::make_unique<Result>();
  result->options = options;
  Crew crew(options);
  if (auto ready = crew.prepare(); !ready) return std::unexpected(ready.error());
  crew.go(*result);
  return result;
}

base::Result<void> serve_origin(const Options& options) {
  catch_signals();
  auto at = net::SocketAddress::parse(options.listen);
  if (!at) return std::unexpected(at.error());
  const Destination nowhere;
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::uint32_t i = 0; i < options.threads; ++i) {
    workers.push_back(std::make_unique<Worker>(options, nowhere, 0, 0, [] {}));
    auto bound = workers.back()->open_origin(*at);
    if (!bound) return std::unexpected(bound.error());
    at = *bound;
  }
  fmt::print("listening on {}\n", at->to_string());
  std::fflush(stdout);
  for (const auto& worker : workers) worker->start();
  // Signals are let in only while waiting, so that none is missed.
  sigset_t blocked, before;
  ::sigemptyset(&blocked);
  for (const int number : {SIGINT, SIGTERM}) ::sigaddset(&blocked, number);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  while (signalled == 0) ::sigsuspend(&before);
  for (const auto& worker : workers) worker->finish();
  for (const auto& worker : workers) worker->join();
  return {};
}

}  // namespace fairlead::bench
