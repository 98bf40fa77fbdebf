// The part of /metrics that comes from the domains' counters. They are summed over the workers once, into plain
// numbers, so that all families of a page tell of the same moment.

#include <algorithm>
#include <array>
#include <vector>

#include "edge/telemetry/exposition_page.h"

namespace fairlead::edge::exposition {
namespace {

constexpr std::size_t kBuckets = DurationHistogram::kBounds.size() + 1;

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

// A place for each status that is counted alone, then "other", "1xx" … "5xx".
constexpr std::size_t kListed = StatusCounter::kStatuses.size();
constexpr std::size_t kClasses = 6;
struct Statuses {
  std::array<std::uint64_t, kListed + kClasses> at{};
  void add(const StatusCounter& s) {
    for (std::size_t i = 0; i < kListed; ++i) at[i] += s.at(i);
    for (std::size_t i = 0; i < kClasses; ++i) at[kListed + i] += s.of_class(i);
  }
  bool any() const {
    return std::ranges::any_of(at, [](std::uint64_t n) { return n != 0; });
  }
};

std::string status_label(std::size_t place) {
  if (place < kListed) return std::to_string(StatusCounter::kStatuses[place]);
  if (place == kListed) return "other";
  return std::to_string(place - kListed) + "xx";
}

// By ClientProtocol.
struct Protocols {
  std::array<std::uint64_t, kClientProtocols> at{};
  void add(const std::array<Counter, kClientProtocols>& counters) {
    for (std::size_t i = 0; i < kClientProtocols; ++i) at[i] += counters[i].get();
  }
  bool any() const {
    return std::ranges::any_of(at, [](std::uint64_t n) { return n != 0; });
  }
};

struct Sum {
  std::string_view domain;
  Statuses handshakes, requests;
  std::array<std::uint64_t, kCloseCauses> sessions_closed{};
  Protocols sessions_opened, requests_by_protocol;
  std::uint64_t sessions_open = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0, frames_in = 0, frames_out = 0, messages_in = 0, messages_out = 0;
  std::uint64_t requests_open = 0, http_bytes_in = 0, http_bytes_out = 0;
  std::uint64_t tunnels_opened = 0, tunnels_open = 0, tunnel_bytes_in = 0, tunnel_bytes_out = 0;
  std::uint64_t connects = 0, connect_errors = 0, retries = 0, reused = 0;
  Durations handshake_seconds, request_seconds;

