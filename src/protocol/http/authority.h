#pragma once
// Text of hosts, ports and IP addresses: the little grammar of "host[:port]" (RFC 3986 3.2) that the edge accepts,
// which is narrower than the RFC's: a DNS-shaped name (letters, digits, '-', '_', '.'), an IPv4 address, or an IPv6
// address in brackets. No user-info, no percent-encoding, no empty host, no empty port: whatever two implementations
// could read as two different hosts is refused.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::protocol {

struct Authority {
  std::string host;  // lower case; IPv6 without its brackets; a trailing dot stays
  std::optional<std::uint16_t> port;
  bool ipv6 = false;
  bool operator==(const Authority&) const = default;
};

// nullopt when the text is not of the grammar above.
std::optional<Authority> parse_authority(std::string_view text);

// "host[:port]" again, brackets where they belong.
std::string to_text(const Authority& authority);

// The same host and port, whether or not the scheme's own port is written out: 443 of "https", else 80.
bool same_authority(const Authority& a, const Authority& b, std::string_view scheme);

enum class IpFamily : std::uint8_t { none, ipv4, ipv6 };

// Which kind of IP address the text is (inet_pton's opinion; no brackets, no zone).
IpFamily ip_family(std::string_view text);

// An IPv4-mapped IPv6 address ("::ffff:192.0.2.1", what a dual-stack listener sees) as the IPv4 address it means; any
// other text unchanged. The view points into `text`.
std::string_view unmapped(std::string_view text);

}  // namespace fairlead::protocol
