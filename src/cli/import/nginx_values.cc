#include "cli/import/nginx_values.h"

#include "cli/import/draft.h"
#include <fmt/format.h>

#include "model/syntax.h"

namespace fairlead::cli {

std::optional<std::chrono::milliseconds> parse_nginx_time(std::string_view text) {
  // More than this is nothing that anybody waits for, and sums of it cannot overflow.
  constexpr std::uint64_t kMost = 1'000'000'000'000;
  std::uint64_t total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto number = parse_number(text.substr(0, digits));
    if (!number) return std::nullopt;
    text.remove_prefix(digits);
    const std::size_t letters = std::min(text.find_first_of("0123456789 "), text.size());
    const std::string_view unit = text.substr(0, letters);
    text.remove_prefix(letters);
    while (text.starts_with(' ')) text.remove_prefix(1);
    std::uint64_t factor = 0;
    if (unit == "ms") factor = 1;
    if (unit.empty() || unit == "s") factor = 1000;
    if (unit == "m") factor = 60'000;
    if (unit == "h") factor = 3'600'000;
    if (unit == "d") factor = 86'400'000;
    if (unit == "w") factor = 7 * 86'400'000ull;
    if (unit == "M") factor = 30 * 86'400'000ull;
    if (unit == "y") factor = 365 * 86'400'000ull;
    if (factor == 0 || *number > kMost / factor) return std::nullopt;
    total += *number * factor;
    if (total > kMost) return std::nullopt;
  }
  return std::chrono::milliseconds(total);
}

std::optional<std::uint64_t> parse_nginx_size(std::string_view text) {
  std::uint64_t factor = 1;
  if (!text.empty()) {
    switch (text.back()) {
      case 'k':
      case 'K': factor = 1ull << 10; break;
      case 'm':
      case 'M': factor = 1ull << 20; break;
      case 'g':
      case 'G': factor = 1ull << 30; break;
      default: break;
    }
    if (factor != 1) text.remove_suffix(1);
  }
  const auto number = parse_number(text);
  if (!number || *number > (1ull << 62) / factor) return std::nullopt;
  return *number * factor;
}

std::optional<NginxTarget> parse_nginx_target(std::string_view url) {
  NginxTarget out;
  const std::string lower = model::lower_case(url.substr(0, 8));
  if (lower.starts_with("http://")) {
    url.remove_prefix(7);
  } else if (lower.starts_with("https://")) {
    out.https = true;
    url.remove_prefix(8);
  } else {
    return std::nullopt;
  }
  out.unix_path = url.starts_with("unix:");
  const std::size_t end = std::min(url.find_first_of("/?"), url.size());
  out.host = std::string(url.substr(0, end));
  out.uri = std::string(url.substr(end));
  if (out.host.empty()) return std::nullopt;
  return out;
}

std::optional<std::string> parse_nginx_listen(std::string_view text) {
  if (const auto port = parse_number(text)) return fmt::format("0.0.0.0:{}", *port);
  if (text.starts_with("*:")) return fmt::format("0.0.0.0:{}", text.substr(2));
  const auto address = split_host_port(text);
  if (!address) return std::nullopt;
  const std::string host = address->first == "localhost" ? "127.0.0.1" : address->first;
  if (!model::canonical_ip(host)) return std::nullopt;
  return model::to_string(model::IpPort{host, address->second.value_or(80)});
}

}  // namespace fairlead::cli
