#include "net/certificate_info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/testing/tls_certificates.h"

namespace fairlead::net {
namespace {

using testing::CertificateSpec;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::KeyKind;
using testing::make_certificate;
using testing::make_identity;
using ::testing::Not;

// Each fault as "chain: CODE".
std::vector<std::string> words(const std::vector<CertificateFault>& faults) {
  std::vector<std::string> out;
  for (const auto& f : faults) out.push_back((f.part == CertificateFault::Part::chain ? "chain: " : "key: ") + f.code);
  return out;
}

CertificateReading read(const TlsKeyPair& pair) {
  return read_certificate(pair.chain_pem, pair.key_pem, base::wall_clock_ms());
}

constexpr std::int64_t kYear = 365 * kSecondsOfDay;

TEST(CertificateInfo, AGoodPairIsDescribed) {
  const auto authority = make_certificate({.common_name = "Test CA", .authority = true, .until = kYear});
  const auto leaf = make_certificate(
      {.common_name = "a", .names = {"live.example.com", "*.example.org", "192.0.2.1"}, .until = kYear}, &authority);
  const auto reading = read(leaf.pair(authority));
  EXPECT_THAT(words(reading.errors), IsEmpty());
  EXPECT_THAT(words(reading.warnings), IsEmpty());
  ASSERT_TRUE(reading.info);
  EXPECT_THAT(reading.info->names, ElementsAre("live.example.com", "*.example.org", "192.0.2.1"));
  EXPECT_EQ(reading.info->key_type, "ECDSA P-256");
  EXPECT_EQ(reading.info->chain_size, 2u);
  // What was written anew is the same pair.
  const auto again = inspect_certificate(reading.chain_pem, reading.key_pem);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *reading.info);
}

TEST(CertificateInfo, WhatStandsBesideTheCertificatesIsNotKept) {
  const auto leaf = make_certificate({.names = {"a.example"}, .until = kYear});
  const auto other = make_certificate({.common_name = "other", .key = KeyKind::ed25519});
  const auto reading = read(
      {"Bag Attributes\n  friendlyName: \x01\xff\n" + leaf.pem + "trailing", "words\n" + leaf.key_pem + other.key_pem});
  ASSERT_TRUE(reading.info);
  EXPECT_EQ(reading.chain_pem, leaf.pem);
  EXPECT_THAT(reading.key_pem, Not(HasSubstr("words")));
  EXPECT_EQ(reading.key_pem, leaf.key_pem);
}

TEST(CertificateInfo, EveryFaultIsSaidOfTheRightPart) {
  const auto id = make_identity({"a.example"});
  const auto other = make_certificate({.common_name = "other", .names = {"b.example"}});
  const auto small = make_certificate({.names = {"a.example"}, .key = KeyKind::rsa_small});
  const auto old = make_certificate({.names = {"a.example"}, .from = -kYear, .until = -3600});
  const auto errors = [](std::string chain, std::string key) {
    const auto reading = read({std::move(chain), std::move(key)});
    EXPECT_FALSE(reading.info);
    EXPECT_EQ(reading.chain_pem + reading.key_pem, "");
    return words(reading.errors);
  };
  EXPECT_THAT(errors("", ""), ElementsAre("chain: bad-chain", "key: bad-key"));
  EXPECT_THAT(errors("x", id.leaf.key_pem), ElementsAre("chain: bad-chain"));
  EXPECT_THAT(errors(id.leaf.key_pem, id.leaf.pem), ElementsAre("chain: bad-chain", "key: bad-key"));  // swapped
  EXPECT_THAT(errors(id.leaf.pem.substr(0, id.leaf.pem.size() / 2), id.leaf.key_pem), ElementsAre("chain: bad-chain"));
  EXPECT_THAT(errors(id.leaf.pem, testing::encrypt_key(id.leaf.key_pem)), ElementsAre("key: bad-key"));
  EXPECT_THAT(errors(id.leaf.pem, other.key_pem), ElementsAre("key: key-mismatch"));
  EXPECT_THAT(errors(id.authority.pem + id.leaf.pem, id.leaf.key_pem),
              ElementsAre("key: key-mismatch", "chain: chain-order"));
  EXPECT_THAT(errors(id.leaf.pem + other.pem, id.leaf.key_pem), ElementsAre("chain: chain-order"));
  EXPECT_THAT(errors(small.pem, small.key_pem), ElementsAre("key: weak-key"));
  EXPECT_THAT(errors(old.pem, old.key_pem), ElementsAre("chain: expired"));
  EXPECT_THAT(errors(old.pem, other.key_pem), ElementsAre("key: key-mismatch", "chain: expired"));
  EXPECT_THAT(errors(id.leaf.pem + id.leaf.key_pem, id.leaf.key_pem), ElementsAre("chain: key-in-chain"));
  std::string many;
  for (std::size_t i = 0; i <= kMaxChain; ++i) many += id.leaf.pem;
  EXPECT_THAT(errors(many, id.leaf.key_pem), ElementsAre("chain: too-many"));
}

TEST(CertificateInfo, AnExpiredIssuerIsAFaultToo) {
  const auto authority = make_certificate({.common_name = "Old CA", .authority = true, .from = -kYear, .until = -60});
  const auto leaf = make_certificate({.common_name = "a", .names = {"a.example"}, .until = kYear}, &authority);
  EXPECT_THAT(words(read(leaf.pair(authority)).errors), ElementsAre("chain: expired"));
  EXPECT_THAT(words(read(leaf.pair()).errors), IsEmpty());
}

TEST(CertificateInfo, DatesAndMissingNamesAreWarnedOf) {
  EXPECT_THAT(words(read(make_certificate({.names = {"a.example"}, .until = 29 * kSecondsOfDay}).pair()).warnings),
              ElementsAre("chain: expires-soon"));
  EXPECT_THAT(words(read(make_certificate({.names = {"a.example"}, .from = 3600, .until = kYear}).pair()).warnings),
              ElementsAre("chain: not-yet-valid"));
  EXPECT_THAT(words(read(make_certificate({.until = kYear}).pair()).warnings), ElementsAre("chain: no-names"));
  EXPECT_THAT(words(date_warnings(0, 1000, 1'001'000)), ElementsAre("chain: expired"));
  EXPECT_THAT(words(date_warnings(0, 1000, 1'000'000)), ElementsAre("chain: expires-soon"));
}

TEST(CertificateInfo, DaysAreWholeOnes) {
  constexpr std::int64_t day = kSecondsOfDay * 1000;
  EXPECT_EQ(days_until(10 * day, 0), 10);
  EXPECT_EQ(days_until(10 * day - 1, 0), 9);
  EXPECT_EQ(days_until(day - 1, 0), 0);
  EXPECT_EQ(days_until(0, 0), 0);
  EXPECT_EQ(days_until(0, 1), -1);
  EXPECT_EQ(days_until(0, day), -1);
  EXPECT_EQ(days_until(0, day + 1), -2);
}

TEST(CertificateInfo, FamiliesOfKeys) {
  EXPECT_EQ(key_family("RSA 2048"), "RSA");
  EXPECT_EQ(key_family("ECDSA P-256"), "ECDSA");
  EXPECT_EQ(key_family("Ed25519"), "Ed25519");
}

TEST(CertificateInfo, CoversADomain) {
  const std::vector<std::string> names = {"live.example.com", "*.example.org"};
  EXPECT_TRUE(certificate_covers_domain(names, "live.example.com"));
  EXPECT_TRUE(certificate_covers_domain(names, "a.example.org"));
  EXPECT_TRUE(certificate_covers_domain(names, ".example.org"));
  EXPECT_FALSE(certificate_covers_domain(names, "a.b.example.org"));
  EXPECT_FALSE(certificate_covers_domain(names, "example.org"));
  EXPECT_FALSE(certificate_covers_domain(names, ".example.com"));
  EXPECT_FALSE(certificate_covers_domain({}, "live.example.com"));
}

}  // namespace
}  // namespace fairlead::net
