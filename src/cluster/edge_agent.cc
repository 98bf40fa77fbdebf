#include "cluster/edge_agent.h"

namespace fairlead::cluster {

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

}  // namespace fairlead::cluster
