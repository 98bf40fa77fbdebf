#include "control/usage/block.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace fairlead::control {

using base::Code;
using base::Result;
using base::Side;
using model::Meter;
using model::UsageValues;
using store::UsagePart;

namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::uint64_t kNewer = 7;  // forms to come; what says to be of a later one than those is damaged
constexpr unsigned kWays = 6;

std::unexpected<base::Error> broken(std::string_view what) {
  return base::fail(Code::malformed, Side::none, "usage block: " + std::string(what));
}

constexpr std::size_t kLongestNumber = 11;  // characters

// Writes a number, at most kLongestNumber characters with room for as many; returns its end. n = 0 stands for 2^64,
// which no count but the highest needs.
char* write_number(char* at, std::uint64_t n) {
  if (n != 0 && n < std::uint64_t{1} << 48) [[likely]] {
    // As detail::take_number, the other way.
    const int digits = (std::bit_width(n) + 5) / 6;
    std::uint64_t eight = (n & 0xffffff) | ((n & 0xffffff000000) << 8);
    eight = (eight & 0x00000fff00000fff) | ((eight & 0x00fff00000fff000) << 4);
    eight = (eight & 0x003f003f003f003f) | ((eight & 0x0fc00fc00fc00fc0) << 2);
    eight |= 0x4040404040404040 & ((std::uint64_t{1} << (8 * (digits - 1))) - 1);
    std::memcpy(at, &eight, sizeof eight);
    return at + digits;
  }
  if (n == 0) {
    std::memset(at, 64, 10);
    at[10] = 16;
    return at + kLongestNumber;
  }
  for (; n >= 64; n >>= 6) *at++ = static_cast<char>(64 + (n & 63));
  *at++ = static_cast<char>(n);
  return at;
}

void put_number(std::string& out, std::uint64_t n) {
  char digits[kLongestNumber];
  out.append(digits, static_cast<std::size_t>(write_number(digits, n) - digits));
}

// Counts by ascending place, with runs of zeroes between them.
class CountsText {
 public:
  explicit CountsText(std::size_t expected) { text_.resize(expected + 64); }
  void put(std::uint64_t place, std::uint64_t n) {
    if (text_.size() - length_ < 2 * kLongestNumber + 1) text_.resize(2 * text_.size());
    char* at = text_.data() + length_;
    if (place > next_) {
      *at++ = 1;
      at = write_number(at, place - next_);
    }
    at = write_number(at, n + 1);
    next_ = place + 1;
    length_ = static_cast<std::size_t>(at - text_.data());
  }
  std::string take() {
    text_.resize(length_);
    return std::move(text_);
  }

 private:
  std::string text_;  // longer than what is written
  std::size_t length_ = 0;
  std::uint64_t next_ = 0;
};

// What lies between two keys that follow each other.
void put_key(std::string& out, const BlockKey& before, const BlockKey& key) {
  const bool region = key.region == before.region, isp = region && key.isp == before.isp;
  put_number(out, std::uint64_t{key.region} - before.region + 1);
  put_number(out, (region ? std::uint64_t{key.isp} - before.isp : key.isp) + 1);
  put_number(out, std::uint64_t{key.way} - (isp ? before.way : 0) + 1);
}

class HeadReader {
 public:
  explicit HeadReader(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}
  std::uint64_t number(std::uint64_t most) {
    std::uint64_t n = 0;
    good_ = good_ && detail::take_number(at_, end_, n) && n != 0 && n <= most;
    return good_ ? n : 1;
  }
  // A difference: 0 to `most`.
  std::uint64_t step(std::uint64_t most) { return number(most + 1) - 1; }
  std::string_view piece(std::uint64_t length) {
    good_ = good_ && length <= left();
    if (!good_) return {};
    const std::string_view text(at_, static_cast<std::size_t>(length));
    at_ += length;
    return text;
  }
  // Whether the text goes on with `piece`, which is then taken.
  bool skip(std::string_view piece) {
    const bool is = good_ && left() >= piece.size() && std::memcmp(at_, piece.data(), piece.size()) == 0;
    if (is) at_ += piece.size();
    return is;
  }
  const char* at() const { return at_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  bool good() const { return good_; }

 private:
  const char *at_, *end_;
  bool good_ = true;
};

bool read_key(HeadReader& in, const BlockKey* before, BlockKey& key) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  const BlockKey from = before ? *before : BlockKey{};
  const auto region = in.step(kMost - from.region);
  key.region = static_cast<std::uint32_t>(from.region + region);
  const auto isp = in.step(kMost - (region == 0 ? from.isp : 0));
  key.isp = static_cast<std::uint32_t>((region == 0 ? from.isp : 0) + isp);
  const unsigned way = region == 0 && isp == 0 ? from.way : 0;
  key.way = static_cast<std::uint8_t>(way + in.step(kWays - way));
  return in.good() && (!before || *before < key);
}

