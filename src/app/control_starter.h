#pragma once
// ControlStarter: brings the control plane up on a thread of its own, however long its database is away, while the edge
// serves what it has. Says the first operator's link once there is one. Owned by `fairlead run`.

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "control/control_plane.h"

namespace fairlead::app {

class ControlStarter {
 public:
  // Begins at once. `plane` outlives it.
  explicit ControlStarter(control::ControlPlane& plane);
  // Gives up, when it has not succeeded yet.
  ~ControlStarter();

  // Whether an error came that no further try will mend.
  bool hopeless() const { return hopeless_; }

 private:
  void run();

  control::ControlPlane& plane_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::atomic<bool> hopeless_{false};
  std::thread thread_;
};

}  // namespace fairlead::app
