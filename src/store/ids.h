#pragma once
// Names for rows: 128 bits as 32 lower-case hex digits, 48 bits of milliseconds since 1970 UTC before 80 random bits of
// the operating system's generator. Sorted as text they are in order of time (to the millisecond), so rows made one
// after the other lie side by side in an index; and nobody can guess another's. Any thread may make one, and two
// control planes will not make the same one. An id is a name, never a secret: tokens and session keys are made
// elsewhere.

#include <cstdint>
#include <string>

namespace fairlead::store {

inline constexpr std::size_t kIdLength = 32;

// `now_ms`: milliseconds since 1970 UTC. Throws std::system_error when the system has no random bytes (inside a
// transaction that becomes Error{internal}).
std::string new_id(std::int64_t now_ms);

}  // namespace fairlead::store
