#pragma once
// Worker: one thread's share of the edge: one event loop, its listeners, and every connection it accepted, for life.
// Workers share nothing on the byte path; what they do share (admission, origin health, counters' registry, the access
// log) is in EdgeShared and is touched per handshake, not per frame. Policy comes by the loop's mailbox.
//
// The loop (over whichever poller) and the resolver are given in, so that a worker runs over the simulated network just
// as over the kernel.

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "edge/admission.h"
#include "edge/client_exchange.h"
#include "edge/domain.h"
#include "edge/geo/geo_reloader.h"
#include "edge/origin/connector.h"
#include "edge/origin/idle_pool.h"
#include "edge/session.h"
#include "edge/telemetry/access_log.h"
#include "edge/telemetry/counters.h"
#include "model/edge_config.h"
#include "net/acceptor.h"
#include "net/event_loop.h"
#include "net/resolver.h"
#include "net/task_scope.h"

namespace fairlead::edge {

// What all workers of a process share. Thread-safe parts only.
struct EdgeShared {
  explicit EdgeShared(unsigned workers, const model::GlobalLimits& l)
      : admission(l), counters(workers), tickets(std::make_shared<net::TlsTicketKeys>(base::monotonic_now())) {}
  Admission admission;
  CounterRegistry counters;
  Places places;
  GeoReloader geo{places};
  AccessLog log;
  std::shared_ptr<net::TlsTicketKeys> tickets;
  model::TlsRecords origin_tls_records = model::TlsRecords::own;  // set before the first worker is made
};

// One domain on one worker: made when the first request for it comes.
struct WorkerDomain {
  WorkerDomain(AccessLog& log, std::uint64_t seed) : sessions(log, seed) {}

  std::shared_ptr<const Domain> domain;  // the latest revision seen; null once the domain was removed
  std::shared_ptr<DomainCounters> counters;
  SessionList sessions;
  // By the kind of client; those of the domain's present id.
  struct Kind {
    PlaceId place;
    model::UsageScheme scheme;
    model::UsageProtocol protocol;
    auto operator<=>(const Kind&) const = default;
  };
  std::map<Kind, std::shared_ptr<MeterCell>> meters;
};

class Worker final {
 public:
  // `loop`, `shared` and `resolver` outlive the worker.
  Worker(unsigned index, net::EventLoop& loop, net::Resolver& resolver, EdgeShared& shared,
         const model::GlobalLimits& limits, std::uint64_t seed);
  ~Worker();

  // All of the following on the loop's thread.

  // Opens a listener. Errors: conflict (address in use), malformed.
  base::Result<net::SocketAddress> listen(const model::ListenerConfig& config);

  // Obeys `table` from now on. Sessions of domains whose WebSocket switch went off, or that are gone, end as their
  // on_disable says; sessions of other domains are not looked at.
  void apply(std::shared_ptr<const DomainTable> table, const model::GlobalLimits& limits);

  // Stops accepting and asks every session to close, spread evenly over `time`; idle client connections end at once,
  // requests under way are finished. `on_done`, which must not throw, is called once nothing is left. Throws
  // std::bad_alloc when there is no memory to wait for that; it is then to be called again.
  void drain(base::Duration time, std::move_only_function<void()> on_done);
  // Ends everything now. `on_done` and what it throws as above.
  void stop(std::move_only_function<void()> on_done);

  bool draining() const { return drain_.stop_requested(); }
  net::StopToken drain_token() { return drain_; }
  net::StopToken stop_token() { return scope_.token(); }

  // For what serves a connection.
  net::EventLoop& loop() { return loop_; }
  Connector& connector() { return connector_; }
  IdlePool& idle_pool() { return pool_; }
  Admission& admission() { return shared_.admission; }
  AccessLog& log() { return shared_.log; }
  WorkerCounters& counters() { return counters_; }
  const model::GlobalLimits& limits() const { return limits_; }
  // Whether a client that came for this name may be told that WebSocket works over HTTP/2 (RFC 8441 3); without a name,
  // whether any domain's may.
  bool takes_websocket(std::string_view name) const;
  const std::shared_ptr<const DomainTable>& table() const { return table_; }
  std::shared_ptr<const Domain> find_domain(std::string_view host) const { return table_->find(host); }
  std::shared_ptr<const Domain> domain_named(const std::string& name) const { return table_->by_name(name); }
  WorkerDomain& domain_state(const Domain& domain);
  // `visit` may ask a session to end, not destroy it.
  template <class F>
  void for_each_session(F visit) {
    for (auto& [name, state] : domains_) state->sessions.for_each(visit);
  }
  template <class F>
  void for_each_session_of(std::string_view domain, F visit) {
    if (const auto found = domains_.find(domain); found != domains_.end()) found->second->sessions.for_each(visit);
  }
  // Where this domain's clients of this kind are counted. At most kMaxMeters cells: beyond, a client's place is
  // `unknown`, and that is counted.
  static constexpr std::size_t kMaxMeters = 65'536;
  std::shared_ptr<MeterCell> meter(const Domain& domain, const ClientInfo& client);
  const Places& places() const { return shared_.places; }
  // Forgets the cells that no session or request uses and none has used for `idle`: who records usage takes their last
  // counts, and retires them.
  void abandon_meters(base::Duration idle);
  AccessRecord new_record(const ClientExchange& client, const Domain* domain) const;
  std::uint64_t random() { return random_(); }

 private:
  struct Listener;
  ConnectionSeat take_seat(const net::SocketAddress& client);  // empty (and counted) when a limit is reached
  void accepted(Listener& listener, int handle, const net::SocketAddress& peer);
  net::Task<void> serve(Listener& listener, std::unique_ptr<net::TcpStream> tcp, ConnectionSeat seat);
  // Until the connection is over (null) or a request became a session.
  net::Task<std::unique_ptr<Session>> serve_requests(Listener& listener, std::unique_ptr<net::TcpStream> tcp,
                                                     ConnectionSeat& seat);
  // TLS and PROXY header; null when the connection ended in them.
  // `seat` passes from the proxy to the client that its header names.
  net::Task<std::unique_ptr<net::SocketStream>> prepare(Listener& listener, std::unique_ptr<net::TcpStream> tcp,
                                                        ClientInfo& info, ConnectionSeat& seat, net::TimePoint due);
  // Whether the first bytes are HTTP/2's preface; what was read is put back.
  net::Task<bool> begins_http2(net::SocketStream& stream, net::TimePoint due);
  net::Task<bool> read_proxy_header(Listener& listener, net::TcpStream& tcp, ClientInfo& info, net::TimePoint due);
  void switch_off(WorkerDomain& state);
  void cut_all();
  net::Task<void> finish();
  net::Task<void> stop_after(net::TimePoint when);

  const unsigned index_;
  net::EventLoop& loop_;
  EdgeShared& shared_;
  WorkerCounters& counters_;
  model::GlobalLimits limits_;
  std::mt19937_64 random_;
  net::TaskScope scope_;
  net::TaskScope finisher_;   // waits for scope_
  net::StopSource drain_;     // asks for an orderly end
  net::StopSource finished_;  // scope_ is empty
  std::move_only_function<void()> on_done_;
  Connector connector_;
  IdlePool pool_;
  std::shared_ptr<const DomainTable> table_;
  std::map<std::string, std::unique_ptr<WorkerDomain>, std::less<>> domains_;
  GeoView geo_;
  std::size_t meters_ = 0;
  std::vector<std::unique_ptr<Listener>> listeners_;
  bool finishing_ = false;
};

}  // namespace fairlead::edge
