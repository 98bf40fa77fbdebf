#pragma once
// Agent: the edge of this process as a control plane asks it (cluster/edge_agent.h): what it obeys, its live sessions,
// the end of one. Sessions belong to their workers, so each question is a letter to every worker and its answer comes
// back in state that both share: a worker that answers too late writes to nobody, and one that has gone never answers.
//
// Looking at sessions costs a worker a pass over those of the domains asked for (about 20 ns each, and 1 us for each
// that is on the page); nothing is kept beside a session for it.

#include <functional>
#include <string>

#include "cluster/edge_agent.h"
#include "edge/edge.h"

namespace fairlead::edge {

class Agent final : public cluster::EdgeAgent {
 public:
  // `edge` outlives it; `id`: stable over restarts.
  Agent(Edge& edge, std::string id) : edge_(edge), id_(std::move(id)) {}

  cluster::EdgeInfo info() const override;
  base::Result<cluster::PolicyPrints> policy_prints() override;
  base::Result<cluster::SessionPage> sessions(const cluster::SessionQuery& query) override;
  base::Result<void> end_session(std::string_view domain, std::string_view id) override;
  std::optional<std::int64_t> applied_at(std::uint64_t revision) const override { return edge_.applied_at(revision); }
  base::Result<cluster::EdgeUsage> live_usage(const std::vector<cluster::DomainRef>& domains) override;
  base::Result<cluster::EdgeUsage> live_total() override;

 private:
  Edge& edge_;
  const std::string id_;
};

}  // namespace fairlead::edge
