#include "net/tls_certificate.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cctype>
#include <ctime>

#include "net/address.h"
#include "net/tls_openssl.h"

namespace fairlead::net {
namespace {

using base::Code;
using base::Side;

// What OpenSSL's security level 2 asks for, and what every client in use accepts.
constexpr int kMinSecurityBits = 112;
constexpr int kMaxRsaBits = 8192;

auto malformed(std::string words) { return base::fail(Code::malformed, Side::config, std::move(words)); }

// Host names compare without regard to case (RFC 4343), and only ASCII occurs in certificates.
std::string lower(std::string_view s) {
  std::string out(s);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

// RFC 4514's form with UTF-8 left readable; "?" where OpenSSL cannot print it.
std::string name_text(const X509_NAME* name) {
  BioPtr out(BIO_new(BIO_s_mem()));
  if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) return "?";
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

std::string subject(const X509* cert) { return name_text(X509_get_subject_name(cert)); }

// 0 for a date that cannot be read, which then counts as long past.
std::int64_t unix_time(const ASN1_TIME* t) {
  std::tm tm{};
  return ASN1_TIME_to_tm(t, &tm) == 1 ? static_cast<std::int64_t>(::timegm(&tm)) : 0;
}

// "2026-03-01 12:00 UTC"
std::string date_text(std::int64_t seconds) {
  const auto t = static_cast<std::time_t>(seconds);
  std::tm tm{};
  ::gmtime_r(&t, &tm);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} UTC", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                     tm.tm_min);
}

// RFC 5280 section 4.2.1.6. Only what a client compares with: DNS names and addresses.
std::vector<std::string> alternative_names(const X509* cert) {
  std::vector<std::string> names;
  const std::unique_ptr<GENERAL_NAMES, OpensslDeleter<GENERAL_NAMES_free>> list(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(cert, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(list.get()); ++i) {
    const GENERAL_NAME* g = sk_GENERAL_NAME_value(list.get(), i);
    if (g->type == GEN_DNS) {
      const std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(g->d.dNSName)),
                                  static_cast<std::size_t>(ASN1_STRING_length(g->d.dNSName)));
      // A name with a NUL inside looks like another name to half of the world's software.
      if (text.find('\0') == std::string_view::npos) names.push_back(lower(text));
    } else if (g->type == GEN_IPADD) {
      char text[INET6_ADDRSTRLEN] = "";
      const int size = ASN1_STRING_length(g->d.iPAddress);
      const int family = size == 4 ? AF_INET : AF_INET6;
      if ((size == 4 || size == 16) &&
          ::inet_ntop(family, ASN1_STRING_get0_data(g->d.iPAddress), text, sizeof text) != nullptr) {
        names.emplace_back(text);
      }
    }
  }
  return names;
}

// What an operator calls it; the first word tells the families apart (TlsServerContext::create).
std::string key_type(EVP_PKEY* key) {
  char group[64] = "";
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA: return fmt::format("RSA {}", EVP_PKEY_get_bits(key));
    case EVP_PKEY_RSA_PSS: return fmt::format("RSA-PSS {}", EVP_PKEY_get_bits(key));
    case EVP_PKEY_ED25519: return "Ed25519";
    case EVP_PKEY_ED448: return "Ed448";
    case EVP_PKEY_EC: break;
    default: {
      const char* name = EVP_PKEY_get0_type_name(key);
      return name ? name : "unknown";
    }
  }
  if (EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) != 1) return "ECDSA";
  const char* nist = EC_curve_nid2nist(OBJ_sn2nid(group));
  return fmt::format("ECDSA {}", nist ? nist : group);
}

// OpenSSL would ask on the terminal for the passphrase of an encrypted key.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

BioPtr memory(std::string_view text) { return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

std::size_t count(std::string_view text, std::string_view word) {
  std::size_t n = 0;
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + word.size())) ++n;
  return n;
}

}  // namespace

base::Result<PkeyPtr> parse_private_key(std::string_view pem) {
  if (pem.size() > 1 << 20) return malformed("the key file is too large for a key");
  bool asked = false;  // for a passphrase
  clear_openssl_errors();
  PkeyPtr key(PEM_read_bio_PrivateKey(memory(pem).get(), nullptr, no_passphrase, &asked));
  if (key) {
    clear_openssl_errors();
    return key;
  }
  const std::string words = take_openssl_error();
  if (asked) {
    return malformed("the key is encrypted; write it out without a passphrase (openssl pkey -in OLD -out NEW)");
  }
  if (pem.find("PRIVATE KEY-----") != std::string_view::npos) {
    return malformed(fmt::format("the key cannot be read ({})", words));
  }
  if (pem.find("-----BEGIN CERTIFICATE") != std::string_view::npos) {
    return malformed("the key file holds a certificate but no key; are chain and key swapped?");
  }
  return malformed("the key file holds no PEM private key (-----BEGIN PRIVATE KEY-----)");
}

