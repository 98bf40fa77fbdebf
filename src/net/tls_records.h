#pragma once
// TlsRecords: the record protocol of one TLS 1.3 connection after its handshake (RFC 8446 section 5 and what is left of
// section 4: KeyUpdate and NewSessionTicket). Bytes in, bytes out: no I/O, no clock. TlsStream carries its records.
//
// Receiving refuses what the RFC refuses, with the alert it names: records that are not protected, too long, or do not
// open; content of no known type; an inner plaintext that is all padding; handshake messages that are cut by other
// records, or followed by anything in the record that changes the key; messages that a peer of this role may not send.
// Beyond the RFC it bounds what costs much and says nothing: kQuietRecords in a row without application data.
//
// Keys are renewed in both directions: a peer that asks is answered before the next application data, however often it
// asked; and kRecordsPerKey records under one key make us renew ours, or ask the peer to, well before the limits of
// section 5.5 (2^24.5 full records for AES-GCM).
//
// About 300 bytes. One thread, the loop's.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/counter.h"
#include "net/tls_record_keys.h"

namespace fairlead::net {

// RFC 8446 section 6.
enum class TlsAlert : std::uint8_t {
  close_notify = 0,
  unexpected_message = 10,
  bad_record_mac = 20,
  record_overflow = 22,
  illegal_parameter = 47,
  decode_error = 50,
  internal_error = 80,
  user_canceled = 90,
};

// Those of them that we send because of what a peer did, in this order.
inline constexpr std::array kTlsRefusals = {TlsAlert::unexpected_message, TlsAlert::bad_record_mac,
                                            TlsAlert::record_overflow, TlsAlert::illegal_parameter,
                                            TlsAlert::decode_error};
std::string_view to_string(TlsAlert alert);  // "bad_record_mac"

// Of all connections of one thread. That thread adds, any may read.
struct TlsRecordsCount {
  base::Counter own, openssl;  // connections, by who does their records
  base::Counter key_updates_received, key_updates_sent;
  std::array<base::Counter, kTlsRefusals.size()> refused;  // connections ended for a record, by the alert sent
};

class TlsRecords {
 public:
  static constexpr std::size_t kHeader = TlsRecordKeys::kHeader;
  static constexpr std::size_t kPlain = 16384;                               // RFC 8446 section 5.1
  static constexpr std::size_t kProtected = kHeader + kPlain + 256;          // section 5.2: the longest record
  static constexpr std::size_t kSealed = kPlain + TlsRecordKeys::kOverhead;  // the longest that we make
  static constexpr std::size_t kKeyUpdate = 5 + TlsRecordKeys::kOverhead;
  static constexpr std::size_t kAlertRecord = 2 + TlsRecordKeys::kOverhead;
  static constexpr std::uint64_t kRecordsPerKey = std::uint64_t(1) << 23;
  static constexpr std::uint8_t kQuietRecords = 32;

  enum class Role : std::uint8_t { server, client };

  struct Direction {
    std::span<const unsigned char> secret;  // the application traffic secret in force
    std::uint64_t sequence = 0;             // of its next record
  };

  explicit TlsRecords(Role role) : role_(role) {}
  // False: OpenSSL would not. `most` is what a record of ours may carry (max_fragment_length, RFC 6066 section 4).
  // `count` may be null, or outlives this.
  bool start(TlsSuite suite, const Direction& receiving, const Direction& sending, std::size_t most = kPlain,
             TlsRecordsCount* count = nullptr);

  TlsSuite suite() const { return receiving_.suite(); }

  // ---- receiving ----

  // The size of the record that begins with `bytes`: 0 when it takes more of them to say. A header that must be refused
  // has failed() afterwards, and the size says nothing.
  std::size_t measure(std::span<const unsigned char> bytes);

  enum class Event : std::uint8_t {
    data,    // `size` bytes of application data in `out`
    quiet,   // something of the record protocol's own, or an empty record
    closed,  // close_notify: nothing that follows counts
    failed,  // see failure()
  };
  struct Opened {
    Event event = Event::failed;
    std::size_t size = 0;
  };
  // Opens one whole record, as measured. `out` has room for room_for(record.size()) bytes and does not overlap it.
  Opened open(std::span<const unsigned char> record, unsigned char* out);
  static std::size_t room_for(std::size_t record) { return record - kHeader - TlsRecordKeys::kTag; }

  bool failed() const { return failure_ != nullptr; }
  // Words for people. `alert()`: what the peer is to be told; close_notify when it told us of a failure.
  const char* failure() const { return failure_; }
  TlsAlert alert() const { return alert_; }
  // What the peer said when it ended the connection by an alert, else null: OpenSSL's words.
  const char* peer_alert() const { return peer_alert_; }

  // ---- sending ----

  std::size_t most() const { return most_; }
  // A KeyUpdate must go out before more application data.
  bool key_update_due() const { return update_due_ || sending_.sequence() >= kRecordsPerKey; }

  // Each appends one record at `out` and says its size; 0: OpenSSL would not, and nothing may be sent any more.
  std::size_t seal_data(std::string_view first, std::string_view second, unsigned char* out);
  std::size_t seal_alert(TlsAlert alert, unsigned char* out);
  // The next record is under the new key.
  std::size_t seal_key_update(unsigned char* out);

  // Numbers of records, so that those of which the socket took nothing can be sealed again as something else.
  std::uint64_t sequence() const { return sending_.sequence(); }
  void rewind(std::uint64_t sequence) { sending_.rewind(sequence); }

 private:
  Opened fail(TlsAlert alert, const char* why);
  Opened open_alert(std::span<const unsigned char> content);
  Opened open_handshake(std::span<const unsigned char> content);
  Opened quiet();

  TlsRecordKeys receiving_, sending_;
  const char* failure_ = nullptr;
  const char* peer_alert_ = nullptr;
  TlsRecordsCount* count_ = nullptr;
  // The handshake message that is being received, which may come in pieces.
  std::uint32_t message_left_ = 0;  // of its body
  std::uint16_t most_ = kPlain;
  std::uint8_t message_head_[4] = {};
  std::uint8_t message_head_size_ = 0;
  std::uint8_t quiet_ = 0;  // records since the last application data
  TlsAlert alert_ = TlsAlert::close_notify;
  Role role_;
  bool update_due_ = false;
  bool ask_ = false;    // the KeyUpdate that is due asks for one
  bool asked_ = false;  // ... and did, under the peer's present key
};

}  // namespace fairlead::net
