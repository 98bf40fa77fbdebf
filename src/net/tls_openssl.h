#pragma once
// What the tls_*.cc files share of OpenSSL: owning pointers, its words for errors, and the parts of a certificate that
// has been read. Private to them and to net's tests: nobody else includes this, so OpenSSL's headers stay out of the
// rest of the tree.

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/tls_certificate.h"

namespace fairlead::net {

template <auto Free>
struct OpensslDeleter {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using BioPtr = std::unique_ptr<BIO, OpensslDeleter<BIO_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslDeleter<X509_free>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, OpensslDeleter<EVP_PKEY_free>>;
using SslCtxPtr = std::unique_ptr<SSL_CTX, OpensslDeleter<SSL_CTX_free>>;
using SessionPtr = std::unique_ptr<SSL_SESSION, OpensslDeleter<SSL_SESSION_free>>;

// The words of the earliest error in this thread's queue (the most specific one), and an empty queue afterwards.
std::string take_openssl_error(std::string_view otherwise = "unknown error");

// Every operation whose outcome SSL_get_error judges must begin with an empty queue; looking is cheaper than clearing.
inline void clear_openssl_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

struct ParsedKeyPair {
  std::vector<X509Ptr> chain;  // leaf first, never empty
  PkeyPtr key;
  CertificateInfo info;
};
// inspect_certificate with the objects themselves.
base::Result<ParsedKeyPair> parse_key_pair(std::string_view chain_pem, std::string_view key_pem);

// Gives chain and key to `ctx`, which judges them by its security level. Errors: malformed, side config.
base::Result<void> use_key_pair(SSL_CTX* ctx, const ParsedKeyPair& pair);

// Every certificate of a PEM text. Errors: malformed; `what` names the text in them.
base::Result<std::vector<X509Ptr>> parse_certificates(std::string_view pem, std::string_view what);

// A key that is not under a passphrase. The words tell the usual mistakes apart: a passphrase, swapped files, a damaged
// file, the wrong file. Errors: malformed, side config, as of the three that follow.
base::Result<PkeyPtr> parse_private_key(std::string_view pem);

// Each certificate was issued and signed by the next one.
base::Result<void> check_chain_order(const std::vector<X509Ptr>& chain);
// The key is the first certificate's.
base::Result<void> check_key_matches(const std::vector<X509Ptr>& chain, EVP_PKEY* key);
// TLS today takes keys of that strength.
base::Result<void> check_key_size(EVP_PKEY* key);

struct CertificateDates {
  std::string subject;
  std::int64_t from = 0, until = 0;  // seconds since 1970, UTC; 0 for a date that cannot be read
};
CertificateDates dates_of(const X509* cert);

// What every context here has in common: versions, level, groups, modes, options.
bool set_common_options(SSL_CTX* ctx);

int native_version(bool tls1_3);

}  // namespace fairlead::net
