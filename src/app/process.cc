#include "app/process.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdint>

namespace fairlead::app {

Signals::Signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGHUP, SIGTERM, SIGINT, SIGUSR1}) sigaddset(&set, s);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  fd_ = signalfd(-1, &set, SFD_CLOEXEC);
}

Signals::~Signals() { ::close(fd_); }

int Signals::take() const {
  signalfd_siginfo info;
  return ::read(fd_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

Event::Event() : fd_(::eventfd(0, EFD_CLOEXEC)) {}
Event::~Event() { ::close(fd_); }

void Event::set() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(fd_, &one, sizeof one);
}

void log_problems(const model::ConfigReading& reading) {
  for (const model::Problem& p : reading.problems) {
    if (p.severity == model::Severity::error) {
      base::log_error("{}", model::describe(p));
    } else {
      base::log_warn("{}", model::describe(p));
    }
  }
}

base::LogLevel log_level_of(const std::string& name) {
  if (name == "debug") return base::LogLevel::debug;
  if (name == "warn") return base::LogLevel::warn;
  if (name == "error") return base::LogLevel::error;
  return base::LogLevel::info;
}

}  // namespace fairlead::app
