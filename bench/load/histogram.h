#pragma once
// Histogram: latencies in nanoseconds in log-linear buckets, 128 to an octave, so that any percentile is right to 0.8 %
// from one nanosecond to eighteen minutes in 37 KB. add() is a few instructions and takes no memory. One thread adds;
// any may read meanwhile (a percentile of what has been added by about then). Histograms of several threads are merged.

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace fairlead::bench {

class Histogram {
 public:
  static constexpr int kBits = 7;                                       // of a value that are kept
  static constexpr std::uint64_t kMost = (std::uint64_t{1} << 40) - 1;  // more counts as this much

  void add(std::uint64_t nanoseconds) {
    const std::uint64_t v = nanoseconds < kMost ? nanoseconds : kMost;
    bump(buckets_[bucket_of(v)], 1);
    bump(count_, 1);
    bump(sum_, v);
    if (v > max_.load(std::memory_order_relaxed)) max_.store(v, std::memory_order_relaxed);
    if (v < min_.load(std::memory_order_relaxed)) min_.store(v, std::memory_order_relaxed);
  }

  void merge(const Histogram& other);
  void clear();

  std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  std::uint64_t max() const { return max_.load(std::memory_order_relaxed); }  // exact
  std::uint64_t min() const { return count() == 0 ? 0 : min_.load(std::memory_order_relaxed); }
  double mean() const {
    return count() == 0 ? 0 : static_cast<double>(sum_.load(std::memory_order_relaxed)) / static_cast<double>(count());
  }

  // The least value that `percent` of all values do not exceed, rounded up to its bucket's end and never beyond max();
  // 0 when there are none.
  std::uint64_t percentile(double percent) const;

  static std::size_t bucket_of(std::uint64_t v) {
    if (v < (1u << kBits)) return static_cast<std::size_t>(v);
    const int shift = std::bit_width(v) - 1 - kBits;
    return (static_cast<std::size_t>(shift) << kBits) + static_cast<std::size_t>(v >> shift);
  }
  // The largest value of a bucket.
  static std::uint64_t last_of(std::size_t bucket) {
    if (bucket < (2u << kBits)) return bucket;
    const std::size_t shift = (bucket >> kBits) - 1;
    const std::uint64_t top = (bucket & ((1u << kBits) - 1)) + (1u << kBits);
    return ((top + 1) << shift) - 1;
  }

 private:
  using Cell = std::atomic<std::uint64_t>;
  // One writer: a load and a store instead of a locked addition.
  static void bump(Cell& cell, std::uint64_t n) {
    cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  static constexpr std::size_t kBuckets = (40 - kBits + 1) << kBits;
  std::array<Cell, kBuckets> buckets_{};
  Cell count_{0}, sum_{0}, max_{0}, min_{std::numeric_limits<std::uint64_t>::max()};
};

}  // namespace fairlead::bench
