#pragma once
// MeterCell: everything that one worker counts of one domain's clients of one region and ISP who came by one scheme and
// protocol. A session takes its cell when it opens and adds to it while bytes pass, so that nothing waits for its end;
// metrics, live figures and usage records are all sums of cells. Written by its worker alone (base/counter.h).
//
// `in` came from the client, `out` went to it, as in model/usage.h.

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/counter.h"
#include "edge/geo/places.h"
#include "edge/session_end.h"
#include "model/usage.h"
#include "net/socket_stream.h"
#include "protocol/websocket/frame_tally.h"

namespace fairlead::edge {

using base::Counter;

// Fixed buckets: 1 ms … 30 s, those of usage.
class DurationHistogram {
 public:
  static constexpr std::size_t kBuckets = std::size(model::kUsageDurations) + 1;
  static constexpr std::array<double, kBuckets - 1> kBounds = [] {  // in seconds
    std::array<double, kBuckets - 1> seconds{};
    for (std::size_t i = 0; i < seconds.size(); ++i) seconds[i] = static_cast<double>(model::kUsageDurations[i]) / 1e9;
    return seconds;
  }();
  void observe(base::Duration d);
  std::uint64_t bucket(std::size_t i) const { return buckets_[i].get(); }  // i == kBounds.size(): beyond the last
  std::uint64_t count() const;
  std::uint64_t sum_nanoseconds() const { return nanoseconds_.get(); }
  double sum_seconds() const { return static_cast<double>(nanoseconds_.get()) / 1e9; }
  void absorb(const DurationHistogram& other);

 private:
  std::array<Counter, kBuckets> buckets_;
  Counter nanoseconds_;
};

// HTTP statuses one by one: the first kSlots different ones that come. A further one, which only an origin that means
// ill or something strange sends, falls into its class.
class StatusCounter {
 public:
  static constexpr std::size_t kSlots = 20;
  void add(int status, std::uint64_t n = 1);
  std::uint64_t of(int status) const;                   // one that has a slot
  std::uint64_t of_class(std::size_t hundreds) const {  // 1..5: those without a slot; 0: what is no status
    return class_[hundreds].get();
  }
  // visit(status, count) of each slot in use.
  template <class F>
  void for_each(F visit) const {
    for (std::size_t i = 0; i < kSlots; ++i) {
      const int status = status_[i].load(std::memory_order_relaxed);
      if (status == 0) return;
      visit(status, count_[i].get());
    }
  }
  void absorb(const StatusCounter& other);

 private:
  std::array<std::atomic<std::uint16_t>, kSlots> status_{};
  std::array<Counter, kSlots> count_;
  std::array<Counter, 6> class_;
};

struct MeterKey {
  std::string domain_id;  // of the policy; empty: the domain stands in a file
  std::string domain;     // name
  PlaceId place;
  model::UsageScheme scheme = model::UsageScheme::ws;
  model::UsageProtocol protocol = model::UsageProtocol::h1;
};

struct WebSocketMeter {
  struct Direction {
    Counter bytes;  // of frames, as relayed
    protocol::FrameTally tally;
  };
  StatusCounter handshakes;  // opening handshakes by the status the client saw
  Counter sessions_opened, sessions_open;
  std::array<Counter, kCloseCauses> sessions_closed;
  Direction in, out;
  net::WireCount wire;                  // of the client's connection, from the opening handshake on
  DurationHistogram handshake_seconds;  // request head read to answer sent
  DurationHistogram origin_seconds;     // of that, until an origin had answered: connecting, TLS, its answer
};

// Ordinary HTTP, a meter apart.
struct HttpMeter {
  StatusCounter requests;
  Counter requests_open;
  Counter bytes_in, bytes_out;  // of bodies
  net::WireCount wire;
  DurationHistogram request_seconds;  // request head read to response head sent
};

// tcp-ssl.
struct TunnelMeter {
  Counter opened, open;
  Counter bytes_in, bytes_out;
  net::WireCount wire;
};

struct MeterCell {
  explicit MeterCell(MeterKey k) : key(std::move(k)) {}
  const MeterKey key;
  WebSocketMeter websocket;
  HttpMeter http;
  TunnelMeter tunnel;

  // Nobody will write to it any more: its worker has forgotten it.
  std::atomic<bool> abandoned{false};
  base::TimePoint last_used{};  // its worker's alone

  // Adds all that `other`, which nobody writes, has counted. Whoever calls it is the only writer of this one.
  void absorb(const MeterCell& other);
};

}  // namespace fairlead::edge
