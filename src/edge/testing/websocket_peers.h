#pragma once
// WebSocket clients and origins for tests, as coroutines over any ByteStream. They read and write frames with a codec
// of their own, as plain as RFC 6455 5.2 reads, so that they can judge what the edge's scanner let pass. Header-only.
//
//   net::testing::Server origin(loop, websocket_echo);
//   WebSocketPeer client(stream, WebSocketPeer::client(seed));
//   const int status = co_await client.open("live.example.com", "/chat");
//   co_await client.send(Opcode::text, "hello");
//   const Frame f = co_await client.receive();

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "net/byte_stream.h"
#include "net/sim_poller.h"
#include "net/socket_stream.h"
#include "net/task.h"
#include "net/testing/stream_tools.h"
#include "protocol/http1/head_parser.h"
#include "protocol/http1/serialize.h"
#include "protocol/websocket/frame.h"
#include "protocol/websocket/handshake.h"

namespace fairlead::edge::testing {

using net::ByteStream;
using net::Chunk;
using net::Task;
using protocol::Opcode;

struct Frame {
  enum class State : std::uint8_t { frame, ended, failed };
  State state = State::ended;  // ended: the stream was over at a frame boundary
  int error = 0;               // with failed: errno, or 0 when the stream ended inside a frame
  Opcode opcode = Opcode::continuation;
  bool fin = true;
  std::uint8_t rsv = 0;  // as in the first byte: 0x40, 0x20, 0x10
  bool masked = false;
  std::string payload;  // unmasked

  bool ok() const { return state == State::frame; }
  bool is(Opcode o) const { return ok() && opcode == o; }
  // Of a Close: its code, 1005 without one.
  int close_code() const {
    if (payload.size() < 2) return 1005;
    return static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
  }
  std::string close_reason() const { return payload.size() > 2 ? payload.substr(2) : std::string(); }
};

// One frame as bytes. `key`: masked with it.
inline std::string encode_frame(Opcode opcode, std::string_view payload, std::optional<protocol::MaskKey> key,
                                bool fin = true, std::uint8_t rsv = 0) {
  std::string out;
  out += static_cast<char>((fin ? 0x80 : 0) | rsv | static_cast<std::uint8_t>(opcode));
  const std::uint8_t mask_bit = key ? 0x80 : 0;
  const std::uint64_t n = payload.size();
  if (n < 126) {
    out += static_cast<char>(mask_bit | n);
  } else {
    const int bytes = n < 65536 ? 2 : 8;
    out += static_cast<char>(mask_bit | (bytes == 2 ? 126 : 127));
    for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(n >> (8 * i));
  }
  if (!key) return out.append(payload);
  for (const std::uint8_t k : *key) out += static_cast<char>(k);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    out += static_cast<char>(static_cast<std::uint8_t>(payload[i]) ^ (*key)[i % 4]);
  }
  return out;
}

// The payload of a Close.
inline std::string close_payload(int code, std::string_view reason = {}) {
  std::string out{static_cast<char>(code >> 8), static_cast<char>(code)};
  return out.append(reason);
}

// One end of a WebSocket connection. The stream must outlive it; one receive and one send may be outstanding.
class WebSocketPeer {
 public:
  // A client masks its frames with keys drawn from a seed; an origin does not mask.
  struct Role {
    bool masks = false;
    std::uint64_t seed = 0;
  };
  static Role client(std::uint64_t seed) { return {true, seed}; }
  static Role origin() { return {}; }

  WebSocketPeer(ByteStream& stream, Role role) : stream_(stream), role_(role), random_(role.seed) {}
  ByteStream& stream() { return stream_; }

  // ---- the opening handshake ---------------------------------------------------------------------------------------

