#include "net/resolver.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::net {

using base::Code;
using base::Retry;
using base::Side;

base::Result<ResolvedName> resolve_literal(std::string_view name) {
  std::string_view ip = name;
  const bool brackets = ip.starts_with('[') && ip.ends_with(']');
  if (brackets) ip = ip.substr(1, ip.size() - 2);
  const auto address = SocketAddress::from_ip(ip, 0);
  if (!address || (brackets && address->family() != Family::ipv6)) {
    return base::fail(Code::not_found, Side::origin, fmt::format("'{}' is not an IP address", name));
  }
  return ResolvedName{{*address}, Resolver::kMaxTtl, false};
}

std::vector<SocketAddress> interleave_families(const std::vector<SocketAddress>& sorted) {
  std::vector<SocketAddress> out;
  out.reserve(sorted.size());
  if (sorted.empty()) return out;
  const Family lead = sorted.front().family();
  std::vector<SocketAddress> first, second;
  for (const SocketAddress& a : sorted) (a.family() == lead ? first : second).push_back(a);
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) out.push_back(first[i]);
    if (i < second.size()) out.push_back(second[i]);
  }
  return out;
}

void StaticResolver::set(std::string name, std::vector<SocketAddress> addresses) {
  names_[std::move(name)] = std::move(addresses);
}

Task<base::Result<ResolvedName>> StaticResolver::resolve(std::string name, TimePoint, StopToken stop) {
  if (stop.stop_requested()) co_return base::fail(Code::cancelled, Side::origin, "resolve " + name);
  if (auto literal = resolve_literal(name)) co_return std::move(*literal);
  const auto found = names_.find(name);
  if (found == names_.end() || found->second.empty()) {
    co_return base::fail(Code::not_found, Side::origin, fmt::format("{}: no such name", name), Retry::later);
  }
  co_return ResolvedName{interleave_families(found->second), ttl_, false};
}

}  // namespace fairlead::net
