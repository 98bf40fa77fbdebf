#include "edge/http2/flood_guard.h"

#include <algorithm>

namespace fairlead::edge {

FloodGuard::FloodGuard(const model::Http2Limits& l, base::TimePoint now)
    : buckets_{{{Http2Limit::resets, static_cast<double>(l.resets_per_second), 0},
                {Http2Limit::settings, static_cast<double>(l.settings_per_second), 0},
                {Http2Limit::pings, static_cast<double>(l.pings_per_second), 0},
                {Http2Limit::empty_frames, static_cast<double>(l.empty_frames_per_second), 0},
                {Http2Limit::priorities, static_cast<double>(l.priorities_per_second), 0},
                {Http2Limit::window_updates, static_cast<double>(l.window_updates_per_second), 0},
                {Http2Limit::unknown_frames, static_cast<double>(l.unknown_frames_per_second), 0}}},
      last_(now) {
  for (Bucket& b : buckets_) b.left = b.rate * kSeconds;
}

std::optional<Http2Limit> FloodGuard::judge(const protocol::Http2Activity& seen, base::TimePoint now) {
  // Clients give windows back as they read: usually one frame for the stream and one for the connection, for each DATA
  // frame or for several. What they were sent therefore pays for what they send.
  window_credit_ += 4.0 * static_cast<double>(seen.data_frames_sent - std::exchange(data_sent_, seen.data_frames_sent));
  const std::array<std::uint64_t, 7> counts{seen.resets,     seen.settings,       seen.pings,         seen.empty_frames,
                                            seen.priorities, seen.window_updates, seen.unknown_frames};
  const double passed = std::chrono::duration<double>(now - last_).count();
  last_ = now;
  std::optional<Http2Limit> over;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    Bucket& b = buckets_[i];
    b.left = std::min(b.rate * kSeconds, b.left + passed * b.rate);
    double used = static_cast<double>(counts[i] - std::exchange(b.seen, counts[i]));
    if (b.limit == Http2Limit::window_updates) {
      const double paid = std::min(used, window_credit_);
      window_credit_ -= paid;
      used -= paid;
    }
    b.left -= used;
    if (b.left < 0 && !over) over = b.limit;
  }
  return over;
}

}  // namespace fairlead::edge