constexpr unsigned number_of(Meter meter) { return static_cast<unsigned>(meter); }

}  // namespace

bool detail::take_slowly(const char*& at, const char* end, std::uint64_t& n) {
  n = 0;
  for (unsigned shift = 0; at != end && shift <= 60; shift += 6) {
    const auto digit = static_cast<unsigned char>(*at++);
    const std::uint64_t bits = digit & 63;
    if (shift == 60 && (bits > 16 || (bits == 16 && n != 0))) return false;
    n |= bits << shift;
    if (digit < 64) return digit != 0;
    if (digit >= 128) return false;
  }
  return false;
}

std::uint8_t way_of(model::UsageScheme scheme, model::UsageProtocol protocol) {
  return static_cast<std::uint8_t>(1 + 3 * static_cast<unsigned>(scheme) + static_cast<unsigned>(protocol));
}

UsagePart part_of(Meter meter) {
  const auto among = [&](Meter first, Meter last) { return meter >= first && meter <= last; };
  if (meter >= Meter::handshakes) return UsagePart::answers;
  if (among(Meter::bytes_in, Meter::wire_bytes_out) || among(Meter::http_bytes_in, Meter::http_wire_bytes_out) ||
      among(Meter::tunnel_bytes_in, Meter::tunnel_wire_bytes_out)) {
    return UsagePart::bytes;
  }
  return UsagePart::rest;
}

Result<BlockReader> BlockReader::open(std::string_view text, const BlockReader* like) {
  HeadReader in(text);
  const auto version = in.number(UINT64_MAX);
  if (!in.good()) return broken("no block");
  if (version == 0 || version > kVersion + kNewer) return broken("no block");
  if (version != kVersion) {
    return base::fail(Code::unsupported, Side::none, "usage block: in a form that this program does not know");
  }
  BlockReader block;
  block.slots_ = static_cast<unsigned>(in.number(kMostSlots));
  const auto keys = in.number(UINT32_MAX), columns = in.number(UINT16_MAX);
  // A key takes three characters at least, and so does a column.
  if (!in.good() || keys > in.left() / 3 || columns > in.left() / 3) return broken("the head");
  // Numbers say where they end: as many of them in the same characters are the same ones.
  if (like && like->keys_->size() == keys && in.skip(like->keys_text_)) {
    block.keys_ = like->keys_;
    const std::size_t length = like->keys_text_.size();
    block.keys_text_ = {in.at() - length, length};
  } else {
    std::vector<BlockKey> read(static_cast<std::size_t>(keys));
    const char* const begin = in.at();
    const BlockKey* before = nullptr;
    for (BlockKey& key : read) {
      if (!read_key(in, before, key)) return broken("a key");
      before = &key;
    }
    block.keys_ = std::make_shared<const std::vector<BlockKey>>(std::move(read));
    block.keys_text_ = {begin, static_cast<std::size_t>(in.at() - begin)};
  }
  block.columns_.reserve(static_cast<std::size_t>(columns));
  std::uint64_t meter = 0;
  for (std::uint64_t i = 0; i < columns; ++i) {
    meter += in.number(UINT16_MAX - meter);
    const auto counts = in.piece(in.number(UINT64_MAX));
    if (!in.good()) return broken("a column's head");
    block.columns_.push_back({static_cast<Meter>(meter), counts});
  }
  if (in.left() != 0) return broken("characters behind the end");
  return block;
}

bool is_block(std::string_view text) {
  const auto block = BlockReader::open(text);
  if (!block) return false;
  std::vector<char> used(block->keys().size());
  for (const auto& column : block->columns()) {
    if (!block->each(column, [&](std::size_t key, unsigned, std::uint64_t) { used[key] = 1; })) return false;
  }
  return std::ranges::all_of(used, [](char u) { return u != 0; });
}

