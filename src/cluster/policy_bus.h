#pragma once
// PolicyBus: how policy flows from the control plane to the edges, as a key-value store with a watch: a name has a
// policy or it has none, an edge that joins late hears first of all there is and then of every change, in order. One
// publisher at a time; receivers are called one after the other, on the publisher's thread or the bus's own, never on a
// worker's, and must not call the bus back. In one process the bus is LocalPolicyBus; between processes it is the same
// two calls over a network.

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "model/policy_snapshot.h"

namespace fairlead::cluster {

// What changed. `revision` is the store's number of the last change in it (store/policy_changes.h): it never falls,
// except when the store itself was replaced, and then the update is whole.
struct PolicyUpdate {
  std::uint64_t revision = 0;
  bool whole = false;  // `edits` are puts of all domains there are: what is absent is removed
  std::vector<model::PolicyEdit> edits;
};

class PolicyBus {
 public:
  using Receiver = std::function<void(const PolicyUpdate&)>;
  // Ends the subscription when it is destroyed; a call of the receiver under way is waited for.
  using Subscription = std::shared_ptr<void>;

  virtual ~PolicyBus() = default;

  // Returns when every edge that is there can have the update. An error says that none has it: publish it again.
  virtual base::Result<void> publish(const PolicyUpdate& update) = 0;

  // `receiver` gets all there is, as one whole update, before this returns (nothing, when nothing was ever published),
  // and every later update once, in order.
  virtual Subscription subscribe(Receiver receiver) = 0;
};

class LocalPolicyBus final : public PolicyBus {
 public:
  base::Result<void> publish(const PolicyUpdate& update) override;
  Subscription subscribe(Receiver receiver) override;  // the bus outlives the subscription

 private:
  std::mutex mutex_;                   // held while receivers are called: updates do not overtake each other
  model::PolicySnapshot::Ptr latest_;  // null: nothing was published
  std::list<Receiver> receivers_;
};

}  // namespace fairlead::cluster
