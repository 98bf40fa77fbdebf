#pragma once
// DomainPolicy: everything an edge must know of one accelerated domain, as one immutable value. Both planes agree
// on it: the configuration file and (later) the control plane produce it, the edge obeys it. A session holds the
// policy it was opened under; a change makes a new value and never touches the old one.
//
// Defaults here are the documented ones (REQUIREMENTS rows R1-R14). Values compare with ==, which is how a reload
// finds out which domains changed.

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::model {

using std::chrono::milliseconds;

enum class Acceleration : std::uint8_t { whole_site, static_ };
enum class OriginScheme : std::uint8_t { follow, http, https };  // R6
enum class OnDisable : std::uint8_t { close, drain, keep };      // R1
enum class HeartbeatTo : std::uint8_t { client, origin, both };  // R4
enum class OriginPriority : std::uint8_t { primary, backup };    // R12
enum class BalancePolicy : std::uint8_t { round_robin, least_sessions, consistent_hash };
enum class HashKey : std::uint8_t { client_address, header, cookie, path, query };
enum class Persistence : std::uint8_t { none, cookie };
enum class TlsVersion : std::uint8_t { tls1_2, tls1_3 };

struct Heartbeat {
  milliseconds interval{0};  // 0 = off; else 1 s to 300 s
  HeartbeatTo to = HeartbeatTo::both;
  milliseconds pong_timeout{10'000};
  bool operator==(const Heartbeat&) const = default;
};

struct WebSocketPolicy {
  bool enabled = true;  // default follows acceleration (R2): the reader of the document decides
  milliseconds connection_timeout{60'000};
  Heartbeat heartbeat;
  OriginScheme origin_scheme = OriginScheme::follow;
  OnDisable on_disable = OnDisable::close;
  milliseconds drain_time{30'000};              // for on_disable: drain
  milliseconds max_session_age{0};              // 0 = off
  bool validate = true;                         // RFC 6455 framing errors end the session with 1002
  std::uint64_t max_message_size = 0;           // bytes, 0 = no limit; a larger message ends the session with 1009
  std::optional<milliseconds> client_interval;  // A and C of the A <= B <= C rule, as the customer states them
  std::optional<milliseconds> origin_timeout;
  bool operator==(const WebSocketPolicy&) const = default;
};

struct Origin {
  std::string host;                             // IPv4, IPv6 without brackets, or a name
  std::optional<std::uint16_t> http_port = 80;  // absent: this origin cannot be reached over http
  std::optional<std::uint16_t> https_port = 443;
  std::uint32_t weight = 10;  // 1-100
  OriginPriority priority = OriginPriority::primary;
  bool insecure = false;  // this origin's certificate is not verified (R11), whatever origin_tls.verify says
  bool operator==(const Origin&) const = default;
};

struct OriginTls {
  bool verify = true;
  std::string ca_pem;       // contents of ca_file; empty = the system's CAs
  std::string server_name;  // SNI and the name verified; empty = the domain's name
  bool operator==(const OriginTls&) const = default;
};

struct LoadBalancing {
  BalancePolicy policy = BalancePolicy::round_robin;
  HashKey hash_key = HashKey::client_address;
  std::string hash_name;  // of the header, cookie or query parameter
  Persistence persistence = Persistence::none;
  std::string cookie_name = "fairlead-origin";
  milliseconds cookie_max_age{0};  // 0 = a session cookie
  bool operator==(const LoadBalancing&) const = default;
};

struct ActiveHealthCheck {
  std::string path;                          // empty = off
  std::string host;                          // Host header; empty = the domain's name
  OriginScheme scheme = OriginScheme::http;  // http or https
  milliseconds interval{5'000};
  milliseconds timeout{2'000};
  std::uint32_t healthy_after = 2;    // consecutive successes
  std::uint32_t unhealthy_after = 3;  // consecutive failures
  std::uint16_t status_from = 200, status_to = 399;
  bool operator==(const ActiveHealthCheck&) const = default;
};

// Passive: `failures` failed handshakes or requests in a row within `window` put an origin aside for `eject`.
struct PassiveHealthCheck {
  bool enabled = true;
  std::uint32_t failures = 3;
  milliseconds window{10'000};
  milliseconds eject{10'000};
  bool count_5xx = true;      // 500 and above
  bool count_refused = true;  // refused, reset, unreachable
  bool count_timeout = true;
  bool operator==(const PassiveHealthCheck&) const = default;
};

struct HealthCheck {
  ActiveHealthCheck active;
  PassiveHealthCheck passive;
  bool operator==(const HealthCheck&) const = default;
};

// A certificate chain with its key: PEM texts, already read and checked to fit together. Several per domain
// (ECDSA and RSA); the handshake picks by what the client can verify.
struct Certificate {
  std::string chain_pem;
  std::string key_pem;
  bool operator==(const Certificate&) const = default;
};

struct HeaderField {
  std::string name;
  std::string value;
  bool operator==(const HeaderField&) const = default;
};

// R14. The customer's ranges are the control plane's; the edge accepts 1 s and up.
struct Layer7 {
  milliseconds client_header_timeout{60'000};
  milliseconds client_body_timeout{60'000};
  std::uint64_t client_max_body_size = 60ull << 20;
  milliseconds keepalive_timeout{75'000};  // 0 = no keep-alive
  milliseconds proxy_connect_timeout{4'000};
  milliseconds proxy_send_timeout{60'000};
  milliseconds proxy_read_timeout{60'000};  // of ordinary HTTP; a session's clock is websocket.connection_timeout
  std::vector<TlsVersion> ssl_protocols{TlsVersion::tls1_2, TlsVersion::tls1_3};
  std::string ssl_ciphers;              // OpenSSL's syntax, TLS 1.2; empty = the edge's default
  std::vector<HeaderField> add_header;  // added to every answer to the client
  bool operator==(const Layer7&) const = default;
};

// Limits of one domain on this edge; 0 = none.
struct DomainLimits {
  std::uint32_t max_sessions = 0;
  std::uint32_t max_sessions_per_client = 0;
  std::uint32_t handshakes_per_second = 0;
  std::uint32_t handshakes_per_second_per_client = 0;
  bool operator==(const DomainLimits&) const = default;
};

// What a PROXY protocol header towards origins looks like (R10).
enum class SendProxy : std::uint8_t { off, v1, v2 };

struct DomainPolicy {
  std::string name;  // lower case; ".example.com" = every name below example.com
  // The control plane's id of the domain, under which its usage is counted: a name that is given up and taken by
  // another customer is another domain. Empty: it stands in a file.
  std::string id;
  Acceleration acceleration = Acceleration::whole_site;
  bool http2 = true;
  std::vector<Certificate> certificates;
  std::vector<Origin> origins;
  OriginTls origin_tls;
  SendProxy origin_proxy_protocol = SendProxy::off;
  LoadBalancing load_balancing;
  HealthCheck health_check;
  WebSocketPolicy websocket;
  milliseconds origin_request_timeout{30'000};  // R8
  std::string origin_host_header;               // Host towards origins; empty = as the client sent it
  Layer7 layer7;
  DomainLimits limits;
  bool operator==(const DomainPolicy&) const = default;
};

}  // namespace fairlead::model
