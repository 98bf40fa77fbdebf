#include "edge/worker.h"

#include <algorithm>
#include <cerrno>
#include <new>

#include "base/log.h"
#include "edge/http1_frontend.h"
#include "edge/http2/connection.h"
#include "edge/tcp_tunnel.h"
#include "net/tls_stream.h"
#include "protocol/http/message.h"
#include "protocol/proxy_protocol/proxy_protocol.h"

namespace fairlead::edge {
namespace {

model::UsageProtocol usage_protocol(std::string_view name) {
  if (name == "h2") return model::UsageProtocol::h2;
  return name == "tcp" ? model::UsageProtocol::tcp : model::UsageProtocol::h1;
}

net::TlsRecordsKind net_kind(model::TlsRecords records) {
  return records == model::TlsRecords::own ? net::TlsRecordsKind::own : net::TlsRecordsKind::openssl;
}

}  // namespace

struct Worker::Listener final : net::TlsServerSelector {
  explicit Listener(const Worker& w) : worker(w) {}

  // A tcp-ssl listener serves one domain, whatever name the client gives, if any; on https the name decides.
  std::shared_ptr<const net::TlsServerContext> select(std::string_view sni) override {
    const auto domain = config.protocol == model::ListenerProtocol::tcp_ssl ? worker.table_->by_name(config.domain)
                                                                            : worker.find_domain(sni);
    return domain ? domain->server_tls(config.protocol == model::ListenerProtocol::https) : nullptr;
  }

  net::TlsRecordsOptions records() const override {
    return {net_kind(config.tls_records), &worker.counters_.tls_to_clients};
  }

