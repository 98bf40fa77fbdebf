#include "edge/telemetry/access_log.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>
#include <system_error>

#include "base/clock.h"
#include "base/log.h"

namespace fairlead::edge {
namespace {

// Buffers that a burst made larger than this are given back after it.
constexpr std::size_t kKeepCapacity = 1u << 20;

std::uint64_t lines_in(std::string_view text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

// What to hand to one write() of a pipe: no more than PIPE_BUF, which is written in one piece or not at all and for
// which poll() promises room; and whole lines, so that what other programs write to the same pipe stands between lines.
std::string_view piece_of(std::string_view rest) {
  if (rest.size() <= PIPE_BUF) return rest;
  const std::size_t end = rest.rfind('\n', PIPE_BUF - 1);
  return rest.substr(0, end == std::string_view::npos ? PIPE_BUF : end + 1);
}

}  // namespace

class AccessLog::Output {
 public:
  static base::Result<std::unique_ptr<Output>> make(const std::string& where) {
    int fd = -1;
    if (where == "stdout") {
      fd = STDOUT_FILENO;
    } else if (where == "stderr") {
      fd = STDERR_FILENO;
    } else {
      // O_NONBLOCK: a FIFO without a reader must be an error here and not a hang; a file does not mind.
      fd = ::open(where.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
      if (fd < 0) return std::unexpected(base::from_errno(errno, base::Side::config, "access log " + where));
    }
    struct stat info{};
    if (::fstat(fd, &info) != 0) {
      return std::unexpected(base::from_errno(errno, base::Side::config, "access log " + where));
    }
    return std::unique_ptr<Output>(new Output(where, fd, S_ISREG(info.st_mode)));
  }
  ~Output() {
    if (fd_ != STDOUT_FILENO && fd_ != STDERR_FILENO) ::close(fd_);
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  const std::string& where() const { return where_; }

  // Waits until a write of a piece will not block; at once for a file. `stopping` is the pipe that ends an endless
  // wait: from then on there is time until `flush_until`, which is set here the first time. 0 or an errno.
  int await_room(int stopping, std::optional<base::TimePoint>& flush_until) const {
    if (regular_) return 0;
    for (;;) {
      pollfd fds[2] = {{fd_, POLLOUT, 0}, {flush_until ? -1 : stopping, POLLIN, 0}};
      int timeout = -1;
      if (flush_until) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*flush_until - base::monotonic_now());
        timeout = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
      }
      const int n = ::poll(fds, 2, timeout);
      if (n < 0 && errno != EINTR) return errno;
      if (n > 0 && fds[0].revents != 0) return 0;  // room, or an error that write() will name
      if (n == 0) return ETIMEDOUT;
      if (n > 0) flush_until = base::monotonic_now() + kFlushTime;
    }
  }

  // As write(2); an interrupted or untimely one wrote nothing. -1 sets errno.
  ssize_t write_some(std::string_view rest) const {
    if (!regular_) rest = piece_of(rest);
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    return n < 0 && (errno == EINTR || errno == EAGAIN) ? 0 : n;
  }

 private:
  Output(std::string where, int fd, bool regular) : where_(std::move(where)), fd_(fd), regular_(regular) {}
  const std::string where_;
  const int fd_;
  const bool regular_;  // a file is always ready, and takes a whole batch at once
};

AccessLog::AccessLog() = default;

AccessLog::~AccessLog() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_one();
    ::close(stop_pipe_[1]);
    thread_.join();
    ::close(stop_pipe_[0]);
  }
}

base::Result<void> AccessLog::open(const std::string& where) {
  if (where != "off") {
    if (auto ok = install(where); !ok) return ok;
  }
  where_ = where;
  enabled_.store(where != "off", std::memory_order_relaxed);
  return {};
}

base::Result<void> AccessLog::reopen() {
  if (where_ == "off" || where_ == "stdout" || where_ == "stderr") return {};
  return install(where_);
}

base::Result<void> AccessLog::install(const std::string& where) {
  auto output = Output::make(where);
  if (!output) return std::unexpected(output.error());
  if (!thread_.joinable()) {
    if (::pipe2(stop_pipe_, O_CLOEXEC) != 0) {
      return std::unexpected(base::from_errno(errno, base::Side::config, "access log " + where));
    }
    // The thread is born with every signal blocked: those of the process belong to its main thread, and a SIGPIPE of
    // our own write must be an EPIPE and not the end.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      thread_ = std::thread(&AccessLog::writer, this);
    } catch (const std::system_error& e) {
      ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
      ::close(stop_pipe_[0]);
      ::close(stop_pipe_[1]);
      return base::fail(base::Code::resources, base::Side::edge, fmt::format("access log thread: {}", e.what()));
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  {
    const std::lock_guard lock(mutex_);
    next_ = std::move(*output);
  }
  wake_.notify_one();
  return {};
}

void AccessLog::write(const AccessRecord& record) {
  if (!enabled_.load(std::memory_order_relaxed)) return;
  thread_local std::string line;  // keeps its room from one line to the next
  line.clear();
  append_json(line, record);
  bool first = false, plenty = false;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() + in_flight_ + line.size() > kMaxQueued) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    first = queue_.empty();
    plenty = queue_.size() < kPlenty && queue_.size() + line.size() >= kPlenty;
    queue_ += line;
  }
  if (first || plenty) wake_.notify_one();  // else the writer knows, or was told
  if (line.capacity() > kKeepCapacity) line = {};
}

std::size_t AccessLog::queued_bytes() const {
  const std::lock_guard lock(mutex_);
  return queue_.size() + in_flight_;
}

void AccessLog::writer() {
  std::string batch;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || next_ || !queue_.empty(); });
    wake_.wait_for(lock, kGatherTime, [this] { return stop_ || next_ || queue_.size() >= kPlenty; });
    if (next_) {
      output_ = std::move(next_);
      torn_ = false;
    }
    if (queue_.empty()) {
      if (stop_) return;
      continue;
    }
    batch.swap(queue_);
    in_flight_ = batch.size();
    lock.unlock();

    std::size_t written = 0;
    const int error = write_batch(batch, written);
    report(error, std::string_view(batch).substr(written));

    batch.clear();
    if (batch.capacity() > kKeepCapacity) batch = {};
    lock.lock();
    in_flight_ = 0;
  }
}

int AccessLog::write_batch(std::string_view batch, std::size_t& written) {
  const auto put = [this](std::string_view text, std::size_t& done) {
    while (done < text.size()) {
      if (const int error = output_->await_room(stop_pipe_[0], flush_until_); error != 0) return error;
      const ssize_t n = output_->write_some(text.substr(done));
      if (n < 0) return errno;
      done += static_cast<std::size_t>(n);
    }
    return 0;
  };
  if (torn_) {
    std::size_t done = 0;
    if (const int error = put("\n", done); error != 0) return error;
    torn_ = false;
  }
  const int error = put(batch, written);
  if (written > 0) torn_ = batch[written - 1] != '\n';
  return error;
}

void AccessLog::report(int error, std::string_view unwritten) {
  if (error != 0) {
    const std::uint64_t lines = lines_in(unwritten);
    dropped_.fetch_add(lines, std::memory_order_relaxed);
    lost_ += lines;
    if (!failing_) {
      base::log_error("access log {}: {}; lines are dropped until it can be written again", output_->where(),
                      std::strerror(error));
    }
    failing_ = true;
  } else if (failing_) {
    base::log_info("access log {}: written again; {} lines were lost", output_->where(), lost_);
    failing_ = false;
    lost_ = 0;
  }
}

}  // namespace fairlead::edge
