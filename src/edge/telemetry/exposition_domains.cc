// The part of /metrics that comes from the domains' counters. They are summed over the workers once, into plain
// numbers, so that all families of a page tell of the same moment.

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "edge/telemetry/exposition_page.h"

namespace fairlead::edge::exposition {
namespace {

constexpr std::size_t kBuckets = DurationHistogram::kBuckets;

struct Durations {
  std::array<std::uint64_t, kBuckets> buckets{};
  double seconds = 0;

  void add(const DurationHistogram& h) {
    for (std::size_t i = 0; i < kBuckets; ++i) buckets[i] += h.bucket(i);
    seconds += h.sum_seconds();
  }
  void add(const Durations& d) {
    for (std::size_t i = 0; i < kBuckets; ++i) buckets[i] += d.buckets[i];
    seconds += d.seconds;
  }
  std::uint64_t count() const {
    std::uint64_t n = 0;
    for (const std::uint64_t b : buckets) n += b;
    return n;
  }
};

// By status; those that were not told apart by class: 1 to 5, and 0 for what is no status.
struct Statuses {
  std::map<int, std::uint64_t> at;
  void add(const StatusCounter& s) {
    s.for_each([this](int status, std::uint64_t n) { at[status] += n; });
    for (int i = 0; i < 6; ++i) {
      if (const std::uint64_t n = s.of_class(static_cast<std::size_t>(i))) at[i] += n;
    }
  }
  bool any() const { return !at.empty(); }
};

std::string status_label(int status) {
  if (status >= 100) return std::to_string(status);
  return status == 0 ? "other" : std::to_string(status) + "xx";
}

// By UsageProtocol.
struct Protocols {
  std::array<std::uint64_t, 3> at{};
  bool any() const {
    return std::ranges::any_of(at, [](std::uint64_t n) { return n != 0; });
  }
};

struct Sum {
  std::string domain;
  Statuses handshakes, requests;
  std::array<std::uint64_t, kCloseCauses> sessions_closed{};
  Protocols sessions_opened, requests_by_protocol;
  std::uint64_t sessions_open = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0, wire_bytes_in = 0, wire_bytes_out = 0, frames_in = 0, frames_out = 0,
                messages_in = 0, messages_out = 0;
  std::uint64_t requests_open = 0, http_bytes_in = 0, http_bytes_out = 0;
  std::uint64_t http_wire_bytes_in = 0, http_wire_bytes_out = 0;
  std::uint64_t tunnel_wire_bytes_in = 0, tunnel_wire_bytes_out = 0;
  std::uint64_t tunnels_opened = 0, tunnels_open = 0, tunnel_bytes_in = 0, tunnel_bytes_out = 0;
  std::uint64_t connects = 0, connect_errors = 0, retries = 0, reused = 0;
  Durations handshake_seconds, origin_seconds, request_seconds;

  void add(const MeterCell& c) {
    const WebSocketMeter& ws = c.websocket;
    const auto protocol = static_cast<std::size_t>(c.key.protocol);
    handshakes.add(ws.handshakes);
    for (std::size_t i = 0; i < kCloseCauses; ++i) sessions_closed[i] += ws.sessions_closed[i].get();
    sessions_opened.at[protocol] += ws.sessions_opened.get();
    sessions_open += ws.sessions_open.get();
    bytes_in += ws.in.bytes.get();
    bytes_out += ws.out.bytes.get();
    wire_bytes_in += ws.wire.in.get();
    wire_bytes_out += ws.wire.out.get();
    for (const Counter& n : ws.in.tally.frames) frames_in += n.get();
    for (const Counter& n : ws.out.tally.frames) frames_out += n.get();
    messages_in += ws.in.tally.text_messages.get() + ws.in.tally.binary_messages.get();
    messages_out += ws.out.tally.text_messages.get() + ws.out.tally.binary_messages.get();
    handshake_seconds.add(ws.handshake_seconds);
    origin_seconds.add(ws.origin_seconds);
    std::uint64_t answered = 0;
    c.http.requests.for_each([&answered](int, std::uint64_t n) { answered += n; });
    for (std::size_t i = 0; i < 6; ++i) answered += c.http.requests.of_class(i);
    requests.add(c.http.requests);
    requests_by_protocol.at[protocol] += answered;
    requests_open += c.http.requests_open.get();
    http_bytes_in += c.http.bytes_in.get();
    http_bytes_out += c.http.bytes_out.get();
    http_wire_bytes_in += c.http.wire.in.get();
    http_wire_bytes_out += c.http.wire.out.get();
    request_seconds.add(c.http.request_seconds);
    tunnels_opened += c.tunnel.opened.get();
    tunnels_open += c.tunnel.open.get();
    tunnel_bytes_in += c.tunnel.bytes_in.get();
    tunnel_bytes_out += c.tunnel.bytes_out.get();
    tunnel_wire_bytes_in += c.tunnel.wire.in.get();
    tunnel_wire_bytes_out += c.tunnel.wire.out.get();
  }
  void add(const DomainCounters& c) {
    connects += c.origin_connects.get();
    connect_errors += c.origin_connect_errors.get();
    retries += c.origin_retries.get();
    reused += c.origin_reused.get();
  }

