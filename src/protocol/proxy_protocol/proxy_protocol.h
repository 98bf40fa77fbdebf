#pragma once
// The PROXY protocol, versions 1 (text) and 2 (binary), as HAProxy's specification has it: a header before a
// connection's first byte that says who the real client is. Read from a load balancer before the edge, written to
// origins that want it. Whether a peer may be believed is the listener's business, not this codec's.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "protocol/http/authority.h"

namespace fairlead::protocol {

inline constexpr std::size_t kMaxProxyV1 = 107;   // bytes with CRLF, specification 2.1
inline constexpr std::size_t kMaxProxyV2 = 4112;  // 16 and at most 4096 of addresses and TLVs, a bound of ours

struct ProxyHeader {
  // The connection speaks for itself: LOCAL (a health check of the balancer), UNKNOWN, or a family that is not IP
  // (AF_UNSPEC, AF_UNIX). The connection's own addresses hold; the ones below are empty.
  bool local = true;
  IpFamily family = IpFamily::none;
  std::string source_ip;
  std::uint16_t source_port = 0;
  std::string destination_ip;
  std::uint16_t destination_port = 0;
  bool operator==(const ProxyHeader&) const = default;
};

struct ParsedProxyHeader {
  ProxyHeader header;
  std::size_t consumed = 0;  // bytes of the header; what follows is the client's
};

// `input` is everything received so far, from the first byte. nullopt: a header may be beginning, more bytes are needed
// (never once kMaxProxyV2 are there). Errors are on the client: malformed as soon as no header can come of it,
// too_large, unsupported (a datagram family). Each call costs the length of the header at most.
base::Result<std::optional<ParsedProxyHeader>> parse_proxy_header(std::string_view input);

// Headers for a connection from source to destination, whose addresses are text (inet_ntop's). When one is IPv6 and the
// other IPv4, the latter is written as IPv4-mapped. False, and nothing appended, when one is no address.
[[nodiscard]] bool append_proxy_v1(std::string& out, std::string_view source_ip, std::uint16_t source_port,
                                   std::string_view destination_ip, std::uint16_t destination_port);
[[nodiscard]] bool append_proxy_v2(std::string& out, std::string_view source_ip, std::uint16_t source_port,
                                   std::string_view destination_ip, std::uint16_t destination_port);

}  // namespace fairlead::protocol