  const Worker& worker;
  model::ListenerConfig config;
  std::vector<net::Network> proxy_from;
  std::unique_ptr<net::Acceptor> acceptor;
  net::SocketAddress address;
};

Worker::Worker(unsigned index, net::EventLoop& loop, net::Resolver& resolver, EdgeShared& shared,
               const model::GlobalLimits& limits, std::uint64_t seed)
    : index_(index),
      loop_(loop),
      shared_(shared),
      counters_(shared.counters.worker(index)),
      limits_(limits),
      random_(seed),
      scope_(loop),
      finisher_(loop),
      connector_(loop, resolver, {net_kind(shared.origin_tls_records), &counters_.tls_to_origins}),
      pool_(loop, scope_),
      table_(DomainTable::build(nullptr, model::PolicySnapshot::empty(), shared.tickets)),
      geo_(shared.geo) {
  loop_.on_exceptions([this] { counters_.exceptions.add(); });
  loop_.pipes().count_in(&counters_.pipes);
}

// Whoever ends a worker's loop has waited for `on_done`.
Worker::~Worker() {
  loop_.pipes().count_in(nullptr);
  loop_.on_exceptions({});
}

base::Result<net::SocketAddress> Worker::listen(const model::ListenerConfig& config) {
  const auto at = net::SocketAddress::parse(config.address);
  if (!at) return std::unexpected(at.error());
  auto listener = std::make_unique<Listener>(*this);
  listener->config = config;
  for (const std::string& text : config.proxy_protocol_from) {
    const auto network = net::Network::parse(text);
    if (!network) return std::unexpected(network.error());
    listener->proxy_from.push_back(*network);
  }
  Listener* l = listener.get();
  l->acceptor = std::make_unique<net::Acceptor>(
      loop_, [this, l](int handle, const net::SocketAddress& peer) { accepted(*l, handle, peer); },
      [this](int) { counters_.accepts_exhausted.add(); });
  net::ListenOptions options;
  options.backlog = config.backlog;
  if (auto opened = l->acceptor->open(*at, options); !opened) return std::unexpected(opened.error());
  listener->address = l->acceptor->address();
  listeners_.push_back(std::move(listener));
  return l->address;
}

void Worker::accepted(Listener& listener, int handle, const net::SocketAddress& peer) {
  counters_.connections_accepted.add();
  std::unique_ptr<net::TcpStream> tcp;
  try {
    tcp = std::make_unique<net::TcpStream>(loop_, handle, peer);
  } catch (...) {
    loop_.poller().close(handle);  // nobody's yet
    throw;
  }
  ConnectionSeat seat = take_seat(peer);
  if (!seat) return;  // closed: a connection over the limit costs no more than its accept
  scope_.spawn(serve(listener, std::move(tcp), std::move(seat)));
}

ConnectionSeat Worker::take_seat(const net::SocketAddress& client) {
  auto seat = shared_.admission.enter_connection(client);
  if (seat) return std::move(*seat);
  (seat.error() == LimitName::connections_total ? counters_.refused_connections_total
                                                : counters_.refused_connections_client)
      .add();
  return {};
}

// The life of a client connection, until it becomes a session's: that lies beside no frame of ours.
net::Task<void> Worker::serve(Listener& listener, std::unique_ptr<net::TcpStream> tcp, ConnectionSeat seat) {
  OpenConnection open(counters_.connections_open);
  std::unique_ptr<Session> session = co_await serve_requests(listener, std::move(tcp), seat);
  if (session) {
    if (draining()) session->close_at(loop_.now(), CloseBy::operator_, CloseCause::drain);
    Session::start(std::move(session), {net::TaskScope::Hold(scope_), std::move(open), std::move(seat)});
  }
}

net::Task<std::unique_ptr<Session>> Worker::serve_requests(Listener& listener, std::unique_ptr<net::TcpStream> tcp,
                                                           ConnectionSeat& seat) {
  std::unique_ptr<Session> session;
  ClientInfo info;
  info.peer = tcp->peer();
  // Only a listener on every address of the machine has to ask which of them it was.
  info.local = listener.address.is_any() ? tcp->local() : listener.address;
  // What the connection carries for nobody yet; outlives the stream, or the stream counts elsewhere by then.
  net::WireCount wire;
  tcp->count_wire(&wire);
  const net::TimePoint due = base::later(loop_.now(), listener.config.handshake_timeout);
  std::unique_ptr<net::SocketStream> stream = co_await prepare(listener, std::move(tcp), info, seat, due);
  if (!stream) co_return session;
  info.place = geo_.find(info.peer);
  net::SocketStream* const raw = stream.get();
  const net::StopCallback on_stop(scope_.token(), [raw] { raw->cancel(); });
  if (listener.config.protocol == model::ListenerProtocol::tcp_ssl) {
    info.protocol = "tcp";
    co_await serve_tcp_tunnel(*this, std::move(stream), info, listener.config.domain);
  } else {
    bool http2 = info.protocol == "h2";
    if (listener.config.h2c) http2 = co_await begins_http2(*stream, due);
    if (http2) {
      info.protocol = "h2";
      co_await serve_http2(*this, std::move(stream), info, due);
    } else {
      session = co_await serve_http1(*this, std::move(stream), info, due);
    }
  }
  co_return session;
}

net::Task<std::unique_ptr<net::SocketStream>> Worker::prepare(Listener& listener, std::unique_ptr<net::TcpStream> tcp,
                                                              ClientInfo& info, ConnectionSeat& seat,
                                                              net::TimePoint due) {
  if (!listener.proxy_from.empty()) {
    const bool named = co_await read_proxy_header(listener, *tcp, info, due);
    if (!named) co_return nullptr;
    // The proxy sat in for its client until now; its own seat goes first, or the limit in all would count both.
    seat.give_back();
    seat = take_seat(info.peer);
    if (!seat) co_return nullptr;
  }
  if (listener.config.protocol == model::ListenerProtocol::http)
    co_return std::unique_ptr<net::SocketStream>(std::move(tcp));
  auto tls = co_await net::tls_accept(std::move(tcp), listener, due, scope_.token());
  if (!tls) {
    counters_.tls_handshake_errors.add();
    if (tls.error().code == base::Code::not_found) counters_.unknown_domain.add();
    if (tls.error().code == base::Code::timeout) counters_.handshake_timeouts.add();
    co_return nullptr;
  }
  counters_.tls_handshakes.add();
  if ((*tls)->resumed()) counters_.tls_resumed.add();
  info.tls = true;
  info.tls_version = (*tls)->tls_version();
  info.sni = (*tls)->server_name();
  info.tls_context = (*tls)->server_context();
  if ((*tls)->alpn() == "h2") info.protocol = "h2";
  co_return std::unique_ptr<net::SocketStream>(std::move(*tls));
}

// From the named networks a PROXY header is required, and nobody else may connect: who could leave it out could as well
// forge it.
net::Task<bool> Worker::read_proxy_header(Listener& listener, net::TcpStream& tcp, ClientInfo& info,
                                          net::TimePoint due) {
  const bool named = std::any_of(listener.proxy_from.begin(), listener.proxy_from.end(),
                                 [&](const net::Network& n) { return n.contains(info.peer); });
  const net::StopCallback on_stop(scope_.token(), [&tcp] { tcp.cancel(); });
  std::string seen;
  while (named) {
    net::Chunk chunk;
    {
      const net::ReadDeadline guard(tcp, due);
      chunk = co_await tcp.read(4096);
    }
    if (chunk.size == 0) break;
    seen += chunk.view();
    const auto parsed = protocol::parse_proxy_header(seen);
    if (!parsed) break;
    if (!*parsed) continue;
    const protocol::ParsedProxyHeader& h = **parsed;
    if (!h.header.local) {
      const auto from = net::SocketAddress::from_ip(h.header.source_ip, h.header.source_port);
      const auto to = net::SocketAddress::from_ip(h.header.destination_ip, h.header.destination_port);
      if (!from || !to) break;
      info.peer = *from;
      info.local = *to;
    }
    tcp.unread(std::string_view(seen).substr(h.consumed));
    co_return true;
  }
  counters_.proxy_protocol_errors.add();
  co_return false;
}

net::Task<bool> Worker::begins_http2(net::SocketStream& stream, net::TimePoint due) {
  const std::string_view preface = protocol::kHttp2Preface;
  std::string seen;
  while (seen.size() < preface.size() && preface.starts_with(seen)) {
    net::Chunk chunk;
    {
      // As between two requests: nothing is under way yet.
      const net::StopCallback on_drain(drain_token(), [&stream] { stream.interrupt_read(ECANCELED); });
      const net::ReadDeadline guard(stream, due);
      chunk = co_await stream.read(preface.size() - seen.size());
    }
    if (chunk.size == 0) break;
    seen += chunk.view();
  }
  stream.unread(seen);
  // Cut short (drain, the date): whoever said "PRI" is answered in HTTP/2 all the same.
  constexpr std::size_t kTelling = 3;
  co_return seen.size() >= kTelling&& preface.starts_with(seen);
}

bool Worker::takes_websocket(std::string_view name) const {
  if (name.empty()) return table_->any_http2_websocket();
  const auto domain = find_domain(name);
  return domain && domain->policy().websocket.enabled;
}

WorkerDomain& Worker::domain_state(const Domain& domain) {
  const std::string& name = domain.policy().name;
  auto it = domains_.find(name);
  if (it == domains_.end()) {
    auto state = std::make_unique<WorkerDomain>(log(), random());
    state->domain = table_->by_name(name);
    state->counters = shared_.counters.domain(index_, name);
    it = domains_.emplace(name, std::move(state)).first;
  }
  return *it->second;
}

std::shared_ptr<MeterCell> Worker::meter(const Domain& domain, const ClientInfo& client) {
  const model::DomainPolicy& policy = domain.policy();
  WorkerDomain& state = domain_state(domain);
  if (!state.meters.empty() && state.meters.begin()->second->key.domain_id != policy.id) {
    // The name is another customer's now. What still runs of the last one's goes on being counted where it began.
    for (auto& [kind, cell] : state.meters) cell->abandoned = true;
    meters_ -= state.meters.size();
    state.meters.clear();
  }
  WorkerDomain::Kind kind{client.place, client.tls ? model::UsageScheme::wss : model::UsageScheme::ws,
                          usage_protocol(client.protocol)};
  auto found = state.meters.find(kind);
  if (found == state.meters.end() && meters_ >= kMaxMeters && kind.place != PlaceId()) {
    counters_.meters_exhausted.add();
    kind.place = PlaceId();
    found = state.meters.find(kind);
  }
  if (found == state.meters.end()) {
    auto cell = shared_.counters.make_cell(MeterKey{.domain_id = policy.id,
                                                    .domain = policy.name,
                                                    .place = kind.place,
                                                    .scheme = kind.scheme,
                                                    .protocol = kind.protocol});
    found = state.meters.emplace(kind, std::move(cell)).first;
    ++meters_;
  }
  found->second->last_used = loop_.now();
  return found->second;
}

void Worker::abandon_meters(base::Duration idle) {
  for (auto& [name, state] : domains_) {
    meters_ -= std::erase_if(state->meters, [&](const auto& entry) {
      MeterCell& cell = *entry.second;
      // One is ours, one the registry's; who reads at this moment has another, and there will be another time.
      constexpr long kUnused = 2;
      if (entry.second.use_count() > kUnused || base::later(cell.last_used, idle) > loop_.now()) return false;
      cell.abandoned = true;
      return true;
    });
  }
}

void Worker::apply(std::shared_ptr<const DomainTable> table, const model::GlobalLimits& limits) {
  counters_.policy_revision.add(table->revision() - counters_.policy_revision.get());
  table_ = std::move(table);
  limits_ = limits;
  // Only domains that were asked for on this worker are here; they stay, as their counters do.
  for (auto& [name, state] : domains_) {
    std::shared_ptr<const Domain> now = table_->by_name(name);
    if (now == state->domain) continue;
    const bool off = !now || !now->policy().websocket.enabled;
    if (now) state->domain = now;
    if (off) switch_off(*state);
    if (!now) state->domain = nullptr;
  }
}

// R1. How it is done is the word of the policy that turned the switch off; of a removed domain, its last.
void Worker::switch_off(WorkerDomain& state) {
  if (!state.domain) return;
  const model::WebSocketPolicy& ws = state.domain->policy().websocket;
  if (ws.on_disable == model::OnDisable::keep) return;
  const std::size_t count = state.sessions.size();
  const base::Duration span =
      ws.on_disable == model::OnDisable::drain ? base::Duration(ws.drain_time) : base::Duration(0);
  std::size_t i = 0;
  state.sessions.for_each([&](Session& s) {
    s.close_at(loop_.now() + span * static_cast<std::int64_t>(i++) / static_cast<std::int64_t>(count),
               CloseBy::operator_, CloseCause::disabled);
  });
}

// Like stop(), throws std::bad_alloc when there is no memory to wait for the end, and may then be called again: all
// that was done until then is done twice as well as once.
void Worker::drain(base::Duration time, std::move_only_function<void()> on_done) {
  for (auto& l : listeners_) l->acceptor->close();
  std::size_t count = 0, i = 0;
  for (auto& [name, state] : domains_) count += state->sessions.size();
  // Spread, so that a hundred thousand clients do not come back to the next edge in one second.
  const base::Duration span = time * 9 / 10;
  for (auto& [name, state] : domains_) {
    state->sessions.for_each([&](Session& s) {
      s.close_at(loop_.now() + span * static_cast<std::int64_t>(i++) / static_cast<std::int64_t>(count),
                 CloseBy::operator_, CloseCause::drain);
    });
  }
  drain_.request_stop();
  pool_.clear();
  if (finishing_) return;
  on_done_ = std::move(on_done);
  // Requests that never end (event streams) and peers that never answer are cut when the time is up.
  const net::TimePoint when = base::later(loop_.now(), time);
  net::Task<void> end = finish();
  const std::size_t before = finisher_.size();
  finisher_.spawn(stop_after(when));
  if (finisher_.size() == before && when > loop_.now()) throw std::bad_alloc();  // the scope could not start it
  finisher_.spawn(std::move(end));
  if (!finishing_) throw std::bad_alloc();
}

void Worker::stop(std::move_only_function<void()> on_done) {
  for (auto& l : listeners_) l->acceptor->close();
  drain_.request_stop();
  pool_.clear();
  cut_all();
  if (finishing_) return;
  on_done_ = std::move(on_done);
  finisher_.spawn(finish());
  if (!finishing_) throw std::bad_alloc();
}

void Worker::cut_all() {
  scope_.request_stop();
  for (auto& [name, state] : domains_) {
    state->sessions.for_each([](Session& s) { s.abort(CloseBy::operator_, CloseCause::drain); });
  }
}

net::Task<void> Worker::finish() {
  finishing_ = true;  // from here on nothing can fail
  co_await scope_.join();
  finished_.request_stop();
  on_done_();
}

net::Task<void> Worker::stop_after(net::TimePoint when) {
  // Two statements: g++ 12 miscompiles this await as the condition itself.
  const bool time_is_up = co_await loop_.sleep_until(when, finished_);
  if (time_is_up) cut_all();
}

AccessRecord Worker::new_record(const ClientExchange& client, const Domain* domain) const {
  AccessRecord r;
  r.opened_ms = base::wall_clock_ms() - (loop_.now() - client.started()) / base::milliseconds(1);
  if (domain) r.domain = domain->policy().name;
  const ClientInfo& info = client.client();
  r.client = info.peer.ip();
  r.client_port = info.peer.port();
  r.region = shared_.places.region(info.place);
  r.isp = shared_.places.isp(info.place);
  r.protocol = info.protocol;
  r.tls = info.tls_version;
  r.stream = client.stream_id();
  r.method = client.head().method;
  r.target = client.head().target;
  return r;
}

}  // namespace fairlead::edge
