#pragma once
// key_hash: the hash that consistent hashing and persistence tokens are made of: SipHash-2-4 (Aumasson and Bernstein,
// 2012) with a 128-bit key. Its values are written into cookies and decide which origin a client belongs to, on every
// edge of a fleet, so they must never change from one version or machine to the next: std::hash promises no such thing.

#include <cstdint>
#include <string_view>

namespace fairlead::edge {

struct HashKey128 {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

std::uint64_t key_hash(HashKey128 key, std::string_view bytes);

// A good 64-bit mix of one word, for combining hashes.
constexpr std::uint64_t mix_bits(std::uint64_t x) {
  x = (x ^ x >> 32) * 0xd6e8feb86659fd93ull;
  x = (x ^ x >> 32) * 0xd6e8feb86659fd93ull;
  return x ^ x >> 32;
}

}  // namespace fairlead::edge
