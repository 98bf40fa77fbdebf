#pragma once
// The opening handshake of RFC 6455 4 as the edge sees it: it checks what the client asks, passes it on, and checks
// that what the origin answers is an acceptance of exactly that, before it lets the connection become a tunnel. Pure
// functions over heads; parse errors are values.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "protocol/http/message.h"

namespace fairlead::protocol {

// Whether the request is to be treated as an opening handshake (or refused as a broken one): Upgrade has the member
// "websocket" and Connection the member "upgrade" (RFC 6455 4.2.1). Any other Upgrade is ignored (RFC 9110 7.8). Over
// HTTP/2: an extended CONNECT whose :protocol is "websocket" (RFC 8441 5).
bool wants_upgrade(const RequestHead& head);

struct OpeningHandshake {
  std::string key;                        // Sec-WebSocket-Key as sent; empty over HTTP/2, which has none (RFC 8441 5)
  std::vector<std::string> subprotocols;  // in the client's order, no two alike
  std::string extensions;                 // Sec-WebSocket-Extensions, all fields joined with ", "; empty if none
};

// RFC 6455 4.2.1: GET over HTTP/1.1, Host, exactly one key that is base64 of 16 bytes, exactly one version, no body (a
// Content-Length of 0 is let pass). Errors are on the client: `unsupported` for a version other than 13, to be answered
// 426 with "Sec-WebSocket-Version: 13" (4.4); `malformed` for the rest, to be answered 400. Over HTTP/2 a key is
// ignored and a version may be left out, as some clients do.
base::Result<OpeningHandshake> parse_opening(const RequestHead& head);

// The value of Sec-WebSocket-Accept for a key: base64(SHA-1(key + GUID)), RFC 6455 4.2.2 5.4.
std::string accept_key(std::string_view key);

// Sec-WebSocket-Key from 16 random bytes.
std::string make_key(std::span<const std::uint8_t, 16> random);

// RFC 6455 4.1, the client's checks on the answer, for the key that was sent to the origin: status 101, Upgrade,
// Connection, Accept; at most one subprotocol, one of those offered; extensions only of names offered. Errors are
// `protocol` on the origin, Retry::elsewhere.
base::Result<void> check_answer(const ResponseHead& answer, std::string_view key, const OpeningHandshake& offered);

// Which reserved bits frames of this session may carry, from the extensions the origin accepted; the mask is in the
// place the bits have in a frame's first byte. 0 without extensions; 0x40 (RSV1, on the first frame of a message: RFC
// 7692 6) for permessage-deflate; 0x70 (any bit on any frame) for an extension whose rules the edge does not know, and
// for x-webkit-deflate-frame, which marks every frame on its own.
std::uint8_t allowed_rsv(const ResponseHead& answer);

}  // namespace fairlead::protocol
