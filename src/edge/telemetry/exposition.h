#pragma once
// The text of /metrics (Prometheus text format 0.0.4): every counter of the workers, summed, with what the application
// knows beside them, made anew at each scrape. docs/metrics.md explains each metric; a test holds the two together.
//
// A domain appears once it had a first request, and only with the meters it uses (WebSocket, HTTP, tunnels, origin);
// of statuses and causes only those that occurred. That keeps a node of 10,000 domains at a few MB a scrape, and is why
// alerts on counters should use increase(), which takes an absent series for nothing.

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "edge/telemetry/counters.h"

namespace fairlead::edge {

// A bound and how near the node is to it. Names are unique: "max_sessions", "access_log_queue_bytes".
struct LimitRow {
  std::string name;
  double limit = 0;  // 0: no limit
  double used = 0;
};

// One origin of one domain, as OriginState knows it. A second row of the same domain and origin is left out, because
// Prometheus would refuse the whole scrape.
struct OriginRow {
  std::string domain;
  std::string origin;          // "10.0.0.1:80,443"
  bool up = true;              // active checks do not say otherwise
  bool ejected = false;        // set aside by passive health
  std::uint64_t sessions = 0;  // live
  std::uint64_t requests = 0;  // live
  // How handshakes and requests went; these, and all below, never go back.
  std::uint64_t success = 0;
  std::uint64_t refused = 0;
  std::uint64_t timeout = 0;
  std::uint64_t status_5xx = 0;
  std::uint64_t other = 0;
  std::uint64_t ejections = 0;
  std::uint64_t checks_passed = 0;
  std::uint64_t checks_failed = 0;
};

// What the registry does not know. All of it is the caller's at the time of the scrape.
struct ExpositionExtras {
  base::Duration uptime{};
  bool ready = false;
  std::uint64_t policy_revision_published = 0;  // what the workers were last given; they obey it a moment later
  std::uint64_t domains_configured = 0;
  std::uint64_t access_log_dropped = 0;  // lines
  std::vector<LimitRow> limits;
  std::vector<OriginRow> origins;
};

// Any thread. Reads /proc/self for the process's own figures; what cannot be read is left out.
std::string render_metrics(const CounterRegistry& registry, const ExpositionExtras& extras);

}  // namespace fairlead::edge
