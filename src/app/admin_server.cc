#include "app/admin_server.h"

#include <fcntl.h>
#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>
#include <thread>

#include "app/admin_connection.h"
#include "app/admin_request.h"
#include "app/admin_socket.h"
#include "app/admin_threads.h"
#include "app/admin_tls.h"
#include "base/log.h"
#include "protocol/http/fields.h"

namespace fairlead::app {
namespace {

using base::TimePoint;
using control::ApiResponse;
using Connection = std::shared_ptr<AdminConnection>;

// The library's side of one answer: it reads a request that we wrote, after ours was judged, and writes to the client.
class AnswerStream final : public httplib::Stream {
 public:
  AnswerStream(AdminConnection& connection, std::string request, bool streaming)
      : connection_(connection), request_(std::move(request)), streaming_(streaming) {}

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }  // write() waits, and says when it was in vain
  ssize_t read(char* to, std::size_t size) override {
    const std::size_t n = request_.copy(to, size, read_);
    read_ += n;
    return static_cast<ssize_t>(n);
  }
  // All of it or -1: the library does not look for a short write. One date for a whole answer, one for each piece of a
  // stream, which may last for days.
  ssize_t write(const char* from, std::size_t size) override {
    if (!due_ || streaming_) due_ = base::later(base::monotonic_now(), AdminServer::kDeadline);
    const bool sent = connection_.write(std::string_view(from, size), *due_, streaming_);
    failed_ = failed_ || !sent;
    return sent ? static_cast<ssize_t>(size) : -1;
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return connection_.fd(); }

  bool failed() const { return failed_; }

 private:
  AdminConnection& connection_;
  const std::string request_;
  const bool streaming_;
  std::size_t read_ = 0;
  std::optional<TimePoint> due_;
  bool failed_ = false;
};

// What a producer writes to.
class Sink final : public control::ApiSink {
 public:
  Sink(httplib::DataSink& sink, AdminConnection& connection) : sink_(sink), connection_(connection) {}
  bool write(std::string_view bytes) override {
    if (!connection_.wait_for_end(base::milliseconds(0))) return false;
    return bytes.empty() || sink_.write(bytes.data(), bytes.size());  // the library takes "nothing" for the end
  }
  bool wait(std::chrono::milliseconds time) override { return connection_.wait_for_end(time); }

 private:
  httplib::DataSink& sink_;
  AdminConnection& connection_;
};

// A path for the log: keys that stand in one (links in mails, "fll_...") are cut.
std::string for_log(std::string_view path) {
  std::string out;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string_view segment = path.substr(at, end - at);  // with its slash
    const bool key = segment.size() > 5 && segment.starts_with("/fl") && segment[4] == '_';
    out += key ? segment.substr(0, 5) : segment;
    if (key) out += "...";
    at = end;
  }
  return out;
}

std::string what_was_thrown(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "not a std::exception";
  }
}

void copy_to(httplib::Response& to, const ApiResponse& from) {
  to.status = from.status;
  to.headers.clear();
  for (const auto& [name, value] : from.fields) to.headers.emplace(name, value);
  to.body = from.body;
}

// What may not go out: a field that would break the head in two, or frame the body in a second way.
bool well_formed(const ApiResponse& response) {
  for (const auto& [name, value] : response.fields) {
    if (!protocol::is_token(name) || !protocol::is_field_value(value)) return false;
    for (const char* framing : {"content-length", "transfer-encoding", "connection"}) {
      if (protocol::equal_nocase(name, framing)) return false;
    }
  }
  return response.status >= 200 && response.status < 600;
}

}  // namespace

