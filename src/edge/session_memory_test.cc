// What lies beside an idle session, held to its size (ADR 0015). Whoever makes one of these larger should know that an
// edge pays for it ten thousand times over; tests/scenarios/test_idle_memory.py holds the sum against the real binary.

#include <gtest/gtest.h>

#include "edge/session.h"
#include "net/socket_stream.h"

namespace fairlead::edge {
namespace {

static_assert(sizeof(net::TcpStream) <= 88, "two of them");
static_assert(sizeof(Relay) <= 168, "two of them, within the session");
static_assert(sizeof(Session) <= 648, "with its relays");
static_assert(sizeof(SessionRecord) == sizeof(void*));
static_assert(sizeof(net::Waiter) == sizeof(void*));

}  // namespace
}  // namespace fairlead::edge
