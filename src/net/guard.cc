#include "net/guard.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>

#include "base/log.h"

namespace fairlead::net {
namespace {

thread_local ExceptionListener* listening = nullptr;

// Short enough that the log's own line buffer need not grow: there may be no memory left.
constexpr std::size_t kLongestLine = 200;

void log_current(const char* where) noexcept {
  char line[kLongestLine];
  int size = 0;
  try {
    throw;
  } catch (const std::exception& e) {
    size = std::snprintf(line, sizeof line, "%s ended by an exception: %s", where, e.what());
  } catch (...) {
    size = std::snprintf(line, sizeof line, "%s ended by an exception of unknown type", where);
  }
  const std::string_view text(line, std::min(static_cast<std::size_t>(std::max(size, 0)), sizeof line - 1));
  try {
    base::log_line(base::LogLevel::error, text);
  } catch (...) {
    line[text.size()] = '\n';
    [[maybe_unused]] const auto n = ::write(STDERR_FILENO, line, text.size() + 1);
  }
}

}  // namespace

ListeningHere::ListeningHere(ExceptionListener& listener) : before_(std::exchange(listening, &listener)) {}
ListeningHere::~ListeningHere() { listening = before_; }

void caught(const char* where) noexcept {
  log_current(where);
  if (listening) listening->on_exception();
}

void caught(const char* where, ExceptionListener& listener) noexcept {
  log_current(where);
  listener.on_exception();
}

}  // namespace fairlead::net