BlockWriter::BlockWriter(unsigned slots, std::vector<BlockKey> keys)
    : slots_(slots), keys_(std::move(keys)), used_(keys_.size()) {}

void BlockWriter::column(Meter meter, std::span<const std::uint64_t> counts) {
  CountsText text(expected());
  std::size_t place = 0;
  for (std::size_t key = 0; key < keys_.size(); ++key) {
    bool any = false;
    for (const std::size_t end = place + slots_; place < end; ++place) {
      if (counts[place] == 0) continue;
      any = true;
      text.put(place, counts[place]);
    }
    if (any) used_[key] = 1;
  }
  end_column(meter, text.take());
}

void BlockWriter::column(Meter meter, std::span<const Count> counts) {
  CountsText text(0);
  for (const Count& count : counts) {
    text.put(count.place, count.n);
    used_[static_cast<std::size_t>(count.place / slots_)] = 1;
  }
  end_column(meter, text.take());
}

// Columns of a block are of similar lengths.
std::size_t BlockWriter::expected() const {
  return columns_.empty() ? 0 : columns_.back().counts.size() + columns_.back().counts.size() / 8;
}

void BlockWriter::end_column(Meter meter, std::string counts) {
  if (!counts.empty()) columns_.push_back({meter, std::move(counts)});
}

// Takes the keys out that no column has a count for, and the zeroes that stood for them.
void BlockWriter::drop_unused() {
  std::vector<BlockKey> keys;
  std::vector<std::uint64_t> moved(keys_.size());
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    moved[i] = keys.size();
    if (used_[i]) keys.push_back(keys_[i]);
  }
  for (Written& column : columns_) {
    CountsText text(column.counts.size());
    const char *at = column.counts.data(), *end = at + column.counts.size();
    for (std::uint64_t place = 0, n = 0; at != end; ++place) {
      detail::take_number(at, end, n);
      if (n == 1) {
        detail::take_number(at, end, n);
        place += n - 1;
        continue;
      }
      text.put(moved[static_cast<std::size_t>(place / slots_)] * slots_ + place % slots_, n - 1);
    }
    column.counts = text.take();
  }
  keys_ = std::move(keys);
}

std::string BlockWriter::finish() && {
  if (columns_.empty()) return {};
  if (std::ranges::find(used_, 0) != used_.end()) drop_unused();
  std::size_t size = 16 + 8 * keys_.size();
  for (const Written& column : columns_) size += 8 + column.counts.size();
  std::string out;
  out.reserve(size);
  put_number(out, kVersion);
  put_number(out, slots_);
  put_number(out, keys_.size());
  put_number(out, columns_.size());
  BlockKey before;
  for (const BlockKey& key : keys_) {
    put_key(out, before, key);
    before = key;
  }
  unsigned meter = 0;
  for (const Written& column : columns_) {
    put_number(out, number_of(column.meter) - meter);
    put_number(out, column.counts.size());
    out += column.counts;
    meter = number_of(column.meter);
  }
  return out;
}

std::string encode_point(const PointUsage& point) {
  struct Cell {
    Meter meter;
    BlockWriter::Count count;
  };
  std::vector<Cell> cells;
  std::vector<BlockKey> keys;
  keys.reserve(point.size());
  for (std::size_t i = 0; i < point.size(); ++i) {
    keys.push_back(point[i].key);
    for (const auto& [meter, n] : point[i].values) {
      if (n != 0) cells.push_back({meter, {i, n}});
    }
  }
  std::ranges::stable_sort(cells, {}, &Cell::meter);
  BlockWriter writer(1, std::move(keys));
  std::vector<BlockWriter::Count> counts;
  for (auto at = cells.begin(); at != cells.end();) {
    const Meter meter = at->meter;
    counts.clear();
    for (; at != cells.end() && at->meter == meter; ++at) counts.push_back(at->count);
    writer.column(meter, counts);
  }
  return std::move(writer).finish();
}

Result<PointUsage> decode_point(std::string_view text) {
  PointUsage point;
  if (text.empty()) return point;
  const auto block = BlockReader::open(text);
  if (!block) return std::unexpected(block.error());
  if (block->slots() != 1) return broken("of more than one slot");
  point.resize(block->keys().size());
  for (std::size_t i = 0; i < point.size(); ++i) point[i].key = block->keys()[i];
  for (const auto& column : block->columns()) {
    const bool good = block->each(
        column, [&](std::size_t key, unsigned, std::uint64_t n) { point[key].values.emplace_back(column.meter, n); });
    if (!good) return broken("a column");
  }
  if (std::ranges::any_of(point, [](const KeyedUsage& k) { return k.values.empty(); })) return broken("an empty key");
  return point;
}

