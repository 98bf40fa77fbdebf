// Certificates, ticket keys and contexts on their own, without a connection.

#include "net/tls_context.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>

#include "net/testing/tls_certificates.h"
#include "net/tls_openssl.h"

namespace fairlead::net::testing {
namespace {

using base::Code;
using base::Side;
using std::chrono::hours;

std::string words_of(const base::Result<void>& r) { return r ? "ok" : r.error().context; }
bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(CertificateInspection, SaysWhatItIs) {
  const auto ca = make_certificate({.common_name = "Test CA", .authority = true});
  const auto leaf = make_certificate({.common_name = "live.example.com",
                                      .names = {"live.example.com", "*.Live.example.com", "10.0.0.1", "2001:db8::1"}},
                                     &ca);
  const auto info = inspect_certificate(leaf.pem + ca.pem, leaf.key_pem);
  ASSERT_TRUE(info.has_value()) << base::describe(info.error());
  EXPECT_EQ(info->subject, "CN=live.example.com");
  EXPECT_EQ(info->issuer, "CN=Test CA");
  EXPECT_EQ(info->names,
            (std::vector<std::string>{"live.example.com", "*.live.example.com", "10.0.0.1", "2001:db8::1"}));
  EXPECT_EQ(info->key_type, "ECDSA P-256");
  EXPECT_EQ(info->chain_size, 2u);
  EXPECT_EQ(info->not_after - info->not_before, 7 * 86400 + 3600);
  EXPECT_NEAR(static_cast<double>(info->not_before), static_cast<double>(base::wall_clock_ms()) / 1000 - 3600, 60);
  const auto rsa = make_certificate({.common_name = "r", .names = {"r"}, .key = KeyKind::rsa});
  EXPECT_EQ(inspect_certificate(rsa.pem, rsa.key_pem)->key_type, "RSA 2048");
  const auto ed = make_certificate({.common_name = "e", .names = {"e"}, .key = KeyKind::ed25519});
  EXPECT_EQ(inspect_certificate(ed.pem, ed.key_pem)->key_type, "Ed25519");
}

// Every way in which operators hand over the wrong thing, and the words that tell them which.
TEST(CertificateInspection, MalformedInputIsExplained) {
  const auto ca = make_certificate({.common_name = "Test CA", .authority = true});
  const auto other_ca = make_certificate({.common_name = "Other CA", .authority = true});
  const auto leaf = make_certificate({.common_name = "a.example", .names = {"a.example"}}, &ca);
  const auto other = make_certificate({.common_name = "b.example", .names = {"b.example"}}, &ca);
  const auto small = make_certificate({.common_name = "s", .names = {"s"}, .key = KeyKind::rsa_small});
  const auto large = make_certificate({.common_name = "s", .names = {"s"}, .key = KeyKind::rsa_large});
  std::string torn = leaf.pem, cut = leaf.pem.substr(0, leaf.pem.size() / 2);
  torn[torn.size() / 2] = '!';
  std::string torn_key = leaf.key_pem;
  torn_key[torn_key.size() / 2] = '!';
  const struct {
    std::string what, chain, key, words;
  } cases[] = {
      {"nothing", "", leaf.key_pem, "no PEM certificate"},
      {"text", "hello\n", leaf.key_pem, "no PEM certificate"},
      {"swapped", leaf.key_pem, leaf.pem, "swapped"},
      {"no key", leaf.pem, "", "no PEM private key"},
      {"certificate for key", leaf.pem, leaf.pem, "swapped"},
      {"torn", torn, leaf.key_pem, "certificate 1 of the chain file cannot be read"},
      {"cut", cut, leaf.key_pem, "certificate 1 of the chain file cannot be read"},
      {"cut before another", cut + "\n" + ca.pem, leaf.key_pem, "cannot be read"},
      {"torn second", leaf.pem + torn, leaf.key_pem, "certificate 2 of the chain file cannot be read"},
      {"torn key", leaf.pem, torn_key, "the key cannot be read"},
      {"cut key", leaf.pem, leaf.key_pem.substr(0, leaf.key_pem.size() / 2), "key cannot be read"},
      {"encrypted", leaf.pem, encrypt_key(leaf.key_pem), "without a passphrase"},
      {"other key", leaf.pem, other.key_pem, "the key does not belong to the certificate CN=a.example"},
      {"reversed", ca.pem + leaf.pem, leaf.key_pem, "that one must come first"},
      {"wrong issuer", leaf.pem + other_ca.pem, leaf.key_pem, "out of order"},
      {"small", small.pem, small.key_pem, "too small"},
      {"large", large.pem, large.key_pem, "too large"},
  };
  for (const auto& c : cases) {
    const auto r = inspect_certificate(c.chain, c.key);
    ASSERT_FALSE(r.has_value()) << c.what;
    EXPECT_EQ(r.error().code, Code::malformed) << c.what;
    EXPECT_EQ(r.error().side, Side::config) << c.what;
    EXPECT_TRUE(has(r.error().context, c.words)) << c.what << ": " << r.error().context;
    if (c.key.size() > 80) {
      EXPECT_FALSE(has(r.error().context, c.key.substr(40, 20))) << "no key material in words";
    }
    EXPECT_EQ(ERR_peek_error(), 0u) << c.what;
  }
}

TEST(CertificateInspection, EveryByteCutOfAChainIsRefusedOrWhole) {
  const auto id = make_identity({"a.example"});
  const std::string& pem = id.leaf.pem;
  for (std::size_t n = 0; n < pem.size(); n += 7) {
    const auto r = inspect_certificate(pem.substr(0, n), id.leaf.key_pem);
    // The line end after the last line may be missing.
    EXPECT_EQ(r.has_value(), n + 1 >= pem.size()) << n;
  }
}

TEST(CertificateCheck, DatesAndNames) {
  const auto ca = make_certificate({.common_name = "Test CA", .authority = true});
  const auto leaf = make_certificate({.common_name = "x", .names = {"live.example.com", "*.example.com"}}, &ca);
  const auto check = [&](const TestCertificate& c, std::string_view domain, std::int64_t ms = base::wall_clock_ms()) {
    return check_certificate(c.pem, c.key_pem, domain, ms);
  };
  EXPECT_EQ(words_of(check(leaf, "live.example.com")), "ok");
  EXPECT_EQ(words_of(check(leaf, "LIVE.example.com")), "ok");
  EXPECT_EQ(words_of(check(leaf, "other.example.com")), "ok");
  EXPECT_EQ(words_of(check(leaf, ".example.com")), "ok");
  for (const char* domain : {"example.com", "a.b.example.com", ".live.example.com", "live.example.org"}) {
    const auto r = check(leaf, domain);
    ASSERT_FALSE(r.has_value()) << domain;
    EXPECT_EQ(r.error().code, Code::certificate);
    EXPECT_TRUE(has(r.error().context, "it is for live.example.com, *.example.com")) << r.error().context;
  }
  EXPECT_TRUE(has(words_of(check(leaf, ".live.example.com")), "covers *.live.example.com"));

  const std::int64_t now = base::wall_clock_ms();
  EXPECT_TRUE(has(words_of(check(leaf, "live.example.com", now + 8 * 86'400'000ll)), "expired on 20"));
  EXPECT_TRUE(has(words_of(check(leaf, "live.example.com", now - 86'400'000ll)), "not valid before"));
  EXPECT_EQ(check(leaf, "live.example.com", now + 8 * 86'400'000ll).error().code, Code::certificate);
  // Both faults are told at once.
  const auto both = words_of(check(leaf, "nowhere.test", now + 8 * 86'400'000ll));
  EXPECT_TRUE(has(both, "expired") && has(both, "no name of the certificate covers nowhere.test")) << both;

  const auto nameless = make_certificate({.common_name = "live.example.com"});
  EXPECT_TRUE(has(words_of(check(nameless, "live.example.com")), "subjectAltName"));
  // An expired issuer in the chain is as bad as an expired leaf.
  const auto old_ca = make_certificate({.common_name = "Old CA", .authority = true, .until = 86400});
  const auto under = make_certificate({.common_name = "u", .names = {"u.example"}}, &old_ca);
  const auto r = check_certificate(under.pem + old_ca.pem, under.key_pem, "u.example", now + 2 * 86'400'000ll);
  EXPECT_TRUE(has(words_of(r), "CN=Old CA expired")) << words_of(r);
  EXPECT_EQ(check_certificate("x", "y", "u.example").error().code, Code::malformed);
}

TEST(CertificateNames, WildcardsCoverOneLabel) {
  EXPECT_TRUE(certificate_name_covers("live.example.com", "Live.Example.COM"));
  EXPECT_TRUE(certificate_name_covers("live.example.com", "live.example.com."));
  EXPECT_TRUE(certificate_name_covers("*.example.com", "a.example.com"));
  EXPECT_TRUE(certificate_name_covers("10.0.0.1", "10.0.0.1"));
  EXPECT_TRUE(certificate_name_covers("2001:db8::1", "2001:DB8:0::1"));
  EXPECT_FALSE(certificate_name_covers("*.example.com", "example.com"));
  EXPECT_FALSE(certificate_name_covers("*.example.com", ".example.com"));
  EXPECT_FALSE(certificate_name_covers("*.example.com", "a.b.example.com"));
  EXPECT_FALSE(certificate_name_covers("*.example.com", ""));
  EXPECT_FALSE(certificate_name_covers("a*.example.com", "ab.example.com"));
  EXPECT_FALSE(certificate_name_covers("*", "localhost"));
  EXPECT_FALSE(certificate_name_covers("*.0.0.1", "10.0.0.1"));
  EXPECT_FALSE(certificate_name_covers("", "x"));
}

TEST(CaBundle, CountsOrExplains) {
  const auto a = make_certificate({.common_name = "A", .authority = true});
  const auto b = make_certificate({.common_name = "B", .authority = true});
  EXPECT_EQ(inspect_ca_bundle("# A\n" + a.pem + "\n# B\n" + b.pem).value_or(0), 2u);
  EXPECT_EQ(inspect_ca_bundle("").error().code, Code::malformed);
  EXPECT_EQ(inspect_ca_bundle(a.pem + b.pem.substr(0, 100)).error().code, Code::malformed);
}

// ---- ticket keys ----

struct Ticket {
  unsigned char name[16];
  unsigned char iv[16];
};

struct Crypto {
  Crypto()
      : mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr)), cipher_ctx(EVP_CIPHER_CTX_new()), mac_ctx(EVP_MAC_CTX_new(mac)) {}
  ~Crypto() {
    EVP_MAC_CTX_free(mac_ctx);
    EVP_CIPHER_CTX_free(cipher_ctx);
    EVP_MAC_free(mac);
  }
  EVP_MAC* mac;
  EVP_CIPHER_CTX* cipher_ctx;
  EVP_MAC_CTX* mac_ctx;
};

