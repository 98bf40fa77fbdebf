#include "cluster/usage_bus.h"

#include <utility>

namespace fairlead::cluster {

base::Result<void> LocalUsageBus::publish(std::string_view set) {
  const std::lock_guard lock(mutex_);
  if (!receiver_) {
    return base::fail(base::Code::unreachable, base::Side::none, "nobody takes usage in yet", base::Retry::later);
  }
  return (*receiver_)(set);
}

LocalUsageBus::Subscription LocalUsageBus::subscribe(Receiver receiver) {
  auto mine = std::make_shared<Receiver>(std::move(receiver));
  {
    const std::lock_guard lock(mutex_);
    receiver_ = mine;
  }
  return {nullptr, [this, mine](void*) {
            const std::lock_guard lock(mutex_);
            if (receiver_ == mine) receiver_.reset();
          }};
}

}  // namespace fairlead::cluster
