#include "edge/origin/key_hash.h"

#include <gtest/gtest.h>

#include <bit>
#include <string>

namespace fairlead::edge {
namespace {

// The vectors of the SipHash paper's reference: key 00 01 … 0f, input 00 01 … of growing length.
TEST(KeyHashTest, agrees_with_the_published_vectors) {
  const HashKey128 key{0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull};
  std::string input;
  EXPECT_EQ(key_hash(key, input), 0x726fdb47dd0e0e31ull);
  input.push_back('\0');
  EXPECT_EQ(key_hash(key, input), 0x74f839c593dc67fdull);
  for (char c = 1; c < 8; ++c) input.push_back(c);
  EXPECT_EQ(key_hash(key, input), 0x93f5f5799a932462ull);
  for (char c = 8; c < 15; ++c) input.push_back(c);
  EXPECT_EQ(key_hash(key, input), 0xa129ca6149be45e5ull);
}

TEST(KeyHashTest, depends_on_every_bit_of_key_and_input) {
  const std::string input = "live.example.com\n10.0.0.1";
  const std::uint64_t hash = key_hash({1, 2}, input);
  EXPECT_NE(key_hash({1, 3}, input), hash);
  EXPECT_NE(key_hash({0, 2}, input), hash);
  for (std::size_t i = 0; i < input.size() * 8; ++i) {
    std::string other = input;
    other[i / 8] = static_cast<char>(other[i / 8] ^ (1 << i % 8));
    EXPECT_NE(key_hash({1, 2}, other), hash) << i;
  }
}

TEST(KeyHashTest, mix_spreads_neighbours) {
  // Half of the 64 bits flip on average; a run of a thousand neighbours far from that would show a broken mix.
  int flipped = 0;
  for (std::uint64_t x = 0; x < 1000; ++x) flipped += std::popcount(mix_bits(x) ^ mix_bits(x + 1));
  EXPECT_NEAR(flipped / 1000.0, 32, 1);
}

}  // namespace
}  // namespace fairlead::edge
