#pragma once
// Cuts a test's input the ways a network might: whole, byte by byte, and at random. Every incremental parser of this
// folder must give the same outcome for all of them. The seed is fixed and part of the failure message.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

namespace fairlead::protocol::testing {

inline constexpr std::uint32_t kCutSeed = 20240607;
inline constexpr int kRandomCuts = 20;

using Pieces = std::vector<std::string_view>;

inline Pieces every_byte(std::string_view input) {
  Pieces pieces;
  for (std::size_t i = 0; i < input.size(); ++i) pieces.push_back(input.substr(i, 1));
  return pieces;
}

inline Pieces at_random(std::string_view input, std::mt19937& random) {
  Pieces pieces;
  // Short and long pieces: the bound of a piece's size is itself drawn.
  const std::size_t most = std::uniform_int_distribution<std::size_t>(1, input.size() + 1)(random);
  while (!input.empty()) {
    const std::size_t n = std::uniform_int_distribution<std::size_t>(1, most)(random);
    pieces.push_back(input.substr(0, n));
    input.remove_prefix(std::min(n, input.size()));
  }
  return pieces;
}

// Runs `outcome(Pieces)` on each way to cut the input and expects the same value each time; returns it.
template <class Outcome>
auto same_for_all_cuts(std::string_view input, Outcome outcome) {
  const auto whole = outcome(Pieces{input});
  EXPECT_EQ(whole, outcome(every_byte(input))) << "byte by byte, input: " << ::testing::PrintToString(input);
  std::mt19937 random(kCutSeed);
  for (int round = 0; round < kRandomCuts; ++round) {
    const Pieces pieces = at_random(input, random);
    EXPECT_EQ(whole, outcome(pieces)) << "seed " << kCutSeed << ", round " << round
                                      << ", pieces: " << ::testing::PrintToString(pieces);
  }
  return whole;
}

}  // namespace fairlead::protocol::testing
