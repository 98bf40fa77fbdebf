#pragma once
// FloodGuard: judges what one HTTP/2 client makes the edge do for nothing. Rapid reset (CVE-2023-44487), floods of
// SETTINGS, PING, PRIORITY, empty and unknown frames, WINDOW_UPDATE frames out of proportion: each kind has a token
// bucket that holds ten seconds' worth of its rate (model::Http2Limits), so that a browser that leaves a page with a
// hundred requests under way is no attacker. Owned by a connection; allocates nothing.

#include <array>
#include <optional>

#include "base/clock.h"
#include "edge/telemetry/http2_limit.h"
#include "model/edge_config.h"
#include "protocol/http2/server_codec.h"

namespace fairlead::edge {

class FloodGuard {
 public:
  FloodGuard(const model::Http2Limits& limits, base::TimePoint now);

  // To be asked after each read, with the codec's counts. The limit that was passed, if any: the connection is to end.
  std::optional<Http2Limit> judge(const protocol::Http2Activity& seen, base::TimePoint now);

 private:
  static constexpr double kSeconds = 10;
  struct Bucket {
    Http2Limit limit;
    double rate;  // per second
    double left;
    std::uint64_t seen = 0;
  };
  std::array<Bucket, 7> buckets_;
  base::TimePoint last_;
  std::uint64_t data_sent_ = 0;
  double window_credit_ = 0;
};

}  // namespace fairlead::edge
