#pragma once
// Context: what every service of the control plane works with. Made and owned by ControlPlane (control_plane.h),
// outlives the services, shared by all threads; nothing in it changes after start.

#include <cstdint>
#include <functional>

#include "cluster/edge_agent.h"
#include "model/control_config.h"
#include "store/database.h"

namespace fairlead::control {

class Secrets;

struct Context {
  store::Database& database;
  const Secrets& secrets;
  cluster::EdgeDirectory& edges;
  const model::ControlConfig& config;
  std::function<std::int64_t()> now_ms;  // since 1970 UTC; tests move it by hand
  // Called after a commit that edges must hear of, or that put a notice into the outbox. Cheap, never blocks.
  std::function<void()> policy_changed;
  std::function<void()> notice_written;
};

}  // namespace fairlead::control
