#include "edge/usage/cell_values.h"

#include <algorithm>

namespace fairlead::edge {
namespace {

using model::Meter;
using model::UsageValues;
using protocol::FrameKind;

static_assert(kCloseCauses == std::size(model::kUsageCloseCauses));

class Reader {
 public:
  explicit Reader(UsageValues& out) : out_(out) {}

  void add(Meter meter, std::uint64_t n) {
    if (n != 0) out_.emplace_back(meter, n);
  }
  void add(Meter meter, const Counter& counter) { add(meter, counter.get()); }
  // A family: status codes one by one, what has no slot by its class.
  void add(Meter family, const StatusCounter& statuses) {
    for (unsigned i = 0; i < 6; ++i) add(family + i, statuses.of_class(i));
    statuses.for_each([&](int status, std::uint64_t n) { add(family + static_cast<unsigned>(status), n); });
  }
  void add(Meter family, Meter sum, const DurationHistogram& durations) {
    for (unsigned i = 0; i < DurationHistogram::kBuckets; ++i) add(family + i, durations.bucket(i));
    add(sum, durations.sum_nanoseconds());
  }
  void add(const WebSocketMeter::Direction& way, bool in) {
    // `out` follows `in` everywhere.
    const auto one = [&](Meter meter, const Counter& n) { add(meter + (in ? 0 : 1), n); };
    one(Meter::bytes_in, way.bytes);
    one(Meter::messages_text_in, way.tally.text_messages);
    one(Meter::messages_binary_in, way.tally.binary_messages);
    one(Meter::frames_text_in, way.tally.of(FrameKind::text));
    one(Meter::frames_binary_in, way.tally.of(FrameKind::binary));
    one(Meter::frames_continuation_in, way.tally.of(FrameKind::continuation));
    one(Meter::frames_ping_in, way.tally.of(FrameKind::ping));
    one(Meter::frames_pong_in, way.tally.of(FrameKind::pong));
    one(Meter::frames_close_in, way.tally.of(FrameKind::close));
    one(Meter::frames_other_in, way.tally.of(FrameKind::other));
  }

 private:
  UsageValues& out_;
};

}  // namespace

UsageValues values_of(const MeterCell& cell) {
  UsageValues values;
  values.reserve(64);
  Reader reader(values);
  const WebSocketMeter& ws = cell.websocket;
  reader.add(Meter::sessions_opened, ws.sessions_opened);
  reader.add(ws.in, true);
  reader.add(ws.out, false);
  reader.add(Meter::wire_bytes_in, ws.wire.in);
  reader.add(Meter::wire_bytes_out, ws.wire.out);
  for (unsigned i = 0; i < kCloseCauses; ++i) reader.add(Meter::sessions_closed + i, ws.sessions_closed[i]);
  reader.add(Meter::handshake_seconds, Meter::handshake_nanoseconds, ws.handshake_seconds);
  reader.add(Meter::origin_seconds, Meter::origin_nanoseconds, ws.origin_seconds);
  reader.add(Meter::handshakes, ws.handshakes);

  reader.add(Meter::http_bytes_in, cell.http.bytes_in);
  reader.add(Meter::http_bytes_out, cell.http.bytes_out);
  reader.add(Meter::http_wire_bytes_in, cell.http.wire.in);
  reader.add(Meter::http_wire_bytes_out, cell.http.wire.out);
  reader.add(Meter::requests, cell.http.requests);

  reader.add(Meter::tunnels_opened, cell.tunnel.opened);
  reader.add(Meter::tunnel_bytes_in, cell.tunnel.bytes_in);
  reader.add(Meter::tunnel_bytes_out, cell.tunnel.bytes_out);
  reader.add(Meter::tunnel_wire_bytes_in, cell.tunnel.wire.in);
  reader.add(Meter::tunnel_wire_bytes_out, cell.tunnel.wire.out);
  std::ranges::sort(values, {}, &UsageValues::value_type::first);
  return values;
}

model::UsageKey usage_key(const MeterKey& key, const Places& places) {
  model::UsageKey out;
  out.domain_id = key.domain_id;
  out.domain = key.domain;
  out.region = places.region(key.place);
  out.isp = places.isp(key.place);
  out.scheme = key.scheme;
  out.protocol = key.protocol;
  return out;
}

}  // namespace fairlead::edge