  // Which meters the domain uses.
  bool websocket() const { return sessions_opened.any() || handshakes.any(); }
  bool http() const { return requests_open != 0 || requests.any(); }
  bool tunnel() const { return tunnels_opened != 0; }
  bool origin() const { return connects + connect_errors + retries + reused != 0; }
};

using Field = std::uint64_t Sum::*;

// The families of one meter: each takes its rows from the domains that use it.
class Meter {
 public:
  Meter(Page& page, const std::vector<Sum>& sums, bool (Sum::*uses)() const) : page_(page) {
    for (const Sum& s : sums) {
      if ((s.*uses)()) sums_.push_back(&s);
    }
  }
  void counter(std::string_view name, Field field, std::string_view help) {
    page_.counter(name, help);
    one(field);
  }
  void gauge(std::string_view name, Field field, std::string_view help) {
    page_.gauge(name, help);
    one(field);
  }
  void directions(std::string_view name, Field in, Field out, std::string_view help) {
    page_.counter(name, help);
    for (const Sum* s : sums_) {
      page_.add({{"domain", s->domain}, {"direction", "to_origin"}}, s->*in);
      page_.add({{"domain", s->domain}, {"direction", "to_client"}}, s->*out);
    }
  }
  void statuses(std::string_view name, Statuses Sum::* field, std::string_view help) {
    page_.counter(name, help);
    for (const Sum* s : sums_) {
      for (const auto& [status, n] : (s->*field).at) {
        if (n) page_.add({{"domain", s->domain}, {"status", status_label(status)}}, n);
      }
    }
  }
  void protocols(std::string_view name, Protocols Sum::* field, std::string_view help) {
    page_.counter(name, help);
    for (const Sum* s : sums_) {
      for (std::size_t i = 0; i < (s->*field).at.size(); ++i) {
        if (const auto n = (s->*field).at[i]) {
          page_.add({{"domain", s->domain}, {"protocol", to_string(static_cast<model::UsageProtocol>(i))}}, n);
        }
      }
    }
  }
  void causes(std::string_view name, std::string_view help) {
    page_.counter(name, help);
    for (const Sum* s : sums_) {
      for (std::size_t i = 0; i < kCloseCauses; ++i) {
        if (const auto n = s->sessions_closed[i]) {
          page_.add({{"domain", s->domain}, {"cause", to_string(static_cast<CloseCause>(i))}}, n);
        }
      }
    }
  }

