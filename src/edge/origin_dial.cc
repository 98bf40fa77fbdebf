#include "edge/origin_dial.h"

#include "edge/worker.h"

namespace fairlead::edge {
namespace {

using base::Code;
using base::Side;

bool to_https(const model::DomainPolicy& policy, const ClientInfo& client) {
  switch (policy.websocket.origin_scheme) {
    case model::OriginScheme::http: return false;
    case model::OriginScheme::https: return true;
    case model::OriginScheme::follow: break;
  }
  return client.tls;
}

// RFC 9110 7.6.3: the protocol the message came by.
std::string_view via_of(protocol::HttpVersion version) {
  switch (version) {
    case protocol::HttpVersion::http10: return "1.0 fairlead";
    case protocol::HttpVersion::http11: return "1.1 fairlead";
    case protocol::HttpVersion::http2: return "2.0 fairlead";
  }
  return "1.1 fairlead";
}

// One pick, and a connection to what was picked. `tried` gets the pick in any case but a reused connection's.
net::Task<base::Result<DialledOrigin>> dial_once(Worker& worker, const ClientInfo& client,
                                                 const protocol::RequestHead* head,
                                                 const std::shared_ptr<const Domain>& domain, Tried& tried,
                                                 net::TimePoint deadline, OriginLease::Kind kind, bool from_pool,
                                                 net::StopToken stop, bool& picked) {
  const model::DomainPolicy& policy = domain->policy();
  const bool https = to_https(policy, client);
  const auto choice = domain->origins().pick(
      PickContext{.https = https, .head = head, .client = client.peer, .now = worker.loop().now()}, tried);
  picked = choice.has_value();
  if (!choice) co_return std::unexpected(choice.error());

  DialledOrigin d;
  d.domain = domain;
  d.index = choice->index;
  d.lease = OriginLease(choice->state, kind);
  d.key.origin = choice->state;
  if (choice->set_cookie) d.set_cookie = domain->origins().persistence_cookie(choice->index, client.tls);
  if (https) {
    auto tls = domain->origin_tls(*choice->origin);
    if (!tls) co_return std::unexpected(tls.error());
    d.key.tls = std::move(*tls);
    d.key.server_name = policy.origin_tls.server_name.empty() ? policy.name : policy.origin_tls.server_name;
    // A wildcard domain has no name of its own to verify: the one the client asked for is.
    if (d.key.server_name.starts_with('.')) d.key.server_name = head ? protocol::host_of(head->authority) : client.sni;
  }
  DomainCounters& counters = *worker.domain_state(*domain).counters;
  const bool poolable = policy.origin_proxy_protocol == model::SendProxy::off;
  if (from_pool && poolable) {
    if (auto idle = co_await worker.idle_pool().take(d.key)) {
      counters.origin_reused.add();
      d.address = idle->peer().to_string();
      d.stream = std::move(idle);
      d.reused = true;
      co_return d;
    }
  }
  if (!tried.none()) counters.origin_retries.add();  // a further origin
  tried.add(choice->index);
  ConnectRequest request;
  request.host = choice->origin->host;
  request.port = choice->port;
  request.tls = d.key.tls;
  request.server_name = d.key.server_name;
  request.connect_timeout = policy.layer7.proxy_connect_timeout;
  request.deadline = deadline;
  request.proxy = policy.origin_proxy_protocol;
  request.source = client.peer;
  request.destination = client.local;
  counters.origin_connects.add();
  auto connected = co_await worker.connector().connect(std::move(request), stop);
  if (!connected) {
    counters.origin_connect_errors.add();
    d.failed(worker, connected.error());
    co_return std::unexpected(connected.error());
  }
  d.address = (*connected)->peer().to_string();
  d.stream = std::move(*connected);
  co_return d;
}

net::Task<base::Result<DialledOrigin>> dial(Worker& worker, const ClientInfo& client, const protocol::RequestHead* head,
                                            const std::shared_ptr<const Domain>& domain, Tried& tried,
                                            net::TimePoint deadline, OriginLease::Kind kind, bool from_pool,
                                            net::StopToken stop) {
  base::Error last(Code::internal, Side::none);
  for (;;) {
    bool picked = false;
    auto d = co_await dial_once(worker, client, head, domain, tried, deadline, kind, from_pool, stop, picked);
    if (d) co_return d;
    // With nobody left to ask, what the last one said tells more than that there is none left.
    if (!picked) co_return std::unexpected(last.code == Code::internal ? d.error() : last);
    last = d.error();
    if (last.retry == base::Retry::never || worker.loop().now() >= deadline) co_return std::unexpected(last);
    if (last.code == Code::cancelled || last.code == Code::resources) co_return std::unexpected(last);
  }
}

}  // namespace

void DialledOrigin::answered(Worker& worker, int status) {
  key.origin->report(status >= 500 ? Outcome::status_5xx : Outcome::success, domain->policy().health_check.passive,
                     worker.loop().now());
}

void DialledOrigin::failed(Worker& worker, const base::Error& error) {
  if (const auto outcome = outcome_of(error)) {
    key.origin->report(*outcome, domain->policy().health_check.passive, worker.loop().now());
  }
}

void DialledOrigin::keep(Worker& worker, std::unique_ptr<net::SocketStream> connection) {
  if (domain->policy().origin_proxy_protocol != model::SendProxy::off || worker.draining()) return;
  worker.idle_pool().put(key, std::move(connection));
}

net::Task<base::Result<DialledOrigin>> dial_origin(Worker& worker, ClientExchange& client,
                                                   const std::shared_ptr<const Domain>& domain, Tried& tried,
                                                   net::TimePoint deadline, OriginLease::Kind kind, bool from_pool) {
  return dial(worker, client.client(), &client.head(), domain, tried, deadline, kind, from_pool, client.gone());
}

net::Task<base::Result<DialledOrigin>> dial_tunnel(Worker& worker, const ClientInfo& info,
                                                   const std::shared_ptr<const Domain>& domain) {
  Tried tried;
  const net::TimePoint due = base::later(worker.loop().now(), domain->policy().origin_request_timeout);
  co_return co_await dial(worker, info, nullptr, domain, tried, due, OriginLease::Kind::session, false,
                          worker.stop_token());
}

void prepare_for_origin(protocol::RequestHead& head, const ClientExchange& client, const model::DomainPolicy& policy) {
  const ClientInfo& info = client.client();
  const std::string client_ip = info.peer.ip();
  const std::string host = head.authority;
  protocol::add_forwarded(
      head.fields,
      {.client_ip = client_ip, .scheme = info.tls ? "https" : "http", .host = host, .listen_port = info.local.port()});
  head.fields.add("Via", via_of(head.version));
  if (!policy.origin_host_header.empty()) {
    head.fields.set("Host", policy.origin_host_header);
    head.authority = policy.origin_host_header;
  }
}

}  // namespace fairlead::edge