  // As client: asks, and says the status that came; 0 when there was no answer. With 101, the answer has been checked
  // (RFC 6455 4.1), -1 when it does not hold. `fields` are added to the request.
  Task<int> open(std::string host, std::string target, protocol::Fields fields = {}) {
    std::array<std::uint8_t, 16> nonce;
    for (auto& b : nonce) b = static_cast<std::uint8_t>(random_.next());
    const std::string key = protocol::make_key(nonce);
    protocol::RequestHead request;
    request.method = "GET";
    request.target = std::move(target);
    request.authority = host;
    request.fields = std::move(fields);
    request.fields.add("Host", host);
    request.fields.add("Upgrade", "websocket");
    request.fields.add("Connection", "Upgrade");
    request.fields.add("Sec-WebSocket-Key", key);
    request.fields.add("Sec-WebSocket-Version", "13");
    std::string bytes;
    if (!protocol::append_request_head(bytes, request)) co_return 0;
    const int error = co_await stream_.write(bytes);
    if (error != 0) co_return 0;
    protocol::ResponseHeadParser parser("GET");
    const bool complete = co_await read_head(parser);
    if (!complete) co_return 0;
    answer_ = parser.take_head();
    if (answer_.status != 101) co_return answer_.status;
    const auto offered = protocol::parse_opening(request);
    if (!offered || !protocol::check_answer(answer_, key, *offered)) co_return -1;
    co_return 101;
  }
  const protocol::ResponseHead& answer() const { return answer_; }

