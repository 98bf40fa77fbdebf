// fairlead-bench: load for WebSocket services, and an origin to answer it.

#include <fmt/format.h>

#include <cstdio>
#include <fstream>

#include "base/log.h"
#include "bench/load/options.h"
#include "bench/load/report.h"
#include "bench/load/run.h"

namespace {

int complain(const fairlead::base::Error& error) {
  fmt::print(stderr, "fairlead-bench: {}\n", error.context);
  return error.side == fairlead::base::Side::config ? 2 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace fairlead::bench;
  const CommandLine line = parse_command_line(argc, argv);
  if (!line.options) {
    std::fputs(line.text.c_str(), line.status == 0 ? stdout : stderr);
    return line.status;
  }
  fairlead::base::log_set_level(fairlead::base::LogLevel::error);
  const Options& options = *line.options;
  if (options.workload == Workload::origin) {
    const auto served = serve_origin(options);
    return served ? 0 : complain(served.error());
  }
  const auto result = run(options);
  if (!result) return complain(result.error());
  const std::string json = to_json(**result);
  if (options.json_file == "-") {
    std::fputs(json.c_str(), stdout);
  } else {
    std::fputs(to_table(**result).c_str(), stdout);
    if (!options.json_file.empty() && !(std::ofstream(options.json_file) << json)) {
      fmt::print(stderr, "fairlead-bench: {} cannot be written\n", options.json_file);
      return 1;
    }
  }
  return (*result)->good() ? 0 : 1;
}
