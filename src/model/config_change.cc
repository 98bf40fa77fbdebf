#include "model/config_change.h"

#include <utility>

namespace fairlead::model {

std::vector<std::string> needs_restart(const EdgeConfig& running, const EdgeConfig& next) {
  std::vector<std::string> keys;
  if (running.listeners != next.listeners) keys.emplace_back("listeners");
  if (running.workers != next.workers) keys.emplace_back("workers");
  if (running.admin_address != next.admin_address) keys.emplace_back("admin");
  if (running.access_log != next.access_log) keys.emplace_back("access_log");
  if (running.resolvers != next.resolvers) keys.emplace_back("resolvers");
  return keys;
}

EdgeConfig reloadable(const EdgeConfig& running, EdgeConfig next) {
  next.listeners = running.listeners;
  next.workers = running.workers;
  next.admin_address = running.admin_address;
  next.access_log = running.access_log;
  next.resolvers = running.resolvers;
  return next;
}

}  // namespace fairlead::model
