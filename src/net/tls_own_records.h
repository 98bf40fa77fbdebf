#pragma once
// What a TlsStream has whose records are our own, and what a handshake collects so that they can be. Private to the
// tls_*.cc files.

#include <openssl/crypto.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "net/tls_openssl.h"
#include "net/tls_records.h"

namespace fairlead::net {

// Bytes that have to wait. Empty, it holds no memory.
class HeldBytes {
 public:
  std::size_t size() const { return bytes_ ? size_ - at_ : 0; }
  bool empty() const { return size() == 0; }
  const unsigned char* data() const { return bytes_.get() + at_; }
  // Throws std::bad_alloc; the bytes may be part of what is held.
  void hold(const unsigned char* bytes, std::size_t size) {
    std::unique_ptr<unsigned char[]> copy;
    if (size > 0) {
      copy = std::make_unique_for_overwrite<unsigned char[]>(size);
      std::memcpy(copy.get(), bytes, size);
    }
    bytes_ = std::move(copy);
    size_ = static_cast<std::uint32_t>(size);
    at_ = 0;
  }
  void drop_front(std::size_t size) {
    at_ += static_cast<std::uint32_t>(size);
    if (at_ == size_) bytes_.reset();
  }
  void clear() { bytes_.reset(); }

 private:
  std::unique_ptr<unsigned char[]> bytes_;
  std::uint32_t size_ = 0, at_ = 0;
};

struct TlsOwnRecords {
  explicit TlsOwnRecords(TlsRecords::Role role) : records(role) {}
  TlsRecords records;
  HeldBytes input;    // came from the socket and is not opened: part of a record, or records that there was no room for
  HeldBytes plain;    // opened, and more than was asked for
  HeldBytes pending;  // of a record that the socket has not taken whole
  std::uint32_t pending_plain = 0;  // application data in that record: taken when the record is
  bool resumed = false;
  std::string_view alpn;  // in the context that the stream holds
};

// Room for what a call reads and writes at once, one a thread: four full records, as bulk comes from most senders, so
// that what was read ends where a record ends.
struct TlsScratch {
  static constexpr std::size_t kRecords = 4;
  static constexpr std::size_t kSize = kRecords * TlsRecords::kSealed;
  unsigned char in[kSize];
  unsigned char out[kSize + TlsRecords::kAlertRecord];
  unsigned char plain[TlsRecords::kProtected];
  // Throws std::bad_alloc at a thread's first call only.
  static TlsScratch& mine();
};

// During a handshake, and as client until the first data: OpenSSL is given no more than one record at a time, the
// secrets are noted when they come into force, and records are counted from there.
struct TlsTakeover {
  explicit TlsTakeover(bool as_server) : server(as_server) {}
  ~TlsTakeover() { OPENSSL_cleanse(this, sizeof *this); }
  TlsTakeover(const TlsTakeover&) = delete;
  TlsTakeover& operator=(const TlsTakeover&) = delete;

  struct Direction {
    unsigned char secret[48];
    std::uint8_t size = 0;  // 0: not in force yet
    std::uint64_t records = 0;
  };
  Direction receiving, sending;
  std::size_t record_left = 0;  // of the record that OpenSSL is being given
  bool server;
  bool spoilt = false;  // keys were renewed: the secrets noted are not those in force

  // A line of the format that SSL_CTX_set_keylog_callback documents.
  void note_secret(std::string_view line);
  void note_message(bool sent, int type, const unsigned char* bytes, std::size_t size);
};

}  // namespace fairlead::net
