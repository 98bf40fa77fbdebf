#include "app/edge_command.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>

#include "app/admin_server.h"
#include "app/check_command.h"
#include "base/log.h"
#include "edge/edge.h"

namespace fairlead::app {
namespace {

void log_problems(const model::ConfigReading& reading) {
  for (const model::Problem& p : reading.problems) {
    if (p.severity == model::Severity::error) {
      base::log_error("{}", model::describe(p));
    } else {
      base::log_warn("{}", model::describe(p));
    }
  }
}

base::LogLevel level_of(const std::string& name) {
  if (name == "debug") return base::LogLevel::debug;
  if (name == "warn") return base::LogLevel::warn;
  if (name == "error") return base::LogLevel::error;
  return base::LogLevel::info;
}

// The signals that steer the process, as a descriptor. Blocked in every thread started afterwards.
class Signals {
 public:
  Signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int s : {SIGHUP, SIGTERM, SIGINT, SIGUSR1}) sigaddset(&set, s);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signal(SIGPIPE, SIG_IGN);
    fd_ = signalfd(-1, &set, SFD_CLOEXEC);
  }
  ~Signals() { ::close(fd_); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  int fd() const { return fd_; }
  int take() const {
    signalfd_siginfo info;
    return ::read(fd_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  int fd_;
};

void reload(edge::Edge& edge, const std::string& file) {
  model::ConfigReading reading = read_config(file);
  log_problems(reading);
  if (!reading.config) {
    base::log_error("{} is refused; nothing has changed", file);
    return;
  }
  base::log_set_level(level_of(reading.config->log_level));
  for (const std::string& name : edge.apply(std::move(*reading.config))) {
    base::log_warn("{}: a change of `{}` needs a restart and is left aside", file, name);
  }
}

}  // namespace

int run_edge(const std::string& config_file) {
  const Signals signals;
  model::ConfigReading reading = read_config(config_file);
  log_problems(reading);
  if (!reading.config) return 1;
  base::log_set_level(level_of(reading.config->log_level));
  const std::string admin_address = reading.config->admin_address;

  const int finished = ::eventfd(0, EFD_CLOEXEC);
  edge::Edge edge(std::move(*reading.config), [finished] {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(finished, &one, sizeof one);
  });
  if (auto started = edge.start(); !started) {
    base::log_error("cannot start: {}", base::describe(started.error()));
    return 1;
  }
  for (const net::SocketAddress& a : edge.addresses()) base::log_info("listening on {}", a.to_string());

  AdminServer admin;
  if (!admin_address.empty()) {
    AdminServer::Handlers handlers;
    handlers.metrics = [&edge] { return edge.metrics(); };
    handlers.ready = [&edge] { return edge.ready(); };
    handlers.ready_reason = [&edge] { return std::string(edge.state_name()); };
    if (auto started = admin.start(admin_address, std::move(handlers)); !started) {
      base::log_error("admin: {}", base::describe(started.error()));
      edge.stop();
      edge.wait();
      return 1;
    }
    base::log_info("admin on {}", admin.address());
  }

  bool asked = false;
  for (;;) {
    pollfd fds[2] = {{signals.fd(), POLLIN, 0}, {finished, POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents & POLLIN) break;
    if (!(fds[0].revents & POLLIN)) continue;
    switch (signals.take()) {
      case SIGHUP: reload(edge, config_file); break;
      case SIGUSR1: edge.reopen_log(); break;
      case SIGTERM:
      case SIGINT:
        if (std::exchange(asked, true)) {
          base::log_info("stopping at once");
          edge.stop();
        } else {
          base::log_info("draining");
          edge.drain();
        }
        break;
      default: break;
    }
  }
  edge.wait();
  admin.stop();
  ::close(finished);
  base::log_info("ended");
  return 0;
}

}  // namespace fairlead::app
