#pragma once
// Destinations: which addresses the control plane lets itself be sent to when somebody else names the host (a
// customer's domain, a webhook's URL). Looked at after the name was resolved and before anything is connected, so that
// a name which points inside reaches nothing (server-side request forgery). Pure.

#include <cstdint>

#include "net/address.h"

namespace fairlead::control {

enum class Reach : std::uint8_t {
  internet,  // addresses that the whole Internet means the same by
  private_,  // those, loopback (127.0.0.0/8, ::1) and private networks (RFC 1918, RFC 6598, fc00::/7)
  loopback,  // loopback alone: for what goes unencrypted
};

// Whether `address` lies within `reach`. Never, whatever the reach: link-local addresses (169.254.0.0/16 with the
// clouds' metadata services, fe80::/10), multicast, broadcast, the unspecified address and 0.0.0.0/8, reserved
// networks. An IPv4 address inside an IPv6 one (mapped, NAT64 RFC 6052, 6to4 RFC 3056) is looked at as itself.
bool may_reach(const net::SocketAddress& address, Reach reach);

}  // namespace fairlead::control
