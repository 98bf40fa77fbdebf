#pragma once
// AccessLog: one JSON line per session, request or tunnel (fields: DESIGN, "Access log"). A worker formats its line and
// hands it over; one writer thread writes, so that a slow disk or pipe never stops a worker. The queue is bounded
// (kMaxQueued bytes); what does not fit is dropped and counted, never waited for.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/error.h"
#include "edge/session_end.h"

namespace fairlead::edge {

struct AccessRecord {
  std::int64_t opened_ms = 0;  // UTC, milliseconds since 1970
  std::int64_t duration_ms = 0;
  std::string domain;          // empty: none matched
  std::string client;
  std::uint16_t client_port = 0;
  std::string_view protocol = "h1";  // h1 | h2 | tcp
  std::string tls;                   // "TLSv1.3", empty on plain
  std::string method, target;
  int status = 0;              // what the client was told; 0: nothing (tunnels, aborted)
  std::string origin;          // "10.0.0.1:80", empty: none was reached
  int origin_status = 0;       // 0: none
  std::uint64_t bytes_in = 0, bytes_out = 0;  // from / to the client: frames of a session, body of a request
  // Sessions only:
  bool session = false;
  std::uint64_t frames_in = 0, frames_out = 0, messages_in = 0, messages_out = 0;
  std::string_view close_by, close_cause;  // also for a request that failed: who and why (the error code)
  std::uint16_t close_code = 0;
  std::string session_id;      // of a session, for people and for the API
  std::string error;           // the fairlead-error code of an answer the edge made itself
};

// The line, with a newline at its end.
void append_json(std::string& out, const AccessRecord& record);

class AccessLog {
 public:
  static constexpr std::size_t kMaxQueued = 64u << 20;

  AccessLog();
  ~AccessLog();  // writes what is queued
  // "stdout", "stderr", "off" or a path (appended to). Errors: config side, with the path.
  base::Result<void> open(const std::string& where);
  // After log rotation: opens the path again.
  base::Result<void> reopen();
  void write(const AccessRecord& record);
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  void writer();
  std::string where_ = "off";
  int fd_ = -1;
  bool enabled_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string queue_;
  bool stop_ = false;
  std::atomic<std::uint64_t> dropped_{0};
  std::thread thread_;
};

}  // namespace fairlead::edge