// The library's accept loop, router, compression and writer, between our listening socket, our reader, our threads and
// our connections.
class AdminServer::Impl final : public httplib::Server {
 public:
  Impl(AdminSocket socket, std::shared_ptr<ssl_ctx_st> tls, AdminServer::Handlers handlers)
      : socket_(std::move(socket)),
        handlers_(std::move(handlers)),
        over_tls_(tls != nullptr),
        tls_(std::move(tls)),
        streams_(kMaxStreams) {
    set_keep_alive_max_count(kMaxRequests);
    set_keep_alive_timeout(kIdle.count());
    set_pre_routing_handler([](const httplib::Request&, httplib::Response& response) {
      if (!answering_->given) return HandlerResponse::Unhandled;
      copy_to(response, *answering_->given);
      if (answering_->produce) give_producer(response);
      return HandlerResponse::Handled;
    });
    Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("ok\n", "text/plain; charset=utf-8");
    });
    Get("/readyz", [this](const httplib::Request&, httplib::Response& response) {
      if (handlers_.ready()) {
        const std::string note = handlers_.ready_note ? handlers_.ready_note() : std::string();
        return response.set_content(note.empty() ? "ready\n" : "ready\n" + note + "\n", "text/plain; charset=utf-8");
      }
      copy_to(response, admin_problem(503, "not_ready", handlers_.ready_reason()));
    });
    Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(handlers_.metrics(), "text/plain; version=0.0.4; charset=utf-8");
    });
    set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (answering_->given || !response.body.empty()) return;
      if (response.status == 404) {
        copy_to(response, admin_problem(404, "not_found", "there is /healthz, /readyz and /metrics"));
      } else {
        copy_to(response, admin_problem(response.status, response.status < 500 ? "refused" : "internal_error"));
      }
    });
    set_exception_handler([](const httplib::Request& request, httplib::Response& response, std::exception_ptr thrown) {
      base::log_error("admin: {} ended by an exception: {}", request.path, what_was_thrown(thrown));
      copy_to(response, admin_problem(500, "internal_error"));
    });
    set_post_routing_handler([this](const httplib::Request&, httplib::Response& response) { complete(response); });
    // The pool outlives the library's accept loop, which may have to be started again.
    new_task_queue = [this] { return new Queue(*this); };
  }

  // Throws std::system_error when a thread cannot be made.
  void begin() {
    pool_.emplace(kThreads, kMaxWaiting);
    idle_.emplace(kMaxIdle, kIdle, kLinger, [this](Connection connection) {
      // Refused when too many wait; then the connection ends with the job.
      pool_->submit([this, connection = std::move(connection)]() mutable { serve(std::move(connection)); });
    });
    acceptor_ = std::thread(&Impl::accept_until_stopped, this);
  }

  void end() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      socket_.shut_down();
      // A read that waits sees the end of the stream, and so does a producer; an answer under way goes on.
      for (const int fd : live_) ::shutdown(fd, SHUT_RD);
    }
    stopped_.notify_all();
    if (acceptor_.joinable()) acceptor_.join();
    if (idle_) idle_->stop();
    if (pool_) pool_->join();
    streams_.join();
    idle_.reset();
    pool_.reset();
    socket_.close();
  }

  base::Result<void> replace_tls(const model::AdminTls& tls) {
    if (!over_tls_ || tls.chain_pem.empty()) {
      return base::fail(base::Code::unsupported, base::Side::config, "TLS on the admin address needs a restart");
    }
    auto made = make_admin_tls(tls);
    if (!made) return std::unexpected(std::move(made.error()));
    const std::lock_guard lock(mutex_);
    tls_ = std::move(*made);
    return {};
  }

 private:
  // The answer that a thread is about to write. `given`: one of ours; none: the library's router finds it.
  struct Answering {
    AdminConnection& connection;
    std::string target = "/";
    std::optional<ApiResponse> given{};
    control::ApiProducer* produce = nullptr;
    bool head = false, http10 = false, close = true, gzip = false;
    int status = 0;  // that went out
  };

  class Queue final : public httplib::TaskQueue {
   public:
    explicit Queue(Impl& impl) : impl_(impl) {}
    void enqueue(std::function<void()> serve) override {
      if (impl_.pool_->submit(serve)) return;
      // `serve` owns the connection; called with the flag set, all it does is to close it.
      refusing_ = true;
      serve();
      refusing_ = false;
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
    if (refusing_) {
      ::close(fd);
      return false;
    }
    if (Connection connection = enter(fd)) serve(std::move(connection));
    return true;
  }

  // Requests of one connection, until it is idle, is over, or streams.
  void serve(Connection connection) {
    if (!connection->handshake(base::later(base::monotonic_now(), kDeadline))) return;
    const AdminRequestRules rules{handlers_.api != nullptr, kMaxPayload, kMaxIgnored};
    for (;;) {
      auto request = read_admin_request(*connection, rules, base::later(base::monotonic_now(), kDeadline));
      if (!request && !request.error().answer) return;
      const auto began = base::monotonic_now();
      Answering answer{*connection};
      if (!request) {
        answer.given = std::move(request.error().response);
        answer.head = request.error().head;
      } else if (!prepare(connection, *request, answer)) {
        return;  // another thread has it
      }
      const bool sent = write(answer);
      log(answer, request ? &*request : nullptr, began);
      if (!sent || answer.close) return linger(std::move(connection));
      if (connection->has_unread()) continue;
      return idle_->add(std::move(connection));
    }
  }

  // Asks the handler. False when the answer is a stream, which is on its way on another thread.
  bool prepare(const Connection& connection, AdminRequest& request, Answering& answer) {
    const bool api = handlers_.api && is_api_path(request.api.path);
    answer.target = request.target;
    answer.head = request.head;
    answer.http10 = request.http10;
    if (api) {
      answer.given = call(handlers_.api, request.api);
    } else if (handlers_.pages && request.api.path != "/healthz" && request.api.path != "/readyz" &&
               request.api.path != "/metrics") {
      answer.given = call(handlers_.pages, request.api);
    } else {
      // The library would rather compress with Brotli, at its highest and slowest level.
      const std::string* codings = request.api.field("accept-encoding");
      answer.gzip = codings && codings->find("gzip") != std::string::npos;
    }
    // Idle connections hold no thread, but when others wait already, one that stays would make them wait for longer.
    answer.close = !handlers_.api || !request.keep_alive || request.http10 || ++connection->requests >= kMaxRequests ||
                   pool_->busy() || stopping();
    if (!answer.given || !answer.given->produce || answer.head) return true;
    answer.close = true;
    const auto stream = std::make_shared<ApiResponse>(std::move(*answer.given));
    const auto asked = std::make_shared<AdminRequest>(std::move(request));
    if (streams_.start([this, connection, stream, asked] { run_stream(connection, *stream, *asked); })) return false;
    request = std::move(*asked);  // for the log
    answer.given = admin_problem(503, "overloaded", "too many streams are open");
    answer.given->fields.emplace_back("retry-after", "5");
    return true;
  }

  void run_stream(const Connection& connection, ApiResponse& response, const AdminRequest& request) {
    const auto began = base::monotonic_now();
    control::ApiProducer produce = std::move(response.produce);
    response.produce = nullptr;
    Answering answer{*connection};
    answer.given = std::move(response);
    answer.http10 = request.http10;
    answer.produce = &produce;
    write(answer);
    log(answer, &request, began);
    linger(connection);
  }

  static ApiResponse call(const control::ApiHandler& handler, const control::ApiRequest& request) {
    try {
      ApiResponse response = handler(request);
      if (well_formed(response)) return response;
      base::log_error("admin: the answer to {} {} is malformed", request.method, for_log(request.path));
    } catch (...) {
      base::log_error("admin: {} {} ended by an exception: {}", request.method, for_log(request.path),
                      what_was_thrown(std::current_exception()));
    }
    return admin_problem(500, "internal_error");
  }

  // The library reads the request we judged, in few words, finds the answer or takes ours, and writes it.
  bool write(Answering& answer) {
    std::string text = (answer.head ? "HEAD " : "GET ") + (answer.given ? "/" : answer.target) + " HTTP/1.1\r\n";
    if (answer.gzip) text += "Accept-Encoding: gzip\r\n";
    text += "\r\n";
    AnswerStream stream(answer.connection, std::move(text), answer.produce != nullptr);
    bool closed = false;
    answering_ = &answer;
    const bool ok = process_request(stream, answer.close, closed, {});
    answering_ = nullptr;
    return ok && !stream.failed();
  }

  static void give_producer(httplib::Response& response) {
    const std::string type = response.get_header_value("content-type");
    response.headers.erase("content-type");
    httplib::ContentProviderWithoutLength provider = [](std::size_t, httplib::DataSink& to) {
      Sink sink(to, answering_->connection);
      try {
        if (!(*answering_->produce)(sink)) to.done();
        return true;
      } catch (...) {
        base::log_error("admin: a stream ended by an exception: {}", what_was_thrown(std::current_exception()));
        return false;
      }
    };
    // RFC 9112 6.1: a client of HTTP/1.0 does not know chunks; the end of the connection is the end.
    if (answering_->http10) {
      response.set_content_provider(type, std::move(provider));
    } else {
      response.set_chunked_content_provider(type, std::move(provider));
    }
  }

  // The last look at a head before it goes out.
  void complete(httplib::Response& response) const {
    Answering& answer = *answering_;
    answer.status = response.status;
    response.headers.erase("accept-ranges");  // of the library; we serve no ranges
    if (response.status == 204 || response.status == 304) response.headers.erase("content-length");  // RFC 9110 8.6
    if (answer.given && answer.given->produce) response.headers.erase("content-length");             // HEAD of a stream
    const auto add = [&](const char* name, const char* value) {
      if (!response.has_header(name)) response.set_header(name, value);
    };
    add("cache-control", "no-store");
    if (!handlers_.api) return;
    add("x-content-type-options", "nosniff");
    add("referrer-policy", "no-referrer");
    if (answer.connection.tls()) add("strict-transport-security", "max-age=31536000");
  }

  void log(const Answering& answer, const AdminRequest* request, TimePoint began) const {
    if (!handlers_.api) return;
    const auto took = std::chrono::duration_cast<base::milliseconds>(base::monotonic_now() - began);
    base::log_debug("admin: {} {} {} to {} in {} ms", request ? request->api.method : "-",
                    request ? for_log(request->api.path) : "-", answer.status,
                    answer.connection.source().empty() ? "unix" : answer.connection.source(), took.count());
  }

  void linger(Connection connection) {
    connection->end_writing();
    if (connection->drain()) idle_->linger(std::move(connection));
  }

  bool stopping() {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

  // Null when the server ends. The connection's end is that of its last owner, on whatever thread.
  Connection enter(int fd) {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      ::close(fd);
      return nullptr;
    }
    live_.insert(fd);
    return Connection(new AdminConnection(fd, tls_), [this](AdminConnection* connection) {
      const std::lock_guard leaving(mutex_);  // so that end() never shuts down a descriptor that is another's by now
      live_.erase(connection->fd());
      delete connection;
    });
  }

  static constexpr base::milliseconds kRest{100};
  static constexpr base::milliseconds kLinger{1000};

  AdminSocket socket_;
  const AdminServer::Handlers handlers_;
  const bool over_tls_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::shared_ptr<ssl_ctx_st> tls_;  // of connections to come
  std::set<int> live_;               // all connections there are
  std::optional<AdminPool> pool_;
  std::optional<IdleConnections> idle_;
  StreamThreads streams_;
  std::thread acceptor_;
  // Of the accepting thread: the connection at hand is one too many. Other threads must not see it.
  static thread_local bool refusing_;
  // Of the thread that writes: the library's handlers are told nothing but its own request.
  static thread_local Answering* answering_;
};
thread_local bool AdminServer::Impl::refusing_ = false;
thread_local AdminServer::Impl::Answering* AdminServer::Impl::answering_ = nullptr;

