#include "edge/telemetry/counters.h"

#include <algorithm>

namespace fairlead::edge {
namespace {

// kBounds in nanoseconds, so that observing needs no floating point.
constexpr auto kBoundsNs = [] {
  std::array<std::int64_t, DurationHistogram::kBounds.size()> ns{};
  for (std::size_t i = 0; i < ns.size(); ++i) ns[i] = static_cast<std::int64_t>(DurationHistogram::kBounds[i] * 1e9);
  return ns;
}();
static_assert(kBoundsNs.front() == 1'000'000 && kBoundsNs.back() == 30'000'000'000);

// From status to its place in kStatuses; kOther for one that is not listed.
constexpr std::uint8_t kOther = 0xff;
constexpr auto kPlace = [] {
  std::array<std::uint8_t, 600> place{};
  place.fill(kOther);
  for (std::size_t i = 0; i < StatusCounter::kStatuses.size(); ++i) {
    place[static_cast<std::size_t>(StatusCounter::kStatuses[i])] = static_cast<std::uint8_t>(i);
  }
  return place;
}();

}  // namespace

std::string_view to_string(ClientProtocol protocol) {
  switch (protocol) {
    case ClientProtocol::h1: return "h1";
    case ClientProtocol::h2: return "h2";
  }
  return "h1";
}

ClientProtocol client_protocol(std::string_view name) { return name == "h2" ? ClientProtocol::h2 : ClientProtocol::h1; }

void DurationHistogram::observe(base::Duration d) {
  // A clock that went back would take the sum back with it.
  const std::int64_t ns = std::max<std::int64_t>(d.count(), 0);
  std::size_t i = 0;
  while (i < kBoundsNs.size() && ns > kBoundsNs[i]) ++i;  // a bucket takes what is <= its bound
  buckets_[i].add();
  nanoseconds_.add(static_cast<std::uint64_t>(ns));
}

std::uint64_t DurationHistogram::count() const {
  std::uint64_t n = 0;
  for (const Counter& b : buckets_) n += b.get();
  return n;
}

void StatusCounter::add(int status) {
  if (status >= 0 && status < static_cast<int>(kPlace.size())) {
    const std::uint8_t place = kPlace[static_cast<std::size_t>(status)];
    if (place != kOther) return one_[place].add();
  }
  class_[status >= 100 && status < 600 ? static_cast<std::size_t>(status / 100) : 0].add();
}

CounterRegistry::CounterRegistry(unsigned workers) : domains_(workers) {
  workers_.reserve(workers);
  for (unsigned i = 0; i < workers; ++i) workers_.push_back(std::make_unique<WorkerCounters>());
}

std::shared_ptr<DomainCounters> CounterRegistry::domain(unsigned worker, const std::string& name) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<DomainCounters>& slot = domains_[worker][name];
  if (!slot) {
    slot = std::make_shared<DomainCounters>(name);
    created_.push_back(slot);
  }
  return slot;
}

std::vector<std::shared_ptr<const DomainCounters>> CounterRegistry::domains() const {
  const std::lock_guard lock(mutex_);
  return created_;
}

}  // namespace fairlead::edge
