#pragma once
// HealthChecker: asks origins whether they are well (R13): GET over HTTP/1.1 at an interval; a status in the policy's
// range within its timeout is a success. `unhealthy_after` failures in a row make an origin down, `healthy_after`
// successes in a row make it up; the verdict goes into OriginState, where every worker sees it, and each change of it
// is logged once. One checker per process, on one loop. It costs one coroutine per checked origin, and a connection
// only while a check is under way.
//
// The first check of an origin comes at a random part of the interval (seeded), so that thousands of origins are not
// asked in one burst, and the following ones keep that phase. Checks belong to an OriginState and its settings: a
// reload that changes neither disturbs no running check. When checks of an origin end, its health is unknown again.

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "base/error.h"
#include "edge/origin/connector.h"
#include "edge/origin/origin_set.h"
#include "net/event_loop.h"
#include "net/task.h"
#include "net/task_scope.h"

namespace fairlead::edge {

// A domain whose origins are to be checked. Sets whose policy has no active check are passed over.
struct HealthTarget {
  std::shared_ptr<const OriginSet> origins;
  // Gives the context for an origin (a not verifying one for an `insecure` origin). Asked when an https check is made,
  // so that contexts are built only for domains that need one. Must stay callable while the target is set; an error
  // counts as a failed check.
  std::function<base::Result<std::shared_ptr<const net::TlsClientContext>>(const model::Origin&)> tls;
};

class HealthChecker {
 public:
  // Loop and connector outlive the checker. `seed` decides the phases.
  HealthChecker(net::EventLoop& loop, Connector& connector, std::uint64_t seed);
  ~HealthChecker();  // after join() completed
  HealthChecker(const HealthChecker&) = delete;
  HealthChecker& operator=(const HealthChecker&) = delete;

  // All that is to be checked from now on, in place of what was. Call on the loop's thread.
  void set_targets(const std::vector<HealthTarget>& targets);

  // Asks all checks to end; set_targets() does nothing from now on. join() completes when they have ended (in this turn
  // of the loop or the next). On the loop's thread; the loop must go on until then.
  void stop();
  net::Task<void> join();

  std::size_t running() const { return checks_.size(); }

 private:
  struct Check;
  struct Settings;
  using Checks = std::vector<std::shared_ptr<Check>>;
  net::Task<void> run(std::shared_ptr<Check> check);
  net::Task<base::Result<int>> ask(std::shared_ptr<Check> check);
  void judge(Check& check, const base::Result<int>& status);

  net::EventLoop& loop_;
  Connector& connector_;
  std::mt19937_64 random_;
  net::TaskScope scope_;
  Checks checks_;
};

}  // namespace fairlead::edge
