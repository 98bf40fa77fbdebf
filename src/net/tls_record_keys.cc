#include "net/tls_record_keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <atomic>
#include <cassert>
#include <cstring>
#include <memory>

#include "net/tls_openssl.h"

namespace fairlead::net {
namespace {

constexpr std::uint8_t kApplicationData = 23;

struct SuiteFacts {
  TlsSuite suite;
  std::string_view name;
  const char* cipher;  // as OpenSSL's providers call it
  std::size_t key;
  std::size_t secret;
  const char* hash;
};
constexpr SuiteFacts kSuites[] = {
    {TlsSuite::aes_128_gcm_sha256, "TLS_AES_128_GCM_SHA256", "AES-128-GCM", 16, 32, "SHA256"},
    {TlsSuite::aes_256_gcm_sha384, "TLS_AES_256_GCM_SHA384", "AES-256-GCM", 32, 48, "SHA384"},
    {TlsSuite::chacha20_poly1305_sha256, "TLS_CHACHA20_POLY1305_SHA256", "ChaCha20-Poly1305", 32, 32, "SHA256"},
};
constexpr std::size_t kSuiteCount = std::size(kSuites);

// 0 to 2; only for suites that are ours.
std::size_t index_of(TlsSuite suite) {
  return static_cast<std::size_t>(suite) - static_cast<std::size_t>(TlsSuite::aes_128_gcm_sha256);
}
const SuiteFacts& facts(TlsSuite suite) { return kSuites[index_of(suite)]; }

// Fetched once: OpenSSL 3 looks a cipher up under a lock whenever it is named by the old functions.
const EVP_CIPHER* fetched(TlsSuite suite) {
  static EVP_CIPHER* const ciphers[kSuiteCount] = {EVP_CIPHER_fetch(nullptr, kSuites[0].cipher, nullptr),
                                                   EVP_CIPHER_fetch(nullptr, kSuites[1].cipher, nullptr),
                                                   EVP_CIPHER_fetch(nullptr, kSuites[2].cipher, nullptr)};
  return ciphers[index_of(suite)];
}

// HMACs of this thread, for the same reason: HMAC() looks its hash up three times.
struct ThreadMacs {
  EVP_MAC_CTX* of[kSuiteCount] = {};
  ~ThreadMacs() {
    for (EVP_MAC_CTX* context : of) EVP_MAC_CTX_free(context);
  }
  // Null without memory for it.
  static EVP_MAC_CTX* mine(const SuiteFacts& suite) {
    static EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    static thread_local ThreadMacs macs;
    EVP_MAC_CTX*& context = macs.of[index_of(suite.suite)];
    if (context || !hmac) return context;
    context = EVP_MAC_CTX_new(hmac);
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", const_cast<char*>(suite.hash), 0),
                                     OSSL_PARAM_construct_end()};
    if (context && EVP_MAC_CTX_set_params(context, parameters) == 1) return context;
    EVP_MAC_CTX_free(context);
    return context = nullptr;
  }
};

// HKDF-Expand-Label with an empty context (RFC 8446 section 7.1). What is asked for is never longer than the hash, so
// HKDF-Expand is one HMAC (RFC 5869 section 2.3).
bool expand_label(const SuiteFacts& suite, const unsigned char* secret, std::string_view label, unsigned char* out,
                  std::size_t size) {
  unsigned char info[32];
  std::size_t n = 0;
  info[n++] = 0;
  info[n++] = static_cast<unsigned char>(size);
  constexpr std::string_view kPrefix = "tls13 ";
  info[n++] = static_cast<unsigned char>(kPrefix.size() + label.size());
  std::memcpy(info + n, kPrefix.data(), kPrefix.size());
  n += kPrefix.size();
  std::memcpy(info + n, label.data(), label.size());
  n += label.size();
  info[n++] = 0;  // the context's length
  info[n++] = 1;  // HKDF's counter
  unsigned char block[EVP_MAX_MD_SIZE];
  std::size_t made = 0;
  assert(size <= suite.secret);
  EVP_MAC_CTX* const mac = ThreadMacs::mine(suite);
  const bool good = mac && EVP_MAC_init(mac, secret, suite.secret, nullptr) == 1 && EVP_MAC_update(mac, info, n) == 1 &&
                    EVP_MAC_final(mac, block, &made, sizeof block) == 1 && made == suite.secret;
  if (good) std::memcpy(out, block, size);
  OPENSSL_cleanse(block, sizeof block);
  // The context outlives the connection; the secret in it must not.
  static constexpr unsigned char kNothing[EVP_MAX_MD_SIZE] = {};
  if (mac) EVP_MAC_init(mac, kNothing, suite.secret, nullptr);
  return good;
}

// Names of keys are never used twice in a process; a stream may be made and used on different threads (tests).
std::atomic<std::uint64_t> last_holder{0};

}  // namespace

