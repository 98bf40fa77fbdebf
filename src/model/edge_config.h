#pragma once
// EdgeConfig: the node's own settings, beside the domains: listeners, workers, admin, log, global limits.
// What can change at run time is the domains (and this file's limits and drain_time); listeners, workers and admin
// need a restart, and a reload that changes them says so and leaves them as they were.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/domain_policy.h"

namespace fairlead::model {

enum class ListenerProtocol : std::uint8_t { http, https, tcp_ssl };

struct ListenerConfig {
  std::string address;  // "0.0.0.0:80", "[::]:443"
  ListenerProtocol protocol = ListenerProtocol::http;
  milliseconds handshake_timeout{10'000};          // TCP accept to request head, TLS and PROXY header included
  std::vector<std::string> proxy_protocol_from{};  // CIDR; not empty = a PROXY header is required from these, and any
                                                   // other address is refused
  std::string domain{};                            // tcp-ssl: the domain whose origin gets the bytes
  int backlog = 4096;
  bool operator==(const ListenerConfig&) const = default;
};

struct GlobalLimits {
  std::uint32_t max_sessions = 1'000'000;
  std::uint32_t max_sessions_per_client = 0;  // 0 = none
  std::uint32_t max_connections = 1'000'000;  // client connections of every kind
  std::uint32_t max_connections_per_client = 0;
  std::uint32_t handshakes_per_second_per_client = 0;
  std::uint32_t max_head_bytes = 32 * 1024;
  std::uint32_t max_head_fields = 100;
  bool operator==(const GlobalLimits&) const = default;
};

struct EdgeConfig {
  std::vector<ListenerConfig> listeners;
  unsigned workers = 0;  // 0 = auto: one per core
  milliseconds drain_time{30'000};
  std::string admin_address;          // "127.0.0.1:9180", "unix:/path", empty = none
  std::string access_log = "stdout";  // "stdout", "stderr", "off" or a path
  std::string log_level = "info";
  std::vector<std::string> resolvers;  // DNS servers "ip" or "ip:port"; empty = the system's
  GlobalLimits limits;
  std::vector<DomainPolicy> domains;
  bool operator==(const EdgeConfig&) const = default;
};

}  // namespace fairlead::model
