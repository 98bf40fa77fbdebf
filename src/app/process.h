#pragma once
// What every long-running verb of the program shares: the signals that steer it, and how a configuration's problems and
// its log level reach the process log.

#include <string>

#include "base/log.h"
#include "model/config_file.h"

namespace fairlead::app {

// SIGHUP, SIGTERM, SIGINT and SIGUSR1 as a descriptor. Made first in main's thread: blocked in every thread started
// afterwards.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  int fd() const { return fd_; }
  int take() const;  // 0: none waits

 private:
  int fd_;
};

// An event that other threads set and main polls for.
class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  int fd() const { return fd_; }
  void set() const;

 private:
  int fd_;
};

void log_problems(const model::ConfigReading& reading);
base::LogLevel log_level_of(const std::string& name);

}  // namespace fairlead::app
