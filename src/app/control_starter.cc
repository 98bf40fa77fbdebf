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
    if (!begun && !std::exchange(told, true)) base::log_error("control plane: {}", base::describe(begun.error()));
    if (begun && told) base::log_info("control plane: it has its database now");
    if (begun) return;
    if (begun.error().retry == base::Retry::never && begun.error().code != base::Code::unreachable) {
      hopeless_ = true;
      return;
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kAgain, [this] { return stop_; });
    if (stop_) return;
  }
}

}  // namespace fairlead::app