Ticket seal(const TlsTicketKeys& keys) {
  Crypto c;
  Ticket t;
  EXPECT_TRUE(keys.seal(t.name, t.iv, c.cipher_ctx, c.mac_ctx));
  return t;
}
TlsTicketKeys::Opened open(const TlsTicketKeys& keys, const Ticket& t) {
  Crypto c;
  return keys.open(t.name, t.iv, c.cipher_ctx, c.mac_ctx);
}

TEST(TicketKeys, TheNewestSealsAndTwoMoreOpen) {
  using Opened = TlsTicketKeys::Opened;
  base::TimePoint now{};
  TlsTicketKeys keys(now);
  const Ticket first = seal(keys);
  EXPECT_EQ(open(keys, first), Opened::yes);
  EXPECT_FALSE(keys.rotate(now + hours(12) - base::seconds(1)));
  EXPECT_EQ(open(keys, first), Opened::yes);
  EXPECT_EQ(keys.next_rotation(), now + hours(12));
  EXPECT_TRUE(keys.rotate(now + hours(12)));
  EXPECT_FALSE(keys.rotate(now + hours(12)));
  EXPECT_EQ(open(keys, first), Opened::yes_but_renew);
  const Ticket second = seal(keys);
  EXPECT_NE(std::string(reinterpret_cast<const char*>(first.name), 16),
            std::string(reinterpret_cast<const char*>(second.name), 16));
  EXPECT_TRUE(keys.rotate(now + hours(24)));
  EXPECT_EQ(open(keys, first), Opened::yes_but_renew);
  EXPECT_TRUE(keys.rotate(now + hours(36)));
  EXPECT_EQ(open(keys, first), Opened::no);
  EXPECT_EQ(open(keys, second), Opened::yes_but_renew);
}

