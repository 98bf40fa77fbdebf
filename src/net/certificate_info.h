#pragma once
// A certificate chain and its key as they come from a network: read and judged together with every fault told at once
// and said of which of the two it is, and written out again clean. What tls_certificate.h accepts is accepted here, and
// what it refuses is refused, but dates are judged too: nobody uploads a certificate to use it in the past.
//
// Pure functions: any thread, no disk. No message holds key material.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/tls_certificate.h"

namespace fairlead::net {

inline constexpr std::size_t kMaxChain = 16;         // certificates
inline constexpr std::int64_t kExpirySoonDays = 30;  // days before the end that are worth a warning
inline constexpr std::int64_t kSecondsOfDay = 24 * 3600;

struct CertificateFault {
  enum class Part : std::uint8_t { chain, key };
  Part part = Part::chain;
  std::string code;     // errors: "bad-chain", "bad-key", "key-mismatch", "chain-order", "weak-key", "expired",
                        // "key-in-chain", "too-many"; warnings: "expires-soon", "not-yet-valid", "no-names"
  std::string message;  // a sentence without a full stop
};

struct CertificateReading {
  std::optional<CertificateInfo> info;  // exactly when there are no errors; not_after is the leaf's
  // Both texts written anew from what was understood, the key in PKCS#8: free of comments, of further keys, of anything
  // else that stood beside them. Empty when there are errors.
  std::string chain_pem, key_pem;
  std::vector<CertificateFault> errors, warnings;
};

// `now_ms`: since 1970 UTC.
CertificateReading read_certificate(std::string_view chain_pem, std::string_view key_pem, std::int64_t now_ms);

// Warnings of dates alone, for a certificate that was accepted earlier. `not_before`, `not_after`: seconds since 1970.
std::vector<CertificateFault> date_warnings(std::int64_t not_before, std::int64_t not_after, std::int64_t now_ms);

// Whole days until `not_after_ms`, rounded down: 0 on the last day, negative when it has expired.
std::int64_t days_until(std::int64_t not_after_ms, std::int64_t now_ms);

// "RSA" of "RSA 2048". One domain cannot be served two certificates of one family (TlsServerContext::create).
std::string_view key_family(std::string_view key_type);

// Whether one of the certificate's names is good for every client of `domain`: ".example.com" (every name below) needs
// "*.example.com" itself.
bool certificate_covers_domain(const std::vector<std::string>& names, std::string_view domain);

}  // namespace fairlead::net
