#include "net/testing/scarce_memory.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace fairlead::net::testing {
namespace {

constexpr long kPlenty = -1;
thread_local constinit long until_failure = kPlenty;
thread_local constinit bool spared = false;
constinit std::atomic<long> failures_elsewhere{0};

bool refused() {
  if (until_failure >= 0 && until_failure-- == 0) return true;
  if (spared || failures_elsewhere.load(std::memory_order_relaxed) <= 0) return false;
  return failures_elsewhere.fetch_sub(1, std::memory_order_relaxed) > 0;
}

}  // namespace

void ScarceMemory::fail_nth(long n) { until_failure = n; }

bool ScarceMemory::end() {
  const bool happened = until_failure == kPlenty;  // counted down past zero
  until_failure = kPlenty;
  return happened;
}

void ScarceMemory::fail_elsewhere(long count) {
  spared = true;
  failures_elsewhere.store(count);
}

long ScarceMemory::end_elsewhere() {
  const long left = failures_elsewhere.exchange(0);
  return left > 0 ? left : 0;
}

}  // namespace fairlead::net::testing

void* operator new(std::size_t size) {
  if (!fairlead::net::testing::refused()) {
    if (void* p = std::malloc(size != 0 ? size : 1)) return p;
  }
  throw std::bad_alloc();
}
// The sanitizer would bring its own, whose blocks are not malloc's.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return fairlead::net::testing::refused() ? nullptr : std::malloc(size != 0 ? size : 1);
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
