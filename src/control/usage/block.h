#pragma once
// Block: the text in which usage is kept (store/usage_points.h, store/usage_blocks.h): for some keys and meters a
// series of `slots` counts each. Pure; no clock, no store. One content has one text, so blocks can be compared as
// texts; texts are ASCII without NUL, as both engines keep it.
//
// The form. A number n >= 1 is digits of six bits, the lowest first, a character each; 64 is added to all but the last,
// so that no character is NUL. A text is: the version (1), slots, number of keys, number of columns; the keys,
// ascending, as differences; the columns by meter, ascending: difference of meters, length in characters, counts. The
// counts are those of the first key slot by slot, then of the second: n + 1 for the count n, or 1 and the length of a
// run of zeroes; zeroes at the end are left out. Every column has a count that is not zero, and so has every key.

#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "model/usage.h"
#include "store/usage_blocks.h"

namespace fairlead::control {

inline constexpr unsigned kMostSlots = 288;

// What a series is about: numbers of store/usage_points.h's names, 0 for "of all".
struct BlockKey {
  std::uint32_t region = 0, isp = 0;
  std::uint8_t way = 0;  // way_of(): scheme and protocol
  auto operator<=>(const BlockKey&) const = default;
};
// 1 to 6.
std::uint8_t way_of(model::UsageScheme scheme, model::UsageProtocol protocol);

// The part of a block's shelf that a meter belongs to.
store::UsagePart part_of(model::Meter meter);

namespace detail {
static_assert(std::endian::native == std::endian::little);

// The rest of take_number: a number near the end of a text, or one of more than eight digits.
bool take_slowly(const char*& at, const char* end, std::uint64_t& n);

// Takes a number off the front of [at, end); false when it is none or not in its one form. 2^64 comes as 0. Most of
// what reading usage takes is spent here: eight characters are looked at as one, without a branch for each digit.
inline bool take_number(const char*& at, const char* end, std::uint64_t& n) {
  if (end - at < 8) return take_slowly(at, end, n);
  std::uint64_t eight;
  std::memcpy(&eight, at, sizeof eight);
  const std::uint64_t last = ~eight & 0x4040404040404040;  // the first of these is in the last digit
  if (last == 0) [[unlikely]]
    return take_slowly(at, end, n);
  const int bits = std::countr_zero(last) + 2;  // of all its characters
  eight <<= 64 - bits;
  if ((eight & 0x8080808080808080) != 0 || eight >> 56 == 0) return false;
  eight = (eight >> (64 - bits)) & 0x3f3f3f3f3f3f3f3f;
  // Pairs of neighbours, of 6, 12 and 24 bits, move together.
  eight = (eight & 0x003f003f003f003f) | ((eight & 0x3f003f003f003f00) >> 2);
  eight = (eight & 0x00000fff00000fff) | ((eight & 0x0fff00000fff0000) >> 4);
  n = (eight & 0xffffff) | ((eight >> 8) & 0xffffff000000);
  at += bits / 8;
  return true;
}
}  // namespace detail

// Reads a block without making anything of it: head, keys and the places of the columns. The text outlives it.
class BlockReader {
 public:
  struct Column {
    model::Meter meter{};
    std::string_view counts;
  };

  // malformed, unless head, keys and columns' heads are in their form. Memory: a small multiple of the text's length.
  // `like`: one whose keys this one shares if they are the same, as those of neighbouring intervals mostly are; its
  // text must be there still.
  static base::Result<BlockReader> open(std::string_view text, const BlockReader* like = nullptr);

  unsigned slots() const { return slots_; }
  const std::vector<BlockKey>& keys() const { return *keys_; }
  const std::vector<Column>& columns() const { return columns_; }