  void add(const DomainCounters& c) {
    handshakes.add(c.handshakes);
    requests.add(c.requests);
    for (std::size_t i = 0; i < kCloseCauses; ++i) sessions_closed[i] += c.sessions_closed[i].get();
    sessions_opened.add(c.sessions_opened);
    requests_by_protocol.add(c.requests_by_protocol);
    sessions_open += c.sessions_open.get();
    bytes_in += c.bytes_in.get();
    bytes_out += c.bytes_out.get();
    frames_in += c.frames_in.get();
    frames_out += c.frames_out.get();
    messages_in += c.messages_in.get();
    messages_out += c.messages_out.get();
    requests_open += c.requests_open.get();
    http_bytes_in += c.http_bytes_in.get();
    http_bytes_out += c.http_bytes_out.get();
    tunnels_opened += c.tunnels_opened.get();
    tunnels_open += c.tunnels_open.get();
    tunnel_bytes_in += c.tunnel_bytes_in.get();
    tunnel_bytes_out += c.tunnel_bytes_out.get();
    connects += c.origin_connects.get();
    connect_errors += c.origin_connect_errors.get();
    retries += c.origin_retries.get();
    reused += c.origin_reused.get();
    handshake_seconds.add(c.handshake_seconds);
    request_seconds.add(c.request_seconds);
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
    std::array<std::string, kListed + kClasses> labels;
    for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = status_label(i);
    page_.counter(name, help);
    for (const Sum* s : sums_) {
      const auto& at = (s->*field).at;
      for (std::size_t i = 0; i < at.size(); ++i) {
        if (at[i]) page_.add({{"domain", s->domain}, {"status", labels[i]}}, at[i]);
      }
    }
  }
  void protocols(std::string_view name, Protocols Sum::* field, std::string_view help) {
    page_.counter(name, help);
    for (const Sum* s : sums_) {
      for (std::size_t i = 0; i < kClientProtocols; ++i) {
        if (const auto n = (s->*field).at[i]) {
          page_.add({{"domain", s->domain}, {"protocol", to_string(static_cast<ClientProtocol>(i))}}, n);
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
  page.summary("fairlead_domain_answer_seconds", "The same by domain, count and sum alone.");
  for (const Sum& s : sums) {
    for (const Kind& kind : kKinds) {
      if (const auto n = (s.*kind.field).count()) {
        page.add_summary({{"domain", s.domain}, {"protocol", kind.protocol}}, n, (s.*kind.field).seconds);
      }
    }
  }
}

std::vector<Sum> sum_up(const std::vector<std::shared_ptr<const DomainCounters>>& counters) {
  std::vector<const DomainCounters*> by_name;
  by_name.reserve(counters.size());
  for (const auto& c : counters) by_name.push_back(c.get());
  std::ranges::sort(by_name, {}, [](const DomainCounters* c) -> const std::string& { return c->domain; });
  std::vector<Sum> sums;
  for (const DomainCounters* c : by_name) {
    if (sums.empty() || sums.back().domain != c->domain) sums.emplace_back().domain = c->domain;
    sums.back().add(*c);
  }
  return sums;
}

}  // namespace

void add_domains(Page& page, const CounterRegistry& registry) {
  const auto counters = registry.domains();  // keeps the names alive
  const std::vector<Sum> sums = sum_up(counters);

  Meter websocket(page, sums, &Sum::websocket);
  websocket.statuses("fairlead_handshakes_total", &Sum::handshakes,
                     "Opening handshakes, by the status the client saw.");
  websocket.protocols("fairlead_sessions_opened_total", &Sum::sessions_opened,
                      "Sessions opened, by the HTTP that the client speaks.");
  websocket.gauge("fairlead_sessions_open", &Sum::sessions_open, "Sessions open now.");
  websocket.causes("fairlead_sessions_closed_total", "Sessions ended, by cause.");
  websocket.directions("fairlead_session_bytes_total", &Sum::bytes_in, &Sum::bytes_out,
                       "Bytes of frames, their headers included, while sessions are open.");
  websocket.directions("fairlead_session_frames_total", &Sum::frames_in, &Sum::frames_out,
                       "Frames of sessions, counted when a session ends.");
  websocket.directions("fairlead_session_messages_total", &Sum::messages_in, &Sum::messages_out,
                       "Messages of sessions, counted when a session ends.");

  Meter http(page, sums, &Sum::http);
  http.statuses("fairlead_http_requests_total", &Sum::requests, "HTTP requests, by the status the client saw.");
  http.protocols("fairlead_http_requests_by_protocol_total", &Sum::requests_by_protocol,
                 "The same requests, by the HTTP that the client speaks.");
  http.gauge("fairlead_http_requests_open", &Sum::requests_open, "HTTP requests under way now.");
  http.directions("fairlead_http_body_bytes_total", &Sum::http_bytes_in, &Sum::http_bytes_out,
                  "Bytes of request and response bodies.");

  Meter tunnel(page, sums, &Sum::tunnel);
  tunnel.counter("fairlead_tunnels_opened_total", &Sum::tunnels_opened, "Connections of tcp-ssl listeners passed on.");
  tunnel.gauge("fairlead_tunnels_open", &Sum::tunnels_open, "Of those, open now.");
  tunnel.directions("fairlead_tunnel_bytes_total", &Sum::tunnel_bytes_in, &Sum::tunnel_bytes_out,
                    "Bytes passed on by tcp-ssl listeners, after TLS.");

  add_durations(page, sums);

  Meter origin(page, sums, &Sum::origin);
  origin.counter("fairlead_origin_connects_total", &Sum::connects, "Connections to the domain's origins begun.");
  origin.counter("fairlead_origin_connect_errors_total", &Sum::connect_errors, "Of those, the ones that failed.");
  origin.counter("fairlead_origin_retries_total", &Sum::retries, "Handshakes and requests tried on a further origin.");
  origin.counter("fairlead_origin_connections_reused_total", &Sum::reused,
                 "Requests sent over an idle connection to an origin.");
}

}  // namespace fairlead::edge::exposition
