#pragma once
// Certificates made on the spot for tests: authorities, leaves with any names and dates, keys of every type. Nothing of
// it is on disk and nothing expires in the tree. Header only, so that the tests of other folders can use it too.

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "net/address.h"
#include "net/tls_certificate.h"
#include "net/tls_openssl.h"

namespace fairlead::net::testing {

enum class KeyKind : std::uint8_t { ecdsa, rsa, rsa_small, rsa_large, ed25519 };

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

namespace certificate_detail {

inline void check(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(std::string(what) + ": " + take_openssl_error());
}

inline std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

inline EVP_PKEY* make_key(KeyKind kind) {
  switch (kind) {
    case KeyKind::ecdsa: return EVP_EC_gen("P-256");
    case KeyKind::rsa: return EVP_RSA_gen(2048);
    case KeyKind::rsa_small: return EVP_RSA_gen(1024);
    case KeyKind::rsa_large: {  // of five primes, which are quickly found
      EVP_PKEY_CTX* made_by = EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr);
      EVP_PKEY* key = nullptr;
      EVP_PKEY_keygen_init(made_by);
      EVP_PKEY_CTX_set_rsa_keygen_bits(made_by, 8200);
      EVP_PKEY_CTX_set_rsa_keygen_primes(made_by, 5);
      EVP_PKEY_generate(made_by, &key);
      EVP_PKEY_CTX_free(made_by);
      return key;
    }
    case KeyKind::ed25519: return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  }
  return nullptr;
}

inline PkeyPtr key_for(const CertificateSpec& spec) {
  static std::map<std::pair<KeyKind, std::string>, PkeyPtr> made;
  PkeyPtr& key = made[{spec.key, spec.common_name}];
  if (!key) key.reset(make_key(spec.key));
  check(key != nullptr, "make a key");
  EVP_PKEY_up_ref(key.get());
  return PkeyPtr(key.get());
}

inline std::string key_text(EVP_PKEY* key, const EVP_CIPHER* cipher = nullptr) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  char passphrase[] = "secret";
  check(PEM_write_bio_PrivateKey(out.get(), key, cipher, nullptr, 0, nullptr, cipher ? passphrase : nullptr) == 1,
        "write a key");
  return text_of(out.get());
}

inline PkeyPtr read_key(const std::string& pem) {
  const BioPtr in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  PkeyPtr key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  check(key != nullptr, "read a key");
  return key;
}

inline void extend(X509* cert, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX ctx;
  X509V3_set_ctx_nodb(&ctx);
  X509V3_set_ctx(&ctx, issuer, cert, nullptr, nullptr, 0);
  X509_EXTENSION* ext = X509V3_EXT_conf_nid(nullptr, &ctx, nid, value.c_str());
  check(ext != nullptr && X509_add_ext(cert, ext, -1) == 1, "add an extension");
  X509_EXTENSION_free(ext);
}

}  // namespace certificate_detail

// Signed by `issuer`, or by itself. Keys of one kind and name are made once per process (RSA is slow).
inline TestCertificate make_certificate(const CertificateSpec& spec, const TestCertificate* issuer = nullptr) {
  const PkeyPtr key = certificate_detail::key_for(spec);
  const X509Ptr cert(X509_new());
  X509_set_version(cert.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), spec.serial);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), spec.from);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), spec.until);
  X509_set_pubkey(cert.get(), key.get());
  X509_NAME* name = X509_get_subject_name(cert.get());
  certificate_detail::check(
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(spec.common_name.c_str()), -1, -1, 0) == 1,
      "set the subject");

  X509Ptr issuer_cert;
  PkeyPtr issuer_key;
  if (issuer) {
    auto parsed = parse_certificates(issuer->pem, "issuer");
    certificate_detail::check(parsed.has_value(), "read the issuer");
    issuer_cert = std::move(parsed->front());
    issuer_key = certificate_detail::read_key(issuer->key_pem);
  }
  X509* signer = issuer ? issuer_cert.get() : cert.get();
  X509_set_issuer_name(cert.get(), X509_get_subject_name(signer));
  if (spec.authority) {
    certificate_detail::extend(cert.get(), signer, NID_basic_constraints, "critical,CA:TRUE");
    certificate_detail::extend(cert.get(), signer, NID_key_usage, "critical,keyCertSign,cRLSign");
  }
  std::string names;
  for (const std::string& n : spec.names) {
    names += names.empty() ? "" : ",";
    names += (SocketAddress::from_ip(n, 0) ? "IP:" : "DNS:") + n;
  }
  if (!names.empty()) certificate_detail::extend(cert.get(), signer, NID_subject_alt_name, names);
  EVP_PKEY* signing = issuer ? issuer_key.get() : key.get();
  const bool digestless = EVP_PKEY_get_base_id(signing) == EVP_PKEY_ED25519;
  certificate_detail::check(X509_sign(cert.get(), signing, digestless ? nullptr : EVP_sha256()) > 0, "sign");

  const BioPtr out(BIO_new(BIO_s_mem()));
  certificate_detail::check(PEM_write_bio_X509(out.get(), cert.get()) == 1, "write a certificate");
  return {certificate_detail::text_of(out.get()), certificate_detail::key_text(key.get())};
}

// The key written out under a passphrase.
inline std::string encrypt_key(const std::string& key_pem) {
  return certificate_detail::key_text(certificate_detail::read_key(key_pem).get(), EVP_aes_128_cbc());
}

// An authority and a leaf for `names`, signed by it.
struct TestIdentity {
  TestCertificate authority;
  TestCertificate leaf;
  TlsKeyPair pair() const { return leaf.pair(); }
};
inline TestIdentity make_identity(std::vector<std::string> names, KeyKind key = KeyKind::ecdsa) {
  TestIdentity id;
  id.authority = make_certificate({.common_name = "Test CA", .authority = true});
  const std::string common = names.empty() ? "leaf" : names.front();
  id.leaf = make_certificate({.common_name = common, .names = std::move(names), .key = key}, &id.authority);
  return id;
}

}  // namespace fairlead::net::testing
