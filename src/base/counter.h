#pragma once
// Counter: a number with one writer and any number of readers. A relaxed load and store, no locked instruction, so that
// counting on the byte path costs an addition. Only the owning thread calls add() and sub().

#include <atomic>
#include <cstdint>

namespace fairlead::base {

class Counter {
 public:
#ifdef FAIRLEAD_NO_COUNTING  // ./dev bench --only 'counting-*': what would it cost not to count
  void add(std::uint64_t = 1) {}
  void sub(std::uint64_t = 1) {}
#else
  void add(std::uint64_t n = 1) { v_.store(v_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void sub(std::uint64_t n = 1) { v_.store(v_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed); }
#endif
  std::uint64_t get() const { return v_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> v_{0};
};

}  // namespace fairlead::base