AdminServer::AdminServer() = default;
AdminServer::~AdminServer() { stop(); }

base::Result<void> AdminServer::start(const std::string& address, const model::AdminTls& tls, Handlers handlers) {
  std::shared_ptr<ssl_ctx_st> context;
  if (!tls.chain_pem.empty()) {
    auto made = make_admin_tls(tls);
    if (!made) return std::unexpected(std::move(made.error()));
    context = std::move(*made);
  }
  if (const auto parsed = net::SocketAddress::parse(address)) {
    const bool local = parsed->family() == net::Family::unix_;
    if (handlers.api && !context && !local && !parsed->is_loopback()) {
      return base::fail(base::Code::forbidden, base::Side::config,
                        fmt::format("admin on {}: others than this machine could read passwords on the way; give it a "
                                    "certificate (admin.tls), or listen on 127.0.0.1, [::1] or unix:/path",
                                    address));
    }
    if (context && local) {
      return base::fail(base::Code::unsupported, base::Side::config, "admin on " + address + ": no TLS over this");
    }
  }
  auto socket = AdminSocket::open(address);
  if (!socket) return std::unexpected(socket.error());
  address_ = socket->address().to_string();
  port_ = socket->address().port();
  impl_ = std::make_unique<Impl>(std::move(*socket), std::move(context), std::move(handlers));
  try {
    impl_->begin();
  } catch (const std::system_error& e) {
    stop();
    return base::fail(base::Code::resources, base::Side::config, fmt::format("admin threads: {}", e.what()));
  }
  return {};
}

base::Result<void> AdminServer::replace_tls(const model::AdminTls& tls) {
  if (!impl_) return base::fail(base::Code::unsupported, base::Side::config, "the admin server has not been started");
  return impl_->replace_tls(tls);
}

void AdminServer::stop() {
  if (impl_) impl_->end();
  impl_.reset();
}

}  // namespace fairlead::app
