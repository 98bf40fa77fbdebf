#include "bench/load/opening.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <fstream>
#include <iterator>
#include <random>

#include "bench/load/http2_client.h"
#include "net/event_loop.h"
#include "net/tls_stream.h"
#include "protocol/http1/head_parser.h"
#include "protocol/websocket/handshake.h"

namespace fairlead::bench {
namespace {

using base::Code;
using base::Side;
using net::ByteStream;
using net::Task;

base::Result<net::SocketAddress> resolve(const std::string& host, std::uint16_t port) {
  if (auto literal = net::SocketAddress::from_ip(host, port)) return *literal;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) return base::fail(Code::not_found, Side::config, fmt::format("{}: {}", host, ::gai_strerror(error)));
  const auto address = net::SocketAddress::from_native(found->ai_addr, found->ai_addrlen).with_port(port);
  ::freeaddrinfo(found);
  return address;
}

}  // namespace

base::Result<Destination> find_destination(const Options& options) {
  auto target = parse_url(options.url);
  if (!target) return std::unexpected(target.error());
  Destination to;
  to.target = *target;
  std::string host = target->host;
  std::uint16_t port = target->port;
  if (!options.connect_to.empty()) {
    const auto other = parse_url("ws://" + options.connect_to);
    if (!other || other->path != "/")
      return base::fail(Code::malformed, Side::config,
                        fmt::format("--connect-to '{}' is not HOST:PORT", options.connect_to));
    host = other->host;
    port = other->port;
  }
  auto address = resolve(host, port);
  if (!address) return std::unexpected(address.error());
  to.address = *address;
  if (!target->tls) return to;
  net::TlsClientOptions tls;
  tls.verify = !options.insecure;
  tls.resume = options.resume;
  tls.alpn = {options.http2 ? "h2" : "http/1.1"};
  if (!options.ca_file.empty()) {
    std::ifstream file(options.ca_file);
    tls.ca_pem.assign(std::istreambuf_iterator<char>(file), {});
    if (!file || tls.ca_pem.empty())
      return base::fail(Code::not_found, Side::config, fmt::format("--ca {}: cannot be read", options.ca_file));
  }
  auto context = net::TlsClientContext::create(tls);
  if (!context) return std::unexpected(context.error());
  to.tls = *context;
  return to;
}

Opener::Opener(net::EventLoop& loop, const Options& options, const Destination& to)
    : loop_(loop), options_(options), to_(to) {
  if (options.http2) http2_ = std::make_unique<Http2Clients>(loop, options, to);
}
Opener::~Opener() = default;

Task<base::Result<Opened>> Opener::open() {
  if (http2_) co_return co_await http2_->open();
  co_return co_await open_http1();
}

Task<void> Opener::stop() {
  if (http2_) co_await http2_->stop();
}

std::string Opener::request(const std::string& key) const {
  std::string r = fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
      "{}\r\nSec-WebSocket-Version: 13\r\n",
      to_.target.path, to_.target.authority, key);
  if (!options_.subprotocol.empty()) r += fmt::format("Sec-WebSocket-Protocol: {}\r\n", options_.subprotocol);
  for (const std::string& h : options_.headers) r += h + "\r\n";
  return r += "\r\n";
}

Task<base::Result<Opened>> Opener::open_http1() {
  const auto deadline = base::later(loop_.now(), options_.timeout);
  auto tcp = co_await net::connect_tcp(loop_, to_.address, deadline);
  if (!tcp) co_return std::unexpected(tcp.error());
  Opened opened;
  if (to_.tls) {
    auto tls = co_await net::tls_connect(std::move(*tcp), to_.tls, to_.target.host, deadline);
    if (!tls) co_return std::unexpected(tls.error());
    opened.tls_version = (*tls)->tls_version();
    opened.cipher = (*tls)->cipher();
    opened.resumed = (*tls)->resumed();
    opened.stream = std::move(*tls);
  } else {
    opened.stream = std::move(*tcp);
  }
  ByteStream& stream = *opened.stream;
  const net::StreamDeadline guard(stream, deadline);

  static thread_local std::mt19937_64 random{std::random_device{}()};
  std::array<std::uint8_t, 16> nonce;
  for (std::uint8_t& byte : nonce) byte = static_cast<std::uint8_t>(random());
  const std::string key = protocol::make_key(nonce);
  const std::string text = request(key);
  if (const int error = co_await stream.write(text); error != 0)
    co_return std::unexpected(base::from_errno(error, Side::origin, "writing the opening handshake"));

  protocol::ResponseHeadParser parser("GET");
  while (!parser.done()) {
    const net::Chunk chunk = co_await stream.read();
    if (chunk.ended()) {
      if (chunk.error != 0)
        co_return std::unexpected(base::from_errno(chunk.error, Side::origin, "waiting for the answer"));
      co_return base::fail(Code::closed, Side::origin, "closed without an answer");
    }
    const auto used = parser.feed(chunk.view());
    if (!used) co_return std::unexpected(used.error());
    if (parser.done()) stream.unread(chunk.view().substr(*used));
  }
  const auto& head = parser.head();
  if (head.status != 101)
    co_return base::fail(Code::protocol, Side::origin, fmt::format("answered with status {}", head.status));
  protocol::OpeningHandshake offered;
  offered.key = key;
  if (!options_.subprotocol.empty()) offered.subprotocols = {options_.subprotocol};
  if (const auto good = protocol::check_answer(head, key, offered); !good) co_return std::unexpected(good.error());
  opened.subprotocol = head.fields.find("Sec-WebSocket-Protocol").value_or("");
  co_return opened;
}

}  // namespace fairlead::bench
