#pragma once
// DNS look-ups for threads that may wait (the control plane's, never an event loop's): TXT records and addresses of a
// name, asked of the given servers through c-ares. Each call has its own channel, so any thread may call at any time.
// DNS alone is asked, not /etc/hosts, and no search list is used: the name is complete as it is.
//
// Errors: not_found (no such name, or none of its records is of that type), timeout, unreachable (the servers failed
// or refused), retry later; malformed, side config: a server's address; malformed: the name.

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "net/address.h"

namespace fairlead::net {

struct DnsServers {
  std::vector<std::string> servers{};                 // "ip", "ip:port", "[ip6]:port"; empty: the system's
  base::Duration timeout = base::seconds(5);          // of the look-up in all
  base::Duration attempt_timeout = base::seconds(2);  // of the first try at one server; doubles
  int attempts = 2;                                   // at each server
};

// All TXT records, each with its character strings joined (RFC 7208 section 3.3), in the order of the answer.
base::Result<std::vector<std::string>> lookup_txt(const std::string& name, const DnsServers& dns = {});

// All IPv4 and IPv6 addresses, with that port, in the order to try them (RFC 6724). A literal address is its own.
base::Result<std::vector<SocketAddress>> lookup_addresses(const std::string& name, std::uint16_t port,
                                                          const DnsServers& dns = {});

}  // namespace fairlead::net
