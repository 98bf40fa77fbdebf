#include "bench/load/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace fairlead::bench {

std::string human_time(double ns) {
  if (ns < 1e3) return fmt::format("{:.0f} ns", ns);
  if (ns < 1e6) return fmt::format("{:.3g} us", ns / 1e3);
  if (ns < 1e9) return fmt::format("{:.3g} ms", ns / 1e6);
  return fmt::format("{:.3g} s", ns / 1e9);
}

Progress::Progress(const Options& options)
    : options_(options),
      shown_(!options.quiet),
      terminal_(::isatty(STDERR_FILENO) == 1),
      last_(base::monotonic_now()),
      begun_(last_) {}

void Progress::show(const char* doing, const Counts& c) {
  if (!shown_) return;
  const auto now = base::monotonic_now();
  const double since = std::chrono::duration<double>(now - last_).count();
  if (since < (terminal_ ? 0.25 : written_ ? 5 : 1)) return;
  const double rate = static_cast<double>(c.exchanges - before_.exchanges) / since;
  const double age = std::chrono::duration<double>(now - begun_).count();
  std::string line = fmt::format("{:5.1f}s {:<10} {} open of {}", age, doing, c.open, options_.sessions);
  if (c.exchanges != 0)
    line +=
        fmt::format("  {:.0f} {}/s  p99 {}", rate, options_.workload == Workload::connect ? "handshakes" : "answers",
                    human_time(static_cast<double>(c.p99_ns)));
  if (c.failed != 0) line += fmt::format("  {} FAILED", c.failed);
  fmt::print(stderr, "{}{}{}", terminal_ ? "\r\x1b[K" : "", line, terminal_ ? "" : "\n");
  std::fflush(stderr);
  written_ = true;
  last_ = now;
  before_ = c;
}

void Progress::end() {
  if (written_ && terminal_) fmt::print(stderr, "\r\x1b[K");
}

}  // namespace fairlead::bench
