#include "edge/telemetry/http2_limit.h"

namespace fairlead::edge {

std::string_view to_string(Http2Limit limit) {
  switch (limit) {
    case Http2Limit::concurrent_streams: return "concurrent_streams";
    case Http2Limit::header_list: return "header_list";
    case Http2Limit::resets: return "resets";
    case Http2Limit::settings: return "settings";
    case Http2Limit::pings: return "pings";
    case Http2Limit::empty_frames: return "empty_frames";
    case Http2Limit::priorities: return "priorities";
    case Http2Limit::window_updates: return "window_updates";
    case Http2Limit::unknown_frames: return "unknown_frames";
    case Http2Limit::continuations_or_acks: return "continuations_or_acks";
    case Http2Limit::slow_client: return "slow_client";
  }
  return "unknown_frames";
}

}  // namespace fairlead::edge
