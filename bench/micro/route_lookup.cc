// Finding a domain by the name that a client asked for, among one, 10,000 and 100,000; and what one change among as
// many costs, off the byte path.

#include <benchmark/benchmark.h>

#include <map>
#include <string>
#include <vector>

#include "edge/domain.h"

namespace fairlead::edge {
namespace {

std::string name_of(std::int64_t i) { return "customer" + std::to_string(i) + ".live.example.com"; }

model::DomainPolicy policy(std::string name, const char* host = "10.0.0.1") {
  model::DomainPolicy p;
  p.name = std::move(name);
  p.origins.push_back({.host = host});
  return p;
}

// That many domains, one of them ".example.com".
struct Edge {
  explicit Edge(std::int64_t n) {
    std::vector<model::DomainPolicy> domains{policy(".example.com")};
    for (std::int64_t i = 1; i < n; ++i) domains.push_back(policy(name_of(i)));
    snapshot = model::PolicySnapshot::replace(nullptr, std::move(domains), 1);
    table = DomainTable::build(nullptr, snapshot, nullptr);
  }
  model::PolicySnapshot::Ptr snapshot;
  std::shared_ptr<const DomainTable> table;
};

// Made once: a benchmark is called several times before it knows how long to run.
const Edge& edge_of(std::int64_t n) {
  static std::map<std::int64_t, Edge> made;
  return made.try_emplace(n, n).first->second;
}

void find_exact(benchmark::State& state) {
  const Edge& edge = edge_of(state.range(0));
  std::vector<std::string> names;
  for (std::int64_t i = 1; i < 512; ++i) names.push_back(name_of(i * state.range(0) / 512));
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(edge.table->find(names[i]));
    if (++i == names.size()) i = 0;
  }
}
BENCHMARK(find_exact)->Arg(10'000)->Arg(100'000);

void find_by_wildcard(benchmark::State& state) {
  const Edge& edge = edge_of(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(edge.table->find("a.b.nobody.example.com"));
}
BENCHMARK(find_by_wildcard)->Arg(1)->Arg(10'000)->Arg(100'000);

void find_nothing(benchmark::State& state) {
  const Edge& edge = edge_of(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(edge.table->find("www.elsewhere.test"));
}
BENCHMARK(find_nothing)->Arg(10'000);

void change_one(benchmark::State& state) {
  Edge edge = edge_of(state.range(0));
  std::uint64_t revision = 1;
  for (auto _ : state) {
    const auto edit = model::PolicyEdit::put(policy(name_of(7), ++revision % 2 == 0 ? "10.0.0.2" : "10.0.0.1"));
    edge.snapshot = model::PolicySnapshot::build(edge.snapshot, {edit}, revision);
    edge.table = DomainTable::build(edge.table.get(), edge.snapshot, nullptr);
  }
}
BENCHMARK(change_one)->Arg(10'000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace fairlead::edge
