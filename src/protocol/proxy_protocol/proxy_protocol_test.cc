#include "protocol/proxy_protocol/proxy_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairlead::protocol {
namespace {

using base::Code;
using ::testing::HasSubstr;

struct Outcome {
  bool done = false;
  Code code = Code::ok;
  std::string why;
  std::size_t consumed = 0;
  ProxyHeader header;
  bool operator==(const Outcome&) const = default;
};
void PrintTo(const Outcome& o, std::ostream* out) {
  *out << (o.done ? "done" : "not done") << " '" << o.why << "' consumed " << o.consumed << " from "
       << o.header.source_ip;
}

Outcome look(std::string_view input) {
  const auto parsed = parse_proxy_header(input);
  if (!parsed) return {false, parsed.error().code, parsed.error().context, 0, {}};
  if (!*parsed) return {};
  return {true, Code::ok, "", (*parsed)->consumed, (*parsed)->header};
}

// The parser sees all received so far: every prefix must say "more" until the one that decides.
Outcome parse(std::string_view input) {
  const Outcome whole = look(input);
  Outcome grown;
  for (std::size_t n = 0; n <= input.size() && !grown.done && grown.code == Code::ok; ++n)
    grown = look(input.substr(0, n));
  EXPECT_EQ(whole, grown) << ::testing::PrintToString(input);
  return whole;
}

void expect_refused(std::string_view input, std::string_view why, Code code = Code::malformed) {
  const Outcome out = parse(input);
  EXPECT_EQ(out.code, code) << ::testing::PrintToString(input);
  EXPECT_THAT(out.why, HasSubstr(why)) << ::testing::PrintToString(input);
}

std::string v2(unsigned command, unsigned family, std::string_view block, std::string_view tlvs = {}) {
  std::string text("\r\n\r\n\0\r\nQUIT\n", 12);
  text += static_cast<char>(command);
  text += static_cast<char>(family);
  const std::size_t length = block.size() + tlvs.size();
  text += static_cast<char>(length >> 8);
  text += static_cast<char>(length & 0xff);
  text += block;
  text += tlvs;
  return text;
}

constexpr std::string_view kBlock4{"\xc0\x00\x02\x01\xc0\x00\x02\x02\xdc\x04\x01\xbb", 12};

TEST(ProxyV1, Tcp4AndTcp6) {
  const std::string text = "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n";
  const Outcome out = parse(text + "GET / HTTP/1.1\r\n");
  ASSERT_TRUE(out.done) << out.why;
  EXPECT_EQ(out.consumed, text.size());
  EXPECT_EQ(out.header, (ProxyHeader{false, IpFamily::ipv4, "192.0.2.1", 56324, "192.0.2.2", 443}));
  EXPECT_EQ(parse("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n").header,
            (ProxyHeader{false, IpFamily::ipv6, "2001:db8::1", 0, "::1", 65535}));
}

TEST(ProxyV1, UnknownIsTheConnectionItself) {
  EXPECT_EQ(parse("PROXY UNKNOWN\r\n").header, ProxyHeader{});
  const std::string longest = "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n";
  EXPECT_EQ(parse(longest).consumed, longest.size());
}

TEST(ProxyV1, IsAtMost107Bytes) {
  const std::string start = "PROXY UNKNOWN ";
  EXPECT_EQ(parse(start + std::string(105 - start.size(), 'x') + "\r\n").consumed, 107u);
  expect_refused(start + std::string(106 - start.size(), 'x') + "\r\n", "too long", Code::too_large);
}

TEST(ProxyV1, Malformed) {
  for (const char* text : {"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\n",
                           "PROXY  TCP4 192.0.2.1 192.0.2.2 56324 443\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 56324\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443 \r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443 1\r\n",
                           "PROXY TCP4 2001:db8::1 ::1 1 2\r\n",
                           "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 65536 443\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 01 443\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 -1 443\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.256 1 443\r\n",
                           "PROXY UDP4 192.0.2.1 192.0.2.2 1 443\r\n",
                           "PROXY tcp4 1 2 3 4\r\n",
                           "PROXY \r\n",
                           "PROXY\r\n",
                           "PROXY UNKNOWN\rx\r\n",
                           "GET / HTTP/1.1\r\n",
                           "PROXZ",
                           "\r\n\r\nQ",
                           "\x16\x03\x01"}) {
    expect_refused(text, "PROXY protocol");
  }
  expect_refused(std::string_view("PROXY UNKNOWN \0\r\n", 17), "control");
}

TEST(ProxyV2, Ipv4AndIpv6) {
  const std::string text = v2(0x21, 0x11, kBlock4);
  const Outcome out = parse(text + "GET");
  ASSERT_TRUE(out.done) << out.why;
  EXPECT_EQ(out.consumed, 28u);
  EXPECT_EQ(out.header, (ProxyHeader{false, IpFamily::ipv4, "192.0.2.1", 56324, "192.0.2.2", 443}));
  std::string block = std::string(15, '\0') + '\x01' + std::string(15, '\0') + '\x02';
  block += std::string("\x00\x50\x01\xbb", 4);
  EXPECT_EQ(parse(v2(0x21, 0x21, block)).header, (ProxyHeader{false, IpFamily::ipv6, "::1", 80, "::2", 443}));
}

TEST(ProxyV2, TlvsAreSkippedAndChecked) {
  const Outcome out = parse(v2(0x21, 0x11, kBlock4, {"\x04\x00\x03xyz\x20\x00\x00", 9}));
  EXPECT_TRUE(out.done) << out.why;
  EXPECT_EQ(out.header.source_ip, "192.0.2.1");
  expect_refused(v2(0x21, 0x11, kBlock4, {"\x04\x00\x04xyz", 6}), "TLV");
  expect_refused(v2(0x21, 0x11, kBlock4, {"\x04\x00", 2}), "TLV");
}

TEST(ProxyV2, LocalUnspecAndUnixAreTheConnectionItself) {
  EXPECT_EQ(parse(v2(0x20, 0x00, "")).header, ProxyHeader{});
  EXPECT_EQ(parse(v2(0x20, 0x11, kBlock4)).header, ProxyHeader{});
  EXPECT_EQ(parse(v2(0x21, 0x00, "abc")).consumed, 19u);
  const Outcome unix_domain = parse(v2(0x21, 0x31, std::string(216, 'x')));
  EXPECT_EQ(unix_domain.header, ProxyHeader{});
  EXPECT_EQ(unix_domain.consumed, 232u);
}

TEST(ProxyV2, Bounds) {
  EXPECT_EQ(parse(v2(0x20, 0x00, std::string(4096, 'x'))).consumed, kMaxProxyV2);
  expect_refused(v2(0x20, 0x00, std::string(4097, 'x')), "too long", Code::too_large);
  expect_refused(v2(0x21, 0x11, kBlock4.substr(1)), "shorter");
  expect_refused(v2(0x21, 0x21, kBlock4), "shorter");
}

TEST(ProxyV2, Malformed) {
  expect_refused(v2(0x11, 0x11, kBlock4), "version or command");
  expect_refused(v2(0x22, 0x11, kBlock4), "version or command");
  expect_refused(v2(0x21, 0x41, kBlock4), "family or transport");
  expect_refused(v2(0x21, 0x13, kBlock4), "family or transport");
  expect_refused(v2(0x21, 0x12, kBlock4), "datagrams", Code::unsupported);
}

TEST(ProxyWriters, AreReadBack) {
  struct Case {
    const char *source, *destination;
    ProxyHeader read;
  };
  const Case cases[] = {
      {"192.0.2.1", "192.0.2.2", {false, IpFamily::ipv4, "192.0.2.1", 1, "192.0.2.2", 65535}},
      {"2001:db8::1", "::1", {false, IpFamily::ipv6, "2001:db8::1", 1, "::1", 65535}},
      {"::ffff:192.0.2.1", "192.0.2.2", {false, IpFamily::ipv4, "192.0.2.1", 1, "192.0.2.2", 65535}},
      {"::ffff:c000:201", "::ffff:192.0.2.2", {false, IpFamily::ipv4, "192.0.2.1", 1, "192.0.2.2", 65535}},
      {"2001:db8::1", "192.0.2.2", {false, IpFamily::ipv6, "2001:db8::1", 1, "::ffff:192.0.2.2", 65535}},
  };
  for (const Case& c : cases) {
    std::string one, two;
    ASSERT_TRUE(append_proxy_v1(one, c.source, 1, c.destination, 65535));
    ASSERT_TRUE(append_proxy_v2(two, c.source, 1, c.destination, 65535));
    EXPECT_EQ(parse(one).header, c.read) << one;
    EXPECT_EQ(parse(two).header, c.read);
    EXPECT_EQ(parse(two).consumed, two.size());
  }
  std::string out;
  EXPECT_FALSE(append_proxy_v1(out, "nowhere", 1, "192.0.2.2", 2));
  EXPECT_FALSE(append_proxy_v2(out, "192.0.2.1", 1, "", 2));
  EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace fairlead::protocol