// RFC 8446 section 4.4.2 lets a client sort a chain out, RFC 5246 section 7.4.2 does not, and many clients cannot. The
// signatures are checked as well, because a renewed issuer often has the old one's name.
base::Result<void> check_chain_order(const std::vector<X509Ptr>& chain) {
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
    X509* cert = chain[i].get();
    X509* issuer = chain[i + 1].get();
    const bool named = X509_check_issued(issuer, cert) == X509_V_OK;
    const bool signed_by = named && X509_verify(cert, X509_get0_pubkey(issuer)) == 1;
    clear_openssl_errors();
    if (signed_by) continue;
    return malformed(fmt::format(
        "the chain is out of order: certificate {} ({}) was issued by {}, but certificate {} is {}; put the "
        "leaf first and then each one's issuer",
        i + 1, subject(cert), name_text(X509_get_issuer_name(cert)), i + 2, subject(issuer)));
  }
  return {};
}

// Looks through the whole chain, to tell "wrong order" from "wrong key".
base::Result<void> check_key_matches(const std::vector<X509Ptr>& chain, EVP_PKEY* key) {
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const bool match = X509_check_private_key(chain[i].get(), key) == 1;
    clear_openssl_errors();
    if (!match) continue;
    if (i == 0) return {};
    return malformed(fmt::format("the key belongs to certificate {} of the chain ({}); that one must come first", i + 1,
                                 subject(chain[i].get())));
  }
  return malformed(fmt::format("the key does not belong to the certificate {}", subject(chain.front().get())));
}

// Said here in plain words; OpenSSL's own judgement of the same thing is "ee key too small". Too large is ours: a
// worker signs each handshake in its turn, and with RSA of 16,384 bits that would be a second in which nobody else is
// served.
base::Result<void> check_key_size(EVP_PKEY* key) {
  const bool rsa = EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "RSA-PSS") == 1;
  if (rsa && EVP_PKEY_get_bits(key) > kMaxRsaBits) {
    return malformed(fmt::format("the key ({}) is too large: RSA may have {} bits", key_type(key), kMaxRsaBits));
  }
  if (EVP_PKEY_get_security_bits(key) >= kMinSecurityBits) return {};
  return malformed(
      fmt::format("the key ({}) is too small: clients refuse it; RSA needs 2048 bits, ECDSA P-256", key_type(key)));
}

CertificateDates dates_of(const X509* cert) {
  CertificateDates dates;
  dates.subject = subject(cert);
  dates.from = unix_time(X509_get0_notBefore(cert));
  dates.until = unix_time(X509_get0_notAfter(cert));
  return dates;
}

std::string take_openssl_error(std::string_view otherwise) {
  const char* data = nullptr;
  int flags = 0;
  const unsigned long e = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags);
  std::string words(otherwise);
  if (e != 0) {
    const char* reason = ERR_reason_error_string(e);
    words = reason ? reason : fmt::format("error {:x}", e);
    if (data && *data && (flags & ERR_TXT_STRING)) words += fmt::format(" ({})", data);
  }
  ERR_clear_error();
  return words;
}

base::Result<std::vector<X509Ptr>> parse_certificates(std::string_view pem, std::string_view what) {
  if (pem.size() > 16u << 20) return malformed(fmt::format("{} is too large for certificates", what));
  const std::size_t announced = count(pem, "-----BEGIN CERTIFICATE-----") +
                                count(pem, "-----BEGIN TRUSTED CERTIFICATE-----") +
                                count(pem, "-----BEGIN X509 CERTIFICATE-----");
  if (announced == 0) {
    if (pem.find("PRIVATE KEY-----") != std::string_view::npos) {
      return malformed(fmt::format("{} holds a key but no certificate; are chain and key swapped?", what));
    }
    return malformed(fmt::format("{} holds no PEM certificate (-----BEGIN CERTIFICATE-----)", what));
  }
  std::vector<X509Ptr> certs;
  clear_openssl_errors();
  const BioPtr in = memory(pem);
  // Owned before the list grows, which may fail for want of memory.
  while (X509Ptr cert{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)}) certs.push_back(std::move(cert));
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string words = take_openssl_error();
  // A certificate cut off in the middle makes the reader run on to the next BEGIN, hence the comparison too.
  if (!at_end || certs.size() != announced) {
    return malformed(fmt::format("certificate {} of {} cannot be read ({})", certs.size() + 1, what,
                                 at_end ? "no end line" : words));
  }
  return certs;
}

