// Regions and ISPs: the files' answers, the operator's table before them, what stays unknown; damage; new files. The
// databases in tests/geo are made by tests/scenarios/harness/mmdb.py.
#include "edge/geo/geo_table.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <thread>

#include "base/log.h"
#include "edge/geo/geo_database.h"
#include "edge/geo/geo_reloader.h"
#include "edge/geo/network_table.h"

namespace fairlead::edge {
namespace {

namespace fs = std::filesystem;
using model::GeoConfig;
using model::GeoRegion;

const std::string kFiles = FAIRLEAD_SOURCE_DIR "/tests/geo/";

net::SocketAddress ip(std::string_view text) { return net::SocketAddress::from_ip(text, 443).value(); }

TEST(Places, NamesKeepTheirNumbers) {
  Places places;
  EXPECT_EQ(places.region(PlaceId()), "unknown");
  EXPECT_EQ(places.region_number(""), 0);
  EXPECT_EQ(places.region_number("unknown"), 0);
  const PlaceId a{places.region_number("CN"), places.isp_number("CN")};
  const PlaceId b{places.region_number("NO"), places.isp_number("Example Telecom")};
  EXPECT_NE(a.region, b.region);
  EXPECT_EQ(places.region_number("CN"), a.region);
  EXPECT_EQ(places.region(a), "CN");
  EXPECT_EQ(places.isp(b), "Example Telecom");
  EXPECT_EQ(places.region(PlaceId{999, 0}), "unknown");  // nobody gave this number
}

TEST(Places, NamesAreMadeFitToBeShown) {
  Places places;
  EXPECT_EQ(places.isp(PlaceId{0, places.isp_number("a\nb\x7f\t")}), "a?b??");
  EXPECT_EQ(places.isp(PlaceId{0, places.isp_number("caf\xc3\xa9")}), "caf\xc3\xa9");
  EXPECT_EQ(places.isp(PlaceId{0, places.isp_number("caf\xe9")}), "caf?");
  // 255 bytes, and the character that lies across the cut as a whole.
  const std::string longest = std::string(254, 'x') + "\xc3\xa9";
  EXPECT_EQ(places.isp(PlaceId{0, places.isp_number(longest)}), std::string(254, 'x'));
  EXPECT_EQ(places.isp_number(longest), places.isp_number(longest + "more"));
}

TEST(Places, AreBounded) {
  PlaceNames names;
  for (std::size_t i = 1; i < PlaceNames::kMaxNames; ++i) {
    ASSERT_EQ(names.number(std::to_string(i)), i);
  }
  EXPECT_EQ(names.refused(), 0u);
  EXPECT_EQ(names.number("one more"), 0);
  EXPECT_EQ(names.number("and another"), 0);
  EXPECT_EQ(names.refused(), 2u);
  EXPECT_EQ(names.number("7777"), 7777);
  EXPECT_EQ(names.name(65'535), "65535");
  EXPECT_EQ(names.size(), PlaceNames::kMaxNames);
}

TEST(Places, AreSharedByThreads) {
  Places places;
  std::vector<std::thread> threads;
  std::vector<std::vector<std::uint16_t>> numbers(4);
  for (auto& mine : numbers) {
    threads.emplace_back([&mine, &places] {
      for (int i = 0; i < 2000; ++i) {
        mine.push_back(places.region_number("r" + std::to_string(i)));
        ASSERT_EQ(places.region(PlaceId{mine.back(), 0}), "r" + std::to_string(i));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& mine : numbers) EXPECT_EQ(mine, numbers.front());
}

class GeoTest : public ::testing::Test {
 protected:
  void SetUp() override {
    base::log_set_level(base::LogLevel::off);
    std::string name = ::testing::TempDir() + "geo_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name + "/";
  }
  void TearDown() override {
    fs::remove_all(folder_);
    base::log_set_level(base::LogLevel::info);
  }
  GeoTable::Ptr load(const GeoConfig& config) {
    auto made = GeoTable::load(config, places_);
    EXPECT_TRUE(made) << describe(made.error().front());
    return made ? *made : GeoTable::empty();
  }
  std::vector<std::string> errors_of(const GeoConfig& config) {
    auto made = GeoTable::load(config, places_);
    EXPECT_FALSE(made);
    std::vector<std::string> out;
    for (const model::Problem& problem : made.error()) out.push_back(describe(problem));
    return out;
  }
  std::string write(const std::string& name, std::string_view text) {
    std::ofstream(folder_ + name, std::ios::binary | std::ios::trunc) << text;
    return folder_ + name;
  }
  // "REGION / ISP"
  std::string at(const GeoTable& table, std::string_view address) {
    const PlaceId place = table.find(ip(address));
    return std::string(places_.region(place)) + " / " + std::string(places_.isp(place));
  }

  Places places_;
  std::string folder_;
};

const GeoConfig kBoth{kFiles + "city.mmdb", kFiles + "asn.mmdb", "", GeoRegion::subdivision};

TEST_F(GeoTest, WithoutFilesNothingIsKnown) {
  EXPECT_EQ(at(*load({}), "192.0.2.1"), "unknown / unknown");
  EXPECT_EQ(at(*GeoTable::empty(), "2001:db8::1"), "unknown / unknown");
}

TEST_F(GeoTest, FilesAnswer) {
  const auto table = load(kBoth);
  EXPECT_EQ(at(*table, "192.0.2.1"), "CN-GD / Example Telecom");
  EXPECT_EQ(at(*table, "192.0.2.200"), "CN-BJ / Example Telecom");  // the longer network
  EXPECT_EQ(at(*table, "::ffff:192.0.2.200"), "CN-BJ / Example Telecom");
  EXPECT_EQ(at(*table, "198.51.100.9"), "NO / AS64501");  // no subdivision, no name
  EXPECT_EQ(at(*table, "203.0.113.7"), "DE-BE / Example ISP");
  EXPECT_EQ(at(*table, "203.0.113.8"), "unknown / Example ISP");  // a record without a country
  EXPECT_EQ(at(*table, "203.0.113.9"), "unknown / Example ISP");  // no record
  EXPECT_EQ(at(*table, "2001:db8:ffff::1"), "CN-SH / Example Telecom");
  EXPECT_EQ(at(*table, "2001:db8:1::1"), "FR / Example Telecom");
  EXPECT_EQ(at(*table, "2a00::1"), "unknown / unknown");
  EXPECT_EQ(table->find(net::SocketAddress()), PlaceId());
  EXPECT_EQ(table->find(*net::SocketAddress::parse("unix:/x")), PlaceId());
}

TEST_F(GeoTest, OfCountriesOnly) {
  GeoConfig config = kBoth;
  config.region = GeoRegion::country;
  config.asn.clear();
  EXPECT_EQ(at(*load(config), "192.0.2.1"), "CN / unknown");
  config.city = kFiles + "city28.mmdb";  // the same with another size of records
  EXPECT_EQ(at(*load(config), "192.0.2.200"), "CN / unknown");
  EXPECT_EQ(at(*load(config), "2001:db8:1::1"), "FR / unknown");
  config.city = kFiles + "ipv4.mmdb";
  EXPECT_EQ(at(*load(config), "203.0.113.7"), "DE / unknown");
  EXPECT_EQ(at(*load(config), "2001:db8::1"), "unknown / unknown");  // it has no IPv6
}

TEST_F(GeoTest, PrivateAddressesAreUnknownUnlessTheTableNamesThem) {
  const auto files = load(kBoth);
  for (const char* address : {"10.1.2.3", "fd00::1", "127.0.0.1", "::1", "::", "192.168.0.1", "172.31.255.255",
                              "100.64.0.1", "169.254.1.1", "fe80::1", "::ffff:10.1.2.3"}) {
    EXPECT_EQ(at(*files, address), "unknown / unknown") << address;
  }
  GeoConfig config = kBoth;
  config.table = write("table.yaml", "networks: [ { cidr: [ 10.1.0.0/16, \"fd00::/64\" ], region: office } ]\n");
  const auto table = load(config);
  EXPECT_EQ(at(*table, "10.1.2.3"), "office / unknown");
  EXPECT_EQ(at(*table, "10.2.2.3"), "unknown / unknown");
  EXPECT_EQ(at(*table, "fd00::1"), "office / unknown");
}

TEST_F(GeoTest, TheTableGoesFirstFieldByField) {
  GeoConfig config = kBoth;
  config.table = write("table.yaml", R"(
x-note: theirs
networks:
  - { cidr: 192.0.0.0/16, region: wide }
  - { cidr: 192.0.2.0/25, isp: Other }
  - { cidr: 192.0.2.5, region: NO, isp: 12345 }
  - { cidr: 192.0.2.6/32, region: unknown }
  - { cidr: "2001:db8:1::/48", region: there }
  - { cidr: "::/0", isp: six }
)");
  const auto table = load(config);
  EXPECT_EQ(at(*table, "192.0.2.1"), "wide / Other");              // two networks, a field each
  EXPECT_EQ(at(*table, "192.0.2.200"), "wide / Example Telecom");  // the ISP is the file's
  EXPECT_EQ(at(*table, "192.0.2.5"), "NO / 12345");                // a word of YAML 1.1 is a name here
  EXPECT_EQ(at(*table, "192.0.2.6"), "unknown / Other");           // said so
  EXPECT_EQ(at(*table, "192.0.2.4"), "wide / Other");              // on both sides of the single addresses
  EXPECT_EQ(at(*table, "192.0.2.7"), "wide / Other");
  EXPECT_EQ(at(*table, "192.1.0.0"), "unknown / unknown");
  EXPECT_EQ(at(*table, "191.255.255.255"), "unknown / unknown");
  EXPECT_EQ(at(*table, "2001:db8:1::9"), "there / six");
  EXPECT_EQ(at(*table, "2001:db8:2::9"), "CN-SH / six");
  EXPECT_EQ(at(*table, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "unknown / six");
  EXPECT_EQ(at(*table, "198.51.100.1"), "NO / AS64501");  // ::/0 has no IPv4 in it
}

TEST_F(GeoTest, WhatIsWrongIsToldWithItsPlace) {
  GeoConfig config{folder_ + "none.mmdb", write("asn.mmdb", "no database"), write("table.yaml", R"(networks:
  - { cidr: 10.0.0.1/8, region: a }
  - { cidr: nonsense, isp: b }
  - { cidr: 10.0.0.0/8 }
  - { region: c }
  - { cidr: 192.0.2.0/24, region: d, city: e }
  - { cidr: [ 192.0.2.0/24 ], region: f }
)"),
                   GeoRegion::country};
  using ::testing::HasSubstr;
  EXPECT_THAT(errors_of(config),
              ::testing::ElementsAre(
                  config.city + ": error: No such file or directory", HasSubstr(config.asn + ": error: "),
                  HasSubstr("table.yaml:2:13: error: \"10.0.0.1/8\" has bits set behind its prefix"),
                  HasSubstr("table.yaml:3:13: error: \"nonsense\" is not a network"),
                  HasSubstr("table.yaml:4:5: error: the entry states neither"), HasSubstr("table.yaml:5:5: error: "),
                  HasSubstr("table.yaml:6:38: error: unknown key \"city\""),
                  HasSubstr("table.yaml:7:15: error: the network 192.0.2.0/24 stands here a second time")));
  config = {"", "", write("table.yaml", "networks: {"), GeoRegion::country};
  EXPECT_THAT(errors_of(config), ::testing::ElementsAre(HasSubstr("table.yaml:1:")));
  config.table = write("table.yaml", "");
  EXPECT_THAT(errors_of(config), ::testing::ElementsAre(HasSubstr("networks")));
  config.table = folder_;
  EXPECT_EQ(errors_of(config).size(), 1u);
}

// Against the definition, over random networks that lie in one another: field by field the longest that contains it.
TEST_F(GeoTest, TheTableIsTheLongestPrefix) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto address = [&random](bool v4) {
    // Few values a place, so that networks lie in one another.
    std::string out;
    for (int i = 0; i < (v4 ? 4 : 8); ++i) {
      const unsigned part = std::array<unsigned, 4>{0, 1, 128, 255}[random() % 4];
      out += (i == 0 ? "" : v4 ? "." : ":") + (v4 ? std::to_string(part) : fmt::format("{:x}", part * 257));
    }
    return out;
  };
  for (int round = 0; round < 30; ++round) {
    struct Row {
      net::Network network;
      std::string region, isp;
      bool v4 = false;
    };
    std::vector<Row> rows;
    std::string text = "networks:\n";
    std::set<std::pair<std::string, unsigned>> taken;
    for (int i = 0; i < 60; ++i) {
      const bool v4 = random() % 2;
      const unsigned most = v4 ? 32 : 128, prefix = random() % (most + 1);
      const auto base = ip(address(v4));
      std::array<unsigned char, 16> bytes;
      std::copy_n(base.bytes(), 16, bytes.begin());
      if (!v4 && base.family() != net::Family::ipv6) continue;
      for (unsigned bit = prefix + 128 - most; bit < 128; ++bit) {
        bytes[bit / 8] = static_cast<unsigned char>(bytes[bit / 8] & ~(0x80u >> bit % 8));
      }
      std::string written;
      for (int k = v4 ? 12 : 0; k < 16; k += v4 ? 1 : 2) {
        if (!written.empty()) written += v4 ? "." : ":";
        written += v4 ? std::to_string(bytes[static_cast<std::size_t>(k)])
                      : fmt::format("{:x}",
                                    bytes[static_cast<std::size_t>(k)] * 256u + bytes[static_cast<std::size_t>(k) + 1]);
      }
      if (!taken.emplace(written, prefix).second) continue;
      written += fmt::format("/{}", prefix);
      Row row{net::Network::parse(written).value(), "", "", v4};
      const unsigned which = 1 + random() % 3;
      if (which & 1) row.region = fmt::format("r{}", i);
      if (which & 2) row.isp = fmt::format("i{}", i);
      text += fmt::format("  - {{ cidr: \"{}\"{}{} }}\n", written, which & 1 ? ", region: " + row.region : "",
                          which & 2 ? ", isp: " + row.isp : "");
      rows.push_back(std::move(row));
    }
    std::vector<model::Problem> warnings;
    const auto table = NetworkTable::read(text, "t", places_, warnings);
    ASSERT_TRUE(table) << describe(table.error().front()) << "\n" << text;
    EXPECT_EQ(table->networks(), rows.size());
    for (int i = 0; i < 400; ++i) {
      const bool v4 = random() % 2;
      const std::string key = address(v4);
      const auto who = ip(key);
      std::string region, isp;
      unsigned region_bits = 0, isp_bits = 0;
      for (const Row& row : rows) {
        if (row.v4 != (who.family() == net::Family::ipv4) || !row.network.contains(who)) continue;
        const unsigned bits = row.network.prefix() + 1;
        if (!row.region.empty() && bits > region_bits) region = row.region, region_bits = bits;
        if (!row.isp.empty() && bits > isp_bits) isp = row.isp, isp_bits = bits;
      }
      const auto answer = table->find(who);
      EXPECT_EQ(answer.region ? places_.region(PlaceId{*answer.region, 0}) : "", region) << key << "\n" << text;
      EXPECT_EQ(answer.isp ? places_.isp(PlaceId{0, *answer.isp}) : "", isp) << key << "\n" << text;
      if (HasFailure()) return;
    }
  }
}

// A database that was cut off anywhere, or with any byte changed, is refused or answers; it never harms.
TEST_F(GeoTest, DamagedDatabasesAreRefusedOrHarmless) {
  std::ifstream in(kFiles + "city.mmdb", std::ios::binary);
  const std::string whole(std::istreambuf_iterator<char>(in), {});
  ASSERT_GT(whole.size(), 1000u);
  std::size_t refused = 0, used = 0;
  const auto try_out = [&](std::string_view bytes) {
    const auto database = GeoDatabase::open(write("x.mmdb", bytes));
    if (!database) {
      EXPECT_EQ(database.error().code, base::Code::malformed) << describe(database.error());
      ++refused;
      return;
    }
    ++used;
    for (const char* address : {"192.0.2.1", "198.51.100.9", "2001:db8::1", "255.255.255.255", "::2"}) {
      static_cast<void>((*database)->country(ip(address)));
      static_cast<void>((*database)->network(ip(address)));
    }
  };
  for (std::size_t keep = 0; keep < whole.size(); keep += 7) {
    try_out(std::string_view(whole).substr(0, keep));
  }
  EXPECT_EQ(used, 0u);
  refused = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string other = whole;
    other[i] = static_cast<char>(other[i] ^ (1 << i % 8));
    if (i % 5 == 0) other[i] = '\xff';
    try_out(other);
  }
  EXPECT_GT(refused, 50u);
}

// --- new files

class GeoReloaderTest : public GeoTest {
 protected:
  std::string here(GeoView& view, std::string_view address) {
    const PlaceId place = view.find(ip(address));
    return std::string(places_.region(place)) + " / " + std::string(places_.isp(place));
  }
  // Waits, with the reloader's own pace, until it holds; fails after a minute.
  template <class F>
  void wait_until(F holds) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!holds()) {
      ASSERT_LT(std::chrono::steady_clock::now(), limit);
      std::this_thread::yield();
    }
  }
};

TEST_F(GeoReloaderTest, TakesNewFilesAndKeepsTheOldWhenTheyAreNoGood) {
  const std::string city = folder_ + "city.mmdb";
  fs::copy_file(kFiles + "city.mmdb", city);
  GeoConfig config{city, "", write("table.yaml", "networks: [ { cidr: 10.0.0.0/8, region: one } ]"),
                   GeoRegion::country};
  GeoReloader reloader(places_, base::milliseconds(5));
  GeoView view(reloader);
  EXPECT_EQ(here(view, "192.0.2.1"), "unknown / unknown");
  EXPECT_TRUE(reloader.configure(config));
  EXPECT_EQ(here(view, "192.0.2.1"), "CN / unknown");
  EXPECT_EQ(here(view, "10.0.0.1"), "one / unknown");
  const GeoTable::Ptr first = reloader.table();

  write("table.yaml", "networks: [ { cidr: 10.0.0.0/8, region: two } ]");
  wait_until([&] { return here(view, "10.0.0.1") == "two / unknown"; });
  EXPECT_EQ(here(view, "192.0.2.1"), "CN / unknown");
  EXPECT_EQ(reloader.stats().loads, 2u);
  EXPECT_EQ(first->find(ip("10.0.0.1")).region, places_.region_number("one"));  // whoever has it keeps it

  write("city.mmdb", "cut off");  // over it, in place
  wait_until([&] { return reloader.stats().failed; });
  EXPECT_EQ(here(view, "192.0.2.1"), "CN / unknown");
  EXPECT_EQ(here(view, "10.0.0.1"), "two / unknown");
  // Told once: the next looks find nothing new. A good table beside the bad file changes nothing either.
  write("table.yaml", "networks: [ { cidr: 10.0.0.0/8, region: three } ]");
  wait_until([&] { return reloader.stats().failures == 2; });
  EXPECT_EQ(here(view, "10.0.0.1"), "two / unknown");

  fs::copy_file(kFiles + "ipv4.mmdb", folder_ + "fresh");
  fs::rename(folder_ + "fresh", city);  // as one should
  wait_until([&] { return here(view, "10.0.0.1") == "three / unknown"; });
  EXPECT_EQ(here(view, "192.0.2.1"), "CN / unknown");
  EXPECT_FALSE(reloader.stats().failed);
  EXPECT_EQ(reloader.stats().failures, 2u);

  EXPECT_FALSE(reloader.configure({folder_ + "gone", "", "", GeoRegion::country}));
  EXPECT_EQ(here(view, "10.0.0.1"), "three / unknown");
  fs::copy_file(kFiles + "city.mmdb", folder_ + "gone");  // it comes later
  wait_until([&] { return here(view, "2001:db8:1::1") == "FR / unknown"; });
  EXPECT_EQ(here(view, "10.0.0.1"), "unknown / unknown");
  EXPECT_TRUE(reloader.configure({}));
  EXPECT_EQ(here(view, "2001:db8:1::1"), "unknown / unknown");
}

TEST_F(GeoReloaderTest, LooksUpWhileTablesChange) {
  GeoConfig config{kFiles + "city.mmdb", kFiles + "asn.mmdb",
                   write("table.yaml", "networks: [ { cidr: 10.0.0.0/8, region: a } ]"), GeoRegion::subdivision};
  GeoReloader reloader(places_, base::milliseconds(1));
  ASSERT_TRUE(reloader.configure(config));
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      GeoView view(reloader);
      while (!over) {
        ASSERT_EQ(here(view, "192.0.2.1"), "CN-GD / Example Telecom");
        const std::string office = here(view, "10.0.0.1");
        ASSERT_TRUE(office == "a / unknown" || office == "b / unknown") << office;
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    write("new", fmt::format("networks: [ {{ cidr: 10.0.0.0/8, region: {} }} ]", i % 2 ? "a" : "b"));
    fs::rename(folder_ + "new", folder_ + "table.yaml");
    EXPECT_TRUE(reloader.configure(config));
  }
  over = true;
  for (auto& thread : threads) thread.join();
  EXPECT_GE(reloader.stats().loads, 21u);
}

}  // namespace
}  // namespace fairlead::edge
