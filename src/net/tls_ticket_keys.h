#pragma once
// TlsTicketKeys: the keys that session tickets are sealed with (RFC 5077, RFC 8446 section 4.6.1). One object for the
// whole process, shared by every server context and worker, so that a client may resume on any worker. A ticket is
// worth its session's secrets, so the keys live in memory only, are replaced regularly and wiped when dropped.
//
// Thread-safe. Taken once per handshake, never per byte.

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <shared_mutex>

#include "base/clock.h"

struct evp_cipher_ctx_st;
struct evp_mac_ctx_st;

namespace fairlead::net {

class TlsTicketKeys {
 public:
  static constexpr base::Duration kPeriod = std::chrono::hours(12);
  static constexpr std::size_t kKept = 3;  // the newest seals, it and the previous two open

  // The first key is made here. `period` is the time after which rotate() makes a new one.
  explicit TlsTicketKeys(base::TimePoint now, base::Duration period = kPeriod);
  ~TlsTicketKeys();
  TlsTicketKeys(const TlsTicketKeys&) = delete;
  TlsTicketKeys& operator=(const TlsTicketKeys&) = delete;

  // Makes a new key when the period is over; several overdue periods drop as many old keys. Returns whether it did.
  // Driven by any one caller's clock; the clock must be the same from call to call.
  bool rotate(base::TimePoint now);
  // The date of the next rotation that is due.
  base::TimePoint next_rotation() const;
  // Drops every key: no ticket given out so far will be accepted (after a suspected leak).
  void replace_all(base::TimePoint now);

  // For the TLS library's callback. `name` is 16 bytes, `iv` 16. seal: fills both and prepares the two contexts,
  // returns false when the random source failed. open: finds the key by name.
  enum class Opened : std::uint8_t { no, yes, yes_but_renew };
  bool seal(unsigned char* name, unsigned char* iv, evp_cipher_ctx_st* cipher, evp_mac_ctx_st* mac) const;
  Opened open(const unsigned char* name, const unsigned char* iv, evp_cipher_ctx_st* cipher, evp_mac_ctx_st* mac) const;

 private:
  // AES-256-CBC and HMAC-SHA256, encrypt-then-MAC (RFC 5077 section 4).
  struct Key {
    Key();
    ~Key();
    Key(const Key&) = delete;
    Key& operator=(const Key&) = delete;
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher, mac;
  };
  mutable std::shared_mutex mutex_;
  std::deque<std::unique_ptr<Key>> keys_;  // newest first
  base::TimePoint made_;
  base::Duration period_;
};

}  // namespace fairlead::net
