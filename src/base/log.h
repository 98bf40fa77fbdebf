#pragma once
// The process log (what the operator of the machine reads on stderr; the access log is the edge's own).
// A thin veneer over spdlog, so that its header stays out of the rest of the tree.
// Any thread may log; never call it per frame.

#include <fmt/format.h>

#include <string_view>

namespace fairlead::base {

enum class LogLevel { debug, info, warn, error, off };

void log_set_level(LogLevel level);
void log_line(LogLevel level, std::string_view text);

template <class... A>
void log_debug(fmt::format_string<A...> f, A&&... a) {
  log_line(LogLevel::debug, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void log_info(fmt::format_string<A...> f, A&&... a) {
  log_line(LogLevel::info, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void log_warn(fmt::format_string<A...> f, A&&... a) {
  log_line(LogLevel::warn, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void log_error(fmt::format_string<A...> f, A&&... a) {
  log_line(LogLevel::error, fmt::format(f, std::forward<A>(a)...));
}

}  // namespace fairlead::base
