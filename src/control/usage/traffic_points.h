#pragma once
// TrafficPoint: what one five-minute interval adds to a bill (R19): the WebSocket bytes from edge to client of all
// domains that an account has or had. Statistics make it, billing reads it; inside the caller's transaction.

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/transaction.h"

namespace fairlead::control {

struct TrafficPoint {
  std::int64_t at_s = 0;             // the interval's beginning, seconds since 1970 UTC, a multiple of 300
  std::uint64_t bytes_out = 0;       // Meter::bytes_out
  std::uint64_t wire_bytes_out = 0;  // Meter::wire_bytes_out
  bool operator==(const TrafficPoint&) const = default;
};

// Those of [from_s, to_s), both multiples of 300, ascending; intervals in which nothing passed are left out. Errors: of
// the store; too_large (never) when five-minute points of that time are no longer kept (R22).
base::Result<std::vector<TrafficPoint>> traffic_points(store::Transaction& tx, std::string_view account_id,
                                                       std::int64_t from_s, std::int64_t to_s);

}  // namespace fairlead::control
