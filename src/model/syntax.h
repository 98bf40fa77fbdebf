#pragma once
// Syntax of the small things a configuration is made of: host names, addresses, networks, header fields, PEM. Pure
// predicates and splitters over text; nothing is resolved and nothing is allocated beyond the results. "Valid" means
// that the edge can use it as written.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::model {

// A DNS host name, RFC 1123 §2.1 with "_" allowed: labels of 1-63 letters, digits, "-" and "_", no label begins or
// ends with "-", 253 characters in all, no trailing dot, and the last label is not all digits (else it would be an
// address).
bool is_host_name(std::string_view text);

// Dotted-quad IPv4 or IPv6 without brackets or zone. The canonical form (RFC 5952 for IPv6), nullopt when neither.
std::optional<std::string> canonical_ip(std::string_view text);
bool is_ipv4(std::string_view text);

// 127.0.0.0/8 or ::1. `ip` in canonical form.
bool is_loopback(std::string_view ip);

// "address/prefix" or a single address; host bits set (10.0.0.1/8) is told apart because it usually is a slip.
enum class NetworkSyntax : std::uint8_t { good, bad, host_bits };
NetworkSyntax check_network(std::string_view text);

// "10.0.0.1:80" or "[::]:443": the address in canonical form and the port. nullopt when the text is anything else.
struct IpPort {
  std::string ip;
  std::uint16_t port = 0;
  bool operator==(const IpPort&) const = default;
};
std::optional<IpPort> parse_ip_port(std::string_view text);
std::string to_string(const IpPort& address);  // with brackets for IPv6

// "https://[::1]:8443/hook?x=1" in its parts (RFC 3986 3), for URLs that people configure: a scheme in lower case, a
// host name or an address (canonical, without brackets), no user and no fragment. nullopt when the text is no such URL.
struct Url {
  std::string scheme;
  std::string host;
  std::optional<std::uint16_t> port;
  std::string rest;  // from the path on; may be empty
  bool operator==(const Url&) const = default;
};
std::optional<Url> parse_url(std::string_view text);

// "name@example.com", as it stands alone in an envelope: no display name, no comments, ASCII (RFC 5321 4.1.2).
bool is_mail_address(std::string_view text);

// RFC 9110 §5.6.2 token: header names, cookie names.
bool is_token(std::string_view text);

// RFC 9110 §5.5: visible characters, space, tab, and bytes above 0x7f; no space or tab at either end.
bool is_header_value(std::string_view text);

// Fields that belong to one hop or that frame the message (RFC 9110 §7.6.1, RFC 9112 §6, RFC 6455 §11.3): the edge
// sets them itself. `name` in any case.
bool is_reserved_header(std::string_view name);

// What a text holds as PEM (RFC 7468): counted blocks by kind; `malformed` when a block is not closed, is empty, or
// has something other than base64 in it.
struct PemContents {
  int certificates = 0;
  int keys = 0;            // PRIVATE KEY, RSA PRIVATE KEY, EC PRIVATE KEY
  int encrypted_keys = 0;  // would need a pass phrase
  bool malformed = false;
};
PemContents scan_pem(std::string_view text);

// The blocks of a text that scan_pem finds well formed, one after the other and without what stands between them
// (RFC 7468 section 2 lets tools print subjects there, in whatever character set).
std::string pem_blocks(std::string_view text);

std::string lower_case(std::string_view text);

}  // namespace fairlead::model
