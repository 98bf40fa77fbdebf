#pragma once
// What processes cost, as /proc has it: CPU time and resident memory of a process with all its threads and children,
// and the kernel's own memory of the machine. Read at the beginning and the end of what is measured.

#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace fairlead::bench {

struct Cost {
  double cpu_us = 0;          // user and system time since the processes began
  std::uint64_t rss_kib = 0;  // what processes share counts for each of them
  std::uint64_t pss_kib = 0;  // ... counts once, in parts; 0 where that may not be read
  int processes = 0;          // 0: none of them lives
};

// Watches processes by their ids; a child that they fork is found when next looked.
class Watch {
 public:
  explicit Watch(std::vector<int> pids) : pids_(std::move(pids)) {}
  bool any() const { return !pids_.empty(); }
  Cost look() const;

 private:
  std::vector<int> pids_;
};

// CPU microseconds between two looks: by the scheduler's own count (nanoseconds) when no thread came or went, else by
// the process accounting, whose tick is 10 ms.
class CpuMeter {
 public:
  explicit CpuMeter(std::vector<int> pids) : pids_(std::move(pids)) {}
  // Looks who is to be measured, which takes milliseconds; begin() and end() take microseconds.
  void find();
  void begin() { from_ = sample(found_); }
  void end() { to_ = sample(found_); }
  // Between begin() and end().
  double microseconds() const;

 private:
  struct Sample {
    std::map<int, std::uint64_t> threads;  // by thread: nanoseconds on a processor
    double ticks_us = 0;
  };
  static Sample sample(const std::set<int>& processes);
  std::vector<int> pids_;
  std::set<int> found_;
  Sample from_, to_;
};

// Slab of /proc/meminfo in KiB: sockets and what hangs on them, of the whole machine.
std::uint64_t kernel_slab_kib();

}  // namespace fairlead::bench
