#include "net/frame_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

namespace fairlead::net {
namespace {

// On a thread of its own, whose lists are empty.
template <class F>
void alone(F f) {
  std::thread(f).join();
}

TEST(FrameMemory, HandsOutAgainWhatWasGivenBack) {
  alone([] {
    void* const first = take_frame(300);
    std::memset(first, 0xaa, 300);
    give_frame(first, 300);
    if (frame_memory_kept() == 0) return;  // under AddressSanitizer
    EXPECT_EQ(frame_memory_kept(), 320u);
    void* const again = take_frame(320);  // of the same step
    EXPECT_EQ(again, first);
    EXPECT_EQ(frame_memory_kept(), 0u);
    void* const other = take_frame(321);
    EXPECT_NE(other, again);
    give_frame(again, 320);
    give_frame(other, 321);
    EXPECT_EQ(frame_memory_kept(), 320u + 384u);
  });
}

TEST(FrameMemory, KeepsNoMoreThanItMay) {
  alone([] {
    std::vector<void*> frames;
    for (int i = 0; i < 1000; ++i) frames.push_back(take_frame(1000));
    for (void* frame : frames) give_frame(frame, 1000);
    EXPECT_LE(frame_memory_kept(), kFrameMemoryKept);
    void* const large = take_frame(100'000);
    std::memset(large, 1, 100'000);
    const std::size_t kept = frame_memory_kept();
    give_frame(large, 100'000);
    EXPECT_EQ(frame_memory_kept(), kept);
  });
}

TEST(FrameMemory, TakesWhatAnotherThreadMade) {
  void* made = nullptr;
  alone([&] { made = take_frame(128); });
  alone([&] {
    give_frame(made, 128);
    void* const again = take_frame(128);
    std::memset(again, 2, 128);
    give_frame(again, 128);
  });
}

}  // namespace
}  // namespace fairlead::net