 private:
  void one(Field field) {
    for (const Sum* s : sums_) page_.add({{"domain", s->domain}}, s->*field);
  }
  Page& page_;
  std::vector<const Sum*> sums_;
};

// Durations. A histogram of 15 lines for each of 10,000 domains would be most of the page, so the distribution is the
// node's, and a domain has its count and sum (hence its mean).
void add_durations(Page& page, const std::vector<Sum>& sums) {
  struct Kind {
    std::string_view protocol;
    Durations Sum::* field;
  };
  const Kind kKinds[] = {{"websocket", &Sum::handshake_seconds}, {"http", &Sum::request_seconds}};
  page.histogram("fairlead_answer_seconds",
                 "Request head read to answer sent (of a request: its head), over all domains.");
  for (const Kind& kind : kKinds) {
    Durations total;
    for (const Sum& s : sums) total.add(s.*kind.field);
    page.add_histogram({{"protocol", kind.protocol}}, DurationHistogram::kBounds, total.buckets, total.seconds);
  }
  Durations origin;
  for (const Sum& s : sums) origin.add(s.origin_seconds);
  page.histogram("fairlead_handshake_origin_seconds",
                 "Of opening handshakes: until an origin had answered, connecting included, over all domains.");
  page.add_histogram({}, DurationHistogram::kBounds, origin.buckets, origin.seconds);
  page.summary("fairlead_domain_answer_seconds", "The same by domain, count and sum alone.");
  for (const Sum& s : sums) {
    for (const Kind& kind : kKinds) {
      if (const auto n = (s.*kind.field).count()) {
        page.add_summary({{"domain", s.domain}, {"protocol", kind.protocol}}, n, (s.*kind.field).seconds);
      }
    }
  }
}

std::vector<Sum> sum_up(const CounterRegistry& registry) {
  std::map<std::string, Sum> by_name;
  for (const auto& cell : registry.cells(CounterRegistry::Cells::all)) by_name[cell->key.domain].add(*cell);
  for (const auto& counters : registry.domains()) by_name[counters->domain].add(*counters);
  std::vector<Sum> sums;
  sums.reserve(by_name.size());
  for (auto& [name, sum] : by_name) sums.emplace_back(std::move(sum)).domain = name;
  return sums;
}

}  // namespace

void add_domains(Page& page, const CounterRegistry& registry) {
  const std::vector<Sum> sums = sum_up(registry);

  Meter websocket(page, sums, &Sum::websocket);
  websocket.statuses("fairlead_handshakes_total", &Sum::handshakes,
                     "Opening handshakes, by the status the client saw.");
  websocket.protocols("fairlead_sessions_opened_total", &Sum::sessions_opened,
                      "Sessions opened, by the HTTP that the client speaks.");
  websocket.gauge("fairlead_sessions_open", &Sum::sessions_open, "Sessions open now.");
  websocket.causes("fairlead_sessions_closed_total", "Sessions ended, by cause.");
  websocket.directions("fairlead_session_bytes_total", &Sum::bytes_in, &Sum::bytes_out,
                       "Bytes of frames, their headers included, while sessions are open.");
  websocket.directions("fairlead_session_wire_bytes_total", &Sum::wire_bytes_in, &Sum::wire_bytes_out,
                       "Bytes of clients' connections for sessions: TLS, HTTP/2 and heads included.");
  websocket.directions("fairlead_session_frames_total", &Sum::frames_in, &Sum::frames_out, "Frames of sessions.");
  websocket.directions("fairlead_session_messages_total", &Sum::messages_in, &Sum::messages_out,
                       "Data messages of sessions.");

  Meter http(page, sums, &Sum::http);
  http.statuses("fairlead_http_requests_total", &Sum::requests, "HTTP requests, by the status the client saw.");
  http.protocols("fairlead_http_requests_by_protocol_total", &Sum::requests_by_protocol,
                 "The same requests, by the HTTP that the client speaks.");
  http.gauge("fairlead_http_requests_open", &Sum::requests_open, "HTTP requests under way now.");
  http.directions("fairlead_http_body_bytes_total", &Sum::http_bytes_in, &Sum::http_bytes_out,
                  "Bytes of request and response bodies.");
  http.directions("fairlead_http_wire_bytes_total", &Sum::http_wire_bytes_in, &Sum::http_wire_bytes_out,
                  "Bytes of clients' connections for HTTP requests: TLS, HTTP/2 and heads included.");

  Meter tunnel(page, sums, &Sum::tunnel);
  tunnel.counter("fairlead_tunnels_opened_total", &Sum::tunnels_opened, "Connections of tcp-ssl listeners passed on.");
  tunnel.gauge("fairlead_tunnels_open", &Sum::tunnels_open, "Of those, open now.");
  tunnel.directions("fairlead_tunnel_bytes_total", &Sum::tunnel_bytes_in, &Sum::tunnel_bytes_out,
                    "Bytes passed on by tcp-ssl listeners, after TLS.");
  tunnel.directions("fairlead_tunnel_wire_bytes_total", &Sum::tunnel_wire_bytes_in, &Sum::tunnel_wire_bytes_out,
                    "Bytes of clients' connections to tcp-ssl listeners: TLS included.");

  add_durations(page, sums);

  Meter origin(page, sums, &Sum::origin);
  origin.counter("fairlead_origin_connects_total", &Sum::connects, "Connections to the domain's origins begun.");
  origin.counter("fairlead_origin_connect_errors_total", &Sum::connect_errors, "Of those, the ones that failed.");
  origin.counter("fairlead_origin_retries_total", &Sum::retries, "Handshakes and requests tried on a further origin.");
  origin.counter("fairlead_origin_connections_reused_total", &Sum::reused,
                 "Requests sent over an idle connection to an origin.");
}

}  // namespace fairlead::edge::exposition
