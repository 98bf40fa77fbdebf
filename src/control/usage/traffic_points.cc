#include "control/usage/traffic_points.h"

#include <string>

#include "control/usage/series.h"

namespace fairlead::control {

using base::Result;
using model::Meter;

Result<std::vector<TrafficPoint>> traffic_points(store::Transaction& tx, std::string_view account_id,
                                                 std::int64_t from_s, std::int64_t to_s) {
  SeriesQuery query;
  query.from_s = from_s;
  query.to_s = to_s;
  query.meters = {Meter::bytes_out, Meter::wire_bytes_out};
  const auto series = read_series(tx, store::UsageDomains::of_account(std::string(account_id)), query);
  if (!series) return std::unexpected(series.error());
  std::vector<TrafficPoint> points;
  if (series->empty()) return points;
  points.reserve(series->front().points.size());
  for (const SeriesPoint& p : series->front().points) {
    points.push_back({.at_s = p.at_s,
                      .bytes_out = usage_of(p.values, Meter::bytes_out),
                      .wire_bytes_out = usage_of(p.values, Meter::wire_bytes_out)});
  }
  return points;
}

}  // namespace fairlead::control
