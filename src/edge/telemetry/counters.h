#pragma once
// Counters of workers, and the registry of all there are. Written by one worker's thread each, read by the scraper at
// any time (base/counter.h).

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "edge/telemetry/http2_limit.h"
#include "edge/telemetry/meter_cell.h"
#include "net/pipe_pool.h"
#include "net/tls_records.h"

namespace fairlead::edge {

// What concerns one domain's origins, on one worker. (Its clients are counted in cells: meter_cell.h.)
struct DomainCounters {
  explicit DomainCounters(std::string name) : domain(std::move(name)) {}
  const std::string domain;
  Counter origin_connects, origin_connect_errors, origin_retries, origin_reused;
};

// The worker as a whole. Aligned, so that two workers never write the same cache line.
struct alignas(64) WorkerCounters {
  Counter connections_accepted, connections_open;
  Counter accepts_exhausted;  // accept failed for want of descriptors or memory
  Counter tls_handshakes, tls_handshake_errors, tls_resumed;
  Counter heads_refused;  // 400, 414, 431, 501, 505
  Counter handshake_timeouts;
  Counter unknown_domain;                                         // Host or SNI that no domain has
  Counter refused_connections_total, refused_connections_client;  // limits, by name
  Counter refused_sessions_total, refused_sessions_client, refused_sessions_domain, refused_sessions_domain_client;
  Counter refused_rate_client, refused_rate_domain, refused_rate_domain_client;
  Counter proxy_protocol_errors;
  Counter exceptions;
  net::PipeCounts pipes;
  Counter meters_exhausted;  // times a client's place was not told apart, for want of room for another cell
  Counter http2_connections, http2_connections_open;  // client connections that speak HTTP/2
  Counter http2_streams, http2_streams_open;          // requests and tunnels on them
  Counter http2_stream_resets;                        // by clients: RST_STREAM
  Counter http2_requests_malformed;                   // heads answered 400, 431 or 501, streams reset for a broken one
  std::array<Counter, kHttp2Limits> http2_limits;     // by Http2Limit: streams refused, connections ended
  net::TlsRecordsCount tls_to_clients, tls_to_origins;
  Counter policy_revision;  // set by sub/add: the revision this worker obeys

  void count(Http2Limit limit) { http2_limits[static_cast<std::size_t>(limit)].add(); }
};

// Where metrics, live figures and usage find everything. Workers add to it when they first meet a domain, or a client
// of a new kind (takes a lock; not per frame). Any thread.
class CounterRegistry {
 public:
  explicit CounterRegistry(unsigned workers);
  WorkerCounters& worker(unsigned i) { return *workers_[i]; }
  const WorkerCounters& worker(unsigned i) const { return *workers_[i]; }
  unsigned workers() const { return static_cast<unsigned>(workers_.size()); }
  // Created on first use; stays for the life of the process, so that counters never go back.
  std::shared_ptr<DomainCounters> domain(unsigned worker, const std::string& name);
  // A copy of the pointers, in the order of creation.
  std::vector<std::shared_ptr<const DomainCounters>> domains() const;

  // A new cell, of the worker that asks for it.
  std::shared_ptr<MeterCell> make_cell(MeterKey key);
  // All cells that workers write, in the order of the domains' names; with those of the past, whose sums stay in one
  // for each domain, scheme and protocol, so that what is counted never goes back.
  enum class Cells : std::uint8_t { written, all };
  std::vector<std::shared_ptr<const MeterCell>> cells(Cells which) const;
  std::vector<std::shared_ptr<const MeterCell>> cells_of(std::string_view domain) const;  // all
  std::size_t cells_written() const;
  // The cell is abandoned, and whoever records usage has all of it: it goes over into the sums of the past.
  void retire(const std::shared_ptr<const MeterCell>& cell);

 private:
  struct DomainCells {
    std::vector<std::shared_ptr<MeterCell>> written, past;
  };
  std::vector<std::unique_ptr<WorkerCounters>> workers_;
  mutable std::mutex mutex_;
  std::vector<std::unordered_map<std::string, std::shared_ptr<DomainCounters>>> domains_;  // by worker, by name
  std::vector<std::shared_ptr<const DomainCounters>> created_;
  std::map<std::string, DomainCells, std::less<>> cells_;  // by the domain's name
  std::size_t written_ = 0;
};

}  // namespace fairlead::edge
