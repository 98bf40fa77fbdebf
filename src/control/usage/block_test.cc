#include "control/usage/block.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <set>

namespace fairlead::control {
namespace {

using model::Meter;
using Place = std::tuple<Meter, BlockKey, unsigned>;
using Contents = std::map<Place, std::uint64_t>;

std::vector<BlockKey> keys_of(const Contents& contents) {
  std::set<BlockKey> keys;
  for (const auto& [place, n] : contents) keys.insert(std::get<BlockKey>(place));
  return {keys.begin(), keys.end()};
}

// Through the dense or the sparse way of writing; `more`: keys that no column uses.
std::string write(const Contents& contents, unsigned slots, bool dense, std::vector<BlockKey> more = {}) {
  std::vector<BlockKey> keys = keys_of(contents);
  keys.insert(keys.end(), more.begin(), more.end());
  std::ranges::sort(keys);
  keys.erase(std::ranges::unique(keys).begin(), keys.end());
  std::map<Meter, std::map<std::uint64_t, std::uint64_t>> columns;
  for (const auto& [place, n] : contents) {
    const auto& [meter, key, slot] = place;
    columns[meter][(std::ranges::find(keys, key) - keys.begin()) * slots + slot] = n;
  }
  BlockWriter writer(slots, keys);
  for (const auto& [meter, counts] : columns) {
    if (dense) {
      std::vector<std::uint64_t> all(keys.size() * slots);
      for (const auto& [at, n] : counts) all[at] = n;
      writer.column(meter, all);
    } else {
      std::vector<BlockWriter::Count> some;
      for (const auto& [at, n] : counts) some.push_back({at, n});
      writer.column(meter, some);
    }
  }
  return std::move(writer).finish();
}

Contents read(std::string_view text) {
  Contents contents;
  if (text.empty()) return contents;
  const auto block = BlockReader::open(text);
  EXPECT_TRUE(block) << describe(block.error());
  for (const auto& column : block->columns()) {
    EXPECT_TRUE(block->each(column, [&](std::size_t key, unsigned slot, std::uint64_t n) {
      EXPECT_TRUE(contents.emplace(Place{column.meter, block->keys()[key], slot}, n).second);
    }));
  }
  return contents;
}

class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  // Any size from one digit to the highest count there is.
  std::uint64_t count() {
    if (below(50) == 0) return UINT64_MAX - below(2);
    return std::max<std::uint64_t>(1, random_() >> below(64));
  }
  BlockKey key() {
    const std::uint32_t spread = below(10) == 0 ? UINT32_MAX : 5;
    return {static_cast<std::uint32_t>(random_()) % spread, below(5), static_cast<std::uint8_t>(below(7))};
  }
  Contents contents(unsigned slots) {
    static constexpr unsigned kMeters[] = {1, 2, 4, 6, 100, 111, 200, 1000, 1101, 2404, 65535};
    Contents made;
    std::vector<BlockKey> keys;
    for (unsigned i = 1 + below(8); i > 0; --i) keys.push_back(key());
    for (unsigned i = below(200); i > 0; --i)
      made[{static_cast<Meter>(kMeters[below(std::size(kMeters))]), keys[below(static_cast<unsigned>(keys.size()))],
            below(slots)}] = count();
    return made;
  }

 private:
  std::mt19937_64 random_;
};

class BlockTest : public ::testing::Test {
 protected:
  const unsigned seed_ = std::random_device{}();
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, "seed " + std::to_string(seed_)};
  Maker make_{seed_};
};

TEST_F(BlockTest, WhatIsWrittenIsReadAndHasOneForm) {
  for (int i = 0; i < 400; ++i) {
    const unsigned slots = i % 3 == 0 ? 1 : 1 + make_.below(kMostSlots);
    const Contents contents = make_.contents(slots);
    const std::string text = write(contents, slots, true);
    EXPECT_EQ(text, write(contents, slots, false));
    EXPECT_EQ(text, write(contents, slots, i % 2 == 0, {make_.key(), make_.key()})) << "keys without a count";
    EXPECT_EQ(text.empty(), contents.empty());
    EXPECT_EQ(is_block(text), !contents.empty());
    EXPECT_TRUE(store::is_storable(text));
    EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c > 0; }));
    EXPECT_EQ(read(text), contents);
  }
}

TEST_F(BlockTest, MergingAddsUp) {
  for (int i = 0; i < 200; ++i) {
    const unsigned slots = 1 + make_.below(60);
    BlockMerge merge(slots);
    Contents sum;
    std::deque<std::string> texts;  // which the merge looks at: they must not move
    for (int part = 0; part < 5; ++part) {
      const unsigned size = 1 + make_.below(slots);
      const unsigned at = make_.below(slots - size + 1), without = make_.below(size);
      const Contents contents = make_.contents(size);
      texts.push_back(write(contents, size, true));
      for (const auto& [place, n] : contents) {
        const auto& [meter, key, slot] = place;
        if (part == 0 && slot == without) continue;
        sum[{meter, key, at + slot}] += n;
      }
      ASSERT_TRUE(merge.add(texts.back(), at, part == 0 ? std::optional(without) : std::nullopt));
    }
    std::erase_if(sum, [](const auto& c) { return c.second == 0; });  // the highest counts may add up to nothing
    BlockWriter writer(slots, merge.keys());
    ASSERT_TRUE(merge.each([&](Meter meter, auto counts) { writer.column(meter, counts); }));
    EXPECT_EQ(std::move(writer).finish(), write(sum, slots, true));
  }
}

