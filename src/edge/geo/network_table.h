#pragma once
// NetworkTable: the operator's own table of networks (R24), read from YAML:
//
//   networks:
//     - { cidr: 10.1.0.0/16, region: CN-GD, isp: office }
//     - { cidr: [ 192.0.2.0/24, "2001:db8::/32" ], isp: Example Telecom }
//
// Each field of an address is that of the longest network that states it; what no network states is for the files to
// say. Immutable; a look-up is a binary search over disjoint stretches of addresses. An IPv4 network is the same
// written as IPv6 (::ffff:10.0.0.0/104); a wider one of IPv6, such as ::/0, has no IPv4 in it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edge/geo/places.h"
#include "model/problem.h"
#include "net/address.h"

namespace fairlead::edge {

class NetworkTable {
 public:
  // Bounds of a table, beside those of every document (model/limits.h).
  static constexpr std::size_t kMaxEntries = 200'000;
  static constexpr std::size_t kMaxCidrsPerEntry = 10'000;

  struct Answer {
    std::optional<std::uint16_t> region, isp;  // numbers of Places; none: the table does not say
    bool operator==(const Answer&) const = default;
  };

  // `file`: the name in problems. All problems, sorted (model::sort_problems), or the table; warnings of a table that
  // is good go to `warnings`.
  static std::expected<NetworkTable, std::vector<model::Problem>> read(std::string_view text, const std::string& file,
                                                                       Places& places,
                                                                       std::vector<model::Problem>& warnings);

  Answer find(const net::SocketAddress& address) const;
  std::size_t networks() const { return networks_; }

 private:
  using Bytes = std::array<unsigned char, 16>;  // of an address, IPv4 as v4-mapped
  struct Open {
    Bytes begin{}, end{};
    Answer answer;
  };
  struct Stretches {
    std::vector<Bytes> begins;    // ascending; one ends where the next begins
    std::vector<Answer> answers;  // of each
    void build(const std::vector<Open>& sorted);
  };
  Stretches ipv4_, ipv6_;
  std::size_t networks_ = 0;
};

}  // namespace fairlead::edge
