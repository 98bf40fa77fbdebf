#pragma once
// AccessLog: one JSON line per session, request or tunnel (fields: docs/access-log.md). A worker formats its line and
// hands it over; one writer thread writes, so that a slow disk or pipe never stops a worker. The queue is bounded
// (kMaxQueued bytes); what does not fit, or cannot be written, is dropped and counted, never waited for.

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "edge/session_end.h"

namespace fairlead::edge {

struct AccessRecord {
  std::int64_t opened_ms = 0;  // UTC, milliseconds since 1970
  std::int64_t duration_ms = 0;
  std::string domain;                                    // empty: none matched
  std::string_view region = "unknown", isp = "unknown";  // R24; texts that live as long as the process
  std::string client;
  std::uint16_t client_port = 0;
  std::string_view protocol = "h1";  // h1 | h2 | tcp
  std::uint32_t stream = 0;          // of HTTP/2 (RFC 9113 5.1.1), tells the sessions of one connection apart; 0: none
  std::string tls;                   // "TLSv1.3", empty on plain
  std::string method, target;
  int status = 0;                             // what the client was told; 0: nothing (tunnels, aborted)
  std::string origin;                         // "10.0.0.1:80", empty: none was reached
  int origin_status = 0;                      // 0: none
  std::string origin_error;                   // why no origin's answer, or not all of it, came; empty: it did
  std::uint64_t bytes_in = 0, bytes_out = 0;  // from / to the client: frames of a session, body of a request
  // Sessions only:
  bool session = false;
  std::uint64_t frames_in = 0, frames_out = 0, messages_in = 0, messages_out = 0;
  std::string_view close_by, close_cause;  // also for a request that failed: who and why (the error code)
  std::uint16_t close_code = 0;
  std::string session_id;  // of a session, for people and for the API
  std::string error;       // the fairlead-error code of an answer the edge made itself
};

// Appends the line of `record`, with a newline at its end, to `out`. Its `time` is now. RFC 8259; bytes that are not
// UTF-8 become U+FFFD (one for each maximal ill-formed part, as Unicode 15 §3.9 recommends), so a line is always valid.
void append_json(std::string& out, const AccessRecord& record);

// open(), reopen() and the destructor: one thread (the application's main). write() and the counts: any thread.
class AccessLog {
 public:
  // Bytes of lines not yet written, those in the writer's hands included.
  static constexpr std::size_t kMaxQueued = 64u << 20;
  // A line is written within this time, together with those that come meanwhile: waking the writer for each would cost
  // a busy worker more than the line itself. At once when there are kPlenty bytes of them.
  static constexpr base::milliseconds kGatherTime{10};
  static constexpr std::size_t kPlenty = 256u << 10;
  // How long the destructor waits for a reader that takes nothing (a full pipe); a file never makes it wait.
  static constexpr base::milliseconds kFlushTime{2000};

  AccessLog();
  ~AccessLog();  // writes what is queued, and waits no longer than kFlushTime for a reader that is stuck
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  // "stdout", "stderr", "off" or a path (appended to; made with mode 0640; a FIFO must have its reader). May be called
  // again to write elsewhere. Errors: config side, with the path; then everything stays as it was.
  base::Result<void> open(const std::string& where);
  // After log rotation: opens the path again. Lines handed over before may still go to the old file. Does nothing for
  // stdout, stderr and off. Errors as for open(); then the old file stays in use.
  base::Result<void> reopen();

  // Never blocks on output. Each line is written whole or, counted in dropped(), not at all; only an output that fails
  // in the middle of a line (a full disk) can keep a part of it, and the next line then starts on a new line.
  void write(const AccessRecord& record);

  // Lines lost: the queue was full, or writing failed.
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  // Bytes waiting now; kMaxQueued is the bound.
  std::size_t queued_bytes() const;

 private:
  // The writer's end: a file descriptor, which closes with it unless it is the process's own.
  class Output;

  void writer();
  // Writes all of `batch` or returns the errno that ended it; `written` says how far it came.
  int write_batch(std::string_view batch, std::size_t& written);
  // Counts the lines of `unwritten`, and tells the process log when failing begins and ends (error 0).
  void report(int error, std::string_view unwritten);
  base::Result<void> install(const std::string& where);

  std::string where_ = "off";  // the application's thread only
  std::atomic<bool> enabled_{false};
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::string queue_;             // guarded by mutex_, as are the next four
  std::size_t in_flight_ = 0;     // bytes the writer took and has not finished with
  std::unique_ptr<Output> next_;  // what the writer is to change to, before its next batch
  bool stop_ = false;
  std::atomic<std::uint64_t> dropped_{0};

  // The writer's thread only.
  std::unique_ptr<Output> output_;
  bool failing_ = false;                        // said in the log once
  std::uint64_t lost_ = 0;                      // lines, since it began to fail
  bool torn_ = false;                           // the output ends in the middle of a line
  std::optional<base::TimePoint> flush_until_;  // set once the destructor runs and the output is stuck

  int stop_pipe_[2] = {-1, -1};  // readable (its writing end closed) once the destructor runs: ends a poll()
  std::thread thread_;
};

}  // namespace fairlead::edge
