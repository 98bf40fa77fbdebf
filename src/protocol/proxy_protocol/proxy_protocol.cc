#include "protocol/proxy_protocol/proxy_protocol.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace fairlead::protocol {
namespace {

using base::Code;
using base::Side;
using Parsed = std::optional<ParsedProxyHeader>;

constexpr std::string_view kV1Prefix = "PROXY ";
constexpr std::string_view kV2Signature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kV2Fixed = 16;

std::unexpected<base::Error> malformed(std::string why) {
  return base::fail(Code::malformed, Side::client, "PROXY protocol: " + std::move(why));
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

// Specification 2.1: "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443" CRLF, single spaces, or "PROXY UNKNOWN" and anything.
base::Result<Parsed> parse_v1(std::string_view input) {
  const std::size_t newline = input.substr(0, kMaxProxyV1).find('\n');
  if (newline == std::string_view::npos) {
    if (input.size() >= kMaxProxyV1)
      return base::fail(Code::too_large, Side::client, "PROXY protocol: v1 line too long");
    return std::nullopt;
  }
  if (input[newline - 1] != '\r') return malformed("v1 line without CRLF");
  const std::string_view line = input.substr(0, newline - 1);
  if (line.find('\r') != std::string_view::npos || line.find('\0') != std::string_view::npos) {
    return malformed("control character in the v1 line");
  }

  std::vector<std::string_view> words;
  for (std::size_t start = 0;;) {
    const std::size_t space = line.find(' ', start);
    words.push_back(line.substr(start, space == std::string_view::npos ? space : space - start));
    if (space == std::string_view::npos) break;
    start = space + 1;
  }
  ParsedProxyHeader out;
  out.consumed = newline + 1;
  if (words[1] == "UNKNOWN") return out;
  out.header.local = false;
  out.header.family = words[1] == "TCP4" ? IpFamily::ipv4 : words[1] == "TCP6" ? IpFamily::ipv6 : IpFamily::none;
  if (out.header.family == IpFamily::none) return malformed("v1 family is not TCP4, TCP6 or UNKNOWN");
  if (words.size() != 6) return malformed("v1 line needs two addresses and two ports");
  if (ip_family(words[2]) != out.header.family || ip_family(words[3]) != out.header.family) {
    return malformed("v1 address is not of its family");
  }
  const auto source_port = parse_port(words[4]);
  const auto destination_port = parse_port(words[5]);
  if (!source_port || !destination_port) return malformed("v1 port is no number up to 65535");
  out.header.source_ip = words[2];
  out.header.destination_ip = words[3];
  out.header.source_port = *source_port;
  out.header.destination_port = *destination_port;
  return out;
}

std::uint16_t read16(const char* p) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(p[0]) << 8 | static_cast<unsigned char>(p[1]));
}

std::string address_text(int family, const char* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (inet_ntop(family, bytes, text.data(), text.size()) == nullptr) return {};
  return text.data();
}

// Specification 2.2.1: type, two bytes of length, value, up to the end of the header.
bool are_tlvs(std::string_view rest) {
  while (!rest.empty()) {
    if (rest.size() < 3) return false;
    const std::size_t length = 3u + read16(rest.data() + 1);
    if (length > rest.size()) return false;
    rest.remove_prefix(length);
  }
  return true;
}

// Specification 2.2: signature, version and command, family and transport, length, addresses, TLVs.
base::Result<Parsed> parse_v2(std::string_view input) {
  // Each byte of the fixed part is judged as soon as it is there.
  if (input.size() > 12) {
    const unsigned version = static_cast<unsigned char>(input[12]);
    if (version != 0x20 && version != 0x21) return malformed("v2 version or command is unknown");
  }
  if (input.size() > 13) {
    const unsigned family = static_cast<unsigned char>(input[13]);
    if ((family >> 4) > 3 || (family & 15) > 2) return malformed("v2 family or transport is unknown");
  }
  if (input.size() < kV2Fixed) return std::nullopt;
  const bool proxied = input[12] == 0x21;
  const unsigned family = static_cast<unsigned char>(input[13]) >> 4;
  const unsigned transport = static_cast<unsigned char>(input[13]) & 15;
  const std::size_t length = read16(input.data() + 14);
  if (kV2Fixed + length > kMaxProxyV2)
    return base::fail(Code::too_large, Side::client, "PROXY protocol: v2 header too long");

  // LOCAL and AF_UNSPEC: the addresses, if any, are to be skipped. AF_UNIX has nothing we could use.
  const bool ip = proxied && (family == 1 || family == 2) && transport != 0;
  if (ip && transport == 2) {
    return base::fail(Code::unsupported, Side::client, "PROXY protocol: datagrams");
  }
  const std::size_t address_size = family == 1 ? 4 : 16;
  const std::size_t block = ip ? 2 * address_size + 4 : 0;
  if (length < block) return malformed("v2 header shorter than its addresses");
  if (input.size() < kV2Fixed + length) return std::nullopt;

  ParsedProxyHeader out;
  out.consumed = kV2Fixed + length;
  if (!ip) return out;
  if (!are_tlvs(input.substr(kV2Fixed + block, length - block)))
    return malformed("v2 TLV passes the end of the header");
  const char* p = input.data() + kV2Fixed;
  const int af = family == 1 ? AF_INET : AF_INET6;
  out.header.local = false;
  out.header.family = family == 1 ? IpFamily::ipv4 : IpFamily::ipv6;
  out.header.source_ip = address_text(af, p);
  out.header.destination_ip = address_text(af, p + address_size);
  out.header.source_port = read16(p + 2 * address_size);
  out.header.destination_port = read16(p + 2 * address_size + 2);
  return out;
}

