#include "protocol/http/authority.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace fairlead::protocol {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

// A name whose last label is a number is an IPv4 address to some readers ("127.1", "0x7f.1" to inet_aton) and a name to
// others; only the four-part form that all agree on passes. URL parsers of browsers draw the same line.
bool ends_in_number(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::string_view last = host.substr(host.find_last_of('.') + 1);  // npos + 1 == 0
  if (last.empty()) return false;
  if (last.starts_with("0x")) {
    return last.find_first_not_of("0123456789abcdef", 2) == std::string_view::npos;
  }
  return last.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_name(std::string_view host) {
  if (host.empty() || host.size() > 255 || host.front() == '.' || host.find("..") != std::string_view::npos)
    return false;
  return std::all_of(host.begin(), host.end(), is_name_character) &&
         (!ends_in_number(host) || ip_family(host) == IpFamily::ipv4);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  if (text.empty() || text.size() > 5) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

}  // namespace

std::optional<Authority> parse_authority(std::string_view text) {
  Authority out;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    out.host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
    out.ipv6 = true;
  } else {
    const std::size_t colon = text.find(':');
    out.host = text.substr(0, colon);
    if (colon != std::string_view::npos) rest = text.substr(colon);
  }
  std::transform(out.host.begin(), out.host.end(), out.host.begin(), lower);
  if (out.ipv6 ? ip_family(out.host) != IpFamily::ipv6 : !is_name(out.host)) return std::nullopt;
  if (!rest.empty()) {
    if (rest.front() != ':') return std::nullopt;
    out.port = parse_port(rest.substr(1));
    if (!out.port) return std::nullopt;
  }
  return out;
}

std::string to_text(const Authority& authority) {
  std::string text = authority.ipv6 ? "[" + authority.host + "]" : authority.host;
  if (authority.port) text += ":" + std::to_string(*authority.port);
  return text;
}

bool same_authority(const Authority& a, const Authority& b, std::string_view scheme) {
  const std::uint16_t port = scheme == "https" ? 443 : 80;
  return a.host == b.host && a.ipv6 == b.ipv6 && a.port.value_or(port) == b.port.value_or(port);
}

IpFamily ip_family(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> zero_ended{};
  // inet_pton stops at a NUL, so a text with one inside must not reach it.
  if (text.empty() || text.size() >= zero_ended.size() || text.find('\0') != std::string_view::npos)
    return IpFamily::none;
  std::copy(text.begin(), text.end(), zero_ended.begin());
  in6_addr address{};
  if (inet_pton(AF_INET, zero_ended.data(), &address) == 1) return IpFamily::ipv4;
  if (inet_pton(AF_INET6, zero_ended.data(), &address) == 1) return IpFamily::ipv6;
  return IpFamily::none;
}

std::string_view unmapped(std::string_view text) {
  constexpr std::string_view kPrefix = "::ffff:";
  if (text.size() <= kPrefix.size()) return text;
  if (!std::equal(kPrefix.begin(), kPrefix.end(), text.begin(), [](char a, char b) { return a == lower(b); }))
    return text;
  const std::string_view rest = text.substr(kPrefix.size());
  return ip_family(rest) == IpFamily::ipv4 ? rest : text;
}

}  // namespace fairlead::protocol
