#include "edge/telemetry/exposition.h"

#include <algorithm>
#include <tuple>

#include "edge/admission.h"
#include "edge/telemetry/exposition_page.h"
#include "edge/telemetry/process_stats.h"

namespace fairlead::edge {
namespace {

using exposition::Page;

std::uint64_t sum(const CounterRegistry& registry, Counter WorkerCounters::* counter) {
  std::uint64_t total = 0;
  for (unsigned i = 0; i < registry.workers(); ++i) total += (registry.worker(i).*counter).get();
  return total;
}

void add_node(Page& page, const CounterRegistry& registry, const ExpositionExtras& extras) {
  const auto one = [&](std::string_view name, std::string_view help, auto value) {
    page.gauge(name, help);
    page.add({}, value);
  };
  page.gauge("fairlead_build_info", "Always 1; the label tells the version.");
  page.add({{"version", FAIRLEAD_VERSION}}, std::uint64_t{1});
  one("fairlead_uptime_seconds", "Time since the edge started.", std::chrono::duration<double>(extras.uptime).count());
  one("fairlead_ready", "1 while /readyz says 200: started, not draining, and told its domains.",
      std::uint64_t{extras.ready});
  one("fairlead_workers", "Event loops, one thread each.", std::uint64_t{registry.workers()});
  one("fairlead_domains_configured", "Domains of the current policy.", extras.domains_configured);
  one("fairlead_policy_revision_published", "The policy revision the workers were last given.",
      extras.policy_revision_published);
  std::uint64_t obeyed = registry.workers() ? ~std::uint64_t{0} : 0;
  for (unsigned i = 0; i < registry.workers(); ++i) {
    obeyed = std::min(obeyed, registry.worker(i).policy_revision.get());
  }
  one("fairlead_policy_revision", "The policy revision that every worker obeys (the lowest of them).", obeyed);
}

void add_workers(Page& page, const CounterRegistry& registry) {
  // By worker, because an uneven spread is worth seeing; all else is summed.
  const auto by_worker = [&](Counter WorkerCounters::* counter) {
    for (unsigned i = 0; i < registry.workers(); ++i) {
      page.add({{"worker", std::to_string(i)}}, (registry.worker(i).*counter).get());
    }
  };
  page.counter("fairlead_connections_accepted_total", "Client connections accepted.");
  by_worker(&WorkerCounters::connections_accepted);
  page.gauge("fairlead_connections_open", "Client connections open now.");
  by_worker(&WorkerCounters::connections_open);

  const auto summed = [&](std::string_view name, Counter WorkerCounters::* counter, std::string_view help) {
    page.counter(name, help);
    page.add({}, sum(registry, counter));
  };
  summed("fairlead_accepts_exhausted_total", &WorkerCounters::accepts_exhausted,
         "Times accepting failed for want of descriptors or memory.");
  summed("fairlead_tls_handshakes_total", &WorkerCounters::tls_handshakes, "TLS handshakes with clients completed.");
  summed("fairlead_tls_resumed_total", &WorkerCounters::tls_resumed,
         "Of the completed TLS handshakes, those that resumed an earlier TLS session.");
  summed("fairlead_tls_handshake_errors_total", &WorkerCounters::tls_handshake_errors,
         "TLS handshakes with clients that failed or took too long.");
  summed("fairlead_heads_refused_total", &WorkerCounters::heads_refused,
         "Request heads refused as malformed, too large or not supported (400, 414, 431, 501, 505).");
  summed("fairlead_handshake_timeouts_total", &WorkerCounters::handshake_timeouts,
         "Connections ended because TLS or the request head did not arrive in time.");
  summed("fairlead_unknown_domain_total", &WorkerCounters::unknown_domain,
         "Requests and TLS handshakes for a host name that no domain has.");
  summed("fairlead_proxy_protocol_errors_total", &WorkerCounters::proxy_protocol_errors,
         "Connections ended because their PROXY header was absent, malformed or from an address not allowed.");
  summed("fairlead_worker_exceptions_total", &WorkerCounters::exceptions,
         "Exceptions that reached a worker's event loop: bugs.");
  const auto of_pipes = [&](Counter net::PipeCounts::* counter) {
    std::uint64_t total = 0;
    for (unsigned i = 0; i < registry.workers(); ++i) total += (registry.worker(i).pipes.*counter).get();
    page.add({}, total);
  };
  page.counter("fairlead_pipe_bytes_total", "Bytes of large frames that went from socket to socket without a copy.");
  of_pipes(&net::PipeCounts::bytes);
  page.gauge("fairlead_pipes_open", "Pipes for that, in use or kept; 64 a worker at most.");
  of_pipes(&net::PipeCounts::open);
  page.counter("fairlead_pipes_exhausted_total", "Reads that were copied because no pipe was to be had.");
  of_pipes(&net::PipeCounts::exhausted);
  page.counter("fairlead_pipes_impossible_total", "Workers that found the kernel refuses it, and copy everything.");
  of_pipes(&net::PipeCounts::impossible);
  page.gauge("fairlead_meters", "Cells that count clients: one for each domain, region, ISP, scheme and protocol.");
  page.add({}, std::uint64_t{registry.cells_written()});
  summed("fairlead_meters_exhausted_total", &WorkerCounters::meters_exhausted,
         "Times that a client's region and ISP were counted as unknown, because there were too many cells.");

  const std::pair<LimitName, Counter WorkerCounters::*> kRefusals[] = {
      {LimitName::connections_total, &WorkerCounters::refused_connections_total},
      {LimitName::connections_client, &WorkerCounters::refused_connections_client},
      {LimitName::sessions_total, &WorkerCounters::refused_sessions_total},
      {LimitName::sessions_client, &WorkerCounters::refused_sessions_client},
      {LimitName::sessions_domain, &WorkerCounters::refused_sessions_domain},
      {LimitName::sessions_domain_client, &WorkerCounters::refused_sessions_domain_client},
      {LimitName::rate_client, &WorkerCounters::refused_rate_client},
      {LimitName::rate_domain, &WorkerCounters::refused_rate_domain},
      {LimitName::rate_domain_client, &WorkerCounters::refused_rate_domain_client},
  };
  static_assert(std::size(kRefusals) == kLimitNames);
  page.counter("fairlead_refused_total", "Connections and handshakes refused, by the limit reached.");
  for (const auto& [limit, counter] : kRefusals) page.add({{"limit", to_string(limit)}}, sum(registry, counter));
}

void add_tls_records(Page& page, const CounterRegistry& registry) {
  constexpr std::pair<std::string_view, net::TlsRecordsCount WorkerCounters::*> kSides[] = {
      {"client", &WorkerCounters::tls_to_clients}, {"origin", &WorkerCounters::tls_to_origins}};
  const auto add = [&](std::string_view key, std::string_view value, auto&& counter) {
    for (const auto& [side, counts] : kSides) {
      std::uint64_t total = 0;
      for (unsigned i = 0; i < registry.workers(); ++i) total += counter(registry.worker(i).*counts).get();
      page.add({{"side", std::string(side)}, {std::string(key), std::string(value)}}, total);
    }
  };
  using Count = net::TlsRecordsCount;
  page.counter("fairlead_tls_connections_total", "TLS connections, by who does their records after the handshake.");
  add("records", "own", [](const Count& c) -> const Counter& { return c.own; });
  add("records", "openssl", [](const Count& c) -> const Counter& { return c.openssl; });
  page.counter("fairlead_tls_key_updates_total", "Key updates of TLS 1.3, of connections with own records.");
  add("direction", "received", [](const Count& c) -> const Counter& { return c.key_updates_received; });
  add("direction", "sent", [](const Count& c) -> const Counter& { return c.key_updates_sent; });
  page.counter("fairlead_tls_records_refused_total",
               "TLS connections with own records ended for what a peer sent, by the alert it was told.");
  for (std::size_t k = 0; k < net::kTlsRefusals.size(); ++k) {
    add("alert", net::to_string(net::kTlsRefusals[k]), [k](const Count& c) -> const Counter& { return c.refused[k]; });
  }
}

void add_http2(Page& page, const CounterRegistry& registry) {
  const auto one = [&](Counter WorkerCounters::* counter) { page.add({}, sum(registry, counter)); };
  page.counter("fairlead_http2_connections_total", "Client connections that spoke HTTP/2.");
  one(&WorkerCounters::http2_connections);
  page.gauge("fairlead_http2_connections_open", "Of those, open now.");
  one(&WorkerCounters::http2_connections_open);
  page.counter("fairlead_http2_streams_total", "Streams that clients opened: requests and sessions.");
  one(&WorkerCounters::http2_streams);
  page.gauge("fairlead_http2_streams_open", "Of those, open now.");
  one(&WorkerCounters::http2_streams_open);
  page.counter("fairlead_http2_stream_resets_total", "Streams that clients reset.");
  one(&WorkerCounters::http2_stream_resets);
  page.counter("fairlead_http2_requests_malformed_total", "Requests over HTTP/2 refused for their head.");
  one(&WorkerCounters::http2_requests_malformed);
  page.counter("fairlead_http2_limit_total", "Streams refused and connections ended, by the limit of HTTP/2 reached.");
  for (std::size_t i = 0; i < kHttp2Limits; ++i) {
    std::uint64_t total = 0;
    for (unsigned w = 0; w < registry.workers(); ++w) total += registry.worker(w).http2_limits[i].get();
    page.add({{"limit", to_string(static_cast<Http2Limit>(i))}}, total);
  }
}

void add_limits(Page& page, const ExpositionExtras& extras) {
  page.counter("fairlead_access_log_dropped_total", "Access log lines lost: the queue was full, or writing failed.");
  page.add({}, extras.access_log_dropped);
  page.gauge("fairlead_limit", "A bound of this node; absent when there is none.");
  for (const LimitRow& row : extras.limits) {
    if (row.limit > 0) page.add({{"name", row.name}}, row.limit);
  }
  page.gauge("fairlead_limit_used", "How much of the bound of the same name is in use.");
  for (const LimitRow& row : extras.limits) page.add({{"name", row.name}}, row.used);
}

void add_process(Page& page) {
  const ProcessStats stats = read_process_stats();
  const auto gauge = [&](std::string_view name, std::string_view help, const std::optional<std::uint64_t>& value) {
    page.gauge(name, help);
    if (value) page.add({}, *value);
  };
  gauge("fairlead_process_resident_memory_bytes", "Resident memory of the process.", stats.resident_bytes);
  gauge("fairlead_process_threads", "Threads of the process.", stats.threads);
  gauge("fairlead_process_open_fds", "Open file descriptors.", stats.open_fds);
  gauge("fairlead_process_max_fds", "The limit on open file descriptors.", stats.max_fds);
  page.counter("fairlead_process_cpu_seconds_total", "CPU time used, user and system.");
  if (stats.cpu_seconds) page.add({}, *stats.cpu_seconds);
}

void add_origins(Page& page, const ExpositionExtras& extras) {
  std::vector<const OriginRow*> rows;
  rows.reserve(extras.origins.size());
  for (const OriginRow& row : extras.origins) rows.push_back(&row);
  const auto key = [](const OriginRow* r) { return std::tie(r->domain, r->origin); };
  std::ranges::stable_sort(rows, {}, key);
  const auto again = std::ranges::unique(rows, {}, key);
  rows.erase(again.begin(), again.end());

  const auto gauge = [&](std::string_view name, std::string_view help, auto value) {
    page.gauge(name, help);
    for (const OriginRow* r : rows) {
      page.add({{"domain", r->domain}, {"origin", r->origin}}, std::uint64_t{value(*r)});
    }
  };
  gauge("fairlead_origin_up", "0 when active health checks found the origin down.", [](auto& r) { return r.up; });
  gauge("fairlead_origin_ejected", "1 while passive health keeps the origin aside.", [](auto& r) { return r.ejected; });
  gauge("fairlead_origin_sessions", "WebSocket sessions on this origin now.", [](auto& r) { return r.sessions; });
  gauge("fairlead_origin_requests", "HTTP requests on this origin now.", [](auto& r) { return r.requests; });

  page.counter("fairlead_origin_outcomes_total", "Handshakes and requests, by how they went.");
  for (const OriginRow* r : rows) {
    const auto add = [&](std::string_view outcome, std::uint64_t n) {
      page.add({{"domain", r->domain}, {"origin", r->origin}, {"outcome", outcome}}, n);
    };
    add("success", r->success);
    if (r->refused) add("refused", r->refused);
    if (r->timeout) add("timeout", r->timeout);
    if (r->status_5xx) add("status_5xx", r->status_5xx);
    if (r->other) add("other", r->other);
  }
  page.counter("fairlead_origin_ejections_total", "Times passive health set the origin aside.");
  for (const OriginRow* r : rows) {
    if (r->ejections) page.add({{"domain", r->domain}, {"origin", r->origin}}, r->ejections);
  }
  page.counter("fairlead_origin_checks_total", "Active health checks, by result.");
  for (const OriginRow* r : rows) {
    if (r->checks_passed + r->checks_failed == 0) continue;
    page.add({{"domain", r->domain}, {"origin", r->origin}, {"result", "passed"}}, r->checks_passed);
    page.add({{"domain", r->domain}, {"origin", r->origin}, {"result", "failed"}}, r->checks_failed);
  }
}

}  // namespace

std::string render_metrics(const CounterRegistry& registry, const ExpositionExtras& extras) {
  Page page;
  add_node(page, registry, extras);
  add_workers(page, registry);
  add_tls_records(page, registry);
  add_http2(page, registry);
  add_limits(page, extras);
  add_process(page);
  exposition::add_domains(page, registry);
  add_origins(page, extras);
  return page.take();
}

}  // namespace fairlead::edge
