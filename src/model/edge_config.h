#pragma once
// EdgeConfig: the node's own settings, beside the domains: listeners, workers, admin, log, global limits. (Those of a
// control plane in the same process are ControlConfig.)
// What can change at run time is the domains (and this file's limits and drain_time); listeners, workers and admin
// need a restart, and a reload that changes them says so and leaves them as they were.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/control_config.h"
#include "model/domain_policy.h"

namespace fairlead::model {

enum class ListenerProtocol : std::uint8_t { http, https, tcp_ssl };

// Who does TLS records when the handshake is over: the edge's own layer, where it can, or OpenSSL.
enum class TlsRecords : std::uint8_t { own, openssl };

struct ListenerConfig {
  std::string address;  // "0.0.0.0:80", "[::]:443"
  ListenerProtocol protocol = ListenerProtocol::http;
  milliseconds handshake_timeout{10'000};          // TCP accept to request head, TLS and PROXY header included
  std::vector<std::string> proxy_protocol_from{};  // CIDR; not empty = a PROXY header is required from these, and any
                                                   // other address is refused
  std::string domain{};                            // tcp-ssl: the domain whose origin gets the bytes
  int backlog = 4096;
  bool h2c = false;                          // http: HTTP/2 by prior knowledge, too (RFC 9113 3.3)
  TlsRecords tls_records = TlsRecords::own;  // https, tcp-ssl: towards clients
  bool operator==(const ListenerConfig&) const = default;
};

// What one HTTP/2 client connection may ask of the edge. Each `..._per_second` is a token bucket that holds ten
// seconds' worth: a burst of that many is taken, and beyond it the rate. The connection that goes past one is closed
// with ENHANCE_YOUR_CALM (RFC 9113 10.5).
struct Http2Limits {
  std::uint32_t max_concurrent_streams = 128;  // SETTINGS_MAX_CONCURRENT_STREAMS (RFC 9113 6.5.2)
  std::uint32_t stream_window = 64 * 1024;     // bytes a client may send on one stream before the edge takes them
  std::uint32_t resets_per_second = 50;        // RST_STREAM from the client, and streams reset for its errors
  std::uint32_t settings_per_second = 5;       // SETTINGS, each of which must be acknowledged
  std::uint32_t pings_per_second = 10;         // PING, each of which must be answered
  std::uint32_t empty_frames_per_second =
      10;                                    // DATA that carry nothing and end nothing; empty HEADERS and CONTINUATION
  std::uint32_t priorities_per_second = 50;  // PRIORITY and PRIORITY_UPDATE
  std::uint32_t window_updates_per_second = 500;
  std::uint32_t unknown_frames_per_second = 50;  // of types that nobody has defined
  bool operator==(const Http2Limits&) const = default;
};

struct GlobalLimits {
  std::uint32_t max_sessions = 1'000'000;
  std::uint32_t max_sessions_per_client = 0;  // 0 = none
  std::uint32_t max_connections = 1'000'000;  // client connections of every kind
  std::uint32_t max_connections_per_client = 0;
  std::uint32_t handshakes_per_second_per_client = 0;
  std::uint32_t max_head_bytes = 32 * 1024;
  std::uint32_t max_head_fields = 100;
  milliseconds client_send_timeout{60'000};  // a client takes a piece of an answer (64 KiB at most) within this
  Http2Limits http2{};
  bool operator==(const GlobalLimits&) const = default;
};

// Where regions and ISPs of clients are looked up (R24). Paths; empty: no such file.
enum class GeoRegion : std::uint8_t { country, subdivision };
struct GeoConfig {
  std::string city;                       // MaxMind format: country or city
  std::string asn;                        // MaxMind format: ASN or ISP
  std::string table;                      // the operator's own networks, YAML
  GeoRegion region = GeoRegion::country;  // "CN", or "CN-GD" (ISO 3166-2)
  bool operator==(const GeoConfig&) const = default;
};

struct EdgeConfig {
  std::vector<ListenerConfig> listeners;
  unsigned workers = 0;  // 0 = auto: one per core
  milliseconds drain_time{30'000};
  std::string admin_address;          // "127.0.0.1:9180", "unix:/path", empty = none (fairlead run has a
                                      // default)
  std::optional<AdminTls> admin_tls;  // absent: the admin listener speaks plain HTTP
  std::string access_log = "stdout";  // "stdout", "stderr", "off" or a path
  std::string log_level = "info";
  std::vector<std::string> resolvers;        // DNS servers "ip" or "ip:port"; empty = the system's
  TlsRecords tls_records = TlsRecords::own;  // towards origins; a listener has its own
  GlobalLimits limits;
  GeoConfig geo;
  std::vector<DomainPolicy> domains;
  bool operator==(const EdgeConfig&) const = default;
};

}  // namespace fairlead::model