std::string_view to_string(TlsSuite suite) { return suite == TlsSuite::none ? "" : facts(suite).name; }

TlsSuite tls_suite(std::uint16_t number) {
  for (const SuiteFacts& s : kSuites) {
    if (static_cast<std::uint16_t>(s.suite) == number) return s.suite;
  }
  return TlsSuite::none;
}

std::size_t secret_size(TlsSuite suite) { return suite == TlsSuite::none ? 0 : facts(suite).secret; }

// One of a thread's ciphers.
struct TlsRecordKeys::Cipher {
  EVP_CIPHER_CTX* context = nullptr;
  std::uint64_t holder = 0;  // whose key is in it
  ~Cipher() { EVP_CIPHER_CTX_free(context); }

  bool make(TlsSuite suite, bool seal) {
    if (context) return true;
    if (!fetched(suite)) return false;
    context = EVP_CIPHER_CTX_new();
    if (context && EVP_CipherInit_ex(context, fetched(suite), nullptr, nullptr, nullptr, seal ? 1 : 0) == 1)
      return true;
    EVP_CIPHER_CTX_free(context);
    context = nullptr;
    return false;
  }
  void wipe() {
    static constexpr unsigned char kNothing[32] = {};
    holder = 0;
    EVP_CipherInit_ex(context, nullptr, nullptr, kNothing, nullptr, -1);
  }
};

struct ThreadCiphers {
  TlsRecordKeys::Cipher of[kSuiteCount][2];
  static ThreadCiphers& mine() {
    static thread_local ThreadCiphers ciphers;
    return ciphers;
  }
};

TlsRecordKeys::~TlsRecordKeys() {
  if (holder_ != 0) {
    for (Cipher& c : ThreadCiphers::mine().of[index_of(suite_)]) {
      if (c.holder == holder_) c.wipe();
    }
  }
  OPENSSL_cleanse(secret_.data(), secret_.size());
  OPENSSL_cleanse(key_.data(), key_.size());
  OPENSSL_cleanse(iv_.data(), iv_.size());
}

bool TlsRecordKeys::start(TlsSuite suite, std::span<const unsigned char> secret, std::uint64_t sequence) {
  assert(suite != TlsSuite::none && secret.size() == secret_size(suite) && holder_ == 0);
  suite_ = suite;
  std::memcpy(secret_.data(), secret.data(), secret.size());
  // Now rather than in the middle of a connection, where nothing could take its place.
  for (const bool seal : {false, true}) {
    if (!ThreadCiphers::mine().of[index_of(suite)][seal].make(suite, seal)) return false;
  }
  if (!derive()) return false;
  sequence_ = sequence;
  return true;
}

bool TlsRecordKeys::derive() {
  const SuiteFacts& s = facts(suite_);
  if (!expand_label(s, secret_.data(), "key", key_.data(), s.key) ||
      !expand_label(s, secret_.data(), "iv", iv_.data(), iv_.size())) {
    return false;
  }
  holder_ = ++last_holder;
  return true;
}

bool TlsRecordKeys::update() {
  unsigned char next[EVP_MAX_MD_SIZE];
  const SuiteFacts& s = facts(suite_);
  const bool good = expand_label(s, secret_.data(), "traffic upd", next, s.secret);
  if (good) std::memcpy(secret_.data(), next, s.secret);
  OPENSSL_cleanse(next, sizeof next);
  if (!good || !derive()) return false;
  sequence_ = 0;
  return true;
}

