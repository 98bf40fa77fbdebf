#pragma once
// What the fuzz targets share: an invariant that stops the run when it does not hold, and cuts of an input that depend
// on the input alone, so that a crash repeats.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace fairlead::fuzz {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "invariant broken: %s\n", what);
  std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

using Pieces = std::vector<std::string_view>;

inline Pieces every_byte(std::string_view input) {
  Pieces pieces;
  for (std::size_t i = 0; i < input.size(); ++i) pieces.push_back(input.substr(i, 1));
  return pieces;
}

// Cuts drawn by a generator (xorshift) seeded with a hash (FNV-1a) of the input.
inline Pieces at_random(std::string_view input) {
  std::uint64_t state = 14695981039346656037u;
  for (const char c : input) state = (state ^ static_cast<unsigned char>(c)) * 1099511628211u;
  const auto draw = [&state](std::uint64_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
  };
  state |= 1;
  Pieces pieces;
  const std::uint64_t most = 1 + draw(input.size() + 1);
  while (!input.empty()) {
    const std::size_t n = std::min<std::size_t>(1 + draw(most), input.size());
    pieces.push_back(input.substr(0, n));
    input.remove_prefix(n);
  }
  return pieces;
}

// The outcome of the whole input, which must be that of every way to cut it.
template <class Run>
auto same_for_all_cuts(std::string_view input, Run run) {
  auto whole = run(Pieces{input});
  require(whole == run(every_byte(input)), "whole and byte by byte give the same");
  require(whole == run(at_random(input)), "whole and random cuts give the same");
  return whole;
}

}  // namespace fairlead::fuzz