// Two addresses of one family, in binary and in text, for the writers.
struct Pair {
  int family = AF_INET;
  std::size_t size = 4;
  std::array<char, 16> source{}, destination{};
};

// As IPv6; an IPv4 address as the IPv4-mapped one (RFC 4291 2.5.5.2), however it is written: "::ffff:10:19" is one,
// too.
std::optional<std::array<char, 16>> as_ipv6(std::string_view text) {
  std::string word(text);
  if (ip_family(text) == IpFamily::ipv4) word.insert(0, "::ffff:");
  std::array<char, 16> bytes{};
  if (inet_pton(AF_INET6, word.c_str(), bytes.data()) != 1) return std::nullopt;
  return bytes;
}

bool is_mapped(const std::array<char, 16>& address) {
  constexpr std::string_view kPrefix("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  return std::equal(kPrefix.begin(), kPrefix.end(), address.begin());
}

std::optional<Pair> make_pair(std::string_view source, std::string_view destination) {
  const auto a = as_ipv6(source), b = as_ipv6(destination);
  if (!a || !b) return std::nullopt;
  if (!is_mapped(*a) || !is_mapped(*b)) return Pair{AF_INET6, 16, *a, *b};
  Pair pair;
  std::copy_n(a->begin() + 12, 4, pair.source.begin());
  std::copy_n(b->begin() + 12, 4, pair.destination.begin());
  return pair;
}

void append16(std::string& out, std::size_t value) {
  out += static_cast<char>(value >> 8 & 0xff);
  out += static_cast<char>(value & 0xff);
}

}  // namespace

base::Result<std::optional<ParsedProxyHeader>> parse_proxy_header(std::string_view input) {
  const auto agrees = [input](std::string_view prefix) {
    const std::size_t n = std::min(input.size(), prefix.size());
    return input.substr(0, n) == prefix.substr(0, n);
  };
  if (agrees(kV1Prefix)) return input.size() < kV1Prefix.size() ? base::Result<Parsed>(std::nullopt) : parse_v1(input);
  if (agrees(kV2Signature))
    return input.size() < kV2Signature.size() ? base::Result<Parsed>(std::nullopt) : parse_v2(input);
  return malformed("header is missing");
}

bool append_proxy_v1(std::string& out, std::string_view source_ip, std::uint16_t source_port,
                     std::string_view destination_ip, std::uint16_t destination_port) {
  const auto pair = make_pair(source_ip, destination_ip);
  if (!pair) return false;
  out += pair->family == AF_INET ? "PROXY TCP4 " : "PROXY TCP6 ";
  out += address_text(pair->family, pair->source.data()) + ' ' + address_text(pair->family, pair->destination.data());
  out += ' ' + std::to_string(source_port) + ' ' + std::to_string(destination_port) + "\r\n";
  return true;
}

bool append_proxy_v2(std::string& out, std::string_view source_ip, std::uint16_t source_port,
                     std::string_view destination_ip, std::uint16_t destination_port) {
  const auto pair = make_pair(source_ip, destination_ip);
  if (!pair) return false;
  out += kV2Signature;
  out += '\x21';                                     // version 2, PROXY
  out += pair->family == AF_INET ? '\x11' : '\x21';  // family, STREAM
  append16(out, 2 * pair->size + 4);
  out.append(pair->source.data(), pair->size);
  out.append(pair->destination.data(), pair->size);
  append16(out, source_port);
  append16(out, destination_port);
  return true;
}

}  // namespace fairlead::protocol
