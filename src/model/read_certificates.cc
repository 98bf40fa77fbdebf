// Certificates of a domain: files or inline PEM, checked for syntax here and in depth by the CertificateChecker.

#include <fmt/format.h>

#include "model/read_parts.h"
#include "model/syntax.h"

namespace fairlead::model {
namespace {

// The first, shallow look: is it PEM, and of the right kind? It finds what goes wrong by hand (the wrong file, a half
// copied block, chain and key swapped) with words that a library's error could not have.
bool check_chain(const Field& field, const std::string& pem) {
  const PemContents contents = scan_pem(pem);
  if (contents.malformed) {
    field.error("bad-pem", "the certificate chain is not well-formed PEM",
                "each block runs from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----");
    return false;
  }
  if (contents.certificates == 0) {
    field.error("bad-pem", "the certificate chain contains no certificate",
                contents.keys + contents.encrypted_keys > 0
                    ? "it is a private key: are \"chain\" and \"key\" swapped?"
                    : "PEM: -----BEGIN CERTIFICATE-----, the domain's own first");
    return false;
  }
  return true;
}

// As above for the key. More than one key in the file leaves open which is meant.
bool check_key(const Field& field, const std::string& pem) {
  const PemContents contents = scan_pem(pem);
  if (contents.encrypted_keys > 0) {
    field.error("bad-pem", "the private key is encrypted and there is nobody to ask for its pass phrase",
                "decrypt it: openssl pkey -in key.pem -out plain.pem");
    return false;
  }
  if (contents.malformed) {
    field.error("bad-pem", "the private key is not well-formed PEM",
                "one block from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----");
    return false;
  }
  if (contents.keys != 1) {
    field.error("bad-pem", fmt::format("the key file contains {} private keys", contents.keys),
                contents.keys == 0 && contents.certificates > 0
                    ? "it is a certificate: are \"chain\" and \"key\" swapped?"
                    : "exactly one is wanted");
    return false;
  }
  return true;
}

}  // namespace

std::optional<Certificate> read_certificate(MapReader& map, std::string_view name, DomainContext& context) {
  const auto chain_field = map.require("chain", "the file with the certificate and its intermediates, PEM");
  const auto key_field = map.require("key", "the file with the private key of the certificate, PEM");
  auto chain = chain_field ? context.files.pem(*chain_field) : std::nullopt;
  auto key = key_field ? context.files.pem(*key_field) : std::nullopt;
  // Both are looked at, so that two bad files make two problems.
  const bool chain_good = chain && check_chain(*chain_field, *chain);
  const bool key_good = key && check_key(*key_field, *key);
  if (!chain_good || !key_good) return std::nullopt;

  // The deep look. A pair that clients will refuse is kept, with a warning: an expired certificate must not take down
  // the other ten thousand domains at the next reload.
  if (context.certificates) {
    const auto verdict = context.certificates(*chain, *key, name);
    if (!verdict && verdict.error().code == base::Code::certificate) {
      chain_field->warning("certificate",
                           fmt::format("clients will not accept this certificate: {}", verdict.error().context));
    } else if (!verdict) {
      chain_field->error("certificate", fmt::format("the certificate cannot be used: {}", verdict.error().context));
      return std::nullopt;
    }
  }
  return Certificate{pem_blocks(*chain), pem_blocks(*key)};
}

void read_certificates(MapReader& domain, DomainPolicy& policy, DomainContext& context) {
  const auto list = domain.find("certificates");
  if (!list) return;
  list->each(limits::kMaxCertificatesPerDomain, [&](const Field& item) {
    MapReader map(item);
    if (!map) return;
    if (auto pair = read_certificate(map, policy.name, context)) policy.certificates.push_back(std::move(*pair));
  });
}

}  // namespace fairlead::model
