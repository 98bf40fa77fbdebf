#include "edge/tunnel_opening.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "edge/http_exchange.h"
#include "edge/origin_connection.h"
#include "edge/origin_dial.h"
#include "edge/problem.h"
#include "edge/session.h"
#include "edge/worker.h"
#include "protocol/http1/serialize.h"
#include "protocol/websocket/handshake.h"

namespace fairlead::edge {
namespace {

using base::Code;
using base::Side;

// Whatever the client speaks, the origin gets an opening handshake of HTTP/1.1 (RFC 8441 5.1: GET, a key, a version).
protocol::RequestHead opening_for_origin(const ClientExchange& client, const std::string& key,
                                         const model::DomainPolicy& policy) {
  protocol::RequestHead head = client.head();
  head.method = "GET";
  protocol::remove_hop_by_hop(head.fields);
  head.fields.remove("content-length");
  head.fields.add("Connection", "Upgrade");
  head.fields.add("Upgrade", "websocket");
  head.fields.set("Sec-WebSocket-Key", key);
  head.fields.set("Sec-WebSocket-Version", "13");
  prepare_for_origin(head, client, policy);
  return head;
}

// The client's own key, or one of ours for a client of HTTP/2, which has none.
std::string key_for_origin(Worker& worker, const protocol::OpeningHandshake& offered) {
  if (!offered.key.empty()) return offered.key;
  std::array<std::uint8_t, 16> bytes;
  for (std::size_t i = 0; i < bytes.size(); i += sizeof(std::uint64_t)) {
    const std::uint64_t random = worker.random();
    std::memcpy(bytes.data() + i, &random, sizeof random);
  }
  return protocol::make_key(bytes);
}

bool worth_another_origin(int status) { return status == 502 || status == 503 || status == 504; }

// An origin's answer to the opening handshake, with the connection it came on.
struct Answer {
  DialledOrigin dialled;
  std::unique_ptr<OriginConnection> connection;
  protocol::ResponseHead head;
};

net::Task<base::Result<Answer>> ask_origin(Worker& worker, ClientExchange& client, DialledOrigin dialled,
                                           const protocol::OpeningHandshake& offered, net::TimePoint due) {
  Answer a{std::move(dialled), nullptr, {}};
  a.connection = std::make_unique<OriginConnection>(std::move(a.dialled.stream), "GET", false);
  OriginConnection* const origin = a.connection.get();
  const net::StopCallback on_stop(client.gone(), [origin] { origin->stream().cancel(); });
  const std::string key = key_for_origin(worker, offered);
  std::string out;
  if (!protocol::append_request_head(out, opening_for_origin(client, key, a.dialled.domain->policy()))) {
    co_return base::fail(Code::malformed, Side::client, "a field cannot be passed on");
  }
  if (auto sent = co_await origin->send(out, {}, due); !sent) {
    a.dialled.failed(worker, sent.error());
    co_return std::unexpected(sent.error());
  }
  do {
    auto head = co_await origin->read_head(due);
    if (!head) {
      a.dialled.failed(worker, head.error());
      co_return std::unexpected(head.error());
    }
    a.head = std::move(*head);
  } while (a.head.status < 200 && a.head.status != 101);
  a.dialled.answered(worker, a.head.status);
  if (a.head.status == 101) {
    if (auto right = protocol::check_answer(a.head, key, offered); !right) co_return std::unexpected(right.error());
  }
  co_return a;
}

// Asks origin after origin until one answers with anything that is not worth another try.
net::Task<base::Result<Answer>> find_origin(Worker& worker, ClientExchange& client,
                                            const std::shared_ptr<const Domain>& domain,
                                            const protocol::OpeningHandshake& offered, RequestOutcome& outcome) {
  const net::TimePoint due = base::later(worker.loop().now(), domain->policy().origin_request_timeout);
  Tried tried;
  std::optional<Answer> refusal;
  base::Error last(Code::unreachable, Side::origin, "no origin");
  bool asked = false;  // somebody was, so that "nobody is left" is not the story
  for (;;) {
    auto dialled = co_await dial_origin(worker, client, domain, tried, due, OriginLease::Kind::session, false);
    if (!dialled) {
      if (tried.none() || dialled.error().side != Side::origin || !asked) last = dialled.error();
      break;
    }
    asked = true;
    outcome.origin = dialled->address;
    auto answer = co_await ask_origin(worker, client, std::move(*dialled), offered, due);
    if (answer) {
      if (!worth_another_origin(answer->head.status)) co_return answer;
      refusal = std::move(*answer);
    } else {
      last = answer.error();
      if (last.retry == base::Retry::never || worker.loop().now() >= due) break;
    }
  }
  if (refusal) {
    outcome.origin = refusal->dialled.address;
    co_return std::move(*refusal);
  }
  co_return std::unexpected(std::move(last));
}

std::string make_session_id(std::uint64_t a, std::uint64_t b) { return fmt::format("{:016x}{:08x}", a, b >> 32); }

}  // namespace

Problem problem_of_limit(LimitName limit, WorkerCounters& c) {
  switch (limit) {
    case LimitName::connections_total: c.refused_connections_total.add(); break;
    case LimitName::connections_client: c.refused_connections_client.add(); break;
    case LimitName::sessions_total: c.refused_sessions_total.add(); break;
    case LimitName::sessions_client: c.refused_sessions_client.add(); break;
    case LimitName::sessions_domain: c.refused_sessions_domain.add(); break;
    case LimitName::sessions_domain_client: c.refused_sessions_domain_client.add(); break;
    case LimitName::rate_client: c.refused_rate_client.add(); break;
    case LimitName::rate_domain: c.refused_rate_domain.add(); break;
    case LimitName::rate_domain_client: c.refused_rate_domain_client.add(); break;
  }
  return {status_of(limit), "limit_reached", std::string(to_string(limit))};
}

net::Task<std::unique_ptr<Session>> open_tunnel(Worker& worker, ClientExchange& client,
                                                std::shared_ptr<const Domain> domain, std::shared_ptr<MeterCell> meter,
                                                RequestOutcome& outcome) {
  const model::DomainPolicy& policy = domain->policy();
  const auto refuse = [&outcome, &client](Problem p) {
    outcome.error = p.code;
    return answer_problem(client, std::move(p));
  };

  if (!policy.websocket.enabled) {
    co_await refuse({403, "websocket_disabled", "WebSocket is switched off for this domain"});
    co_return nullptr;
  }
  const auto offered = protocol::parse_opening(client.head());
  if (!offered) {
    const bool version = offered.error().code == Code::unsupported;
    // RFC 6455 4.4 has 426 for HTTP/1.1, whose Upgrade field HTTP/2 does not know.
    const int status = version && client.head().version != protocol::HttpVersion::http2 ? 426 : 400;
    co_await refuse({status, version ? "websocket_version" : "malformed_handshake", offered.error().context});
    co_return nullptr;
  }
  if (worker.draining()) {
    co_await refuse({503, "edge_draining", "the edge is going away"});
    co_return nullptr;
  }
  auto seat =
      worker.admission().enter_session(client.client().peer, policy, domain->shared().seats, worker.loop().now());
  if (!seat) {
    co_await refuse(problem_of_limit(seat.error(), worker.counters()));
    co_return nullptr;
  }

  const net::TimePoint asked = worker.loop().now();
  auto answer = co_await find_origin(worker, client, domain, *offered, outcome);
  meter->websocket.origin_seconds.observe(worker.loop().now() - asked);
  if (!answer) {
    outcome.close_by = to_string(CloseBy::origin);
    outcome.origin_failed(answer.error());
    co_await refuse(problem_of(answer.error()));
    co_return nullptr;
  }
  outcome.origin_status = answer->head.status;
  if (answer->dialled.set_cookie) answer->head.fields.add("Set-Cookie", *answer->dialled.set_cookie);
  const bool success = answer->head.status / 100 == 2;
  if (success && client.head().version == protocol::HttpVersion::http2) {
    // Passed on, it would tell the client that the tunnel is open (RFC 8441 5: any 2xx does).
    outcome.close_by = to_string(CloseBy::origin);
    outcome.origin_failed(base::Error(Code::protocol, Side::origin, "a 2xx instead of 101"));
    co_await refuse({502, "origin_protocol", "the origin did not open a WebSocket"});
    co_return nullptr;
  }
  if (answer->head.status != 101) {
    OriginConnection* const origin = answer->connection.get();
    const net::StopCallback on_stop(client.gone(), [origin] { origin->stream().cancel(); });
    auto passed =
        co_await pass_answer(client, *answer->connection, std::move(answer->head), policy.layer7.proxy_read_timeout);
    if (!passed) {
      outcome.close_by = base::to_string(passed.error().side);
      outcome.origin_failed(passed.error());
    }
    co_return nullptr;
  }

  const std::uint8_t rsv = protocol::allowed_rsv(answer->head);
  protocol::ResponseHead accept = std::move(answer->head);
  protocol::remove_hop_by_hop(accept.fields);
  accept.fields.remove("content-length");
  accept.fields.add("Connection", "Upgrade");
  accept.fields.add("Upgrade", "websocket");
  auto stream = co_await client.accept_tunnel(std::move(accept));
  if (!stream) {
    outcome.close_by = to_string(CloseBy::client);
    outcome.error = "client_gone";
    co_return nullptr;
  }

  WorkerDomain& state = worker.domain_state(*domain);
  Session::Parts parts;
  parts.policy = domain->policy_ptr();
  parts.shared = domain->shared_ptr();
  parts.meter = std::move(meter);
  parts.seat = std::move(*seat);
  parts.lease = std::move(answer->dialled.lease);
  parts.client = std::move(*stream);
  parts.origin = answer->connection->take_stream();
  parts.allowed_rsv = rsv;
  parts.seed = worker.random();
  AccessRecord record = worker.new_record(client, domain.get());
  record.session = true;
  record.status = client.status();
  record.origin = outcome.origin;
  record.origin_status = outcome.origin_status;
  record.session_id = make_session_id(worker.random(), worker.random());
  parts.record.emplace(record);
  auto session = std::make_unique<Session>(std::move(parts), state.sessions);
  // The switch may have gone off while the origin was asked.
  if (!state.domain || !state.domain->policy().websocket.enabled) {
    session->close_at(worker.loop().now(), CloseBy::operator_, CloseCause::disabled);
  }
  co_return session;
}

}  // namespace fairlead::edge