base::Result<ParsedKeyPair> parse_key_pair(std::string_view chain_pem, std::string_view key_pem) {
  auto chain = parse_certificates(chain_pem, "the chain file");
  if (!chain) return std::unexpected(std::move(chain.error()));
  auto key = parse_private_key(key_pem);
  if (!key) return std::unexpected(std::move(key.error()));
  if (auto ok = check_key_matches(*chain, key->get()); !ok) return std::unexpected(std::move(ok.error()));
  if (auto ok = check_chain_order(*chain); !ok) return std::unexpected(std::move(ok.error()));
  if (auto ok = check_key_size(key->get()); !ok) return std::unexpected(std::move(ok.error()));
  ParsedKeyPair pair{std::move(*chain), std::move(*key), {}};
  const X509* leaf = pair.chain.front().get();
  pair.info.subject = subject(leaf);
  pair.info.issuer = name_text(X509_get_issuer_name(leaf));
  pair.info.names = alternative_names(leaf);
  pair.info.not_before = unix_time(X509_get0_notBefore(leaf));
  pair.info.not_after = unix_time(X509_get0_notAfter(leaf));
  pair.info.key_type = key_type(pair.key.get());
  pair.info.chain_size = pair.chain.size();
  clear_openssl_errors();
  return pair;
}

base::Result<void> use_key_pair(SSL_CTX* ctx, const ParsedKeyPair& pair) {
  clear_openssl_errors();
  bool ok = SSL_CTX_use_certificate(ctx, pair.chain.front().get()) == 1 &&
            SSL_CTX_use_PrivateKey(ctx, pair.key.get()) == 1 && SSL_CTX_clear_chain_certs(ctx) == 1;
  for (std::size_t i = 1; ok && i < pair.chain.size(); ++i) {
    ok = SSL_CTX_add1_chain_cert(ctx, pair.chain[i].get()) == 1;
  }
  if (ok) return {};
  return malformed(fmt::format("the certificate {} cannot be used: {}", pair.info.subject, take_openssl_error()));
}

base::Result<CertificateInfo> inspect_certificate(std::string_view chain_pem, std::string_view key_pem) {
  auto pair = parse_key_pair(chain_pem, key_pem);
  if (!pair) return std::unexpected(std::move(pair.error()));
  // A context's judgement (sizes and digests of every certificate) is the same here as when the policy is built.
  const SslCtxPtr ctx(SSL_CTX_new(TLS_server_method()));
  if (!ctx || !set_common_options(ctx.get())) return base::fail(Code::internal, Side::edge, take_openssl_error());
  if (auto ok = use_key_pair(ctx.get(), *pair); !ok) return std::unexpected(std::move(ok.error()));
  return std::move(pair->info);
}

base::Result<void> check_certificate(std::string_view chain_pem, std::string_view key_pem, std::string_view domain,
                                     std::int64_t now_ms) {
  const auto info = inspect_certificate(chain_pem, key_pem);
  if (!info) return std::unexpected(info.error());
  const auto chain = parse_certificates(chain_pem, "the chain file");
  if (!chain) return std::unexpected(chain.error());

  // All faults at once: whoever renews a certificate wants to renew it once.
  std::vector<std::string> faults;
  const std::int64_t now = now_ms / 1000;
  for (const X509Ptr& cert : *chain) {
    const std::int64_t from = unix_time(X509_get0_notBefore(cert.get()));
    const std::int64_t until = unix_time(X509_get0_notAfter(cert.get()));
    if (now > until) {
      faults.push_back(fmt::format("the certificate {} expired on {}", subject(cert.get()), date_text(until)));
    } else if (now < from) {
      faults.push_back(fmt::format("the certificate {} is not valid before {}", subject(cert.get()), date_text(from)));
    }
  }

  // ".example.com" is every name below, which only the wildcard itself can promise.
  const bool below = domain.starts_with('.');
  const std::string needed = below ? "*" + lower(domain) : lower(domain);
  const bool covered = std::any_of(info->names.begin(), info->names.end(), [&](const std::string& name) {
    return below ? name == needed : certificate_name_covers(name, needed);
  });
  if (info->names.empty()) {
    faults.push_back("the certificate has no subjectAltName, and clients no longer look at the common name");
  } else if (!domain.empty() && !covered) {
    faults.push_back(
        fmt::format("no name of the certificate covers {}; it is for {}", needed, fmt::join(info->names, ", ")));
  }
  if (faults.empty()) return {};
  return base::fail(Code::certificate, Side::config, fmt::format("{}", fmt::join(faults, "; ")));
}

bool certificate_name_covers(std::string_view pattern, std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || pattern.empty()) return false;
  const std::string wanted = lower(host), name = lower(pattern);
  if (const auto ip = SocketAddress::from_ip(wanted, 0)) {
    const auto mine = SocketAddress::from_ip(name, 0);
    return mine && *mine == *ip;
  }
  if (!name.starts_with("*.")) return name == wanted;
  const auto dot = wanted.find('.');
  // The label under the star is not empty; "*.example.com" is not ".example.com".
  return dot != std::string::npos && dot > 0 &&
         std::string_view(name).substr(1) == std::string_view(wanted).substr(dot);
}

base::Result<std::size_t> inspect_ca_bundle(std::string_view ca_pem) {
  const auto certs = parse_certificates(ca_pem, "the CA file");
  if (!certs) return std::unexpected(certs.error());
  return certs->size();
}

}  // namespace fairlead::net
