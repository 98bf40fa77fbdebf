#pragma once
// EdgeAgent: what the control plane can ask of one edge, and EdgeDirectory: of all of them. Questions and answers are
// plain values, so that they travel over a network as well as by a call. Any thread may ask; an answer waits for the
// edge's workers, a moment each and kAskTimeout at most: an edge that does not answer is an error, never a wait.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "model/usage.h"

namespace fairlead::cluster {

inline constexpr std::chrono::milliseconds kAskTimeout{2000};
inline constexpr std::size_t kMaxSessionPage = 1000;

// One edge as it is now.
struct EdgeInfo {
  std::string id;                      // stable over restarts
  std::string version;                 // of the program
  std::string state;                   // "starting", "running", "draining", "stopped"
  std::int64_t started_ms = 0;         // since 1970 UTC, as all dates here
  std::uint64_t policy_revision = 0;   // the last one that every worker obeys
  std::int64_t policy_applied_ms = 0;  // when it did
  std::string policy_source;           // "control"; "file": it started from its own copy; "none": it has no policy yet
  std::size_t domains = 0;
  std::size_t sessions = 0;
  std::size_t connections = 0;  // of clients, sessions included
  unsigned workers = 0;
};

// One live session (REQUIREMENTS: WebSocket connection through the edge), counted up to this moment.
struct SessionInfo {
  std::string id;  // the `session` of the access log
  std::string edge;
  std::string domain;
  std::string client;  // address
  std::uint16_t client_port = 0;
  std::string protocol;  // "h1", "h2"
  std::string tls;       // "TLSv1.3", empty: none
  std::string target;
  std::string origin;
  std::int64_t opened_ms = 0;
  std::int64_t idle_ms = 0;  // since the last data in either direction
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::uint64_t frames_in = 0, frames_out = 0;
  std::uint64_t messages_in = 0, messages_out = 0;
  bool closing = false;
};

struct SessionQuery {
  std::vector<std::string> domains;  // empty: of every domain
  std::string client;                // only of this client address; empty: of all
  std::string after;                 // an id: those behind it in the order of ids
  std::size_t limit = 100;           // 1 to kMaxSessionPage
};

struct SessionPage {
  std::vector<SessionInfo> sessions;  // by id
  std::size_t total = 0;              // that match, on all pages
  std::string next;                   // for SessionQuery::after; empty: this is the last page
};

// What an edge obeys, as one can compare it.
struct PolicyPrints {
  std::uint64_t revision = 0;
  std::map<std::string, std::uint64_t, std::less<>> domains;  // by name: model::fingerprint of its policy
};

// A domain, for a question about its usage: two owners of one name, one after the other, are two.
struct DomainRef {
  std::string id;  // model::UsageKey::domain_id
  std::string name;
  bool operator==(const DomainRef&) const = default;
};

// What an edge has counted of one domain up to this moment.
struct LiveUsage {
  model::UsageValues values;  // of all keys of the domain together, since the edge's start
  std::uint64_t sessions_open = 0;
  bool operator==(const LiveUsage&) const = default;
};

struct EdgeUsage {
  std::string edge;              // its id
  std::int64_t started_ms = 0;   // another start counts from nothing
  std::vector<LiveUsage> usage;  // of the domains asked for, in their order
};

class EdgeAgent {
 public:
  virtual ~EdgeAgent() = default;
  virtual EdgeInfo info() const = 0;
  // Of what its workers obey; of the oldest, while a change is on its way to them. 10,000 domains take about a third of
  // a second, none of it on a worker.
  virtual base::Result<PolicyPrints> policy_prints() = 0;
  virtual base::Result<SessionPage> sessions(const SessionQuery& query) = 0;
  // Asks for an orderly end (Close 1001 both ways, close_by operator). not_found when there is no such session of that
  // domain here (it may just have ended).
  virtual base::Result<void> end_session(std::string_view domain, std::string_view id) = 0;
  // From when on every worker has obeyed that revision or a later one; none: not yet, or too long ago to be known.
  virtual std::optional<std::int64_t> applied_at(std::uint64_t revision) const = 0;
  // What it has counted of each of `domains`. Reads counters, asks no worker: about a microsecond a domain.
  virtual base::Result<EdgeUsage> live_usage(const std::vector<DomainRef>& domains) = 0;
  // What it has counted of all domains together, those included that it no longer has: `usage` has one entry. About a
  // microsecond for each domain with traffic.
  virtual base::Result<EdgeUsage> live_total() = 0;
};

class EdgeDirectory {
 public:
  virtual ~EdgeDirectory() = default;
  virtual std::vector<EdgeInfo> edges() = 0;
  // Of each edge, by its id.
  virtual std::vector<std::pair<std::string, base::Result<PolicyPrints>>> policy_prints() = 0;
  virtual base::Result<SessionPage> sessions(const SessionQuery& query) = 0;
  virtual base::Result<void> end_session(std::string_view domain, std::string_view id) = 0;
  // Of each edge, in the order of edges().
  virtual std::vector<std::optional<std::int64_t>> applied_at(std::uint64_t revision) = 0;
  // How many live sessions each of `domains` has, in their order.
  virtual base::Result<std::vector<std::size_t>> count_sessions(const std::vector<std::string>& domains) = 0;
  // Of each edge that there is, in any order; an edge that does not answer has an error.
  virtual std::vector<base::Result<EdgeUsage>> live_usage(const std::vector<DomainRef>& domains) = 0;
  virtual std::vector<base::Result<EdgeUsage>> live_total() = 0;
};

// The directory of one machine: its one edge.
class LocalEdges final : public EdgeDirectory {
 public:
  explicit LocalEdges(EdgeAgent& edge) : edge_(edge) {}  // which outlives it
  std::vector<EdgeInfo> edges() override { return {edge_.info()}; }
  std::vector<std::pair<std::string, base::Result<PolicyPrints>>> policy_prints() override;
  base::Result<SessionPage> sessions(const SessionQuery& query) override { return edge_.sessions(query); }
  base::Result<void> end_session(std::string_view domain, std::string_view id) override {
    return edge_.end_session(domain, id);
  }
  std::vector<std::optional<std::int64_t>> applied_at(std::uint64_t revision) override {
    return {edge_.applied_at(revision)};
  }
  base::Result<std::vector<std::size_t>> count_sessions(const std::vector<std::string>& domains) override;
  std::vector<base::Result<EdgeUsage>> live_usage(const std::vector<DomainRef>& domains) override;
  std::vector<base::Result<EdgeUsage>> live_total() override;

 private:
  EdgeAgent& edge_;
};

}  // namespace fairlead::cluster
