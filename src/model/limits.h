#pragma once
// Limits: every bound of a configuration document, by name, in one place. The readers take their ranges from here, the
// edge may use them to size things, and docs/configuration.md quotes them; a number that bounds user input and stands
// anywhere else is a bug. Durations are milliseconds, sizes are bytes.
//
// Two ranges can apply to one setting: what the edge accepts at all (outside it: an error) and what a customer is
// normally allowed (R14's documented range; outside it: a warning in the file, a refusal in the control plane).

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace fairlead::model::limits {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

// Inclusive bounds. `initial` is the default; `off_allowed` says that the word `off` (stored as 0) is a value too.
struct DurationRange {
  milliseconds min;
  milliseconds initial;
  milliseconds max;
  bool off_allowed = false;
};

struct SizeRange {
  std::uint64_t min;
  std::uint64_t initial;
  std::uint64_t max;
  bool off_allowed = false;
};

using CountRange = SizeRange;

// --- The document itself. Generous for 10,000 domains written out in full (about 60 nodes and 2 KB each).
inline constexpr std::size_t kMaxDocumentBytes = 64u << 20;
inline constexpr std::size_t kMaxDocumentNodes = 4'000'000;  // after aliases are expanded
inline constexpr std::size_t kMaxAliasNodes = 1'000'000;     // of them, those that aliases brought in
inline constexpr std::size_t kMaxDocumentDepth = 32;         // the schema itself is 6 deep
inline constexpr std::size_t kMaxScalarBytes = 1u << 20;
inline constexpr std::size_t kMaxProblems = 500;                  // further ones are counted, not kept
inline constexpr std::size_t kMaxReferencedFileBytes = 1u << 20;  // a PEM file; a full system CA bundle is 0.2 MiB
inline constexpr std::size_t kMaxReferencedBytes = 1u << 30;      // all of them together, a copy for each domain

// --- Names. RFC 1035 §2.3.4: 255 octets on the wire, so 253 characters; labels of 63.
inline constexpr std::size_t kMaxDomainName = 253;
inline constexpr std::size_t kMaxLabel = 63;
inline constexpr std::size_t kMaxHeaderName = 256;
inline constexpr std::size_t kMaxHeaderValue = 8 * 1024;
inline constexpr std::size_t kMaxCookieName = 128;
inline constexpr std::size_t kMaxPath = 2048;     // of a health check
inline constexpr std::size_t kMaxUnixPath = 107;  // sun_path is 108 with its NUL
inline constexpr std::size_t kMaxCipherList = 4096;

// --- How many of each.
inline constexpr std::size_t kMaxDomains = 100'000;  // ten times the design size
inline constexpr std::size_t kMaxListeners = 256;
inline constexpr std::size_t kMaxOriginsPerDomain = 256;
inline constexpr std::size_t kMaxCertificatesPerDomain = 16;
inline constexpr std::size_t kMaxAddHeaders = 64;
inline constexpr std::size_t kMaxProxyNetworks = 1024;
inline constexpr std::size_t kMaxResolvers = 8;
inline constexpr std::size_t kMaxLayer7Configs = 10'000;

// --- Of the node.
inline constexpr CountRange kWorkers{1, 0, 1024};  // 0 = auto, written `auto`
inline constexpr DurationRange kDrainTime{100ms, 30s, 1h, true};
inline constexpr DurationRange kHandshakeTimeout{1s, 10s, 120s};
inline constexpr CountRange kBacklog{1, 4096, 65'535};
inline constexpr CountRange kMaxSessions{1, 1'000'000, 16'000'000};
inline constexpr CountRange kMaxConnections{1, 1'000'000, 16'000'000};
inline constexpr CountRange kPerClient{1, 0, 16'000'000, true};
inline constexpr SizeRange kMaxHeadBytes{1024, 32 * 1024, 1u << 20};
inline constexpr CountRange kMaxHeadFields{8, 100, 1000};
inline constexpr DurationRange kClientSendTimeout{1s, 60s, 3600s};

// --- HTTP/2, of one client connection. A window below 65,535 would be below the protocol's own (RFC 9113 6.9.2).
inline constexpr CountRange kHttp2Streams{1, 128, 10'000};
inline constexpr SizeRange kHttp2StreamWindow{65'535, 64 * 1024, 16u << 20};
inline constexpr CountRange kHttp2Resets{1, 50, 1'000'000};
inline constexpr CountRange kHttp2Settings{1, 5, 1'000'000};
inline constexpr CountRange kHttp2Pings{1, 10, 1'000'000};
inline constexpr CountRange kHttp2EmptyFrames{1, 10, 1'000'000};
inline constexpr CountRange kHttp2Priorities{1, 50, 1'000'000};
inline constexpr CountRange kHttp2WindowUpdates{1, 500, 1'000'000};
inline constexpr CountRange kHttp2UnknownFrames{1, 50, 1'000'000};

// --- WebSocket, R3, R4, R1, R8.
inline constexpr DurationRange kConnectionTimeout{1s, 60s, 3600s};                         // R3
inline constexpr DurationRange kHeartbeatInterval{1s, 0s, 300s, true};                     // R4
inline constexpr DurationRange kPongTimeout{1s, 10s, 300s};                                // R4
inline constexpr DurationRange kSessionDrainTime{1s, 30s, 1h};                             // R1, on_disable: drain
inline constexpr DurationRange kMaxSessionAge{1s, 0s, std::chrono::hours(24 * 30), true};  // R8
inline constexpr DurationRange kStatedInterval{1s, 0s, 24h};                               // R5, A and C
inline constexpr DurationRange kOriginRequestTimeout{1s, 30s, 900s};                       // R8
inline constexpr SizeRange kMaxMessageSize{125, 0, 1ull << 40, true};  // 125: RFC 6455 §5.5, control frames must fit

// --- Origins, R12, R13.
inline constexpr CountRange kWeight{1, 10, 100};
inline constexpr DurationRange kHealthInterval{1s, 5s, 1h};
inline constexpr DurationRange kHealthTimeout{100ms, 2s, 60s};
inline constexpr CountRange kHealthCount{1, 0, 100};  // healthy_after, unhealthy_after, passive.failures
inline constexpr DurationRange kPassiveWindow{1s, 10s, 1h};
inline constexpr DurationRange kPassiveEject{1s, 10s, 1h};
inline constexpr DurationRange kCookieMaxAge{1s, 0s, std::chrono::hours(24 * 400), true};  // RFC 6265bis: 400 days

// --- The control plane.
inline constexpr DurationRange kLoginTime{std::chrono::minutes(1), 12h, std::chrono::hours(24 * 30)};
inline constexpr CountRange kApiRate{1, 200, 1'000'000, true};
inline constexpr CountRange kOwnershipPort{1, 80, 65'535};
inline constexpr std::size_t kMaxWebhooks = 16;
inline constexpr std::size_t kMaxUrl = 2048;
inline constexpr std::size_t kMaxSecret = 1024;      // of a password or a webhook's secret
inline constexpr std::size_t kMaxMailAddress = 254;  // RFC 5321 4.5.3.1.3, without the angle brackets

// --- Layer 7, R14: what the edge takes, then the customer's documented range.
struct Layer7Range {
  DurationRange edge;
  milliseconds customer_min;
  milliseconds customer_max;
};
inline constexpr Layer7Range kClientHeaderTimeout{{1s, 60s, 3600s}, 30s, 120s};
inline constexpr Layer7Range kClientBodyTimeout{{1s, 60s, 3600s}, 30s, 120s};
inline constexpr Layer7Range kKeepaliveTimeout{{1s, 75s, 3600s, true}, 0s, 900s};
inline constexpr Layer7Range kProxyConnectTimeout{{1s, 4s, 3600s}, 4s, 120s};
inline constexpr Layer7Range kProxySendTimeout{{1s, 60s, 3600s}, 30s, 3600s};
inline constexpr Layer7Range kProxyReadTimeout{{1s, 60s, 3600s}, 1s, 3600s};
inline constexpr SizeRange kClientMaxBodySize{1, 60ull << 20, 1ull << 40};
inline constexpr std::uint64_t kCustomerMinBodySize = 1ull << 20;
inline constexpr std::uint64_t kCustomerMaxBodySize = 10'240ull << 20;

}  // namespace fairlead::model::limits