  // As origin: reads the request and accepts it. False when it is none, which is answered 400. `fields` are added to
  // the answer (a subprotocol, extensions, a cookie).
  Task<bool> accept(protocol::Fields fields = {}) {
    protocol::RequestHeadParser parser;
    const bool complete = co_await read_head(parser);
    if (!complete) co_return false;
    request_ = parser.take_head();
    const auto opening = protocol::parse_opening(request_);
    if (!opening) {
      co_await stream_.write(
          std::string_view("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
      co_return false;
    }
    protocol::ResponseHead head;
    head.status = 101;
    head.reason = "Switching Protocols";
    head.fields = std::move(fields);
    head.fields.add("Upgrade", "websocket");
    head.fields.add("Connection", "Upgrade");
    head.fields.add("Sec-WebSocket-Accept", protocol::accept_key(opening->key));
    std::string bytes;
    if (!protocol::append_response_head(bytes, head)) co_return false;
    const int error = co_await stream_.write(bytes);
    co_return error == 0;
  }
  const protocol::RequestHead& request() const { return request_; }

  // ---- frames
  // --------------------------------------------------------------------------------------------------------

  // Writes one frame; says the errno, 0 when the peer took it.
  Task<int> send(Opcode opcode, std::string payload, bool fin = true, std::uint8_t rsv = 0) {
    const std::string bytes = encode_frame(opcode, payload, next_key(), fin, rsv);
    const int error = co_await stream_.write(bytes);
    co_return error;
  }
  // Bytes that need not be frames.
  Task<int> send_raw(std::string bytes) {
    const int error = co_await stream_.write(bytes);
    co_return error;
  }
  Task<int> close(int code = 1000, std::string reason = {}) {
    const int error = co_await send(Opcode::close, close_payload(code, reason));
    co_return error;
  }

  // The next frame, whatever it is. Payloads above `most` fail with EMSGSIZE.
  Task<Frame> receive(std::uint64_t most = 1 << 30) {
    Frame f;
    std::array<unsigned char, 14> head{};
    if (!co_await fill(head.data(), 2, f, true)) co_return f;
    f.fin = (head[0] & 0x80) != 0;
    f.rsv = head[0] & 0x70;
    f.opcode = static_cast<Opcode>(head[0] & 0x0f);
    f.masked = (head[1] & 0x80) != 0;
    std::uint64_t n = head[1] & 0x7f;
    if (n >= 126) {
      const std::size_t bytes = n == 126 ? 2 : 8;
      if (!co_await fill(head.data(), bytes, f, false)) co_return f;
      n = 0;
      for (std::size_t i = 0; i < bytes; ++i) n = n << 8 | head[i];
    }
    if (f.masked && !co_await fill(head.data(), 4, f, false)) co_return f;
    if (n > most) {
      f.state = Frame::State::failed;
      f.error = EMSGSIZE;
      co_return f;
    }
    f.payload.resize(n);
    if (n != 0 && !co_await fill(reinterpret_cast<unsigned char*>(f.payload.data()), n, f, false)) co_return f;
    if (f.masked) {
      for (std::size_t i = 0; i < n; ++i) f.payload[i] = static_cast<char>(f.payload[i] ^ head[i % 4]);
    }
    f.state = Frame::State::frame;
    co_return f;
  }

  // The next message, put together of its fragments; a control frame among them is answered (Ping) or left out (Pong).
  // A Close, the end or a failure is given as it came.
  Task<Frame> receive_message() {
    Frame message;
    bool open = false;
    for (;;) {
      Frame f = co_await receive();
      if (!f.ok() || f.opcode == Opcode::close) co_return f;
      if (f.opcode == Opcode::ping) {
        const int error = co_await send(Opcode::pong, f.payload);
        if (error != 0) co_return Frame{.state = Frame::State::failed, .error = error, .payload = {}};
        continue;
      }
      if (f.opcode == Opcode::pong) continue;
      if (!open) {
        message = std::move(f);
        open = true;
      } else {
        message.payload += f.payload;
        message.fin = f.fin;
      }
      if (message.fin) co_return message;
    }
  }

 private:
  std::optional<protocol::MaskKey> next_key() {
    if (!role_.masks) return std::nullopt;
    const std::uint64_t r = random_.next();
    return protocol::MaskKey{static_cast<std::uint8_t>(r), static_cast<std::uint8_t>(r >> 8),
                             static_cast<std::uint8_t>(r >> 16), static_cast<std::uint8_t>(r >> 24)};
  }

  // Exactly `size` bytes; false with `f` filled when they do not come.
  Task<bool> fill(unsigned char* to, std::size_t size, Frame& f, bool at_boundary) {
    std::size_t have = 0;
    while (have < size) {
      const Chunk c = co_await stream_.read(size - have);
      if (c.ended()) {
        f.state = c.error == 0 && at_boundary && have == 0 ? Frame::State::ended : Frame::State::failed;
        f.error = c.error;
        co_return false;
      }
      std::memcpy(to + have, c.data, c.size);
      have += c.size;
    }
    co_return true;
  }

  template <class Parser>
  Task<bool> read_head(Parser& parser) {
    while (!parser.done()) {
      const Chunk c = co_await stream_.read();
      if (c.ended()) co_return false;
      const auto used = parser.feed(c.view());
      if (!used) co_return false;
      if (*used < c.size) {
        const std::string rest(c.view().substr(*used));
        stream_.unread(rest);
      }
    }
    co_return true;
  }

  ByteStream& stream_;
  Role role_;
  net::SimRandom random_;
  protocol::ResponseHead answer_;
  protocol::RequestHead request_;
};

// An origin that accepts, sends every data frame back as it came (fragments stay fragments), answers Ping with Pong and
// Close with Close. For net::testing::Server.
inline Task<void> websocket_echo(net::TcpStream& stream) {
  WebSocketPeer peer(stream, WebSocketPeer::origin());
  const bool accepted = co_await peer.accept();
  if (!accepted) co_return;
  for (;;) {
    Frame f = co_await peer.receive();
    if (!f.ok()) co_return;
    if (f.opcode == Opcode::pong) continue;
    if (f.opcode == Opcode::ping) f.opcode = Opcode::pong;
    const bool over = f.opcode == Opcode::close;
    const int error = co_await peer.send(f.opcode, std::move(f.payload), f.fin, f.rsv);
    if (error != 0) co_return;
    if (!over) continue;
    // RFC 6455 7.1.1: the server ends the connection first; what still comes is read, so that it is no reset.
    stream.shutdown_write();
    co_await net::testing::read_all(stream);
    co_return;
  }
}

}  // namespace fairlead::edge::testing
