#include "app/admin_server.h"

#include <httplib.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <vector>

#include "app/admin_socket.h"
#include "base/log.h"
#include "edge/problem.h"

namespace fairlead::app {
namespace {

using base::TimePoint;

// One connection as the library sees it, with a deadline for the whole request and one for the whole answer: the
// library's own timeouts begin again with every byte, so that a client could hold a thread for ever.
class DeadlineStream final : public httplib::Stream {
 public:
  DeadlineStream(int fd, TimePoint due) : fd_(fd), read_due_(due) {}

  bool is_readable() const override { return wait(POLLIN, read_due_); }
  bool is_writable() const override { return wait(POLLOUT, write_due()); }

  ssize_t read(char* to, std::size_t size) override {
    for (;;) {
      const ssize_t n = ::recv(fd_, to, size, MSG_DONTWAIT);
      if (n >= 0) return n;
      if (errno != EINTR && errno != EAGAIN) return -1;
      if (!wait(POLLIN, read_due_)) return -1;
    }
  }
  // All of it or -1: the library does not look for a short write.
  ssize_t write(const char* from, std::size_t size) override {
    for (std::size_t done = 0; done < size;) {
      const ssize_t n = ::send(fd_, from + done, size - done, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n >= 0) {
        done += static_cast<std::size_t>(n);
      } else if ((errno != EINTR && errno != EAGAIN) || !wait(POLLOUT, write_due())) {
        return -1;
      }
    }
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override { name(::getpeername, ip, port); }
  void get_local_ip_and_port(std::string& ip, int& port) const override { name(::getsockname, ip, port); }
  socket_t socket() const override { return fd_; }

 private:
  TimePoint write_due() const {
    if (!write_due_) write_due_ = base::later(base::monotonic_now(), AdminServer::kDeadline);
    return *write_due_;
  }
  bool wait(short what, TimePoint due) const {
    for (;;) {
      const auto left = std::chrono::ceil<base::milliseconds>(due - base::monotonic_now());
      if (left.count() <= 0) return false;
      pollfd p{fd_, what, 0};
      const int n = ::poll(&p, 1, static_cast<int>(left.count()));
      if (n > 0) return true;
      if (n < 0 && errno != EINTR) return false;
    }
  }
  void name(int (*get)(int, sockaddr*, socklen_t*) noexcept, std::string& ip, int& port) const {
    sockaddr_storage native{};
    socklen_t length = sizeof native;
    if (get(fd_, reinterpret_cast<sockaddr*>(&native), &length) != 0) return;
    const auto address = net::SocketAddress::from_native(reinterpret_cast<sockaddr*>(&native), length);
    ip = address.ip();
    port = address.port();
  }

  const int fd_;
  const TimePoint read_due_;
  mutable std::optional<TimePoint> write_due_;  // from the first write on
};

// A fixed number of threads and a bounded queue before them.
class Pool {
 public:
  // Throws std::system_error when a thread cannot be made.
  explicit Pool(unsigned threads) {
    try {
      for (unsigned i = 0; i < threads; ++i) threads_.emplace_back(&Pool::work, this);
    } catch (...) {
      join();
      throw;
    }
  }
  ~Pool() { join(); }
  // False when too many wait.
  bool submit(std::function<void()> job) {
    {
      const std::lock_guard lock(mutex_);
      if (jobs_.size() >= AdminServer::kMaxWaiting) return false;
      jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
    return true;
  }
  // Runs what waits, then ends.
  void join() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (auto& t : threads_) t.join();
    threads_.clear();
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      auto job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      lock.lock();
    }
  }
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

void set_problem(httplib::Response& response, const edge::Problem& problem) {
  response.status = problem.status;
  response.set_content(edge::problem_body(problem), "application/problem+json");
  response.set_header("fairlead-error", std::string(problem.code));
}

// What the library refuses by itself, in our words.
edge::Problem problem_of_status(int status) {
  switch (status) {
    case 400: return {400, "malformed_request", ""};
    case 404: return {404, "not_found", "there is /healthz, /readyz and /metrics"};
    case 413: return {413, "body_too_large", ""};
    case 414: return {414, "uri_too_long", ""};
    default: return {status, status < 500 ? "refused" : "internal_error", ""};
  }
}

}  // namespace

// The library's parser, router and writer, between our listening socket, our threads and our streams.
class AdminServer::Impl final : public httplib::Server {
 public:
  Impl(AdminSocket socket, AdminServer::Handlers handlers)
      : socket_(std::move(socket)), handlers_(std::move(handlers)) {
    set_payload_max_length(kMaxPayload);
    set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
      if (request.method == "GET" || request.method == "HEAD") return HandlerResponse::Unhandled;
      response.set_header("allow", "GET, HEAD");
      set_problem(response, {405, "method_not_allowed", ""});
      return HandlerResponse::Handled;
    });
    Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("ok\n", "text/plain; charset=utf-8");
    });
    Get("/readyz", [this](const httplib::Request&, httplib::Response& response) {
      if (handlers_.ready()) return response.set_content("ready\n", "text/plain; charset=utf-8");
      set_problem(response, {503, "not_ready", handlers_.ready_reason()});
    });
    Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(handlers_.metrics(), "text/plain; version=0.0.4; charset=utf-8");
    });
    set_default_headers({{"cache-control", "no-store"}});
    set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty()) set_problem(response, problem_of_status(response.status));
    });
    set_exception_handler([](const httplib::Request& request, httplib::Response& response, std::exception_ptr thrown) {
      std::string what = "not a std::exception";
      try {
        std::rethrow_exception(thrown);
      } catch (const std::exception& e) {
        what = e.what();
      } catch (...) {
      }
      base::log_error("admin: {} ended by an exception: {}", request.path, what);
      set_problem(response, {500, "internal_error", ""});
    });
    // The pool outlives the library's accept loop, which may have to be started again.
    new_task_queue = [this] { return new Queue(*this); };
  }

  // Throws std::system_error when a thread cannot be made.
  void begin() {
    pool_.emplace(kThreads);
    acceptor_ = std::thread(&Impl::accept_until_stopped, this);
  }

  void end() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      socket_.shut_down();
      // A read that waits sees the end of the stream; an answer under way goes on.
      for (const int fd : live_) ::shutdown(fd, SHUT_RD);
    }
    stopped_.notify_all();
    if (acceptor_.joinable()) acceptor_.join();
    pool_.reset();
    socket_.close();
  }

 private:
  class Queue final : public httplib::TaskQueue {
   public:
    explicit Queue(Impl& impl) : impl_(impl) {}
    void enqueue(std::function<void()> serve) override {
      if (impl_.pool_->submit(serve)) return;
      // `serve` owns the connection; called with the flag set, all it does is to close it.
      impl_.refusing_ = true;
      serve();
      impl_.refusing_ = false;
    }
    void shutdown() override {}

   private:
    Impl& impl_;
  };

  // The library's loop ends, and closes its descriptor, on any failure of accept() that it does not know. It gets a
  // duplicate each time, so the socket itself stays open and no client is turned away meanwhile.
  void accept_until_stopped() {
    for (;;) {
      const int copy = ::fcntl(socket_.fd(), F_DUPFD_CLOEXEC, 0);
      if (copy >= 0) {
        svr_sock_ = copy;
        listen_after_bind();
      }
      std::unique_lock lock(mutex_);
      if (stopping_) return;
      base::log_warn("admin: accepting failed; going on");
      stopped_.wait_for(lock, kRest, [this] { return stopping_; });
      if (stopping_) return;
    }
  }

  // Called by the library for each accepted connection, on a thread of the pool.
  bool process_and_close_socket(socket_t fd) override {
    if (refusing_ || !enter(fd)) {
      ::close(fd);
      return false;
    }
    DeadlineStream stream(fd, base::later(base::monotonic_now(), kDeadline));
    bool closed = false;
    const bool ok = process_request(stream, true, closed, [](httplib::Request& request) {
      // The library would rather compress with Brotli, at its highest and slowest level.
      const bool gzip = request.get_header_value("Accept-Encoding").find("gzip") != std::string::npos;
      request.headers.erase("Accept-Encoding");
      if (gzip) request.set_header("Accept-Encoding", "gzip");
    });
    linger(fd);
    leave(fd);
    return ok;
  }

  // Closing while bytes of the client are unread would reset the connection and could take the answer with it. So: say
  // that there is no more, and read what still comes, for a moment.
  static void linger(int fd) {
    ::shutdown(fd, SHUT_WR);
    DeadlineStream rest(fd, base::later(base::monotonic_now(), kLinger));
    char waste[4096];
    std::size_t total = 0;
    for (ssize_t n; total < kMaxPayload && (n = rest.read(waste, sizeof waste)) > 0;) {
      total += static_cast<std::size_t>(n);
    }
  }

  bool enter(int fd) {
    const std::lock_guard lock(mutex_);
    if (!stopping_) live_.insert(fd);
    return !stopping_;
  }
  void leave(int fd) {
    const std::lock_guard lock(mutex_);  // so that end() never shuts down a descriptor that is another's by now
    live_.erase(fd);
    ::close(fd);
  }

  static constexpr base::milliseconds kRest{100};
  static constexpr base::milliseconds kLinger{1000};

  AdminSocket socket_;
  const AdminServer::Handlers handlers_;
  std::optional<Pool> pool_;
  std::thread acceptor_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::set<int> live_;  // connections that a thread serves
  // Of the accepting thread: the connection at hand is one too many. Other threads must not see it.
  static thread_local bool refusing_;
};
thread_local bool AdminServer::Impl::refusing_ = false;

AdminServer::AdminServer() = default;
AdminServer::~AdminServer() { stop(); }

base::Result<void> AdminServer::start(const std::string& address, Handlers handlers) {
  auto socket = AdminSocket::open(address);
  if (!socket) return std::unexpected(socket.error());
  address_ = socket->address().to_string();
  port_ = socket->address().port();
  impl_ = std::make_unique<Impl>(std::move(*socket), std::move(handlers));
  try {
    impl_->begin();
  } catch (const std::system_error& e) {
    stop();
    return base::fail(base::Code::resources, base::Side::config, fmt::format("admin threads: {}", e.what()));
  }
  return {};
}

void AdminServer::stop() {
  if (impl_) impl_->end();
  impl_.reset();
}

}  // namespace fairlead::app