TEST_F(BlockTest, PartsOfABlockAreAllOfIt) {
  const Contents contents = make_.contents(12);
  const std::string text = write(contents, 12, true);
  BlockMerge merge(12);
  ASSERT_TRUE(merge.add(text));
  std::vector<BlockWriter> writers(3, BlockWriter(12, merge.keys()));
  ASSERT_TRUE(merge.each(
      [&](Meter meter, auto counts) { writers[static_cast<std::size_t>(part_of(meter))].column(meter, counts); }));
  Contents sum;
  for (const auto part : {store::UsagePart::bytes, store::UsagePart::answers, store::UsagePart::rest}) {
    for (const auto& cell : read(std::move(writers[static_cast<std::size_t>(part)]).finish())) {
      EXPECT_EQ(part_of(std::get<Meter>(cell.first)), part);
      sum.insert(cell);
    }
  }
  EXPECT_EQ(sum, contents);
}

// Numbers are read and written eight characters at a time where there is room, and one by one where there is not: any
// number, at any distance from the end of the text.
TEST_F(BlockTest, NumbersOfEveryLengthAnywhere) {
  std::vector<std::uint64_t> numbers;
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const int around : {-1, 0, 1})
      numbers.push_back((std::uint64_t{1} << bit) + static_cast<std::uint64_t>(around));
  }
  numbers.push_back(UINT64_MAX);
  std::erase(numbers, 0);
  for (const std::uint64_t n : numbers) {
    for (std::size_t behind = 0; behind < 12; ++behind) {
      Contents contents = {{{Meter::bytes_in, BlockKey{1, 2, 1}, 0u}, n}};
      for (std::size_t i = 0; i < behind; ++i)
        contents[{Meter::bytes_in, BlockKey{1, 2, 1}, 1u + static_cast<unsigned>(i)}] = 1;
      const std::string text = write(contents, 12, true);
      ASSERT_EQ(read(text), contents) << n << " and " << behind << " more";
      ASSERT_TRUE(is_block(text));
    }
  }
}

TEST_F(BlockTest, KeysAreSharedOnlyWhenTheyAreTheSame) {
  for (int i = 0; i < 300; ++i) {
    const std::string first = write(make_.contents(1), 1, true), second = write(make_.contents(1), 1, true);
    if (first.empty() || second.empty()) continue;
    const auto a = BlockReader::open(first), alone = BlockReader::open(second), b = BlockReader::open(second, &*a),
               again = BlockReader::open(first, &*a);
    ASSERT_TRUE(a && b && alone && again);
    EXPECT_EQ(b->keys(), alone->keys());
    EXPECT_EQ(&again->keys(), &a->keys());
  }
}

TEST_F(BlockTest, PointsAddUp) {
  for (int i = 0; i < 200; ++i) {
    PointUsage sum;
    Contents expected;
    for (int part = 0; part < 4; ++part) {
      const Contents contents = make_.contents(1);
      for (const auto& [place, n] : contents) expected[place] += n;
      const auto point = decode_point(write(contents, 1, true));
      ASSERT_TRUE(point);
      EXPECT_EQ(encode_point(*point), write(contents, 1, true));
      add_point(sum, *point);
    }
    std::erase_if(expected, [](const auto& c) { return c.second == 0; });
    EXPECT_EQ(read(encode_point(sum)), expected);
  }
}

// Every change of one character is refused or is another block in its one form; no text is read past its end.
TEST_F(BlockTest, DamageIsSeen) {
  Contents contents;
  while (contents.empty()) contents = make_.contents(24);
  const std::string text = write(contents, 24, true);
  for (std::size_t at = 0; at < text.size(); ++at) {
    EXPECT_FALSE(is_block(text.substr(0, at)));
    for (const int c : {0, 1, 2, 63, 64, 127, 128, 255}) {
      std::string other = text;
      other[at] = static_cast<char>(c);
      if (is_block(other)) {
        EXPECT_EQ(write(read(other), BlockReader::open(other)->slots(), true), other);
      }
    }
  }
  EXPECT_FALSE(is_block(text + "x"));
}

TEST_F(BlockTest, NewerFormIsNotTakenForDamage) {
  EXPECT_EQ(BlockReader::open("\x02rest").error().code, base::Code::unsupported);
  EXPECT_EQ(BlockReader::open("no block").error().code, base::Code::malformed);
  EXPECT_EQ(BlockReader::open("").error().code, base::Code::malformed);
}

// What a dense day costs: 200 keys, a count of each of four meters in each of 288 intervals.
TEST_F(BlockTest, CountsTakeFewCharacters) {
  BlockWriter writer(288, [] {
    std::vector<BlockKey> keys;
    for (std::uint32_t region = 1; region <= 20; ++region) {
      for (std::uint32_t isp = 1; isp <= 10; ++isp) keys.push_back({region, 100 + isp, 4});
    }
    return keys;
  }());
  std::vector<std::uint64_t> counts(200 * 288);
  for (const unsigned meter : {3, 4, 5, 6}) {
    for (auto& n : counts) n = 100'000 + make_.below(900'000);  // 20 bits
    writer.column(static_cast<Meter>(meter), counts);
  }
  const auto size = static_cast<double>(std::move(writer).finish().size());
  EXPECT_LT(size / (4 * 200 * 288), 4.05);  // four digits of six bits, and next to nothing beside
}

}  // namespace
}  // namespace fairlead::control
