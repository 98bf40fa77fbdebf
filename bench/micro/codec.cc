// The opening handshake and the frames a relay writes itself: what a session costs before and beside its messages.

#include <benchmark/benchmark.h>

#include <string>

#include "protocol/http1/head_parser.h"
#include "protocol/http1/serialize.h"
#include "protocol/websocket/frame.h"
#include "protocol/websocket/handshake.h"

namespace fairlead::protocol {
namespace {

// As a browser writes it.
constexpr std::string_view kRequest =
    "GET /chat?room=4711 HTTP/1.1\r\n"
    "Host: live.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: */*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Sec-WebSocket-Version: 13\r\nOrigin: https://live.example.com\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Connection: keep-alive, Upgrade\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n"
    "Pragma: no-cache\r\nCache-Control: no-cache\r\nUpgrade: websocket\r\n\r\n";

RequestHead parsed() {
  RequestHeadParser parser;
  (void)parser.feed(kRequest);
  return parser.take_head();
}

void parse_request_head(benchmark::State& state) {
  RequestHeadParser parser;
  for (auto _ : state) {
    parser.reset();
    benchmark::DoNotOptimize(parser.feed(kRequest));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kRequest.size()));
}
BENCHMARK(parse_request_head);

void check_opening(benchmark::State& state) {
  const RequestHead head = parsed();
  for (auto _ : state) benchmark::DoNotOptimize(parse_opening(head));
}
BENCHMARK(check_opening);

void write_request_head(benchmark::State& state) {
  const RequestHead head = parsed();
  std::string out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(append_request_head(out, head));
  }
}
BENCHMARK(write_request_head);

void work_out_accept_key(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(accept_key("dGhlIHNhbXBsZSBub25jZQ=="));
}
BENCHMARK(work_out_accept_key);

void write_masked_close(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(encode_close(CloseCode::going_away, "drain", MaskKey{1, 2, 3, 4}));
}
BENCHMARK(write_masked_close);

}  // namespace
}  // namespace fairlead::protocol
