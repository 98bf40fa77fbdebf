#include "cluster/edge_agent.h"

namespace fairlead::cluster {

std::vector<std::pair<std::string, base::Result<PolicyPrints>>> LocalEdges::policy_prints() {
  std::vector<std::pair<std::string, base::Result<PolicyPrints>>> out;
  out.emplace_back(edge_.info().id, edge_.policy_prints());
  return out;
}

base::Result<std::vector<std::size_t>> LocalEdges::count_sessions(const std::vector<std::string>& domains) {
  std::vector<std::size_t> counts;
  for (const std::string& domain : domains) {
    SessionQuery query;
    query.domains = {domain};
    query.limit = 1;
    const auto page = edge_.sessions(query);
    if (!page) return std::unexpected(page.error());
    counts.push_back(page->total);
  }
  return counts;
}

std::vector<base::Result<EdgeUsage>> LocalEdges::live_usage(const std::vector<DomainRef>& domains) {
  std::vector<base::Result<EdgeUsage>> out;
  out.push_back(edge_.live_usage(domains));
  return out;
}

std::vector<base::Result<EdgeUsage>> LocalEdges::live_total() {
  std::vector<base::Result<EdgeUsage>> out;
  out.push_back(edge_.live_total());
  return out;
}

}  // namespace fairlead::cluster
