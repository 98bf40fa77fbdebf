#include "net/tls_ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <mutex>
#include <stdexcept>

namespace fairlead::net {
namespace {

bool init_mac(EVP_MAC_CTX* mac, const std::array<unsigned char, 32>& key) {
  static char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key.data()), key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, params) == 1;
}

}  // namespace

TlsTicketKeys::Key::Key() {
  // The random source fails only before the kernel has one at all; a guessable key would be worse than no process.
  if (RAND_bytes(name.data(), static_cast<int>(name.size())) != 1 ||
      RAND_priv_bytes(cipher.data(), static_cast<int>(cipher.size())) != 1 ||
      RAND_priv_bytes(mac.data(), static_cast<int>(mac.size())) != 1) {
    throw std::runtime_error("no random bytes for session ticket keys");
  }
}

TlsTicketKeys::Key::~Key() {
  OPENSSL_cleanse(cipher.data(), cipher.size());
  OPENSSL_cleanse(mac.data(), mac.size());
}

TlsTicketKeys::TlsTicketKeys(base::TimePoint now, base::Duration period) : made_(now), period_(period) {
  keys_.push_front(std::make_unique<Key>());
}

TlsTicketKeys::~TlsTicketKeys() = default;

bool TlsTicketKeys::rotate(base::TimePoint now) {
  std::unique_lock lock(mutex_);
  if (now < base::later(made_, period_)) return false;
  // The new key first: whatever it throws, the old ones are all there. After a long sleep the old keys are overdue too:
  // each whole period takes the place of one.
  auto periods = period_ > base::Duration::zero() ? (now - made_) / period_ : 1;
  keys_.push_front(std::make_unique<Key>());
  for (; periods > 1 && keys_.size() > 1; --periods) keys_.pop_back();
  while (keys_.size() > kKept) keys_.pop_back();
  made_ = now;
  return true;
}

base::TimePoint TlsTicketKeys::next_rotation() const {
  std::shared_lock lock(mutex_);
  return base::later(made_, period_);
}

void TlsTicketKeys::replace_all(base::TimePoint now) {
  std::unique_lock lock(mutex_);
  keys_.push_front(std::make_unique<Key>());
  keys_.resize(1);
  made_ = now;
}

bool TlsTicketKeys::seal(unsigned char* name, unsigned char* iv, evp_cipher_ctx_st* cipher, evp_mac_ctx_st* mac) const {
  std::shared_lock lock(mutex_);
  const Key& key = *keys_.front();
  std::copy(key.name.begin(), key.name.end(), name);
  return RAND_bytes(iv, 16) == 1 &&
         EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) == 1 && init_mac(mac, key.mac);
}

TlsTicketKeys::Opened TlsTicketKeys::open(const unsigned char* name, const unsigned char* iv, evp_cipher_ctx_st* cipher,
                                          evp_mac_ctx_st* mac) const {
  std::shared_lock lock(mutex_);
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    const Key& key = *keys_[i];
    if (!std::equal(key.name.begin(), key.name.end(), name)) continue;
    if (!init_mac(mac, key.mac) || EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) != 1) {
      return Opened::no;
    }
    return i == 0 ? Opened::yes : Opened::yes_but_renew;
  }
  return Opened::no;
}

}  // namespace fairlead::net