void add_point(PointUsage& sum, const PointUsage& more) {
  PointUsage both;
  both.reserve(sum.size() + more.size());
  auto a = sum.begin();
  for (const KeyedUsage& m : more) {
    while (a != sum.end() && a->key < m.key) both.push_back(std::move(*a++));
    if (a != sum.end() && a->key == m.key) {
      both.push_back(std::move(*a++));
      add_usage(both.back().values, m.values);
    } else {
      both.push_back(m);
    }
  }
  std::move(a, sum.end(), std::back_inserter(both));
  sum = std::move(both);
}

UsageValues total_of(const PointUsage& point) {
  UsageValues sum;
  for (const KeyedUsage& k : point) add_usage(sum, k.values);
  return sum;
}

PointUsage point_of(UsageValues values) {
  PointUsage point;
  if (!values.empty()) point.push_back({BlockKey{}, std::move(values)});
  return point;
}

Result<void> BlockMerge::add(std::string_view text, unsigned at_slot, std::optional<unsigned> without) {
  if (text.empty()) return {};
  auto block = BlockReader::open(text, inputs_.empty() ? nullptr : &inputs_.back().block);
  if (!block) return std::unexpected(std::move(block.error()));
  if (at_slot + block->slots() > slots_) return broken("longer than its stretch of time");
  if (block->columns().empty()) return {};
  inputs_.push_back({.block = std::move(*block), .at_slot = at_slot, .without = without});
  prepared_ = false;
  return {};
}

void BlockMerge::prepare() {
  if (prepared_) return;
  prepared_ = true;
  // Inputs mostly have the same keys as the one before: an interval's are those of the last.
  keys_.clear();
  maps_.clear();
  const std::vector<BlockKey>* last = nullptr;
  std::vector<BlockKey> merged;
  for (const Input& input : inputs_) {
    const auto& keys = input.block.keys();
    if (last == &keys || (last && *last == keys)) continue;
    last = &keys;
    merged.clear();
    std::ranges::set_union(keys_, keys, std::back_inserter(merged));
    keys_.swap(merged);
  }
  last = nullptr;
  for (Input& input : inputs_) {
    const auto& keys = input.block.keys();
    if (!last || (last != &keys && *last != keys)) {
      auto& map = maps_.emplace_back();
      map.reserve(keys.size());
      auto at = keys_.begin();
      for (const BlockKey& key : keys) {
        while (*at != key) ++at;
        map.push_back(static_cast<std::uint32_t>(at - keys_.begin()));
      }
    }
    last = &keys;
    input.map = maps_.size() - 1;
    input.next = 0;
  }
  counts_.assign(keys_.size() * slots_, 0);
}

const std::vector<BlockKey>& BlockMerge::keys() {
  prepare();
  return keys_;
}

bool BlockMerge::next_meter(Meter& meter) const {
  bool any = false;
  for (const Input& input : inputs_) {
    if (input.next == input.block.columns().size()) continue;
    const Meter here = input.block.columns()[input.next].meter;
    if (!any || here < meter) meter = here;
    any = true;
  }
  return any;
}

Result<void> BlockMerge::sum(Meter meter) {
  std::ranges::fill(counts_, 0);
  for (Input& input : inputs_) {
    const auto& columns = input.block.columns();
    if (input.next == columns.size() || columns[input.next].meter != meter) continue;
    const auto& map = maps_[input.map];
    std::uint64_t* const counts = counts_.data() + input.at_slot;
    const std::uint64_t slots = slots_;
    const bool good =
        input.without
            ? input.block.each(columns[input.next],
                               [&, without = *input.without](std::size_t key, unsigned slot, std::uint64_t n) {
                                 if (slot != without) counts[map[key] * slots + slot] += n;
                               })
            : input.block.each(columns[input.next], [&](std::size_t key, unsigned slot, std::uint64_t n) {
                counts[map[key] * slots + slot] += n;
              });
    if (!good) return broken("a column");
    ++input.next;
  }
  return {};
}

}  // namespace fairlead::control
