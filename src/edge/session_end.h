#pragma once
// SessionEnd: the one account of how a session ended, from which the access log, the metrics and (later) the usage
// records all follow. Exactly one is reported per session.

#include <array>
#include <cstdint>
#include <string_view>

namespace fairlead::edge {

enum class CloseBy : std::uint8_t { client, origin, edge, operator_ };

// Why. The names are what the log and the metrics show; `clock` causes name the setting whose date came.
enum class CloseCause : std::uint8_t {
  closing_handshake,   // a Close frame passed through, whoever sent the first
  connection_lost,     // end of stream or reset without a Close
  connection_timeout,  // R3
  pong_timeout,        // R4
  max_session_age,     // R8
  protocol_error,      // RFC 6455 framing, Close 1002
  message_too_big,     // Close 1009
  disabled,            // R1: the switch was turned off, or the domain removed
  drain,               // the edge is going away
  ended_by_operator,   // one session ended by hand
  send_timeout,        // the peer took no bytes although asked to close
  internal_error,
};
inline constexpr std::size_t kCloseCauses = 12;

std::string_view to_string(CloseBy by);
std::string_view to_string(CloseCause cause);

struct DirectionCount {
  std::uint64_t bytes = 0;
  std::uint64_t frames = 0;
  std::uint64_t messages = 0;
};

struct SessionEnd {
  CloseBy by = CloseBy::edge;
  CloseCause cause = CloseCause::internal_error;
  std::uint16_t code = 0;    // the Close code that passed or was sent; 1006 if none
  DirectionCount to_origin;  // what the client sent
  DirectionCount to_client;  // what the origin sent
};

}  // namespace fairlead::edge
