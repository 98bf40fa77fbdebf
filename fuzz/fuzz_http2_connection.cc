// A whole worker over the simulated network: whatever bytes its clients send, over HTTP/2 by prior knowledge or not, in
// whatever pieces, and whatever else happens meanwhile (origins of every kind, clocks, the switch, drain, resets,
// stalls), afterwards nothing is left over: it ends in time, no handle is open, no seat is taken, no gauge is above
// zero, nothing was thrown, nobody spins. What clients and origins are sent keeps to the protocols (see
// simulated_client.h, simulated_origin.h). The first three bytes choose network, limits and seed; the rest is a script
// (http2_script.h). Some inputs run twice: an input says all that happens. With FAIRLEAD_FUZZ_TELL set, a run tells
// what it does: what the edge logs, every call and event of the network, what was counted.

#include "http2_script.h"
#include "simulated_client.h"
#include "simulated_origin.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "edge/worker.h"
#include "net/sim_poller.h"

namespace fairlead::fuzz {
namespace {

using base::milliseconds;
using base::seconds;

constexpr base::Duration kDrainTime = seconds(10);
// Of the edge's own clocks that begin when the drain time is up: the last words of a connection, and lingering.
constexpr base::Duration kAfterDrain = seconds(12);
// Longer than any chain of the edge's clocks (keepalive_timeout and client_send_timeout above all): a client that only
// sits there, or hears nothing, is gone by then.
constexpr base::Duration kPatience = seconds(300);
constexpr std::size_t kMostClients = 4;
constexpr std::size_t kMostBytewise = 1500;  // longer inputs are cut into larger pieces: every byte is two turns

struct Choice {
  explicit Choice(std::string_view head)
      : network(static_cast<unsigned char>(head[0])),
        edge(static_cast<unsigned char>(head[1])),
        seed(static_cast<unsigned char>(head[2])) {}
  unsigned network, edge, seed;

