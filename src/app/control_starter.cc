#include "app/control_starter.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "base/log.h"

namespace fairlead::app {
namespace {

constexpr std::chrono::seconds kAgain{1};  // between tries to reach the database

}  // namespace

ControlStarter::ControlStarter(control::ControlPlane& plane) : plane_(plane), thread_(&ControlStarter::run, this) {}

ControlStarter::~ControlStarter() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void ControlStarter::run() {
  for (bool told = false;;) {
    std::optional<std::string> link;
    const auto begun = plane_.begin(link);
    if (begun && link) base::log_info("nobody can sign in yet; open this link within a day: {}", *link);
    if (begun && told) base::log_info("control plane: it has its database now");
    if (begun) return;
    // What a program or an operator must change first; all else may mend itself: a server that fails over, a full disk.
    const base::Code code = begun.error().code;
    hopeless_ = begun.error().retry == base::Retry::never &&
                (code == base::Code::unsupported || code == base::Code::malformed || code == base::Code::internal);
    if (hopeless_ || !std::exchange(told, true)) base::log_error("control plane: {}", base::describe(begun.error()));
    if (hopeless_) return;
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kAgain, [this] { return stop_; });
    if (stop_) return;
  }
}

}  // namespace fairlead::app
