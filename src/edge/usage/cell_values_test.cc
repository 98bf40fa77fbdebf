// Every counter of a cell is in its usage, once, under its own number.
#include "edge/usage/cell_values.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace fairlead::edge {
namespace {

using model::Meter;
using protocol::FrameKind;

// Gives each counter a number of its own and keeps what is to come of it.
class Filler {
 public:
  explicit Filler(MeterCell& cell) : cell_(cell) { fill(); }

  const std::map<Meter, std::uint64_t>& wanted() const { return wanted_; }
  std::size_t counters() const { return counters_; }  // that were filled

 private:
  void fill() {
    WebSocketMeter& ws = cell_.websocket;
    one(ws.sessions_opened, Meter::sessions_opened);
    statuses(ws.handshakes, Meter::handshakes);
    for (unsigned i = 0; i < kCloseCauses; ++i) one(ws.sessions_closed[i], Meter::sessions_closed + i);
    one(ws.in.bytes, Meter::bytes_in);
    one(ws.out.bytes, Meter::bytes_out);
    one(ws.in.tally.text_messages, Meter::messages_text_in);
    one(ws.out.tally.text_messages, Meter::messages_text_out);
    one(ws.in.tally.binary_messages, Meter::messages_binary_in);
    one(ws.out.tally.binary_messages, Meter::messages_binary_out);
    one(ws.in.tally.of(FrameKind::text), Meter::frames_text_in);
    one(ws.out.tally.of(FrameKind::text), Meter::frames_text_out);
    one(ws.in.tally.of(FrameKind::binary), Meter::frames_binary_in);
    one(ws.out.tally.of(FrameKind::binary), Meter::frames_binary_out);
    one(ws.in.tally.of(FrameKind::continuation), Meter::frames_continuation_in);
    one(ws.out.tally.of(FrameKind::continuation), Meter::frames_continuation_out);
    one(ws.in.tally.of(FrameKind::ping), Meter::frames_ping_in);
    one(ws.out.tally.of(FrameKind::ping), Meter::frames_ping_out);
    one(ws.in.tally.of(FrameKind::pong), Meter::frames_pong_in);
    one(ws.out.tally.of(FrameKind::pong), Meter::frames_pong_out);
    one(ws.in.tally.of(FrameKind::close), Meter::frames_close_in);
    one(ws.out.tally.of(FrameKind::close), Meter::frames_close_out);
    one(ws.in.tally.of(FrameKind::other), Meter::frames_other_in);
    one(ws.out.tally.of(FrameKind::other), Meter::frames_other_out);
    one(ws.wire.in, Meter::wire_bytes_in);
    one(ws.wire.out, Meter::wire_bytes_out);
    durations(ws.handshake_seconds, Meter::handshake_seconds, Meter::handshake_nanoseconds);
    durations(ws.origin_seconds, Meter::origin_seconds, Meter::origin_nanoseconds);
    ws.sessions_open.add(++last_);  // a gauge: not of usage by itself
    ++counters_;

    statuses(cell_.http.requests, Meter::requests);
    one(cell_.http.bytes_in, Meter::http_bytes_in);
    one(cell_.http.bytes_out, Meter::http_bytes_out);
    one(cell_.http.wire.in, Meter::http_wire_bytes_in);
    one(cell_.http.wire.out, Meter::http_wire_bytes_out);
    cell_.http.requests_open.add(++last_);
    ++counters_;
    cell_.http.request_seconds.observe(base::seconds(1));  // of metrics alone
    counters_ += DurationHistogram::kBuckets + 1;

    one(cell_.tunnel.opened, Meter::tunnels_opened);
    one(cell_.tunnel.bytes_in, Meter::tunnel_bytes_in);
    one(cell_.tunnel.bytes_out, Meter::tunnel_bytes_out);
    one(cell_.tunnel.wire.in, Meter::tunnel_wire_bytes_in);
    one(cell_.tunnel.wire.out, Meter::tunnel_wire_bytes_out);
    cell_.tunnel.open.add(++last_);
    ++counters_;
  }
  void want(Meter meter, std::uint64_t n) { EXPECT_TRUE(wanted_.emplace(meter, n).second) << static_cast<int>(meter); }
  void one(Counter& counter, Meter meter) {
    counter.add(++last_);
    want(meter, last_);
    ++counters_;
  }
  // Every slot, and every class beside them.
  void statuses(StatusCounter& counter, Meter family) {
    for (unsigned i = 0; i < StatusCounter::kSlots; ++i) {
      counter.add(static_cast<int>(400 + i), ++last_);
      want(family + (400 + i), last_);
    }
    for (unsigned i = 0; i < 6; ++i) {
      counter.add(static_cast<int>(i == 0 ? 0 : i * 100 + 99), ++last_);
      want(family + i, last_);
    }
    counters_ += StatusCounter::kSlots + 6;
  }
  void durations(DurationHistogram& histogram, Meter family, Meter sum) {
    std::uint64_t nanoseconds = 0;
    for (unsigned i = 0; i < DurationHistogram::kBuckets; ++i) {
      const std::int64_t longest = i + 1 < DurationHistogram::kBuckets ? model::kUsageDurations[i] : 40'000'000'000;
      ++last_;
      for (std::uint64_t n = 0; n < last_; ++n) histogram.observe(std::chrono::nanoseconds(longest));
      nanoseconds += last_ * static_cast<std::uint64_t>(longest);
      want(family + i, last_);
    }
    want(sum, nanoseconds);
    counters_ += DurationHistogram::kBuckets + 1;
  }