TlsRecordKeys::Cipher* TlsRecordKeys::cipher(bool seal) {
  Cipher& c = ThreadCiphers::mine().of[index_of(suite_)][seal];
  return c.make(suite_, seal) ? &c : nullptr;
}

// RFC 8446 section 5.3.
void TlsRecordKeys::set_nonce(unsigned char* nonce) const {
  std::memcpy(nonce, iv_.data(), iv_.size());
  for (int i = 0; i < 8; ++i) nonce[11 - i] ^= static_cast<unsigned char>(sequence_ >> (8 * i));
}

bool TlsRecordKeys::seal(std::uint8_t type, std::string_view first, std::string_view second, unsigned char* out) {
  // A record this short is joined before it is sealed: one call of the cipher instead of two or three.
  constexpr std::size_t kShort = 512;
  Cipher* c = cipher(true);
  if (!c) return false;
  unsigned char nonce[12];
  set_nonce(nonce);
  const std::size_t size = first.size() + second.size();
  const std::size_t sealed = size + 1 + kTag;
  out[0] = kApplicationData;
  out[1] = 3;
  out[2] = 3;
  out[3] = static_cast<unsigned char>(sealed >> 8);
  out[4] = static_cast<unsigned char>(sealed);
  EVP_CIPHER_CTX* const ctx = c->context;
  int n = 0;
  const bool keyed = c->holder == holder_;
  c->holder = 0;  // until it is known that the key went in
  if (EVP_EncryptInit_ex(ctx, nullptr, nullptr, keyed ? nullptr : key_.data(), nonce) != 1 ||
      EVP_EncryptUpdate(ctx, nullptr, &n, out, kHeader) != 1) {
    return false;
  }
  c->holder = holder_;
  unsigned char* to = out + kHeader;
  const auto add = [&](const void* bytes, std::size_t count) {
    if (count == 0) return true;
    if (EVP_EncryptUpdate(ctx, to, &n, static_cast<const unsigned char*>(bytes), static_cast<int>(count)) != 1) {
      return false;
    }
    to += n;
    return true;
  };
  bool good;
  if (size <= kShort) {
    if (!first.empty()) std::memcpy(to, first.data(), first.size());
    if (!second.empty()) std::memcpy(to + first.size(), second.data(), second.size());
    to[size] = type;
    good = add(to, size + 1);
  } else {
    good = add(first.data(), first.size()) && add(second.data(), second.size()) && add(&type, 1);
  }
  if (!good || EVP_EncryptFinal_ex(ctx, to, &n) != 1) return false;
  to += n;
  if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, kTag, to) != 1) return false;
  ++sequence_;
  return true;
}

std::optional<std::size_t> TlsRecordKeys::open(std::span<const unsigned char> record, unsigned char* out) {
  assert(record.size() >= kHeader + kTag);
  Cipher* c = cipher(false);
  if (!c) return std::nullopt;
  unsigned char nonce[12];
  set_nonce(nonce);
  const std::size_t size = record.size() - kHeader - kTag;
  EVP_CIPHER_CTX* const ctx = c->context;
  int n = 0, more = 0;
  const bool keyed = c->holder == holder_;
  c->holder = 0;
  if (EVP_DecryptInit_ex(ctx, nullptr, nullptr, keyed ? nullptr : key_.data(), nonce) != 1 ||
      EVP_DecryptUpdate(ctx, nullptr, &n, record.data(), kHeader) != 1) {
    return std::nullopt;
  }
  c->holder = holder_;
  unsigned char tag[kTag];
  std::memcpy(tag, record.data() + kHeader + size, kTag);
  n = 0;
  const bool good =
      (size == 0 || EVP_DecryptUpdate(ctx, out, &n, record.data() + kHeader, static_cast<int>(size)) == 1) &&
      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, kTag, tag) == 1 &&
      EVP_DecryptFinal_ex(ctx, out + n, &more) == 1 && static_cast<std::size_t>(n + more) == size;
  if (!good) {
    OPENSSL_cleanse(out, size);
    clear_openssl_errors();
    return std::nullopt;
  }
  ++sequence_;
  return size;
}

}  // namespace fairlead::net
