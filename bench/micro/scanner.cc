// FrameScanner over chunks as a relay reads them: how long it looks at a chunk of many small messages, of one message a
// chunk, of a part of a large one, and how much the slower cases cost (fragments, control frames between).

#include <benchmark/benchmark.h>

#include <string>

#include "protocol/websocket/frame_scanner.h"

namespace fairlead::protocol {
namespace {

std::string frame(unsigned first, std::size_t size) {
  std::string f(1, static_cast<char>(first));
  if (size < 126) {
    f += static_cast<char>(0x80 | size);
  } else if (size < 65536) {
    f += static_cast<char>(0xfe);
    f += static_cast<char>(size >> 8);
    f += static_cast<char>(size & 0xff);
  } else {
    f += static_cast<char>(0xff);
    for (int i = 7; i >= 0; --i) f += static_cast<char>(static_cast<std::uint64_t>(size) >> (8 * i) & 0xff);
  }
  return f + "mask" + std::string(size, 'x');
}

// Scans `chunk`, which ends where a frame does, again and again.
void scan(benchmark::State& state, const std::string& chunk, std::int64_t frames) {
  FrameScanner scanner({});
  FrameTally tally;
  const auto* data = reinterpret_cast<const unsigned char*>(chunk.data());
  for (auto _ : state) {
    std::size_t at = 0;
    while (at < chunk.size()) {
      const auto step = scanner.scan(data + at, chunk.size() - at, &tally);
      at += step.consumed;
    }
  }
  if (scanner.violated()) state.SkipWithError("the frames are not valid");
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(chunk.size()));
  state.SetItemsProcessed(state.iterations() * frames);
}

void one_message_a_chunk(benchmark::State& state) {
  scan(state, frame(0x82, static_cast<std::size_t>(state.range(0))), 1);
}
BENCHMARK(one_message_a_chunk)->Arg(64)->Arg(1024)->Arg(16384);

void many_messages_a_chunk(benchmark::State& state) {
  std::string chunk;
  for (int i = 0; i < 64; ++i) chunk += frame(0x81, static_cast<std::size_t>(state.range(0)));
  scan(state, chunk, 64);
}
BENCHMARK(many_messages_a_chunk)->Arg(64)->Arg(900);

void fragments_and_pings(benchmark::State& state) {
  std::string chunk;
  for (int i = 0; i < 16; ++i) chunk += frame(0x01, 64) + frame(0x89, 4) + frame(0x00, 64) + frame(0x80, 64);
  scan(state, chunk, 64);
}
BENCHMARK(fragments_and_pings);

void inside_a_large_message(benchmark::State& state) {
  const std::string begin = frame(0x82, std::size_t{1} << 20).substr(0, 14);
  const std::string chunk(65536, 'x');
  const auto* data = reinterpret_cast<const unsigned char*>(chunk.data());
  FrameScanner scanner({});
  for (auto _ : state) {
    (void)scanner.scan(reinterpret_cast<const unsigned char*>(begin.data()), begin.size());
    for (int i = 0; i < 16; ++i) benchmark::DoNotOptimize(scanner.scan(data, chunk.size()));
  }
  state.SetBytesProcessed(state.iterations() << 20);
}
BENCHMARK(inside_a_large_message);

}  // namespace
}  // namespace fairlead::protocol
