#pragma once
// A run of fairlead-bench: workers are started, led through the phases of the workload and joined; meanwhile progress
// is shown, the watched processes are looked at, and at the end a Result stands. serve_origin() is the other thing the
// program does.

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "bench/load/histogram.h"
#include "bench/load/options.h"
#include "bench/load/watch.h"

namespace fairlead::bench {

struct Memory {
  Cost watched{};
  std::uint64_t slab_kib = 0;
};

struct Result {
  Options options{};
  // Counts over all workers; see Tally.
  std::uint64_t opened = 0, failed = 0, broken = 0, wrong = 0, resumed = 0, exchanges = 0, bytes_out = 0, bytes_in = 0,
                unanswered = 0;
  Histogram latency, opening;
  double opening_seconds = 0, measured_seconds = 0;
  double opening_cpu_us = 0, watched_cpu_us = 0, own_cpu_us = 0;  // processor time while opening; while measuring
  Memory before{}, ramped{}, measured{}, closed{};
  std::string tls_version{}, cipher{}, subprotocol{}, interrupted{};
  std::map<std::string, std::uint64_t> errors{};

  bool good() const {
    return failed == 0 && broken == 0 && wrong == 0 && unanswered == 0 && interrupted.empty() && errors.empty();
  }
  // Of a message relayed in one direction, an exchange being two; of a handshake where nothing else is exchanged.
  double units() const;
};

// Errors: what must be right before a session can be opened (config), or resources.
base::Result<std::unique_ptr<Result>> run(const Options& options);

// Until SIGINT or SIGTERM. The first line on standard output: "listening on ADDRESS".
base::Result<void> serve_origin(const Options& options);

}  // namespace fairlead::bench
