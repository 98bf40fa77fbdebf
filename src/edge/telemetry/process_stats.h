#pragma once
// ProcessStats: what the kernel says of this process, for /metrics. Read at each scrape; a few system calls.

#include <cstdint>
#include <optional>

namespace fairlead::edge {

// A value that could not be read is absent, never made up.
struct ProcessStats {
  std::optional<std::uint64_t> resident_bytes;
  std::optional<std::uint64_t> threads;
  std::optional<double> cpu_seconds;      // user and system, since the start
  std::optional<std::uint64_t> open_fds;  // counted by listing /proc/self/fd, or one stat() where the kernel has it
  std::optional<std::uint64_t> max_fds;   // the soft limit; absent when unlimited
};

ProcessStats read_process_stats();

}  // namespace fairlead::edge
