#pragma once
// Memory for coroutine frames. An opening handshake makes and drops some twenty-five of them, of sizes for which the
// general allocator is slow as soon as a few dozen connections are opening at once (its lists per thread hold seven of a
// size, and none above 1,032 bytes). Each thread keeps what it gave up, up to kFrameMemoryKept, and hands it out again;
// what is more goes back, for the sessions that come to stay. Not under AddressSanitizer, which watches freed memory only
// while nobody uses it.

#include <cstddef>

namespace fairlead::net {

inline constexpr std::size_t kFrameMemoryKept = 64 * 1024;  // bytes a thread

// As operator new; throws std::bad_alloc. To be given back with the same size, on any thread.
void* take_frame(std::size_t size);
void give_frame(void* frame, std::size_t size) noexcept;

// What this thread keeps now, for tests.
std::size_t frame_memory_kept();

}  // namespace fairlead::net
