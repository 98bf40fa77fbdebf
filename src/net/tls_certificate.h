#pragma once
// Certificates as operators hand them over: a PEM chain (leaf first) and its key. Reading them, saying what they are,
// and saying in words a person can act on what is wrong with them. Used by `fairlead check`, by a reload before
// anything is swapped, and by TlsServerContext itself, so that all three accept and refuse the same files.
//
// Pure functions: any thread, no disk. Nothing here logs or returns key material.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace fairlead::net {

// PEM texts. The chain is the leaf and then each certificate that signed the one before it; the root may be left out.
struct TlsKeyPair {
  std::string chain_pem;
  std::string key_pem;
  bool operator==(const TlsKeyPair&) const = default;
};

struct CertificateInfo {
  std::string subject;             // RFC 4514 style: "CN=live.example.com,O=Example"
  std::string issuer;              // of the leaf
  std::vector<std::string> names;  // subjectAltName: DNS names lower case ("*.example.com" included) and IP addresses
  std::int64_t not_before = 0;     // seconds since 1970, UTC
  std::int64_t not_after = 0;
  std::string key_type;        // "ECDSA P-256", "RSA 2048", "Ed25519"
  std::size_t chain_size = 0;  // certificates, the leaf included
  bool operator==(const CertificateInfo&) const = default;
};

// Parses both texts and checks what makes them unusable whatever the domain: no or broken PEM, an encrypted key, a key
// that is not the leaf's, a chain out of order, a key too small for TLS today. Errors: malformed, side config. Dates
// and names are not judged.
base::Result<CertificateInfo> inspect_certificate(std::string_view chain_pem, std::string_view key_pem);

// inspect_certificate and then whether clients that ask for `domain` would accept it at `now_ms` (milliseconds since
// 1970): dates of every certificate of the chain, and a name that covers the domain. ".example.com" (every name below)
// needs "*.example.com". Errors: malformed (unusable), certificate (usable, but clients will refuse it); side config.
base::Result<void> check_certificate(std::string_view chain_pem, std::string_view key_pem, std::string_view domain,
                                     std::int64_t now_ms = base::wall_clock_ms());

// RFC 6125 section 6.4.3 as browsers apply it: equal without regard to case, or `pattern` is "*." and the rest equals
// `host` less its first label. A wildcard never covers two labels, nor an IP address.
bool certificate_name_covers(std::string_view pattern, std::string_view host);

// Checks a bundle of CA certificates (OriginTls::ca_pem): at least one certificate, nothing unreadable between them.
// Returns their number. Errors: malformed, side config.
base::Result<std::size_t> inspect_ca_bundle(std::string_view ca_pem);

}  // namespace fairlead::net
