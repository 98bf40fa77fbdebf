#pragma once
// Places: the names of regions and ISPs (R24) as two small numbers, so that a session carries four bytes and usage is
// counted by comparing numbers. One for a process, owned by the edge. A name keeps its number for as long as the
// process runs, over every reload of the files it came from, and is never forgotten.
//
// Bounded: kMaxNames names of each kind, the unknown one among them. Whoever comes with a further one gets `unknown`,
// and that is counted: a damaged or foreign file costs no more memory than this.

#include <array>
#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace fairlead::edge {

// Where a client is. Numbers of Places; 0 is model::kUnknownPlace.
struct PlaceId {
  std::uint16_t region = 0;
  std::uint16_t isp = 0;
  auto operator<=>(const PlaceId&) const = default;
};

// Names of one kind. Any thread.
class PlaceNames {
 public:
  static constexpr std::size_t kMaxNames = 65'536;

  PlaceNames();
  ~PlaceNames();
  PlaceNames(const PlaceNames&) = delete;
  PlaceNames& operator=(const PlaceNames&) = delete;

  // The number of a name, made at the first call. A name is at most model::kMaxUsageText bytes of UTF-8 without control
  // characters; one that is not is made so first. 0 for an empty name and for what is too much.
  std::uint16_t number(std::string_view name);
  // The name of a number that number() gave (else "unknown"), for as long as this lives. Takes no lock.
  std::string_view name(std::uint16_t number) const;

  std::size_t size() const { return size_.load(std::memory_order_acquire); }
  std::uint64_t refused() const {
    return refused_.load(std::memory_order_relaxed);
  }  // calls for which there was no room

 private:
  static constexpr std::size_t kBlock = 256;
  using Block = std::array<std::string, kBlock>;

  mutable std::shared_mutex mutex_;  // of numbers_
  std::unordered_map<std::string_view, std::uint16_t> numbers_;
  std::array<std::atomic<Block*>, kMaxNames / kBlock> blocks_{};  // names stay where they are
  std::atomic<std::size_t> size_{0};
  std::atomic<std::uint64_t> refused_{0};
};

class Places {
 public:
  std::uint16_t region_number(std::string_view name) { return regions_.number(name); }
  std::uint16_t isp_number(std::string_view name) { return isps_.number(name); }
  // Texts that live as long as this does.
  std::string_view region(PlaceId id) const { return regions_.name(id.region); }
  std::string_view isp(PlaceId id) const { return isps_.name(id.isp); }

  const PlaceNames& regions() const { return regions_; }
  const PlaceNames& isps() const { return isps_; }

 private:
  PlaceNames regions_, isps_;
};

}  // namespace fairlead::edge
