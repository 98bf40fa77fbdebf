#pragma once
// Small tasks that tests put together: read all, read so much, send a stream of reproducible bytes and check it by
// hash. Header-only, for any ByteStream on any poller. Pointers and references must outlive the task.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/byte_stream.h"
#include "net/sim_poller.h"
#include "net/task.h"

namespace fairlead::net::testing {

// 64-bit FNV-1a over a stream of bytes, whatever its cuts.
class ByteHash {
 public:
  void add(std::string_view bytes) {
    for (const char c : bytes) value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
    size_ += bytes.size();
  }
  std::uint64_t value() const { return value_; }
  std::uint64_t size() const { return size_; }
  bool operator==(const ByteHash&) const = default;

 private:
  std::uint64_t value_ = 0xcbf29ce484222325ull, size_ = 0;
};

// How a stream of bytes ended.
struct Received {
  std::string bytes;
  int error = 0;  // 0: end of stream
};

// Reads until the end of the stream or an error.
inline Task<Received> read_all(ByteStream& stream) {
  Received r;
  for (;;) {
    const Chunk c = co_await stream.read();
    if (c.ended()) {
      r.error = c.error;
      co_return r;
    }
    r.bytes.append(c.view());
  }
}

// Reads `size` bytes, no more; fewer if the stream ends before.
inline Task<Received> read_exactly(ByteStream& stream, std::size_t size) {
  Received r;
  while (r.bytes.size() < size) {
    const Chunk c = co_await stream.read(size - r.bytes.size());
    if (c.ended()) {
      r.error = c.error;
      co_return r;
    }
    r.bytes.append(c.view());
  }
  co_return r;
}

// Reads up to and including `end`; what came behind it is put back.
inline Task<Received> read_until(ByteStream& stream, std::string_view end) {
  Received r;
  for (;;) {
    const Chunk c = co_await stream.read();
    if (c.ended()) {
      r.error = c.error;
      co_return r;
    }
    r.bytes.append(c.view());
    if (const auto at = r.bytes.find(end); at != std::string::npos) {
      const std::string rest = r.bytes.substr(at + end.size());
      r.bytes.resize(at + end.size());
      stream.unread(rest);
      co_return r;
    }
  }
}

// Writes `size` bytes drawn from `seed` in pieces of 1 .. most, and says their hash. Stops at an error (in *error).
inline Task<ByteHash> send_random(ByteStream& stream, std::uint64_t seed, std::uint64_t size, std::size_t most,
                                  int* error) {
  SimRandom random(seed);
  ByteHash hash;
  std::string piece;
  while (hash.size() < size) {
    piece.resize(1 + random.below(std::min<std::uint64_t>(most, size - hash.size())));
    std::uint64_t word = random.next();
    for (char& c : piece) {
      word = word * 6364136223846793005ull + 1442695040888963407ull;
      c = static_cast<char>(word >> 56);
    }
    hash.add(piece);
    *error = co_await stream.write(piece);
    if (*error != 0) break;
  }
  co_return hash;
}

// The hash of everything that comes until the end of the stream.
inline Task<ByteHash> receive_hash(ByteStream& stream, int* error) {
  ByteHash hash;
  for (;;) {
    const Chunk c = co_await stream.read();
    if (c.ended()) {
      *error = c.error;
      co_return hash;
    }
    hash.add(c.view());
  }
}

// Sends everything back until the end of the stream, then ends its own direction. Says the errno of what failed first.
inline Task<int> echo(ByteStream& stream) {
  for (;;) {
    const Chunk c = co_await stream.read();
    if (c.ended()) {
      if (c.error == 0) stream.shutdown_write();
      co_return c.error;
    }
    const int error = co_await stream.write(c);
    if (error != 0) co_return error;
  }
}

}  // namespace fairlead::net::testing
