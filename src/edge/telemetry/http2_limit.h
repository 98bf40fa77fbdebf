#pragma once
// Http2Limit: by which of its limits the edge turned an HTTP/2 client away, as the metric fairlead_http2_limit_total
// and the process log name it. The bounds themselves are model::Http2Limits, or fixed where the comment says so; who
// counts is the HTTP/2 frontend, once each time a limit refuses a stream or ends a connection.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fairlead::edge {

// Names are part of the metrics: add, never rename.
enum class Http2Limit : std::uint8_t {
  concurrent_streams,     // a stream beyond SETTINGS_MAX_CONCURRENT_STREAMS: REFUSED_STREAM (RFC 9113 5.1.2)
  header_list,            // a head beyond limits.max_head_bytes or max_head_fields (RFC 9113 10.5.1)
  resets,                 // rapid reset, CVE-2023-44487
  settings,               // SETTINGS flood, CVE-2019-9515
  pings,                  // PING flood, CVE-2019-9512
  empty_frames,           // CVE-2019-9518
  priorities,             // "resource loop", CVE-2019-9513
  window_updates,         // "data dribble", CVE-2019-9511
  unknown_frames,         // frames of types that nobody has defined (RFC 9113 5.5 has them ignored, not welcomed)
  continuations_or_acks,  // the codec's own: a head in endless CONTINUATION frames, acknowledgements that pile up
                          // unread
  slow_client,            // takes no bytes, or does not finish what it began, until a clock of the connection runs out
};
inline constexpr std::size_t kHttp2Limits = 11;

std::string_view to_string(Http2Limit limit);

}  // namespace fairlead::edge
