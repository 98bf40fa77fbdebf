#include "control/delivery/destinations.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace fairlead::control {

using net::Family;
using net::Network;
using net::SocketAddress;

namespace {

template <std::size_t N>
bool any_contains(const std::array<Network, N>& networks, const SocketAddress& address) {
  return std::any_of(networks.begin(), networks.end(), [&](const Network& n) { return n.contains(address); });
}

template <class... Text>
std::array<Network, sizeof...(Text)> networks(Text... text) {
  return {*Network::parse(text)...};  // constants: a wrong one fails every test
}

// IANA's registries of special-purpose addresses (RFC 6890), less those that are private.
bool is_forbidden(const SocketAddress& address) {
  static const auto kForbidden =
      networks("0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
               "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",  //
               "::/128", "100::/64", "2001::/23", "2001:db8::/32", "fe80::/10", "fec0::/10", "ff00::/8");
  return any_contains(kForbidden, address);
}

bool is_private(const SocketAddress& address) {
  // 192.168.0.0/16 and the others of RFC 1918, shared space, unique local; the metadata service of one cloud lies in
  // fd00:ec2::/32, which unique local addresses contain: it is forbidden below.
  static const auto kPrivate =
      networks("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7");
  return any_contains(kPrivate, address);
}

bool is_metadata(const SocketAddress& address) {
  static const auto kMetadata = networks("fd00:ec2::254", "100.100.100.200");
  return any_contains(kMetadata, address);
}

// The IPv4 address in one of NAT64 (its well-known prefix) or 6to4, which is where packets to it would go.
SocketAddress unwrapped(const SocketAddress& address) {
  static const Network kNat64 = *Network::parse("64:ff9b::/96"), k6to4 = *Network::parse("2002::/16"),
                       kCompatible = *Network::parse("::/96");
  if (address.family() != Family::ipv6) return address;
  const unsigned char* four = nullptr;
  if (kNat64.contains(address) || (kCompatible.contains(address) && address.bytes()[12] != 0)) {
    four = address.bytes() + 12;
  } else if (k6to4.contains(address)) {
    four = address.bytes() + 2;
  }
  if (!four) return address;
  std::string text;
  for (int i = 0; i < 4; ++i) text += (i ? "." : "") + std::to_string(four[i]);
  return SocketAddress::from_ip(text, address.port()).value_or(address);
}

}  // namespace

bool may_reach(const SocketAddress& given, Reach reach) {
  if (given.family() != Family::ipv4 && given.family() != Family::ipv6) return false;
  const SocketAddress address = unwrapped(given);
  if (reach == Reach::loopback) return address.is_loopback();
  if (is_forbidden(address) || is_metadata(address)) return false;
  return reach == Reach::private_ || !is_private(address);
}

}  // namespace fairlead::control
