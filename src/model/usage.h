#pragma once
// Usage: what was counted at the edges, as it travels from an edge's counters over its journal and the bus to the
// statistics and the bills (R18-R24). Values and their one binary form; pure. All of it is additive: usage of several
// edges, keys or times is the sum, meter by meter, and that is all anybody may do with it.
//
// Directions are the edge's: `in` came from the client, `out` went to it.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace fairlead::model {

// How long an interval of statistics is at its finest, in seconds (R19, R21). Intervals begin at multiples of it since
// 1970 UTC; every time zone's midnight since 1972 is one of those multiples.
inline constexpr std::int64_t kUsageInterval = 300;

// What is counted. The numbers stand in journals and databases: they never change their meaning.
enum class Meter : std::uint16_t {
  // WebSocket (R19: a meter apart from ordinary traffic).
  sessions_opened = 1,
  session_milliseconds = 2,  // open sessions x time: divided by a length of time it is how many were open on average
  // Frames that the edge relayed, as they came: header, masking key and payload, once the other side has taken them.
  // What the edge says itself (Ping, Close), the answers to that, and what comes behind a Close are in the wire bytes
  // alone.
  bytes_in = 3,
  bytes_out = 4,
  // What the client's connection carried for it, above TCP: opening handshake and TLS handshake, TLS records, HTTP/2
  // frames, the edge's own frames.
  wire_bytes_in = 5,
  wire_bytes_out = 6,
  messages_text_in = 7,  // data messages by their first frame's opcode (RFC 6455 5.6)
  messages_text_out = 8,
  messages_binary_in = 9,
  messages_binary_out = 10,
  frames_text_in = 11,  // frames by opcode; frames_continuation: those of opcode 0
  frames_text_out = 12,
  frames_binary_in = 13,
  frames_binary_out = 14,
  frames_continuation_in = 15,
  frames_continuation_out = 16,
  frames_ping_in = 17,
  frames_ping_out = 18,
  frames_pong_in = 19,
  frames_pong_out = 20,
  frames_close_in = 21,
  frames_close_out = 22,
  frames_other_in = 23,  // reserved opcodes, which pass where a domain's `validate` is off
  frames_other_out = 24,

  // Ordinary HTTP. Bytes are those of bodies; wire bytes as above, heads included.
  http_bytes_in = 40,
  http_bytes_out = 41,
  http_wire_bytes_in = 42,
  http_wire_bytes_out = 43,

  // tcp-ssl tunnels.
  tunnels_opened = 60,
  tunnel_bytes_in = 61,
  tunnel_bytes_out = 62,
  tunnel_wire_bytes_in = 63,
  tunnel_wire_bytes_out = 64,

  // Families: the first of a run of numbers.
  sessions_closed = 100,    // + the close cause's place in kUsageCloseCauses
  handshake_seconds = 200,  // + bucket: request head read to answer sent; see kUsageDurations
  handshake_nanoseconds = 219,
  origin_seconds = 220,  // + bucket: of that, the time the origin took: connect, TLS, its answer
  origin_nanoseconds = 239,
  // + HTTP status the client saw, 100 to 599; + 0: none, it left before; + 1 to 5: another status of that class, where
  // there were too many different ones to keep apart.
  handshakes = 1000,
  requests = 2000,  // of ordinary HTTP, likewise
};

constexpr Meter operator+(Meter family, unsigned place) {
  return static_cast<Meter>(static_cast<unsigned>(family) + place);
}

// In the order of Meter::sessions_closed; the words of the access log's close_cause. New ones come last.
inline constexpr std::string_view kUsageCloseCauses[] = {"closing_handshake", "connection_lost", "connection_timeout",
                                                         "pong_timeout",      "max_session_age", "protocol_error",
                                                         "message_too_big",   "disabled",        "drain",
                                                         "ended_by_operator", "send_timeout",    "internal_error"};

// Upper bounds of the buckets of durations, in nanoseconds; one more bucket holds what is longer.
inline constexpr std::int64_t kUsageDurations[] = {1'000'000,   2'500'000,     5'000'000,     10'000'000,
                                                   25'000'000,  50'000'000,    100'000'000,   250'000'000,
                                                   500'000'000, 1'000'000'000, 5'000'000'000, 30'000'000'000};

enum class UsageScheme : std::uint8_t { ws, wss };  // without or with TLS towards the client
enum class UsageProtocol : std::uint8_t { h1, h2, tcp };
std::string_view to_string(UsageScheme scheme);
std::string_view to_string(UsageProtocol protocol);

// The name of the bucket for what is not known (R24).
inline constexpr std::string_view kUnknownPlace = "unknown";

// Whom and what a count is about.
struct UsageKey {
  std::string domain_id;  // the control plane's id of the domain, DomainPolicy::id; empty on an edge without one
  std::string domain;     // its name
  std::string region;     // R24; kUnknownPlace when not known, never empty
  std::string isp;
  UsageScheme scheme = UsageScheme::ws;
  UsageProtocol protocol = UsageProtocol::h1;
  auto operator<=>(const UsageKey&) const = default;
};

// Counts by meter: ascending, each meter once, no zeroes.
using UsageValues = std::vector<std::pair<Meter, std::uint64_t>>;
// Adds `more` to `sum`, meter by meter.
void add_usage(UsageValues& sum, const UsageValues& more);
std::uint64_t usage_of(const UsageValues& values, Meter meter);  // 0 when there is none

struct UsageRecord {
  UsageKey key;
  UsageValues values;  // not empty
  bool operator==(const UsageRecord&) const = default;
};

// What one edge counted in one stretch of time, a little more or less than ten seconds, all of it in one five-minute
// interval. (edge, epoch, sequence) names it for ever: whoever gets it twice has nothing new.
struct UsageSet {
  std::string edge;             // the edge's id
  std::uint64_t epoch = 0;      // another for each start of the edge's process, and higher
  std::uint64_t sequence = 0;   // 1, 2, ... in its epoch, without gaps
  std::int64_t interval_s = 0;  // the interval it belongs to: its beginning, seconds since 1970 UTC
  std::int64_t from_ms = 0;     // when counting began and ended, by the edge's clock
  std::int64_t to_ms = 0;
  std::vector<UsageRecord> records;  // by key, ascending, each key once
  bool operator==(const UsageSet&) const = default;
};

// The one form of a set: equal sets have equal bytes. Texts are cut to kMaxUsageText.
inline constexpr std::size_t kMaxUsageText = 255;
std::string encode_usage(const UsageSet& set);
// Errors (side none): malformed, with where; unsupported, when a newer program wrote it. Never more memory than a small
// multiple of the input. What decode accepts, encode gives back byte for byte.
base::Result<UsageSet> decode_usage(std::string_view bytes);

}  // namespace fairlead::model
