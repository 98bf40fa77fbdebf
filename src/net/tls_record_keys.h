#pragma once
// TlsRecordKeys: what protects one direction of a TLS 1.3 connection, from the traffic secret that a handshake left
// (RFC 8446 section 7): key, static IV and the number of the next record. Seals and opens single records; knows nothing
// of what they mean (tls_records.h) and does no I/O.
//
// The cipher's own state (an expanded key, some hundred bytes) is not kept per connection: each thread has one per
// suite and direction, which is given the key again when another connection uses it. Secret, key and IV are wiped when
// they are replaced and when the object ends; so is the thread's copy, if it is still of this object.
//
// About 120 bytes. One thread, the loop's.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace fairlead::net {

// The three suites of RFC 8446 that are in use. Values of section B.4.
enum class TlsSuite : std::uint16_t {
  none = 0,
  aes_128_gcm_sha256 = 0x1301,
  aes_256_gcm_sha384 = 0x1302,
  chacha20_poly1305_sha256 = 0x1303,
};
std::string_view to_string(TlsSuite suite);  // "TLS_AES_128_GCM_SHA256"
// Of RFC 8446 section B.4, or none for what we do not protect ourselves.
TlsSuite tls_suite(std::uint16_t number);
// Bytes of its traffic secrets: those of its hash.
std::size_t secret_size(TlsSuite suite);

class TlsRecordKeys {
 public:
  static constexpr std::size_t kHeader = 5;                     // RFC 8446 section 5.1
  static constexpr std::size_t kTag = 16;                       // of all three suites
  static constexpr std::size_t kOverhead = kHeader + 1 + kTag;  // with the byte that names the content's type

  TlsRecordKeys() = default;
  ~TlsRecordKeys();
  TlsRecordKeys(const TlsRecordKeys&) = delete;
  TlsRecordKeys& operator=(const TlsRecordKeys&) = delete;

  // From a traffic secret of secret_size(suite) bytes; `sequence` is the number of the next record. False: OpenSSL
  // would not (no memory), and nothing is protected.
  bool start(TlsSuite suite, std::span<const unsigned char> secret, std::uint64_t sequence);
  // The next generation of keys (RFC 8446 section 7.2), from record 0. False: OpenSSL would not.
  bool update();

  TlsSuite suite() const { return suite_; }
  std::uint64_t sequence() const { return sequence_; }
  // Takes back records that were sealed and of which nobody was given a byte: the same numbers are used again.
  void rewind(std::uint64_t sequence) { sequence_ = sequence; }

  // One record of first + second, at most 2^14 bytes, to `out`, which has room for kOverhead more. The bytes are read
  // once and may not overlap `out`. False: OpenSSL would not; the number is not used up.
  bool seal(std::uint8_t type, std::string_view first, std::string_view second, unsigned char* out);

  // Opens `record`, header included and whole, at least kHeader + kTag bytes, into `out`, with room for all but those,
  // not overlapping. What comes out is content, type and padding (TLSInnerPlaintext, section 5.2); its size, or nothing
  // when the record is not what the peer sealed, and then `out` is wiped.
  std::optional<std::size_t> open(std::span<const unsigned char> record, unsigned char* out);

 private:
  struct Cipher;
  friend struct ThreadCiphers;
  bool derive();
  Cipher* cipher(bool seal);
  void set_nonce(unsigned char* nonce) const;

  std::uint64_t sequence_ = 0;
  std::uint64_t holder_ = 0;  // names this key to the thread's ciphers; 0: no key
  std::array<unsigned char, 48> secret_{};
  std::array<unsigned char, 32> key_{};
  std::array<unsigned char, 12> iv_{};
  TlsSuite suite_ = TlsSuite::none;
};

}  // namespace fairlead::net
