#pragma once
// The two ends of a simulated session: a WebSocket client and an echoing origin, written against RFC 6455 with a slow,
// separate frame reader, so that they would notice a byte the edge lost, repeated, altered or let in at the wrong
// place.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/byte_stream.h"
#include "net/sim_poller.h"
#include "net/task.h"
#include "net/testing/stream_tools.h"
#include "protocol/websocket/handshake.h"

namespace fairlead::sim {

struct Frame {
  // Constructors, because g++ 12 destroys an aggregate's strings twice when it is made inside a co_await expression.
  Frame() = default;
  Frame(bool f, std::uint8_t o, bool m, std::string p) : fin(f), opcode(o), masked(m), payload(std::move(p)) {}
  bool fin = true;
  std::uint8_t opcode = 0;
  bool masked = false;
  std::string payload;  // unmasked
};

inline std::string encode(const Frame& f, net::SimRandom* mask) {
  std::string out;
  out += static_cast<char>((f.fin ? 0x80 : 0) | f.opcode);
  const std::uint8_t m = mask ? 0x80 : 0;
  const std::size_t n = f.payload.size();
  if (n < 126) {
    out += static_cast<char>(m | n);
  } else if (n < 65536) {
    out += static_cast<char>(m | 126);
    out += static_cast<char>(n >> 8);
    out += static_cast<char>(n);
  } else {
    out += static_cast<char>(m | 127);
    for (int i = 7; i >= 0; --i) out += static_cast<char>(static_cast<std::uint64_t>(n) >> (8 * i));
  }
  if (!mask) return out + f.payload;
  const std::uint64_t key = mask->next();
  for (int i = 0; i < 4; ++i) out += static_cast<char>(key >> (8 * i));
  for (std::size_t i = 0; i < n; ++i) out += static_cast<char>(f.payload[i] ^ static_cast<char>(key >> (8 * (i % 4))));
  return out;
}

// Takes whole frames off a stream. nullopt: the stream ended (`error` says how; `torn` if inside a frame).
class FrameReader {
 public:
  explicit FrameReader(net::ByteStream& stream) : stream_(stream) {}

  net::Task<std::optional<Frame>> next() {
    for (;;) {
      if (auto f = parse()) co_return f;
      const net::Chunk c = co_await stream_.read();
      if (c.size == 0) {
        error = c.error;
        torn = !buffer_.empty();
        co_return std::nullopt;
      }
      buffer_ += c.view();
    }
  }
  int error = 0;
  bool torn = false;

 private:
  std::optional<Frame> parse() {
    const auto byte = [this](std::size_t i) { return static_cast<unsigned char>(buffer_[i]); };
    if (buffer_.size() < 2) return std::nullopt;
    Frame f;
    f.fin = byte(0) & 0x80;
    f.opcode = byte(0) & 0x0f;
    f.masked = byte(1) & 0x80;
    std::uint64_t n = byte(1) & 0x7f;
    std::size_t at = 2;
    if (n >= 126) {
      const std::size_t bytes = n == 126 ? 2 : 8;
      if (buffer_.size() < at + bytes) return std::nullopt;
      n = 0;
      for (std::size_t i = 0; i < bytes; ++i) n = n << 8 | byte(at + i);
      at += bytes;
    }
    const std::size_t key = at;
    if (f.masked) at += 4;
    if (buffer_.size() < at + n) return std::nullopt;
    f.payload = buffer_.substr(at, n);
    if (f.masked) {
      for (std::size_t i = 0; i < n; ++i) f.payload[i] = static_cast<char>(f.payload[i] ^ buffer_[key + i % 4]);
    }
    buffer_.erase(0, at + n);
    return f;
  }
  net::ByteStream& stream_;
  std::string buffer_;
};

inline std::string header_value(const std::string& head, std::string_view name) {
  std::size_t at = head.find("\r\n");
  while (at != std::string::npos && at + 2 < head.size()) {
    const std::size_t begin = at + 2, end = head.find("\r\n", begin), colon = head.find(':', begin);
    if (colon != std::string::npos && colon < end &&
        protocol::equal_nocase(std::string_view(head).substr(begin, colon - begin), name)) {
      return std::string(protocol::trim_ows(std::string_view(head).substr(colon + 1, end - colon - 1)));
    }
    at = end;
  }
  return {};
}

// What an end saw.
struct Seen {
  bool open = false;                  // the opening handshake succeeded
  int status = 0;                     // client: of the answer
  std::vector<std::string> messages;  // whole data messages
  std::uint16_t close_code = 0;       // of the Close received, 0: none
  bool clean = false;                 // a Close came and one was sent
  bool wrong = false;                 // framing, masking or order that no edge may produce
  bool after_close = false;           // a frame after the Close
};

inline std::uint16_t close_code_of(const Frame& f) {
  if (f.payload.size() < 2) return 1005;
  return static_cast<std::uint16_t>(static_cast<unsigned char>(f.payload[0]) << 8 |
                                    static_cast<unsigned char>(f.payload[1]));
}

}  // namespace fairlead::sim