  // Calls f(key's index, slot, count) for every count of the column that is not zero, ascending. False: malformed, and
  // what f has seen is not to be used.
  template <class F>
  bool each(const Column& column, F&& f) const {
    const char *at = column.counts.data(), *end = at + column.counts.size();
    const std::size_t keys = keys_->size();
    std::size_t key = 0;
    std::uint64_t slot = 0;
    bool after_run = false;
    while (at != end) {
      std::uint64_t n = 0;
      if (!detail::take_number(at, end, n)) return false;
      if (n == 1) {
        // A run cannot be as long as all of it, follow another, or stand at the end.
        if (after_run || !detail::take_number(at, end, n) || n == 0 || n > keys * slots_ || at == end) {
          return false;
        }
        slot += n;
        key += static_cast<std::size_t>(slot / slots_);
        slot %= slots_;
        after_run = true;
        continue;
      }
      if (key >= keys) return false;
      f(key, static_cast<unsigned>(slot), n - 1);
      after_run = false;
      if (++slot == slots_) slot = 0, ++key;
    }
    return !column.counts.empty();
  }

 private:
  unsigned slots_ = 0;
  std::shared_ptr<const std::vector<BlockKey>> keys_;
  std::string_view keys_text_;
  std::vector<Column> columns_;
};

// Whether all of a text is in its form.
bool is_block(std::string_view text);

class BlockWriter {
 public:
  struct Count {
    std::uint64_t place;  // key's index * slots + slot
    std::uint64_t n;      // not 0
  };

  // `keys`: ascending, each once. Those without any count will be left out.
  BlockWriter(unsigned slots, std::vector<BlockKey> keys);
  // A further column, of a higher meter than the last: keys x slots counts, or those that are not zero, by place. A
  // column of zeroes is none.
  void column(model::Meter meter, std::span<const std::uint64_t> counts);
  void column(model::Meter meter, std::span<const Count> counts);
  // The text; "" when there is no column.
  std::string finish() &&;

 private:
  struct Written {
    model::Meter meter;
    std::string counts;
  };
  std::size_t expected() const;  // length of the next column
  void end_column(model::Meter meter, std::string counts);
  void drop_unused();

  unsigned slots_;
  std::vector<BlockKey> keys_;
  std::vector<char> used_;
  std::vector<Written> columns_;
};

// Blocks of one slot: by key, ascending.
struct KeyedUsage {
  BlockKey key;
  model::UsageValues values;  // not empty
  bool operator==(const KeyedUsage&) const = default;
};
using PointUsage = std::vector<KeyedUsage>;
std::string encode_point(const PointUsage& point);             // "" for none
base::Result<PointUsage> decode_point(std::string_view text);  // of "": none
void add_point(PointUsage& sum, const PointUsage& more);       // sums by key
model::UsageValues total_of(const PointUsage& point);          // over all keys
PointUsage point_of(model::UsageValues values);                // one of the key "of all", or none

// The sum of several blocks of the same or fewer slots, column after column: only one column is held at a time, keys x
// slots x 8 bytes.
class BlockMerge {
 public:
  explicit BlockMerge(unsigned slots) : slots_(slots) {}

  // Adds one: its slot 0 at `at_slot`. Its slot `without`, if given, is taken for zeroes. The text outlives the merge;
  // "" adds nothing. malformed when it is no block or does not fit.
  base::Result<void> add(std::string_view text, unsigned at_slot = 0, std::optional<unsigned> without = {});

  // Whether there is nothing to sum up.
  bool empty() const { return inputs_.empty(); }
  // All keys, ascending; after the last add().
  const std::vector<BlockKey>& keys();

  // Calls f(meter, counts) for each meter, ascending: keys() x slots counts, which f may not keep. malformed when a
  // column is broken.
  template <class F>
  base::Result<void> each(F&& f) {
    prepare();
    for (model::Meter meter; next_meter(meter);) {
      if (auto summed = sum(meter); !summed) return summed;
      f(meter, std::span<const std::uint64_t>(counts_));
    }
    return {};
  }

 private:
  struct Input {
    BlockReader block;
    unsigned at_slot;
    std::optional<unsigned> without;
    std::size_t next = 0;  // column
    std::size_t map = 0;   // in maps_
  };
  void prepare();
  bool next_meter(model::Meter& meter) const;
  base::Result<void> sum(model::Meter meter);

  unsigned slots_;
  bool prepared_ = false;
  std::vector<Input> inputs_;
  std::vector<BlockKey> keys_;
  std::vector<std::vector<std::uint32_t>> maps_;  // an input's keys -> keys_
  std::vector<std::uint64_t> counts_;
};

}  // namespace fairlead::control