  bool small_buffers() const { return (network & 4) != 0; }
  bool faults() const { return (network & 8) != 0; }
  bool odd_eagain() const { return (network & 16) != 0; }
  bool polite() const { return (network & 32) != 0; }
  unsigned greeting() const { return network >> 6; }
  std::size_t most_owed() const { return greeting() == 3 ? 1 : 1000; }  // of three bytes, every one counts
  bool tight() const { return (edge & 1) != 0; }
  bool far() const { return (edge & 2) != 0; }
  unsigned end() const { return edge >> 2 & 7; }
  bool heartbeat() const { return (edge & 32) != 0; }
  bool strict() const { return (edge & 64) != 0; }
};

net::SimOptions network_of(const Choice& choice, std::size_t input_size) {
  net::SimOptions o;
  o.seed = choice.seed;
  constexpr net::Split kSplits[] = {net::Split::none, net::Split::random, net::Split::random, net::Split::bytewise};
  o.split = kSplits[choice.network & 3];
  if (input_size > kMostBytewise && o.split == net::Split::bytewise) o.split = net::Split::random;
  o.send_buffer = o.receive_buffer = choice.small_buffers() ? 300 : 32 * 1024;
  if (o.split == net::Split::none) o.max_segment = 32 * 1024;
  if (choice.far()) {
    o.latency = milliseconds(20);
    o.jitter = milliseconds(5);
  }
  if (choice.odd_eagain()) o.odd_eagain = 0.1;
  if (choice.faults()) {
    o.faults.reset = 0.005;
    o.faults.stall = 0.05;
    o.faults.connect_refused = 0.1;
    o.faults.accept_aborted = 0.05;
  }
  return o;
}

model::GlobalLimits limits_of(const Choice& choice) {
  model::GlobalLimits limits;
  if (!choice.tight()) return limits;
  limits.max_head_bytes = 1024;
  limits.max_head_fields = 12;
  limits.client_send_timeout = seconds(5);
  limits.max_sessions = 2;
  limits.http2 = {.max_concurrent_streams = 4,
                  .stream_window = 200,
                  .resets_per_second = 1,
                  .settings_per_second = 1,
                  .pings_per_second = 1,
                  .empty_frames_per_second = 1,
                  .priorities_per_second = 1,
                  .window_updates_per_second = 5,
                  .unknown_frames_per_second = 1};
  return limits;
}

// Of real clients, captured, 127.0.0.1; a: WebSocket; b: none; c: an origin that is never there, and short clocks.
constexpr std::string_view kDomains[] = {"127.0.0.1", "a", "b", "c"};

std::vector<model::DomainPolicy> policies_of(const Choice& choice) {
  std::vector<model::DomainPolicy> policies;
  for (const std::string_view name : kDomains) {
    model::DomainPolicy policy;
    policy.name = name;
    if (name == "c") policy.origins.push_back({.host = "10.0.0.8", .http_port = 80});
    policy.origins.push_back({.host = "10.0.0.9", .http_port = 80});
    policy.websocket.enabled = name != "b";
    policy.websocket.connection_timeout = seconds(20);
    policy.websocket.drain_time = seconds(5);
    if (choice.heartbeat()) {
      policy.websocket.heartbeat = {.interval = seconds(5), .to = model::HeartbeatTo::both, .pong_timeout = seconds(3)};
    }
    if (choice.strict()) {
      policy.websocket.max_message_size = 1000;
      policy.websocket.max_session_age = seconds(30);
      policy.limits.max_sessions = 3;
    } else if (name == "c") {
      policy.websocket.validate = false;
    }
    if (name == "c") {
      policy.layer7.client_header_timeout = seconds(2);
      policy.layer7.client_body_timeout = seconds(2);
      policy.layer7.keepalive_timeout = seconds(1);
      policy.layer7.proxy_connect_timeout = seconds(1);
      policy.layer7.client_max_body_size = 1000;
      policy.layer7.add_header.push_back({"x-added", "yes"});
      policy.origin_request_timeout = seconds(3);
      policy.load_balancing.persistence = model::Persistence::cookie;
    }
    policies.push_back(std::move(policy));
  }
  return policies;
}

net::SocketAddress at(const char* ip, std::uint16_t port) { return net::SocketAddress::from_ip(ip, port).value(); }

// What a client says first, of its own accord.
std::string greeting(unsigned kind) {
  using namespace std::string_view_literals;
  std::string out;
  if (kind == 0) return out;  // the input's own
  out = protocol::kHttp2Preface;
  if (kind == 1) out += http2_frame(Http2Frame::kSettings, 0, 0, {});
  if (kind == 2) {  // windows that never shut
    out += http2_frame(Http2Frame::kSettings, 0, 0, "\0\4\x7f\xff\xff\xff"sv);
    out += http2_frame(8, 0, 0, "\x7f\xff\0\0"sv);
  }
  if (kind == 3) out += http2_frame(Http2Frame::kSettings, 0, 0, "\0\4\0\0\0\x03"sv);  // of three bytes
  return out += http2_frame(Http2Frame::kSettings, Http2Frame::kAck, 0, {});
}

// A literal field without indexing (RFC 7541 6.2.2), nothing compressed.
void add_field(std::string& block, std::string_view name, std::string_view value) {
  block += '\0';
  block += static_cast<char>(name.size());
  block += name;
  block += static_cast<char>(value.size());
  block += value;
}

// Bits of `kind`: 0-1 method, 2-3 domain, 4 ends with its head, 5 a content-length of 5, 6 Expect, 7 cookies.
std::string request(std::uint8_t kind, std::uint8_t letter, std::uint32_t stream) {
  constexpr std::string_view kMethods[] = {"GET", "CONNECT", "POST", "HEAD"};
  const std::string_view method = kMethods[kind & 3];
  const bool tunnel = method == "CONNECT";
  std::string path = "/";
  if ((letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9')) path += static_cast<char>(letter);
  std::string block;
  add_field(block, ":method", method);
  add_field(block, ":scheme", "http");
  add_field(block, ":authority", kDomains[kind >> 2 & 3]);
  add_field(block, ":path", path);
  if (tunnel) add_field(block, ":protocol", "websocket");
  if (tunnel) add_field(block, "sec-websocket-version", "13");
  if ((kind & 32) != 0) add_field(block, "content-length", "5");
  if ((kind & 64) != 0) add_field(block, "expect", "100-continue");
  if ((kind & 128) != 0) {
    add_field(block, "cookie", "a=b");
    add_field(block, "cookie", "c=d");
  }
  const bool ends = (kind & 16) != 0;
  return http2_frame(Http2Frame::kHeaders, Http2Frame::kEndHeaders | (ends ? Http2Frame::kEndStream : 0), stream,
                     block);
}

bool telling() { return std::getenv("FAIRLEAD_FUZZ_TELL") != nullptr; }

class Play {
 public:
  Play(const Choice& choice, std::vector<Command> script, std::size_t input_size)
      : choice_(choice),
        script_(std::move(script)),
        options_(network_of(choice, input_size)),
        poller_(options_),
        loop_(poller_),
        shared_(1, limits_of(choice)),
        worker_(0, loop_, resolver_, shared_, limits_of(choice), choice.seed),
        peers_(loop_),
        origin_(loop_, peers_, at("10.0.0.9", 80), options_.split == net::Split::bytewise ? 2000 : 70'000),
        policies_(policies_of(choice)) {}

  // The hash of all that happened.
  std::uint64_t run() {
    if (telling()) poller_.set_trace([](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); });
    apply();
    require(worker_.listen({.address = "10.0.0.1:8080", .h2c = true}).has_value(), "the worker listens");
    origin_.open();
    peers_.spawn(direct());
    loop_.run_until([this] { return over_; });
    require(over_, "the script comes to its end");
    if (!draining_) drain(kDrainTime);
    const base::TimePoint latest = base::later(std::max(loop_.now(), drain_due_), kAfterDrain);
    loop_.run_until([&] { return drained_ || loop_.now() > latest; });
    require(!poller_.livelocked(), "nobody spins");
    require(drained_, "the worker ends in time");
    origin_.close();
    for (const auto& client : clients_) client->end().leave(false);
    origin_.leave_all();
    loop_.run_until([this] { return peers_.size() == 0; });
    require(peers_.size() == 0, "every peer sees its end");
    clients_.clear();
    judge();
    return poller_.trace_hash();
  }

 private:
  void apply() {
    table_ = edge::DomainTable::build(table_.get(), model::PolicySnapshot::replace(nullptr, policies_, ++revision_),
                                      shared_.tickets);
    worker_.apply(table_, limits_of(choice_));
  }

  void drain(base::Duration time) {
    draining_ = true;
    drain_due_ = base::later(loop_.now(), time);
    worker_.drain(time, [this] { drained_ = true; });
  }

  net::Task<void> direct() {
    co_await open_client();
    for (const Command& command : script_) co_await obey(command);
    co_await end_client();
    over_ = true;
  }

  SimulatedClient* client() { return clients_.empty() ? nullptr : clients_.back().get(); }

  net::Task<void> open_client() {
    if (clients_.size() >= kMostClients) co_return;
    auto connected = co_await net::connect_tcp(loop_, at("10.0.0.1", 8080), base::later(loop_.now(), seconds(1)));
    if (!connected) co_return;
    auto client =
        std::make_shared<SimulatedClient>(peers_, std::move(*connected), choice_.polite(), choice_.most_owed());
    clients_.push_back(client);
    peers_.spawn(SimulatedClient::listen(client));
    client->say(greeting(choice_.greeting()));
  }

  net::Task<void> obey(const Command& command) {
    const std::uint8_t n = command.arguments[0];
    SimulatedClient* const c = client();
    switch (command.letter) {
      case 'n': co_await open_client(); break;
      case 't': co_await loop_.sleep_for(step(n)); break;
      case 'D':
        if (!draining_) drain(n % 4 == 0 ? base::Duration(0) : seconds(n % 4 * 5));
        break;
      case 'S': reload(n); break;
      case 'O': origin_event(n); break;
      case 'o':
        if (const auto end = origin_.newest()) end->say(command.bytes);
        break;
      default:
        if (c && c->end().open()) co_await client_event(*c, command);
    }
  }

  net::Task<void> client_event(SimulatedClient& c, const Command& command) {
    const std::uint8_t n = command.arguments[0];
    switch (command.letter) {
      case 'c': c.say(command.bytes); break;
      case 'F':
        c.say(http2_frame(n, command.arguments[1], stream_of(command.arguments[2], c.newest_stream()), command.bytes));
        break;
      case 'Q': c.say(request(n, command.arguments[1], c.next_stream())); break;
      case '|':
        for (int i = 0; i < 20 && c.end().open() && !c.end().quiet(); ++i) co_await loop_.sleep_for(milliseconds(50));
        co_await loop_.sleep_for(milliseconds(choice_.far() ? 30 : 1));
        break;
      case 'e': n % 2 == 0 ? c.end().end() : c.end().leave(true); break;
      case 'z': poller_.stall(c.end().handle(), net::Flow::incoming, step(n)); break;
      default: break;
    }
  }

  void reload(std::uint8_t n) {
    policies_ = policies_of(choice_);
    constexpr model::OnDisable kHow[] = {model::OnDisable::close, model::OnDisable::drain, model::OnDisable::keep};
    for (model::DomainPolicy& policy : policies_) {
      policy.websocket.on_disable = kHow[(n >> 2) % 3];
      if (n % 4 == 1) policy.websocket.enabled = false;
      if (n % 4 == 3) policy.http2 = false;
    }
    if (n % 4 == 2) policies_.erase(policies_.begin(), policies_.begin() + 2);
    apply();
  }

  void origin_event(std::uint8_t n) {
    const auto end = origin_.newest();
    switch (n % 8) {
      case 0: origin_.is_open() ? origin_.close() : origin_.open(); return;
      case 1: poller_.black_hole(at("10.0.0.9", 80)); return;
      case 2: poller_.heal(at("10.0.0.9", 80)); return;
      default: break;
    }
    if (!end || !end->open()) return;
    switch (n % 8) {
      case 3: end->end(); break;
      case 4: end->leave(false); break;
      case 5: end->leave(true); break;
      case 6: poller_.stall(end->handle(), net::Flow::incoming, step(n >> 3)); break;
      default: poller_.stall(end->handle(), net::Flow::outgoing, step(n >> 3)); break;
    }
  }

  // How the newest client behaves from here on, while the worker drains; the others stay as they are.
  net::Task<void> end_client() {
    SimulatedClient* const c = client();
    if (!c || !c->end().open()) co_return;
    switch (choice_.end()) {
      case 0: c->end().end(); break;
      case 1: c->end().leave(false); break;
      case 2: c->end().leave(true); break;
      case 3: poller_.stall(c->end().handle(), net::Flow::incoming, base::Duration::max()); break;
      case 4: poller_.stall(c->end().handle(), net::Flow::outgoing, base::Duration::max()); break;
      case 5: co_await outlast(); break;
      case 6:
        poller_.stall(c->end().handle(), net::Flow::incoming, base::Duration::max());
        co_await outlast();
        break;
      default: break;  // it stays
    }
  }

  // Every clock of the edge runs out before it drains.
  net::Task<void> outlast() {
    co_await loop_.sleep_for(kPatience);
    require(shared_.counters.worker(0).connections_open.get() == 0, "clocks end what only sits there");
  }

  void judge() {
    require(poller_.open_handles() == 0, "no connection is left");
    require(poller_.misuses() == 0, "no call on a closed handle");
    const auto gauges = shared_.admission.gauges(loop_.now() + seconds(10));
    require(gauges.connections == 0 && gauges.sessions == 0 && gauges.tracked_clients == 0, "no seat is left");
    const edge::WorkerCounters& worker = shared_.counters.worker(0);
    require(worker.exceptions.get() == 0, "nothing was thrown");
    require(worker.connections_open.get() == 0, "no client connection is open");
    require(worker.http2_connections_open.get() == 0, "no HTTP/2 connection is open");
    require(worker.http2_streams_open.get() == 0, "no stream is open");
    if (telling()) tell(worker);
    for (const auto& cell : shared_.counters.cells(edge::CounterRegistry::Cells::all)) {
      const edge::WebSocketMeter& ws = cell->websocket;
      require(ws.sessions_open.get() == 0 && cell->http.requests_open.get() == 0, "nothing of a domain is open");
      std::uint64_t closed = 0;
      for (const auto& n : ws.sessions_closed) closed += n.get();
      require(ws.sessions_opened.get() == closed, "every session that was opened was closed");
      require(ws.wire.in.get() >= ws.in.bytes.get(), "frames that were relayed came over the wire");
    }
  }

  void tell(const edge::WorkerCounters& worker) const {
    std::fprintf(stderr, "%zu streams, %zu client resets, %zu malformed, %zu heads refused\n",
                 worker.http2_streams.get(), worker.http2_stream_resets.get(), worker.http2_requests_malformed.get(),
                 worker.heads_refused.get());
    for (const auto& cell : shared_.counters.cells(edge::CounterRegistry::Cells::all)) {
      const edge::WebSocketMeter& ws = cell->websocket;
      std::fprintf(stderr, "domain %s:", cell->key.domain.c_str());
      ws.handshakes.for_each(
          [](int status, std::uint64_t n) { std::fprintf(stderr, " %zu handshakes %d", n, status); });
      cell->http.requests.for_each(
          [](int status, std::uint64_t n) { std::fprintf(stderr, " %zu requests %d", n, status); });
      for (std::size_t i = 0; i < ws.sessions_closed.size(); ++i) {
        const auto n = ws.sessions_closed[i].get();
        const std::string cause(to_string(static_cast<edge::CloseCause>(i)));
        if (n != 0) std::fprintf(stderr, " %zu closed by %s", n, cause.c_str());
      }
      std::fprintf(stderr, "; bytes %zu in, %zu out\n", ws.in.bytes.get(), ws.out.bytes.get());
    }
  }

  const Choice choice_;
  const std::vector<Command> script_;
  const net::SimOptions options_;
  net::SimPoller poller_;
  net::EventLoop loop_;
  net::StaticResolver resolver_;
  edge::EdgeShared shared_;
  edge::Worker worker_;
  net::TaskScope peers_;
  SimulatedOrigin origin_;
  std::vector<model::DomainPolicy> policies_;
  std::uint64_t revision_ = 0;
  std::shared_ptr<const edge::DomainTable> table_;
  std::vector<std::shared_ptr<SimulatedClient>> clients_;
  base::TimePoint drain_due_ = base::TimePoint::min();
  bool over_ = false, draining_ = false, drained_ = false;
};

std::uint64_t play(std::string_view input) {
  return Play(Choice(input), read_script(input.substr(3)), input.size()).run();
}

}  // namespace
}  // namespace fairlead::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  using fairlead::base::LogLevel;
  fairlead::base::log_set_level(fairlead::fuzz::telling() ? LogLevel::debug : LogLevel::off);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fairlead::fuzz;
  if (size < 3) return 0;
  const std::string_view input = text_of(data, size);
  const std::uint64_t seen = play(input);
  if (seen % 16 == 0) require(play(input) == seen, "the same input gives the same run");
  return 0;
}
