#pragma once
// Close codes of the WebSocket protocol: RFC 6455 7.4 and the registry it founded.

#include <cstdint>
#include <string_view>

namespace fairlead::protocol {

enum class CloseCode : std::uint16_t {
  none = 0,  // not a code on the wire: no close frame was seen or is meant
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  no_status = 1005,  // never on the wire: a Close without a payload
  abnormal = 1006,   // never on the wire: the connection ended without a Close
  invalid_payload = 1007,
  policy_violation = 1008,
  message_too_big = 1009,
  mandatory_extension = 1010,
  internal_error = 1011,
  service_restart = 1012,
  try_again_later = 1013,
  bad_gateway = 1014,
  tls_handshake = 1015,  // never on the wire
};

// Whether a Close frame may carry the code: 1000-1003, 1007-1014 and 3000-4999. 0-999 are not used, 1004 is reserved,
// 1005, 1006 and 1015 are for local use, 1016-2999 belong to later versions of the protocol, 5000 up to nobody.
constexpr bool may_be_sent(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}
constexpr bool may_be_sent(CloseCode code) { return may_be_sent(static_cast<std::uint16_t>(code)); }

// "going away"; for 3000-3999 "registered", for 4000-4999 "private", else "unknown". For logs; the number is the name.
std::string_view to_string(CloseCode code);

}  // namespace fairlead::protocol
