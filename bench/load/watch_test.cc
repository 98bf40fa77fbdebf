#include "bench/load/watch.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>

namespace fairlead::bench {
namespace {

std::int64_t cpu_now_us() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * 1'000'000 + t.tv_nsec / 1000;
}

void burn(std::int64_t us) {
  for (const std::int64_t until = cpu_now_us() + us; cpu_now_us() < until;) {
  }
}

TEST(CpuMeter, measures_what_was_used) {
  CpuMeter meter({::getpid()});
  meter.find();
  meter.begin();
  const std::int64_t from = cpu_now_us();
  burn(50'000);
  meter.end();
  const double measured = meter.microseconds();
  const auto used = static_cast<double>(cpu_now_us() - from);
  // The scheduler brings its count up to date at each tick.
  EXPECT_NEAR(measured, used, 25'000);
}

TEST(Watch, finds_children_and_says_when_nobody_is_left) {
  int pipes[2];
  ASSERT_EQ(::pipe(pipes), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const pid_t grandchild = ::fork();
    if (grandchild == 0) ::pause();
    if (::write(pipes[1], &grandchild, sizeof grandchild) != sizeof grandchild) ::_exit(1);
    ::pause();
  }
  pid_t grandchild = 0;
  ASSERT_EQ(::read(pipes[0], &grandchild, sizeof grandchild), static_cast<ssize_t>(sizeof grandchild));
  const Watch watch({child});
  const Cost cost = watch.look();
  EXPECT_EQ(cost.processes, 2);
  EXPECT_GT(cost.rss_kib, 0u);
  ::kill(grandchild, SIGKILL);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(watch.look().processes, 0);
  for (const int fd : pipes) ::close(fd);
}

TEST(Watch, knows_the_kernels_slab) { EXPECT_GT(kernel_slab_kib(), 0u); }

}  // namespace
}  // namespace fairlead::bench
