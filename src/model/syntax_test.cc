#include "model/syntax.h"

#include <random>

namespace fairlead::model {
namespace {

TEST(Syntax, HostNames) {
  for (auto good : {"a", "example.com", "live.example.com", "xn--bcher-kva.example", "a-b.c", "_dmarc.example.com",
                    "1a.example", "3com.com", "EXAMPLE.com", "a.b.c.d.e.f"}) {
    EXPECT_TRUE(is_host_name(good)) << good;
  }
  for (auto bad : {"", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "a b", "a/b", "a:80", "1.2.3.4", "1", "a.1", "é",
                   "a\n", "*.a"}) {
    EXPECT_FALSE(is_host_name(bad)) << bad;
  }
  EXPECT_TRUE(is_host_name(std::string(63, 'a')));
  EXPECT_FALSE(is_host_name(std::string(64, 'a')));
  std::string longest;  // 253 characters: 63.63.63.61
  for (const int n : {63, 63, 63, 61}) longest += std::string(static_cast<std::size_t>(n), 'a') + ".";
  longest.pop_back();
  ASSERT_EQ(longest.size(), 253u);
  EXPECT_TRUE(is_host_name(longest));
  EXPECT_FALSE(is_host_name("a" + longest));
}

TEST(Syntax, CanonicalAddresses) {
  EXPECT_EQ(canonical_ip("10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(canonical_ip("0:0:0:0:0:0:0:1"), "::1");
  EXPECT_EQ(canonical_ip("2001:DB8::00A"), "2001:db8::a");
  for (auto bad : {"", "10.0.0", "10.0.0.256", "010.0.0.1", "::g", "1::2::3", "[::1]", "fe80::1%eth0", " 10.0.0.1"}) {
    EXPECT_EQ(canonical_ip(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(canonical_ip(std::string(5000, '1')), std::nullopt);
  EXPECT_TRUE(is_loopback("127.3.4.5"));
  EXPECT_TRUE(is_loopback("::1"));
  EXPECT_FALSE(is_loopback("128.0.0.1"));
  EXPECT_FALSE(is_loopback("::"));
}

TEST(Syntax, Networks) {
  for (auto good : {"10.0.0.0/8", "10.1.2.3", "0.0.0.0/0", "10.1.2.3/32", "::/0", "2001:db8::/32", "::1", "::1/128",
                    "10.1.2.0/25", "10.1.2.128/25"}) {
    EXPECT_EQ(check_network(good), NetworkSyntax::good) << good;
  }
  for (auto bad : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/-1", "::/129", "10.0.0/8", "a/8",
                   "10.0.0.0/8/8", "10.0.0.0/99999999999"}) {
    EXPECT_EQ(check_network(bad), NetworkSyntax::bad) << bad;
  }
  for (auto slip : {"10.0.0.1/8", "10.1.2.64/25", "2001:db8::1/32", "::1/127"}) {
    EXPECT_EQ(check_network(slip), NetworkSyntax::host_bits) << slip;
  }
}

TEST(Syntax, AddressWithPort) {
  EXPECT_EQ(parse_ip_port("10.0.0.1:80"), (IpPort{"10.0.0.1", 80}));
  EXPECT_EQ(parse_ip_port("[::]:443"), (IpPort{"::", 443}));
  EXPECT_EQ(parse_ip_port("[0::1]:0"), (IpPort{"::1", 0}));
  EXPECT_EQ(parse_ip_port("0.0.0.0:65535"), (IpPort{"0.0.0.0", 65535}));
  for (auto bad : {"", ":", ":80", "10.0.0.1", "10.0.0.1:", "10.0.0.1:65536", "10.0.0.1:+80", "10.0.0.1:08", "::1:80",
                   "[::1]", "[::1]80", "[::1]:", "[10.0.0.1]:80", "a:80", "10.0.0.1:80 ", "[::1]:80:80"}) {
    EXPECT_EQ(parse_ip_port(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(to_string(IpPort{"::1", 80}), "[::1]:80");
  EXPECT_EQ(to_string(IpPort{"10.0.0.1", 80}), "10.0.0.1:80");
}

TEST(Syntax, HeaderFields) {
  EXPECT_TRUE(is_token("X-Frame-Options"));
  EXPECT_TRUE(is_token("!#$%&'*+-.^_`|~09azAZ"));
  for (auto bad : {"", "a b", "a:b", "a\r", "(a)", "a\"", "ü", "a,b"}) EXPECT_FALSE(is_token(bad)) << bad;
  for (auto good : {"", "x", "a b", "a\tb", "ü", "max-age=1; includeSubDomains"}) {
    EXPECT_TRUE(is_header_value(good)) << good;
  }
  for (auto bad : {" a", "a ", "\ta", "a\r\nb", "a\nb", "a\x7f", "\x01"}) EXPECT_FALSE(is_header_value(bad)) << bad;
  EXPECT_FALSE(is_header_value(std::string_view("a\0b", 3)));
  for (auto ours : {"Connection", "TRANSFER-encoding", "content-length", "Sec-WebSocket-Key", "te", "Upgrade"}) {
    EXPECT_TRUE(is_reserved_header(ours)) << ours;
  }
  for (auto theirs : {"Set-Cookie", "X-Connection", "Strict-Transport-Security", "Sec-Fetch-Site"}) {
    EXPECT_FALSE(is_reserved_header(theirs)) << theirs;
  }
}

constexpr std::string_view kChain =
    "subject=live\n-----BEGIN CERTIFICATE-----\nMIIB+/==\n-----END CERTIFICATE-----\n"
    "-----BEGIN CERTIFICATE-----\r\nMIIC\r\n-----END CERTIFICATE-----\r\n";

TEST(Syntax, PemBlocks) {
  EXPECT_EQ(scan_pem(kChain).certificates, 2);
  EXPECT_EQ(scan_pem(kChain).keys, 0);
  EXPECT_FALSE(scan_pem(kChain).malformed);
  EXPECT_EQ(scan_pem("-----BEGIN EC PRIVATE KEY-----\nMHc=\n-----END EC PRIVATE KEY-----").keys, 1);
  EXPECT_EQ(scan_pem("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMHc=\n-----END ENCRYPTED PRIVATE KEY-----").encrypted_keys,
            1);
  const auto old = scan_pem(
      "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMHc=\n"
      "-----END RSA PRIVATE KEY-----\n");
  EXPECT_EQ(old.encrypted_keys, 1);
  EXPECT_EQ(old.keys, 0);
  EXPECT_FALSE(old.malformed);
  EXPECT_EQ(scan_pem("").certificates, 0);
  EXPECT_FALSE(scan_pem("nothing").malformed);
  EXPECT_TRUE(scan_pem("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----").malformed);
  EXPECT_TRUE(scan_pem("-----BEGIN CERTIFICATE-----\n<html>\n-----END CERTIFICATE-----").malformed);
  EXPECT_TRUE(scan_pem("-----BEGIN CERTIFICATE").malformed);
}

// A file that was cut anywhere never counts more blocks than it has whole, and a cut inside a block is noticed.
TEST(Syntax, PemCutAtEveryByte) {
  const std::size_t first_end = kChain.find("-----END CERTIFICATE-----") + 25;
  const std::size_t second_begin = kChain.find("-----BEGIN", first_end);
  const std::size_t second_end = kChain.rfind("-----END CERTIFICATE-----") + 25;
  for (std::size_t cut = 0; cut <= kChain.size(); ++cut) {
    const PemContents contents = scan_pem(kChain.substr(0, cut));
    EXPECT_EQ(contents.certificates, (cut >= first_end) + (cut >= second_end)) << cut;
    const std::size_t first_begin = kChain.find("-----BEGIN");
    const bool inside = (cut >= first_begin + 11 && cut < first_end) || (cut >= second_begin + 11 && cut < second_end);
    EXPECT_EQ(contents.malformed, inside) << cut;
  }
}

TEST(Syntax, Urls) {
  EXPECT_EQ(parse_url("https://A.test"), (Url{"https", "a.test", std::nullopt, ""}));
  EXPECT_EQ(parse_url("https://a.test:8443/x?y=1"), (Url{"https", "a.test", 8443, "/x?y=1"}));
  EXPECT_EQ(parse_url("http://[::1]:80?q"), (Url{"http", "::1", 80, "?q"}));
  EXPECT_EQ(parse_url("smtp://10.0.0.1"), (Url{"smtp", "10.0.0.1", std::nullopt, ""}));
  for (const char* bad :
       {"", "a.test", "https:a.test", "://a.test", "https://", "https:///x", "HTTPS://a.test", "https://u@a.test",
        "https://a.test:", "https://a.test:0", "https://a.test:65536", "https://[::1", "https://[10.0.0.1]",
        "https://a.test/#f", "https://a.test/ x", "https://a.test\\x", "https://a.test:80:80", "https://[::1]80"}) {
    EXPECT_FALSE(parse_url(bad)) << bad;
  }
}

TEST(Syntax, MailAddresses) {
  EXPECT_TRUE(is_mail_address("a.b+c@mail.example.com"));
  for (const char* bad : {"", "a", "@a.test", "a@", "a b@a.test", ".a@a.test", "a.@a.test", "a..b@a.test", "a@b@c.test",
                          "A <a@a.test>", "a@a.test\r\nBcc: x", "a@-x.test"}) {
    EXPECT_FALSE(is_mail_address(bad)) << bad;
  }
}

TEST(Syntax, PemWithoutTheTextAround) {
  constexpr std::string_view kBlock = "-----BEGIN X-----\nMIIB\n-----END X-----\n";
  EXPECT_EQ(pem_blocks(kBlock), kBlock);
  EXPECT_EQ(pem_blocks(fmt::format("text\n{}more\n{}end", kBlock, kBlock)), fmt::format("{}{}", kBlock, kBlock));
  EXPECT_EQ(pem_blocks("-----BEGIN X-----\nMIIB\n-----END X"), "");
  EXPECT_EQ(pem_blocks("nothing"), "");
}

}  // namespace
}  // namespace fairlead::model
