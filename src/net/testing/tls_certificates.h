#pragma once
// Certificates made on the spot for tests: authorities, leaves with any names and dates, keys of every type. Nothing of
// it is on disk and nothing expires in the tree.

#include <cstdint>
#include <string>
#include <vector>

#include "net/tls_certificate.h"

namespace fairlead::net::testing {

enum class KeyKind : std::uint8_t { ecdsa, rsa, rsa_small, ed25519 };

struct CertificateSpec {
  std::string common_name = "test";
  std::vector<std::string> names{};  // DNS names and IP addresses
  KeyKind key = KeyKind::ecdsa;
  bool authority = false;
  std::int64_t from = -3600, until = 7 * 86400;  // seconds from now
  int serial = 1;
};

// One certificate and its key, PEM.
struct TestCertificate {
  std::string pem;
  std::string key_pem;
  // With an issuer's certificate appended where a chain is wanted.
  TlsKeyPair pair() const { return {pem, key_pem}; }
  TlsKeyPair pair(const TestCertificate& issuer) const { return {pem + issuer.pem, key_pem}; }
};

// Signed by `issuer`, or by itself. Keys of one kind and name are made once per process (RSA is slow).
TestCertificate make_certificate(const CertificateSpec& spec, const TestCertificate* issuer = nullptr);

// The key written out under a passphrase.
std::string encrypt_key(const std::string& key_pem);

// An authority and a leaf for `names`, signed by it.
struct TestIdentity {
  TestCertificate authority;
  TestCertificate leaf;
  TlsKeyPair pair() const { return leaf.pair(); }
};
TestIdentity make_identity(std::vector<std::string> names, KeyKind key = KeyKind::ecdsa);

}  // namespace fairlead::net::testing
