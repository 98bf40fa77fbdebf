#include "edge/origin/key_hash.h"

#include <bit>

namespace fairlead::edge {
namespace {

struct State {
  std::uint64_t a, b, c, d;

  void rounds(int n) {
    for (; n > 0; --n) {
      a += b;
      c += d;
      b = std::rotl(b, 13) ^ a;
      d = std::rotl(d, 16) ^ c;
      a = std::rotl(a, 32);
      c += b;
      a += d;
      b = std::rotl(b, 17) ^ c;
      d = std::rotl(d, 21) ^ a;
      c = std::rotl(c, 32);
    }
  }
  void absorb(std::uint64_t word) {
    d ^= word;
    rounds(2);
    a ^= word;
  }
};

// Little-endian whatever the machine is.
std::uint64_t load(std::string_view bytes) {
  std::uint64_t word = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) word = word << 8 | static_cast<unsigned char>(bytes[i - 1]);
  return word;
}

}  // namespace

std::uint64_t key_hash(HashKey128 key, std::string_view bytes) {
  // The constants spell "somepseudorandomlygeneratedbytes".
  State s{key.first ^ 0x736f6d6570736575ull, key.second ^ 0x646f72616e646f6dull, key.first ^ 0x6c7967656e657261ull,
          key.second ^ 0x7465646279746573ull};
  const std::uint64_t length = static_cast<std::uint64_t>(bytes.size()) << 56;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) s.absorb(load(bytes.substr(0, 8)));
  s.absorb(load(bytes) | length);
  s.c ^= 0xff;
  s.rounds(4);
  return s.a ^ s.b ^ s.c ^ s.d;
}

}  // namespace fairlead::edge
