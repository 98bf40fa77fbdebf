#include "net/certificate_info.h"

#include <fmt/format.h>
#include <openssl/pem.h>

#include <algorithm>
#include <ctime>

#include "net/tls_openssl.h"

namespace fairlead::net {
namespace {

using Part = CertificateFault::Part;

CertificateFault fault(Part part, std::string code, std::string message) {
  CertificateFault f;
  f.part = part;
  f.code = std::move(code);
  f.message = std::move(message);
  return f;
}

// "2026-03-01"
std::string day_text(std::int64_t seconds) {
  const auto t = static_cast<std::time_t>(seconds);
  std::tm tm{};
  ::gmtime_r(&t, &tm);
  return fmt::format("{:04}-{:02}-{:02}", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

// Empty when OpenSSL cannot write them.
std::string write_chain(const std::vector<X509Ptr>& chain) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  for (const X509Ptr& cert : chain) {
    if (!out || PEM_write_bio_X509(out.get(), cert.get()) != 1) return {};
  }
  return text_of(out.get());
}

std::string write_key(EVP_PKEY* key) {
  const BioPtr out(BIO_new(BIO_s_secmem()));
  if (!out || PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) return {};
  return text_of(out.get());
}

// Clients refuse a chain of which any certificate has expired, not the leaf alone.
void judge_dates(const std::vector<X509Ptr>& chain, std::int64_t now_ms, CertificateReading& reading) {
  for (const X509Ptr& cert : chain) {
    const CertificateDates dates = dates_of(cert.get());
    if (now_ms / 1000 <= dates.until) continue;
    reading.errors.push_back(fault(
        Part::chain, "expired", fmt::format("the certificate {} expired on {}", dates.subject, day_text(dates.until))));
  }
  const CertificateDates leaf = dates_of(chain.front().get());
  reading.warnings = date_warnings(leaf.from, leaf.until, now_ms);
}

}  // namespace

CertificateReading read_certificate(std::string_view chain_pem, std::string_view key_pem, std::int64_t now_ms) {
  CertificateReading reading;
  auto& errors = reading.errors;
  const auto chain = parse_certificates(chain_pem, "the chain");
  if (!chain) errors.push_back(fault(Part::chain, "bad-chain", chain.error().context));
  // It would be kept, and shown, with the chain.
  if (chain && chain_pem.find("PRIVATE KEY-----") != std::string_view::npos)
    errors.push_back(
        fault(Part::chain, "key-in-chain", "the chain holds a private key; it belongs into the key alone"));
  if (chain && chain->size() > kMaxChain)
    errors.push_back(
        fault(Part::chain, "too-many",
              fmt::format("the chain has {} certificates, at most {} are taken", chain->size(), kMaxChain)));
  const auto key = parse_private_key(key_pem);
  if (!key) errors.push_back(fault(Part::key, "bad-key", key.error().context));

  if (chain && key) {
    if (const auto ok = check_key_matches(*chain, key->get()); !ok)
      errors.push_back(fault(Part::key, "key-mismatch", ok.error().context));
  }
  if (chain && chain->size() <= kMaxChain) {
    if (const auto ok = check_chain_order(*chain); !ok)
      errors.push_back(fault(Part::chain, "chain-order", ok.error().context));
    judge_dates(*chain, now_ms, reading);
  }
  if (key) {
    if (const auto ok = check_key_size(key->get()); !ok)
      errors.push_back(fault(Part::key, "weak-key", ok.error().context));
  }
  if (errors.empty()) {
    reading.chain_pem = write_chain(*chain);
    reading.key_pem = write_key(key->get());
    // The last word is the TLS library's, on exactly what an edge will be given.
    auto info = inspect_certificate(reading.chain_pem, reading.key_pem);
    if (info) {
      reading.info = std::move(*info);
      if (reading.info->names.empty())
        reading.warnings.push_back(
            fault(Part::chain, "no-names",
                  "the certificate has no subjectAltName, and clients no longer look at the common name"));
    } else {
      errors.push_back(fault(Part::chain, "bad-chain", info.error().context));
    }
  }
  if (!errors.empty()) {
    reading.chain_pem.clear();
    reading.key_pem.clear();
    reading.warnings.clear();
  }
  clear_openssl_errors();
  return reading;
}

std::vector<CertificateFault> date_warnings(std::int64_t not_before, std::int64_t not_after, std::int64_t now_ms) {
  std::vector<CertificateFault> warnings;
  const std::int64_t now = now_ms / 1000;
  if (now > not_after) {
    warnings.push_back(
        fault(Part::chain, "expired", fmt::format("the certificate expired on {}", day_text(not_after))));
  } else if (now > not_after - kExpirySoonDays * kSecondsOfDay) {
    warnings.push_back(
        fault(Part::chain, "expires-soon", fmt::format("the certificate expires on {}", day_text(not_after))));
  }
  if (now < not_before)
    warnings.push_back(fault(Part::chain, "not-yet-valid",
                             fmt::format("the certificate is not valid before {}", day_text(not_before))));
  return warnings;
}

std::int64_t days_until(std::int64_t not_after_ms, std::int64_t now_ms) {
  constexpr std::int64_t day = kSecondsOfDay * 1000;
  const std::int64_t left = not_after_ms - now_ms;
  return left >= 0 ? left / day : -((-left + day - 1) / day);
}

std::string_view key_family(std::string_view key_type) { return key_type.substr(0, key_type.find(' ')); }

bool certificate_covers_domain(const std::vector<std::string>& names, std::string_view domain) {
  if (!domain.starts_with('.'))
    return std::ranges::any_of(names, [&](const auto& name) { return certificate_name_covers(name, domain); });
  const std::string needed = "*" + std::string(domain);
  return std::ranges::find(names, needed) != names.end();
}

}  // namespace fairlead::net
