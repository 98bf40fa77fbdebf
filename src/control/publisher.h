#pragma once
// Publisher: from the store to the bus. One thread follows the store's sequence of policy changes
// (store/policy_changes.h): it composes each domain that changed as it is now, opens its certificates' keys, and
// publishes the edits under the number of the last change in them. It begins with all domains. Edges know a domain that
// is online and whose account is active and, where that is asked for, verified; its switch is off for them while a gate
// before WebSocket is not met.
//
// While the store is away it tries again and edges keep what they have; then it begins anew with all domains. A domain
// that cannot be composed (a key that does not open) is left as the edges have it, and is logged and counted.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "cluster/policy_bus.h"
#include "control/context.h"
#include "model/policy_snapshot.h"
#include "store/policy_changes.h"

namespace fairlead::control {

class Publisher {
 public:
  Publisher(Context& context, cluster::PolicyBus& bus);  // which outlive it
  ~Publisher();                                          // ends the thread

  void start();
  // Something was committed that edges must hear of. Never blocks.
  void notify();

  struct Status {
    std::uint64_t revision = 0;        // of the last change that was published
    std::uint64_t published = 0;       // updates
    std::uint64_t failed_domains = 0;  // times that one could not be composed
    bool reached = false;              // the store, at the last look
  };
  Status status() const;

  static constexpr std::int64_t kMostChanges = 1000;      // of one update
  static constexpr std::chrono::milliseconds kLook{500};  // other control planes write, too

 private:
  void run();
  // True when there may be more.
  base::Result<bool> publish_changes();
  base::Result<cluster::PolicyUpdate> all(store::Transaction& tx);
  base::Result<cluster::PolicyUpdate> changed(store::Transaction& tx, const std::vector<store::PolicyChange>& changes);

  Context& context_;
  cluster::PolicyBus& bus_;
  bool began_ = false;  // all domains were published; of run()
  std::int64_t number_ = 0;
  model::PolicySnapshot::Ptr latest_;
  std::atomic<std::uint64_t> revision_{0}, published_{0}, failed_domains_{0};
  std::atomic<bool> reached_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool notified_ = false, stop_ = false;
  std::thread thread_;
};

}  // namespace fairlead::control
