#include "net/frame_memory.h"

#include <array>
#include <new>
#include <utility>

namespace fairlead::net {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kKeeps = false;
#else
constexpr bool kKeeps = true;
#endif

constexpr std::size_t kStep = 64, kLargest = 2048;

struct Kept {
  Kept* next;
};

// The lists of one thread, by size in steps. Frames may come back while the thread ends and its list is gone already:
// then there is no room.
struct Lists {
  std::array<Kept*, kLargest / kStep + 1> heads{};
  std::size_t room = kFrameMemoryKept;

  ~Lists() {
    room = 0;
    for (Kept*& head : heads) {
      while (head) ::operator delete(std::exchange(head, head->next));
    }
  }
};
thread_local Lists lists;

constexpr std::size_t rounded(std::size_t size) { return (size + kStep - 1) / kStep * kStep; }

}  // namespace

void* take_frame(std::size_t size) {
  if (!kKeeps || size > kLargest) return ::operator new(size);
  const std::size_t bytes = rounded(size);
  Kept*& head = lists.heads[bytes / kStep];
  if (!head) return ::operator new(bytes);
  lists.room += bytes;
  return std::exchange(head, head->next);
}

void give_frame(void* frame, std::size_t size) noexcept {
  const std::size_t bytes = rounded(size);
  if (!kKeeps || size > kLargest || lists.room < bytes) return ::operator delete(frame);
  lists.room -= bytes;
  Kept*& head = lists.heads[bytes / kStep];
  head = new (frame) Kept{head};
}

std::size_t frame_memory_kept() { return kKeeps ? kFrameMemoryKept - lists.room : 0; }

}  // namespace fairlead::net