  MeterCell& cell_;
  std::map<Meter, std::uint64_t> wanted_;
  std::uint64_t last_ = 0;
  std::size_t counters_ = 0;
};

TEST(CellValues, EveryCounterIsThereOnceUnderItsOwnNumber) {
  MeterCell cell({.domain_id = "id", .domain = "live.test", .place = {}});
  EXPECT_TRUE(values_of(cell).empty());
  const Filler filled(cell);
  // A counter that is new in a cell belongs here, too.
  EXPECT_EQ(sizeof(WebSocketMeter) + sizeof(HttpMeter) + sizeof(TunnelMeter),
            filled.counters() * sizeof(Counter) + 2 * StatusCounter::kSlots * sizeof(std::uint16_t));
  const model::UsageValues values = values_of(cell);
  EXPECT_TRUE(std::ranges::is_sorted(values, {}, &model::UsageValues::value_type::first));
  EXPECT_EQ((std::map<Meter, std::uint64_t>(values.begin(), values.end())), filled.wanted());
  EXPECT_EQ(values.size(), filled.wanted().size()) << "none twice";
  EXPECT_EQ(model::usage_of(values, Meter::session_milliseconds), 0u);
  // As a set they come back.
  model::UsageSet set;
  set.edge = "edge";
  set.epoch = set.sequence = 1;
  set.records.push_back(
      {.key = {.domain_id = "id", .domain = "live.test", .region = "r", .isp = "i"}, .values = values});
  const auto decoded = model::decode_usage(model::encode_usage(set));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, set);
}

TEST(CellValues, AKeyIsInWords) {
  Places places;
  MeterKey key{.domain_id = "id",
               .domain = "live.test",
               .place = {},
               .scheme = model::UsageScheme::wss,
               .protocol = model::UsageProtocol::tcp};
  model::UsageKey wanted{.domain_id = "id",
                         .domain = "live.test",
                         .region = "unknown",
                         .isp = "unknown",
                         .scheme = model::UsageScheme::wss,
                         .protocol = model::UsageProtocol::tcp};
  EXPECT_EQ(usage_key(key, places), wanted);
  key.place = {.region = places.region_number("CN"), .isp = places.isp_number("AS64500")};
  wanted.region = "CN";
  wanted.isp = "AS64500";
  EXPECT_EQ(usage_key(key, places), wanted);
}

}  // namespace
}  // namespace fairlead::edge
