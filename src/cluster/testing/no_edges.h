#pragma once
// NoEdges: the directory of an installation whose edges are all away: nothing that uses it asks them. For tests, fuzz
// targets and benchmarks of the control plane.

#include "cluster/edge_agent.h"

namespace fairlead::cluster::testing {

class NoEdges final : public EdgeDirectory {
 public:
  std::vector<EdgeInfo> edges() override { return {}; }
  std::vector<std::pair<std::string, base::Result<PolicyPrints>>> policy_prints() override { return {}; }
  base::Result<SessionPage> sessions(const SessionQuery&) override { return SessionPage(); }
  base::Result<void> end_session(std::string_view, std::string_view) override {
    return base::fail(base::Code::not_found, base::Side::none, "session");
  }
  std::vector<std::optional<std::int64_t>> applied_at(std::uint64_t) override { return {}; }
  base::Result<std::vector<std::size_t>> count_sessions(const std::vector<std::string>& domains) override {
    return std::vector<std::size_t>(domains.size());
  }
  std::vector<base::Result<EdgeUsage>> live_usage(const std::vector<DomainRef>&) override { return {}; }
  std::vector<base::Result<EdgeUsage>> live_total() override { return {}; }
};

}  // namespace fairlead::cluster::testing
