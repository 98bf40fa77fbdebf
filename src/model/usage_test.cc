// Usage values: their sums, and their one binary form.
#include "model/usage.h"

#include <map>
#include <random>

namespace fairlead::model {
namespace {

UsageSet small_set() {
  UsageSet set;
  set.edge = "edge-1";
  set.epoch = 1'700'000'000'123;
  set.sequence = 7;
  set.interval_s = 1'700'000'100;
  set.from_ms = 1'700'000'190'000;
  set.to_ms = 1'700'000'200'001;
  set.records = {
      {{"d1", "a.example.com", "CN", "unknown", UsageScheme::ws, UsageProtocol::h1}, {{Meter::bytes_out, 5}}},
      {{"d1", "a.example.com", "CN", "unknown", UsageScheme::wss, UsageProtocol::h2},
       {{Meter::sessions_opened, 1}, {Meter::bytes_out, 1u << 30}, {Meter::handshakes + 101, 1}}},
      {{"d2", "b.example.com", "unknown", "AS64500", UsageScheme::ws, UsageProtocol::tcp},
       {{Meter::tunnel_bytes_in, UINT64_MAX}}}};
  return set;
}

// A set as edges may make it: of few names, so that keys come near each other.
UsageSet random_set(std::mt19937_64& random) {
  UsageSet set;
  const auto text = [&random](std::size_t most) {
    std::string out(random() % (most + 1), '\0');
    for (char& c : out) c = static_cast<char>(random());
    return out;
  };
  const auto number = [&random] { return random() >> random() % 64; };
  set.edge = text(40);
  set.epoch = number();
  set.sequence = number();
  set.interval_s = static_cast<std::int64_t>(number() % (1u << 23)) * kUsageInterval;
  set.from_ms = static_cast<std::int64_t>(number() >> 1);
  set.to_ms = static_cast<std::int64_t>(number() >> 1);
  std::map<UsageKey, std::map<Meter, std::uint64_t>> records;
  for (auto n = random() % 40; n > 0; --n) {
    UsageKey key{std::string(1, static_cast<char>('a' + random() % 3)),
                 random() % 20 ? "d.example.com" : text(kMaxUsageText),
                 std::string(1, static_cast<char>('A' + random() % 3)),
                 random() % 10 ? "i" : text(kMaxUsageText),
                 static_cast<UsageScheme>(random() % 2),
                 static_cast<UsageProtocol>(random() % 3)};
    auto& values = records[std::move(key)];
    for (auto m = 1 + random() % 20; m > 0; --m) {
      values[static_cast<Meter>(1 + random() % (random() % 2 ? 70 : 65'535))] = number() | 1;
    }
  }
  for (auto& [key, values] : records) set.records.push_back({key, UsageValues(values.begin(), values.end())});
  return set;
}

TEST(Usage, ComesBackAsItWent) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 500; ++i) {
    const UsageSet set = i == 0 ? small_set() : random_set(random);
    const std::string bytes = encode_usage(set);
    const auto back = decode_usage(bytes);
    ASSERT_TRUE(back) << describe(back.error());
    ASSERT_EQ(*back, set);
    ASSERT_EQ(encode_usage(*back), bytes);
  }
}

TEST(Usage, EveryTruncationIsMalformed) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 20; ++i) {
    const std::string bytes = encode_usage(i == 0 ? small_set() : random_set(random));
    for (std::size_t keep = 0; keep < bytes.size(); ++keep) {
      const auto cut = decode_usage(std::string_view(bytes).substr(0, keep));
      ASSERT_FALSE(cut) << keep;
      ASSERT_EQ(cut.error().code, base::Code::malformed);
      ASSERT_EQ(cut.error().retry, base::Retry::never);
    }
    ASSERT_FALSE(decode_usage(bytes + '\0'));
  }
}

// Any byte changed: another set or an error, and what is taken has that one form.
TEST(Usage, WhatIsTakenHasOneForm) {
  const std::string bytes = encode_usage(small_set());
  std::size_t taken = 0, refused = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string other = bytes;
      other[at] = static_cast<char>(value);
      const auto set = decode_usage(other);
      ++(set ? taken : refused);
      if (set) {
        ASSERT_EQ(encode_usage(*set), other) << at << " " << value;
      }
    }
  }
  EXPECT_GT(taken, 1000u);
  EXPECT_GT(refused, 1000u);
}

TEST(Usage, ANewerFormIsUnsupported) {
  std::string bytes = encode_usage(small_set());
  bytes[3] = 2;
  const auto set = decode_usage(bytes);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code, base::Code::unsupported);
}

TEST(Usage, SaysNoToWhatNoEdgeWrites) {
  const auto refuses = [](auto change) {
    UsageSet set = small_set();
    change(set);
    return !decode_usage(encode_usage(set));
  };
  EXPECT_FALSE(refuses([](UsageSet&) {}));
  EXPECT_TRUE(refuses([](UsageSet& s) { s.interval_s += 1; })) << "no interval begins there";
  EXPECT_TRUE(refuses([](UsageSet& s) { std::swap(s.records[0], s.records[1]); })) << "not in order";
  EXPECT_TRUE(refuses([](UsageSet& s) { s.records[1].key = s.records[0].key; })) << "a key twice";
  EXPECT_TRUE(refuses([](UsageSet& s) { s.records[0].values.clear(); })) << "nothing counted";
  EXPECT_TRUE(refuses([](UsageSet& s) { s.records[0].values[0].second = 0; })) << "a zero";
  EXPECT_TRUE(refuses([](UsageSet& s) { s.records[1].values[1].first = Meter::sessions_opened; })) << "a meter twice";
  EXPECT_TRUE(refuses([](UsageSet& s) { std::swap(s.records[1].values[0], s.records[1].values[1]); }))
      << "out of order";
}

TEST(Usage, TextsAreCut) {
  UsageSet set = small_set();
  set.edge = std::string(kMaxUsageText + 1, 'e');
  set.records[2].key.isp = std::string(5000, 'i');
  const auto back = decode_usage(encode_usage(set));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->edge, std::string(kMaxUsageText, 'e'));
  EXPECT_EQ(back->records[2].key.isp, std::string(kMaxUsageText, 'i'));
}

// A few bytes that claim to be much are refused before any memory is taken for it.
TEST(Usage, CountsBeyondTheBytesAreRefused) {
  UsageSet set = small_set();
  set.records.clear();
  const std::string empty = encode_usage(set);
  EXPECT_TRUE(decode_usage(empty));
  std::string many(empty, 0, empty.size() - 1);
  many += "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
  EXPECT_FALSE(decode_usage(many));
}

TEST(Usage, SumsAreThoseOfAMap) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 300; ++round) {
    UsageValues sum;
    std::map<Meter, std::uint64_t> expected;
    for (auto adds = random() % 12; adds > 0; --adds) {
      std::map<Meter, std::uint64_t> more;
      for (auto n = random() % 9; n > 0; --n) more[static_cast<Meter>(1 + random() % 12)] = 1 + random() % 1000;
      add_usage(sum, UsageValues(more.begin(), more.end()));
      for (const auto& [meter, n] : more) expected[meter] += n;
    }
    ASSERT_EQ(sum, UsageValues(expected.begin(), expected.end()));
    for (int m = 0; m < 15; ++m) {
      const auto meter = static_cast<Meter>(m);
      ASSERT_EQ(usage_of(sum, meter), expected.contains(meter) ? expected[meter] : 0);
    }
  }
}

}  // namespace
}  // namespace fairlead::model