TEST(TicketKeys, ALongSleepDropsWhatIsOverdue) {
  base::TimePoint now{};
  TlsTicketKeys keys(now);
  const Ticket first = seal(keys);
  EXPECT_TRUE(keys.rotate(now + hours(24 * 5)));
  EXPECT_EQ(open(keys, first), TlsTicketKeys::Opened::no);
  EXPECT_EQ(open(keys, seal(keys)), TlsTicketKeys::Opened::yes);
}

TEST(TicketKeys, ReplacingAllRefusesEveryTicket) {
  base::TimePoint now{};
  TlsTicketKeys keys(now), others(now);
  const Ticket t = seal(keys);
  EXPECT_EQ(open(others, t), TlsTicketKeys::Opened::no);
  keys.replace_all(now);
  EXPECT_EQ(open(keys, t), TlsTicketKeys::Opened::no);
}

// ---- contexts ----

TEST(ServerContext, RefusesWhatCannotWork) {
  const auto id = make_identity({"a.example"});
  const auto other = make_identity({"b.example"});
  const auto code = [](const TlsServerOptions& o) {
    const auto r = TlsServerContext::create(o);
    EXPECT_EQ(ERR_peek_error(), 0u);
    return r ? Code::ok : r.error().code;
  };
  EXPECT_EQ(code({}), Code::malformed);
  EXPECT_EQ(code({.certificates = {{"x", "y"}}}), Code::malformed);
  EXPECT_EQ(code({.certificates = {id.pair(), other.pair()}}), Code::conflict);
  EXPECT_EQ(code({.certificates = {id.pair()}, .ciphers = "NO-SUCH-CIPHER"}), Code::unsupported);
  EXPECT_EQ(code({.certificates = {id.pair()}, .alpn = {""}}), Code::unsupported);
  EXPECT_EQ(code({.certificates = {id.pair()}, .alpn = {std::string(256, 'x')}}), Code::unsupported);
  EXPECT_EQ(code({.certificates = {id.pair()}, .min_version = TlsVersion::tls1_3, .max_version = TlsVersion::tls1_2}),
            Code::unsupported);
  EXPECT_EQ(code({.certificates = {id.pair()}, .ciphers = "ECDHE+AESGCM", .alpn = {"h2", "http/1.1"}}), Code::ok);
}

