#pragma once
// ControlPlane: the whole of it in one object: the store, the services behind the API, and the threads that follow what
// is committed: the publisher, the sender of notices, the looks for proofs of ownership, and housekeeping. It takes the
// edges' usage in from the usage bus. Made and owned by the application; everything it is given outlives it.
//
// It is made in two steps, because a database may be away when the program starts while edges have their last policy:
// the constructor needs nothing, begin() opens the database and may be called again until it succeeds. Until then the
// API answers 503.

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "cluster/edge_agent.h"
#include "cluster/policy_bus.h"
#include "cluster/usage_bus.h"
#include "control/api/http.h"
#include "control/publisher.h"
#include "control/secrets.h"
#include "model/control_config.h"

namespace fairlead::control {

class ControlPlane {
 public:
  // `database`: an address of store/database.h.
  ControlPlane(model::ControlConfig config, std::string database, Secrets secrets, cluster::PolicyBus& bus,
               cluster::LocalUsageBus& usage, cluster::EdgeDirectory& edges);
  ~ControlPlane();  // end()

  // Opens and migrates the database, starts the threads. `first_operator_url`: set when nobody can sign in yet, to the
  // link that makes the first operator. Errors: of the store (unreachable, later: call again), internal.
  base::Result<void> begin(std::optional<std::string>& first_operator_url);
  // Ends the threads; the API answers 503 from now on. May be repeated.
  void end();

  // From any thread, at any time.
  ApiResponse handle(const ApiRequest& request) const;
  bool ready() const { return parts() != nullptr; }
  // Whether its database answered when it was last looked at, half a second ago at most.
  bool has_database() const;
  // Prometheus text, to be appended to the edge's.
  std::string metrics() const;

 private:
  struct Parts;
  std::shared_ptr<Parts> parts() const {
    const std::lock_guard lock(mutex_);
    return parts_;
  }

  const model::ControlConfig config_;
  const std::string database_;
  const Secrets secrets_;
  cluster::PolicyBus& bus_;
  cluster::LocalUsageBus& usage_;
  cluster::EdgeDirectory& edges_;
  mutable std::mutex mutex_;
  std::shared_ptr<Parts> parts_;  // null before begin() and after end()
};

}  // namespace fairlead::control
