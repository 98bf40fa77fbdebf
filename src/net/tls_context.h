#pragma once
// What a TLS connection is made from. TlsServerContext: one domain's certificates and TLS settings towards clients.
// TlsClientContext: how origins are verified, with a small cache of their sessions. Both are immutable, made off the
// byte path when a policy is built, shared by all workers and by the streams made from them (a stream holds its
// context, so replacing it on a reload disturbs nobody). TlsServerSelector: how an accepted connection finds its
// context.
//
// For all of them: TLS 1.2 and 1.3 only, no compression, no renegotiation, ECDHE and AEAD ciphers only unless
// configured otherwise, X25519 and P-256 first.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/tls_certificate.h"
#include "net/tls_ticket_keys.h"

struct ssl_ctx_st;

namespace fairlead::net {

enum class TlsVersion : std::uint8_t { tls1_2, tls1_3 };

// Who does the records when the handshake is over (ADR 0013). `own` where that is possible, else OpenSSL as well.
enum class TlsRecordsKind : std::uint8_t { own, openssl };
struct TlsRecordsCount;  // tls_records.h
struct TlsRecordsOptions {
  TlsRecordsKind kind = TlsRecordsKind::own;
  TlsRecordsCount* count = nullptr;  // outlives the streams
};

struct TlsServerOptions {
  // One per key type: ECDSA, RSA and Ed25519 side by side; the client's signature algorithms pick (ECDSA preferred).
  std::vector<TlsKeyPair> certificates{};
  TlsVersion min_version = TlsVersion::tls1_2;
  TlsVersion max_version = TlsVersion::tls1_3;
  std::string ciphers{};            // OpenSSL's syntax, TLS 1.2 only; empty = the edge's default
  std::vector<std::string> alpn{};  // in order of our preference: "h2", "http/1.1"; empty = ALPN is ignored
  std::shared_ptr<const TlsTicketKeys> ticket_keys{};  // null = no resumption
  // Tickets resume only where this is the same: a ticket of one domain is not accepted in another. Give the domain's
  // name, so that tickets outlive a renewed certificate; empty = derived from the certificates.
  std::string session_scope{};
};

class TlsServerContext {
 public:
  // Errors, side config: malformed (certificate, key), unsupported (ciphers, ALPN names, versions), conflict (two
  // certificates of one key type). Tens of microseconds and some tens of kilobytes: share where options are equal.
  static base::Result<std::shared_ptr<const TlsServerContext>> create(const TlsServerOptions& options);
  ~TlsServerContext();

  // Whether one of the certificates covers `host` (a name or an IP address, any case, no port).
  bool covers(std::string_view host) const;
  const std::vector<CertificateInfo>& certificates() const { return infos_; }
  // Seconds since 1970, of the certificate that expires first: for metrics and warnings.
  std::int64_t not_after() const;

 private:
  friend class TlsStream;
  friend struct TlsServerAccess;
  TlsServerContext() = default;
  ssl_ctx_st* ctx_ = nullptr;
  std::vector<CertificateInfo> infos_;
  std::string alpn_wire_;  // RFC 7301 section 3.1: each name after its length
  std::string scope_;      // 32 bytes
  std::shared_ptr<const TlsTicketKeys> ticket_keys_;
  TlsVersion min_ = TlsVersion::tls1_2, max_ = TlsVersion::tls1_3;
};

// Given to tls_accept; one per listener or worker. Called on the loop's thread while the ClientHello is looked at,
// before anything is negotiated, so versions, ciphers, ALPN and certificate all come from the context it returns.
class TlsServerSelector {
 public:
  virtual ~TlsServerSelector() = default;
  // `sni` is lower case without a trailing dot, empty when the client sent none. nullptr refuses the handshake with the
  // alert unrecognized_name (RFC 6066 section 3).
  virtual std::shared_ptr<const TlsServerContext> select(std::string_view sni) = 0;
  virtual TlsRecordsOptions records() const { return {}; }
};

struct TlsClientOptions {
  bool verify = true;    // false: whatever certificate is accepted (and only then)
  std::string ca_pem{};  // PEM bundle; empty = the system's CAs (read once per process)
  TlsVersion min_version = TlsVersion::tls1_2;
  std::vector<std::string> alpn{};  // offered in this order; empty = no ALPN
  bool resume = true;               // false: every handshake is a full one
  bool operator==(const TlsClientOptions&) const = default;
};

class TlsClientContext {
 public:
  // Names whose last session is kept, so that a reconnect resumes; the least recently made goes first.
  static constexpr std::size_t kSessions = 64;

  // Errors, side config: malformed (ca_pem), unsupported (ALPN names), not_found (no system CAs).
  static base::Result<std::shared_ptr<const TlsClientContext>> create(const TlsClientOptions& options);
  ~TlsClientContext();

  const TlsClientOptions& options() const { return options_; }
  // Sessions kept now: tests and metrics. Any thread.
  std::size_t sessions() const;

 private:
  friend class TlsStream;
  friend struct TlsClientAccess;
  struct SessionCache;
  TlsClientContext() = default;
  ssl_ctx_st* ctx_ = nullptr;
  TlsClientOptions options_;
  std::unique_ptr<SessionCache> cache_;
};

}  // namespace fairlead::net
