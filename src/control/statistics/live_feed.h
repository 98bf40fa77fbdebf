#pragma once
// Live feed: what domains carry at this moment, second by second. Edges say what they have counted since they started;
// a LiveMeter turns two such answers into what came between them. An edge that started anew counts from nothing, one
// that does not answer adds nothing until it does, and then all that it has missed: no difference is ever negative and
// none is lost or told twice while the edge lives.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/edge_agent.h"
#include "control/api/operation.h"
#include "control/caller.h"
#include "control/context.h"

namespace fairlead::control {

struct LiveFigures {
  std::uint64_t sessions_open = 0;
  model::UsageValues values;
  bool operator==(const LiveFigures&) const = default;
};

class LiveMeter {
 public:
  // From now on about these; of those that it was about before, nothing is lost.
  void watch(std::vector<cluster::DomainRef> domains);
  const std::vector<cluster::DomainRef>& domains() const { return domains_; }

  // Takes the answers of all edges to live_usage(domains()), or, when what is watched is the sum of everything under
  // one empty name, to live_total(): afterwards change() is what came since the take before, and nothing for a domain
  // or an edge that is new here, unless the edge started since.
  void take(const std::vector<base::Result<cluster::EdgeUsage>>& answers, std::int64_t now_ms);
  // By domain, in the order of domains(); of edges that are silent, the sessions they had.
  const std::vector<LiveFigures>& change() const { return change_; }
  std::size_t edges() const { return edges_.size(); }
  std::size_t silent_edges() const { return silent_; }  // that did not answer the last time

 private:
  struct Edge {
    std::int64_t started_ms = 0;
    std::vector<std::optional<cluster::LiveUsage>> last;  // in the order of domains_; none: it was not asked yet
  };
  std::vector<cluster::DomainRef> domains_;
  std::vector<bool> seen_;  // by domain: it was in the last take
  std::map<std::string, Edge, std::less<>> edges_;
  std::vector<LiveFigures> change_;
  std::int64_t taken_ms_ = -1;  // when the last take was; -1: never
  std::size_t silent_ = 0;
};

struct LiveAsked {
  std::vector<std::string> domains;       // names; empty: the sum of all that the caller may see
  std::optional<std::string> account_id;  // of this account alone
};
inline constexpr std::size_t kMostLiveDomains = 100;

// The figures now: sessions that are open, and the counts since the edges' start. The sum of an account is that of the
// domains it has now; the sum of an installation, which edges make themselves, has those in it that are gone.
Outcome<Reply> live_snapshot(Context& context, const Caller& caller, const LiveAsked& asked);

// The same second by second as server-sent events: `event: usage`, the first at once. Ends when the client or the
// server does, and, looked at every few seconds, when the credentials of `request` are no longer good, the account is
// suspended, or one of the domains asked for is gone: then with an `event: end` that says why.
Outcome<Reply> live_stream(Context& context, const Call& call, const LiveAsked& asked);

}  // namespace fairlead::control
