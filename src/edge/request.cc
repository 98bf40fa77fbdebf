#include "edge/request.h"

#include "edge/domain.h"
#include "edge/http_exchange.h"
#include "edge/problem.h"
#include "edge/session.h"
#include "edge/tunnel_opening.h"
#include "edge/worker.h"
#include "protocol/http/authority.h"
#include "protocol/websocket/handshake.h"

namespace fairlead::edge {
namespace {

// Over TLS the name in Host may differ from the one in SNI (connections are coalesced and reused) as long as the
// certificate that was shown covers it; otherwise the client is on the wrong connection (RFC 9110 7.4).
bool on_right_connection(const ClientInfo& client, std::string_view host) {
  return !client.tls || !client.tls_context || host == client.sni || client.tls_context->covers(host);
}

// A domain says by ALPN what its own connections speak; to what comes on another domain's (RFC 9113 9.1.1 lets clients
// do that), only the answer can. Browsers repeat a request after 421, but not an opening handshake: Chromium gives it
// up, and told HTTP_1_1_REQUIRED it ends every other session of the connection, too. So handshakes are served.
bool is_misdirected(const ClientExchange& client, const Domain& domain) {
  return client.head().version == protocol::HttpVersion::http2 && !domain.policy().http2 &&
         !protocol::wants_upgrade(client.head());
}

// RFC 7230's Upgrade to anything but websocket is ignored, as any server may; h2c is refused, because requests that
// carry it exist to smuggle others past an edge.
bool asks_for_h2c(const protocol::RequestHead& head) {
  return head.fields.has_token("upgrade", "h2c") || head.fields.contains("http2-settings");
}

}  // namespace

void RequestOutcome::origin_failed(const base::Error& why) {
  if (why.side != base::Side::client && why.code != base::Code::cancelled) origin_error = base::describe(why);
}

net::Task<RequestResult> serve_request(Worker& worker, ClientExchange& client) {
  RequestResult result;
  RequestOutcome outcome;
  const std::string host = protocol::host_of(client.head().authority);
  result.domain = worker.find_domain(host);
  if (!result.domain) {
    worker.counters().unknown_domain.add();
    outcome.error = "unknown_domain";
    co_await answer_problem(client, {404, "unknown_domain", "no domain of this edge has the requested host name"});
  } else if (!on_right_connection(client.client(), host)) {
    outcome.error = "misdirected_request";
    co_await answer_problem(client, {421, "misdirected_request", "this connection's certificate is not for that host"});
  } else if (is_misdirected(client, *result.domain)) {
    outcome.error = "misdirected_request";
    co_await answer_problem(client, {421, "misdirected_request", "HTTP/2 is switched off for this domain"});
  } else if (client.head().method == "CONNECT" && !protocol::wants_upgrade(client.head())) {
    outcome.error = "not_implemented";
    co_await answer_problem(client, {501, "not_implemented", "CONNECT is done for WebSocket only"});
  } else if (asks_for_h2c(client.head())) {
    outcome.error = "upgrade_not_supported";
    co_await answer_problem(client, {501, "upgrade_not_supported", "Upgrade: h2c is not done here"});
  } else {
    client.obey(result.domain->policy().layer7);
    const std::shared_ptr<MeterCell> meter = worker.meter(*result.domain, client.client());
    if (protocol::wants_upgrade(client.head())) {
      WebSocketMeter& websocket = meter->websocket;
      ExchangeMeter counted;
      counted.wire = std::shared_ptr<net::WireCount>(meter, &websocket.wire);
      client.count(std::move(counted));
      result.session = co_await open_tunnel(worker, client, result.domain, meter, outcome);
      websocket.handshakes.add(client.status());  // 0: nobody waited for the answer
      websocket.handshake_seconds.observe(worker.loop().now() - client.started());
      if (result.session) co_return result;
    } else {
      ExchangeMeter counted;
      counted.wire = std::shared_ptr<net::WireCount>(meter, &meter->http.wire);
      counted.body_in = &meter->http.bytes_in;
      counted.body_out = &meter->http.bytes_out;
      client.count(std::move(counted));
      co_await proxy_http(worker, client, result.domain, meter->http, outcome);
    }
  }
  if (client.client_left() && !worker.stop_token().stop_requested() &&
      (client.status() == 0 || !outcome.error.empty())) {
    outcome.error = "client_gone";
    outcome.close_by = to_string(CloseBy::client);
    outcome.origin_error.clear();
  }
  log_request(worker, client, result.domain.get(), outcome);
  co_return result;
}

void log_request(Worker& worker, const ClientExchange& client, const Domain* domain, const RequestOutcome& outcome) {
  AccessRecord r = worker.new_record(client, domain);
  r.duration_ms = (worker.loop().now() - client.started()) / base::milliseconds(1);
  r.status = client.status();
  r.bytes_in = client.body_in();
  r.bytes_out = client.body_out();
  r.origin = outcome.origin;
  r.origin_status = outcome.origin_status;
  r.error = outcome.error;
  r.origin_error = outcome.origin_error;
  r.close_by = outcome.close_by;
  if (!outcome.close_by.empty()) r.close_cause = outcome.error;
  worker.log().write(r);
}

}  // namespace fairlead::edge