TEST(ServerContext, KnowsItsNamesAndDates) {
  const auto ecdsa = make_certificate({.common_name = "a", .names = {"a.example", "*.a.example"}, .until = 5000});
  const auto rsa = make_certificate({.common_name = "b", .names = {"b.example", "10.0.0.1"}, .key = KeyKind::rsa});
  const auto context = TlsServerContext::create({.certificates = {ecdsa.pair(), rsa.pair()}});
  ASSERT_TRUE(context.has_value()) << base::describe(context.error());
  for (const char* name : {"a.example", "x.a.example", "b.example", "B.EXAMPLE", "10.0.0.1"}) {
    EXPECT_TRUE((*context)->covers(name)) << name;
  }
  for (const char* name : {"", "example", "x.y.a.example", "x.b.example", "10.0.0.2"}) {
    EXPECT_FALSE((*context)->covers(name)) << name;
  }
  EXPECT_EQ((*context)->certificates().size(), 2u);
  EXPECT_EQ((*context)->not_after(), (*context)->certificates()[0].not_after);
}

TEST(ClientContext, RefusesWhatCannotWork) {
  EXPECT_EQ(TlsClientContext::create({.ca_pem = "nonsense"}).error().code, Code::malformed);
  EXPECT_EQ(TlsClientContext::create({.alpn = {""}}).error().code, Code::unsupported);
  EXPECT_TRUE(TlsClientContext::create({}).has_value());
  EXPECT_TRUE(TlsClientContext::create({.verify = false, .min_version = TlsVersion::tls1_3}).has_value());
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace fairlead::net::testing
