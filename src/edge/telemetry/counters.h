#pragma once
// Counters of one worker. Written by that worker's thread alone, read by the scraper at any time: a relaxed load and
// store, no locked instruction, so that counting on the byte path costs an addition.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/counter.h"
#include "edge/session_end.h"
#include "edge/telemetry/http2_limit.h"

namespace fairlead::edge {

using base::Counter;

// Fixed buckets in seconds: 1 ms … 30 s.
class DurationHistogram {
 public:
  static constexpr std::array<double, 12> kBounds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30};
  void observe(base::Duration d);
  std::uint64_t bucket(std::size_t i) const { return buckets_[i].get(); }  // i == kBounds.size(): beyond the last
  std::uint64_t count() const;
  double sum_seconds() const { return static_cast<double>(nanoseconds_.get()) / 1e9; }

 private:
  std::array<Counter, kBounds.size() + 1> buckets_;
  Counter nanoseconds_;
};

// HTTP statuses counted one by one; any other falls into its class ("2xx").
class StatusCounter {
 public:
  static constexpr std::array<int, 24> kStatuses{101, 200, 204, 206, 301, 302, 304, 400, 401, 403, 404, 405,
                                                 408, 413, 414, 417, 421, 426, 429, 431, 500, 502, 503, 504};
  void add(int status);
  std::uint64_t at(std::size_t i) const { return one_[i].get(); }
  std::uint64_t of_class(std::size_t hundreds) const {
    return class_[hundreds].get();
  }  // 1..5, those not listed; 0: none

 private:
  std::array<Counter, kStatuses.size()> one_;
  std::array<Counter, 6> class_;
};

// By which HTTP a client came. The names are those of the access log's `protocol` and of the metrics' label.
enum class ClientProtocol : std::uint8_t { h1, h2 };
inline constexpr std::size_t kClientProtocols = 2;
std::string_view to_string(ClientProtocol protocol);
// The other way: of ClientInfo::protocol and AccessRecord::protocol. Anything but "h2" is h1.
ClientProtocol client_protocol(std::string_view name);

// One domain on one worker.
struct DomainCounters {
  explicit DomainCounters(std::string name) : domain(std::move(name)) {}
  const std::string domain;

  // WebSocket. `in` = from clients, `out` = to clients; bytes are those of frames, heads excluded.
  StatusCounter handshakes;                               // opening handshakes by the status the client saw
  std::array<Counter, kClientProtocols> sessions_opened;  // by ClientProtocol
  Counter sessions_open;
  std::array<Counter, kCloseCauses> sessions_closed;
  Counter bytes_in, bytes_out, frames_in, frames_out, messages_in, messages_out;
  DurationHistogram handshake_seconds;  // request head read to answer sent

  // Ordinary HTTP, a meter apart. Bytes are those of bodies.
  StatusCounter requests;
  std::array<Counter, kClientProtocols> requests_by_protocol;  // the same requests, by ClientProtocol
  Counter requests_open;
  Counter http_bytes_in, http_bytes_out;
  DurationHistogram request_seconds;  // request head read to response head sent

  Counter tunnels_opened, tunnels_open;  // tcp-ssl
  Counter tunnel_bytes_in, tunnel_bytes_out;

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
  Counter http2_connections, http2_connections_open;  // client connections that speak HTTP/2
  Counter http2_streams, http2_streams_open;          // requests and tunnels on them
  Counter http2_stream_resets;                        // by clients: RST_STREAM
  Counter http2_requests_malformed;                   // heads answered 400, 431 or 501, streams reset for a broken one
  std::array<Counter, kHttp2Limits> http2_limits;     // by Http2Limit: streams refused, connections ended
  Counter policy_revision;                            // set by sub/add: the revision this worker obeys

  void count(Http2Limit limit) { http2_limits[static_cast<std::size_t>(limit)].add(); }
};

// Where a scraper finds everything. Workers add to it when they first meet a domain (takes a lock; not per frame).
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

 private:
  std::vector<std::unique_ptr<WorkerCounters>> workers_;
  mutable std::mutex mutex_;
  std::vector<std::unordered_map<std::string, std::shared_ptr<DomainCounters>>> domains_;  // by worker, by name
  std::vector<std::shared_ptr<const DomainCounters>> created_;
};

}  // namespace fairlead::edge
