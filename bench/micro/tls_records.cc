// Sealing and opening records, by suite and size: one connection again and again, and a thousand that take turns on one
// thread, each of which gives the thread's cipher its own key.

#include "net/tls_records.h"

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

namespace fairlead::net {
namespace {

constexpr TlsSuite kSuites[] = {TlsSuite::aes_128_gcm_sha256, TlsSuite::aes_256_gcm_sha384,
                                TlsSuite::chacha20_poly1305_sha256};

struct Ends {
  explicit Ends(TlsSuite suite) : secret(secret_size(suite), 7) {
    (void)sender.start(suite, {secret, 0}, {secret, 0});
    (void)receiver.start(suite, {secret, 0}, {secret, 0});
  }
  std::vector<unsigned char> secret;
  TlsRecords sender{TlsRecords::Role::client}, receiver{TlsRecords::Role::server};
};

void measure(benchmark::State& state, bool open) {
  const TlsSuite suite = kSuites[state.range(0)];
  const auto size = static_cast<std::size_t>(state.range(1));
  std::vector<std::unique_ptr<Ends>> all;
  for (int i = 0; i < state.range(2); ++i) all.push_back(std::make_unique<Ends>(suite));
  const std::string text(size, 'x');
  std::vector<unsigned char> record(TlsRecords::kSealed), plain(TlsRecords::kSealed);
  std::size_t turn = 0;
  for (auto _ : state) {
    Ends& ends = *all[turn++ % all.size()];
    const std::size_t n = ends.sender.seal_data(text, {}, record.data());
    if (open) benchmark::DoNotOptimize(ends.receiver.open(std::span(record).first(n), plain.data()));
  }
  state.SetLabel(std::string(to_string(suite)));
  state.SetBytesProcessed(state.iterations() * state.range(1));
}

void seal(benchmark::State& state) { measure(state, false); }
BENCHMARK(seal)->ArgsProduct({{0, 1, 2}, {64, 1024, 16384}, {1, 1000}})->ArgNames({"suite", "bytes", "connections"});

void seal_and_open(benchmark::State& state) { measure(state, true); }
BENCHMARK(seal_and_open)
    ->ArgsProduct({{0, 1, 2}, {64, 1024, 16384}, {1, 1000}})
    ->ArgNames({"suite", "bytes", "connections"});

void renew_keys(benchmark::State& state) {
  Ends ends(kSuites[state.range(0)]);
  unsigned char record[TlsRecords::kKeyUpdate], plain[TlsRecords::kKeyUpdate];
  const std::string text(1, 'x');
  for (auto _ : state) {
    const std::size_t n = ends.sender.seal_key_update(record);
    benchmark::DoNotOptimize(ends.receiver.open(std::span(record).first(n), plain));
    // Data between them: a peer that only renews is refused.
    const std::size_t m = ends.sender.seal_data(text, {}, record);
    benchmark::DoNotOptimize(ends.receiver.open(std::span(record).first(m), plain));
  }
}
BENCHMARK(renew_keys)->DenseRange(0, 2)->ArgName("suite");

}  // namespace
}  // namespace fairlead::net
