#pragma once
// UsageBus: how usage flows from the edges to the control plane, at least once and in order for each edge: who takes it
// in knows what it had before by (edge, epoch, sequence). In one process the bus is LocalUsageBus; between processes it
// is the same call over a stream that is written to disk.

#include <functional>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/error.h"

namespace fairlead::cluster {

class UsageBus {
 public:
  virtual ~UsageBus() = default;
  // Hands over one set, as model::encode_usage made it. Returns when it is safe on the other side: written and, by
  // whoever counts, counted once. An error says that it may or may not be: hand it over again (Retry::later), or never
  // (Retry::never: nobody will take this one). May wait for seconds; never called by a worker.
  virtual base::Result<void> publish(std::string_view set) = 0;
};

// Of one process: calls the receiver, when there is one; unreachable (later) while there is none.
class LocalUsageBus final : public UsageBus {
 public:
  using Receiver = std::function<base::Result<void>(std::string_view set)>;
  // Ends the subscription when it is destroyed; a call under way is waited for. The bus outlives it.
  using Subscription = std::shared_ptr<void>;

  base::Result<void> publish(std::string_view set) override;
  // One receiver at a time; it must not call the bus back. The next one takes the place of the last.
  Subscription subscribe(Receiver receiver);

 private:
  std::mutex mutex_;  // held while the receiver is called
  std::shared_ptr<Receiver> receiver_;
};

}  // namespace fairlead::cluster
