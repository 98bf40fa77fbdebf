#pragma once
// Progress: what a run does at the moment, on standard error: one line that is rewritten on a terminal, a plain line
// after a second and then every five elsewhere, nothing when asked to be quiet. Used by the leading thread alone.

#include <cstdint>

#include "base/clock.h"
#include "bench/load/options.h"

namespace fairlead::bench {

class Progress {
 public:
  struct Counts {
    std::uint64_t open = 0, opened = 0, failed = 0, exchanges = 0, p99_ns = 0;
  };
  explicit Progress(const Options& options);
  bool live() const { return shown_; }
  void show(const char* doing, const Counts& counts);
  void end();

 private:
  const Options& options_;
  bool shown_, terminal_;
  bool written_ = false;
  base::TimePoint last_, begun_;
  Counts before_;
};

// "1.25 ms"
std::string human_time(double nanoseconds);

}  // namespace fairlead::bench
