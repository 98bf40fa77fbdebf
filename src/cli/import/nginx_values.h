#pragma once
// The values of nginx's directives: times, sizes, addresses to listen on and to pass to. Pure functions over text.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::cli {

// "60", "90s", "1h 30m", "500ms"; seconds without a unit (nginx, "Configuration file measurement units").
std::optional<std::chrono::milliseconds> parse_nginx_time(std::string_view text);

// "1024", "8k", "60m", "1g".
std::optional<std::uint64_t> parse_nginx_size(std::string_view text);

struct NginxTarget {
  bool https = false;
  std::string host;        // as written, with its port: "10.0.0.1:8080", "[::1]:80", or a group's name
  std::string uri;         // what follows, "" or from "/" on
  bool unix_path = false;  // a socket in the file system
};

// The argument of proxy_pass. nullopt when it is no http:// or https:// URL.
std::optional<NginxTarget> parse_nginx_target(std::string_view url);

// "ip:port" from the first argument of `listen`: "80", "*:80", "10.0.0.1", "[::]:443", "localhost:8000". nullopt when
// it is anything else (a socket in the file system, a host name).
std::optional<std::string> parse_nginx_listen(std::string_view text);

}  // namespace fairlead::cli
