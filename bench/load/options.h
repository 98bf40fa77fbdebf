#pragma once
// Options: what one run of fairlead-bench is to do, as a value, and how it is read from the command line. Pure but for
// files that an option names. What is wrong is said in a sentence and ends with exit status 2.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace fairlead::bench {

enum class Workload : std::uint8_t { echo, send, receive, hold, connect, origin };
enum class Check : std::uint8_t { none, size, content };
enum class CloseWay : std::uint8_t { websocket, tcp };

std::string_view to_string(Workload w);

using Nanoseconds = std::chrono::nanoseconds;

struct Options {
  Workload workload = Workload::echo;

  std::string url{};
  std::string connect_to{};            // HOST:PORT to connect to instead of the URL's
  std::vector<std::string> headers{};  // "Name: value"
  std::string subprotocol{};
  std::string ca_file{};
  bool insecure = false;
  bool resume = false;  // TLS sessions are resumed

  bool http2 = false;
  std::uint32_t sessions_per_connection = 100;  // over HTTP/2

  std::uint32_t sessions = 100;
  std::uint32_t in_flight = 1;
  std::uint64_t size = 64;
  double rate = 0;  // messages a second over all sessions; 0: closed loop
  bool text = false;
  Check check = Check::size;
  Nanoseconds duration = std::chrono::seconds(10);
  Nanoseconds warmup = std::chrono::seconds(1);
  Nanoseconds timeout = std::chrono::seconds(30);  // of an opening, and of what is still to come at the end
  Nanoseconds settle{0};                           // after all is closed, before memory is looked at
  double ramp = 0;                                 // sessions opened a second; 0: as fast as `opening` at a time allow
  std::uint32_t opening = 64;
  CloseWay close = CloseWay::websocket;

  std::uint32_t threads = 1;
  std::string own_origin{};  // address of an origin in this process, on the loops of the clients
  std::string listen{};      // of workload origin
  std::vector<int> watch{};  // processes whose CPU time and memory are reported
  std::string json_file{};
  bool quiet = false;
};

struct CommandLine {
  std::optional<Options> options{};  // none: `text` is to be printed and the process to end with `status`
  int status = 0;
  std::string text{};
};
CommandLine parse_command_line(int argc, const char* const* argv);

// "64", "1KiB", "16MiB"; "500ms", "3s", "2m". Errors: malformed.
base::Result<std::uint64_t> parse_size(std::string_view text);
base::Result<Nanoseconds> parse_duration(std::string_view text);

// Where sessions go.
struct Target {
  bool tls = false;
  std::string host{};  // without brackets
  std::uint16_t port = 0;
  std::string authority{};  // as the Host field has it
  std::string path{};       // and query
};
// "wss://example.com/chat?room=1". Errors: malformed, with what would be right.
base::Result<Target> parse_url(std::string_view url);

}  // namespace fairlead::bench
