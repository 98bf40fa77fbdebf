#include "cluster/policy_bus.h"

namespace fairlead::cluster {

base::Result<void> LocalPolicyBus::publish(const PolicyUpdate& update) {
  const std::lock_guard lock(mutex_);
  latest_ = model::PolicySnapshot::build(update.whole ? nullptr : latest_, update.edits, update.revision);
  for (const Receiver& receiver : receivers_) receiver(update);
  return {};
}

PolicyBus::Subscription LocalPolicyBus::subscribe(Receiver receiver) {
  const std::lock_guard lock(mutex_);
  if (latest_) {
    PolicyUpdate all{.revision = latest_->revision(), .whole = true, .edits = {}};
    all.edits.reserve(latest_->size());
    latest_->for_each([&](const model::DomainPolicyPtr& policy) { all.edits.push_back({policy->name, policy}); });
    receiver(all);
  }
  receivers_.push_back(std::move(receiver));
  return {static_cast<void*>(this), [this, at = std::prev(receivers_.end())](void*) {
            const std::lock_guard l(mutex_);
            receivers_.erase(at);
          }};
}

}  // namespace fairlead::cluster
