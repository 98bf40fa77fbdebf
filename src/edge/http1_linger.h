#pragma once
// Lingering close (RFC 9112 9.6): after a last answer the edge ends its sending side and reads on for a moment, because
// closing a socket with unread bytes resets it, and the reset may destroy the answer before the client has read it.

#include "net/byte_stream.h"
#include "net/task.h"

namespace fairlead::edge {

inline constexpr base::Duration kLingerTime = base::seconds(2);
inline constexpr std::size_t kLingerBytes = 1u << 20;

net::Task<void> linger(net::ByteStream& stream);

}  // namespace fairlead::edge
