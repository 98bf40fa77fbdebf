#include "bench/load/origin.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "net/event_loop.h"
#include "protocol/http1/head_parser.h"
#include "protocol/websocket/handshake.h"

namespace fairlead::bench {
namespace {

using net::Task;
using What = FrameReader::What;

constexpr std::size_t kPiece = 64 * 1024;
constexpr std::uint64_t kLargestAnswer = std::uint64_t{1} << 30;

bool is_data(Opcode opcode) { return !protocol::is_control(opcode); }

}  // namespace

const std::string& pattern() {
  static const std::string made = [] {
    std::string p(kPiece, '\0');
    std::uint32_t state = 20260301;
    for (char& c : p) {
      state = state * 1664525 + 1013904223;
      c = static_cast<char>('!' + (state >> 24) % 94);
    }
    return p;
  }();
  return made;
}

Origin::Origin(net::EventLoop& loop)
    : loop_(loop),
      scope_(loop),
      acceptor_(
          loop,
          [this](int handle, const net::SocketAddress& peer) {
            scope_.spawn(serve(std::make_unique<net::TcpStream>(loop_, handle, peer)));
          },
          [](int) {}) {}

Origin::~Origin() = default;

Task<void> Origin::stop() {
  acceptor_.close();
  for (net::TcpStream* stream : live_) stream->cancel();
  co_await scope_.join();
}

Task<void> Origin::serve(std::unique_ptr<net::TcpStream> stream) {
  live_.insert(stream.get());
  Request asked;
  const bool opened = co_await open_session(*stream, asked);
  if (opened) {
    Connection c{*stream, asked};
    co_await answer(c);
  }
  live_.erase(stream.get());
}

Task<bool> Origin::open_session(net::TcpStream& stream, Request& asked) {
  protocol::RequestHeadParser parser;
  while (!parser.done()) {
    const net::Chunk chunk = co_await stream.read();
    if (chunk.ended()) co_return false;
    const auto used = parser.feed(chunk.view());
    if (!used) co_return false;
    if (parser.done()) stream.unread(chunk.view().substr(*used));
  }
  const auto& head = parser.head();
  const std::string_view target = head.target;
  const std::string_view path = target.substr(0, target.find('?'));
  const auto opening = protocol::parse_opening(head);
  bool known = true;
  if (path == "/echo") {
    asked.service = Service::echo;
  } else if (path == "/sink") {
    asked.service = Service::sink;
  } else if (path == "/source") {
    asked.service = Service::source;
    if (const auto at = target.find("size="); at != std::string_view::npos)
      std::from_chars(target.data() + at + 5, target.data() + target.size(), asked.size);
    asked.size = std::min(asked.size, kLargestAnswer);
  } else {
    known = false;
  }
  std::string said;
  if (!known || !opening) {
    said = known ? "HTTP/1.1 400 Bad Request\r\n" : "HTTP/1.1 404 Not Found\r\n";
    said += "Content-Length: 0\r\nConnection: close\r\n\r\n";
  } else {
    said = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
    said += protocol::accept_key(opening->key) + "\r\n";
    if (!opening->subprotocols.empty()) said += "Sec-WebSocket-Protocol: " + opening->subprotocols.front() + "\r\n";
    said += "\r\n";
  }
  const int error = co_await stream.write(said);
  co_return known&& opening&& error == 0;
}

Task<void> Origin::answer(Connection& c) {
  while (!c.over) {
    const net::Chunk chunk = co_await c.stream.read();
    if (chunk.ended()) co_return;
    take(c, chunk.view());
    if (!out_.empty()) {
      const int error = co_await c.stream.write(out_);
      if (error != 0) co_return;
    }
    for (std::size_t at = 0; at < c.owed.size(); at += sizeof c.stamp) {
      const bool sent = co_await send_source(c, std::string_view(c.owed).substr(at, sizeof c.stamp));
      if (!sent) co_return;
    }
    c.owed.clear();
  }
  c.stream.shutdown_write();
}

void Origin::take(Connection& c, std::string_view chunk) {
  out_.clear();
  while (!c.over) {
    const auto step = c.frames.next(chunk);
    if (step.what == What::more) break;
    const FrameHead& head = c.frames.head();
    if (step.what == What::broken || !head.masked) {
      c.over = true;  // a client's frames are masked (RFC 6455 5.1)
      break;
    }
    if (step.what == What::head) {
      if (is_data(head.opcode) && c.asked.service == Service::echo)
        append_head(out_, head.opcode, head.fin, head.length);
      continue;
    }
    take_payload(c, step);
    if (!step.last || !is_data(head.opcode)) continue;
    c.message_at += head.length;
    if (!head.fin) continue;
    if (c.asked.service == Service::sink) {
      append_head(out_, Opcode::binary, true, sizeof c.stamp);
      out_.append(c.stamp, sizeof c.stamp);
    } else if (c.asked.service == Service::source) {
      c.owed.append(c.stamp, sizeof c.stamp);
    }
    c.message_at = 0;
  }
}

void Origin::take_payload(Connection& c, const FrameReader::Step& step) {
  const FrameHead& head = c.frames.head();
  if (!is_data(head.opcode)) {
    if (head.opcode == Opcode::pong) return;
    if (step.at == 0) append_head(out_, head.opcode == Opcode::ping ? Opcode::pong : Opcode::close, true, head.length);
    const std::size_t at = out_.size();
    out_.resize(at + step.piece.size());
    mask(out_.data() + at, step.piece.data(), step.piece.size(), head.key, step.at);
    if (head.opcode == Opcode::close && step.last) c.over = true;
    return;
  }
  const std::uint64_t in_message = c.message_at + step.at;
  if (c.asked.service == Service::echo) {
    const std::size_t at = out_.size();
    out_.resize(at + step.piece.size());
    mask(out_.data() + at, step.piece.data(), step.piece.size(), head.key, step.at);
  } else if (in_message < sizeof c.stamp) {
    const auto n = std::min<std::size_t>(step.piece.size(), sizeof c.stamp - static_cast<std::size_t>(in_message));
    mask(c.stamp + in_message, step.piece.data(), n, head.key, step.at);
  }
}

Task<bool> Origin::send_source(Connection& c, std::string_view stamp) {
  std::string& first = out_;
  first.clear();
  append_head(first, Opcode::binary, true, c.asked.size);
  const auto stamped = static_cast<std::size_t>(std::min<std::uint64_t>(c.asked.size, stamp.size()));
  first += stamp.substr(0, stamped);
  std::uint64_t at = stamped;
  const std::string& content = pattern();
  // The first piece with the head, so that a small answer is one write.
  auto n = static_cast<std::size_t>(std::min<std::uint64_t>(c.asked.size - at, kPiece - at));
  int error = co_await c.stream.write(first, std::string_view(content).substr(at, n));
  at += n;
  while (error == 0 && at < c.asked.size) {
    n = static_cast<std::size_t>(std::min<std::uint64_t>(c.asked.size - at, kPiece));
    error = co_await c.stream.write(std::string_view(content).substr(0, n));
    at += n;
  }
  co_return error == 0;
}

}  // namespace fairlead::bench
