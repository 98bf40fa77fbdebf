#include "net/tls_records.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <cassert>
#include <cstring>

namespace fairlead::net {
namespace {

// RFC 8446 sections 5.1 and 4.
constexpr std::uint8_t kAlert = 21, kHandshake = 22, kApplicationData = 23;
constexpr std::uint8_t kNewSessionTicket = 4, kKeyUpdateMessage = 24;
constexpr std::uint8_t kUpdateNotRequested = 0, kUpdateRequested = 1;

}  // namespace

std::string_view to_string(TlsAlert alert) {
  switch (alert) {
    case TlsAlert::close_notify: return "close_notify";
    case TlsAlert::unexpected_message: return "unexpected_message";
    case TlsAlert::bad_record_mac: return "bad_record_mac";
    case TlsAlert::record_overflow: return "record_overflow";
    case TlsAlert::illegal_parameter: return "illegal_parameter";
    case TlsAlert::decode_error: return "decode_error";
    case TlsAlert::internal_error: return "internal_error";
    case TlsAlert::user_canceled: return "user_canceled";
  }
  return "?";
}

bool TlsRecords::start(TlsSuite suite, const Direction& receiving, const Direction& sending, std::size_t most,
                       TlsRecordsCount* count) {
  count_ = count;
  most_ = static_cast<std::uint16_t>(std::min(most, kPlain));
  return receiving_.start(suite, receiving.secret, receiving.sequence) &&
         sending_.start(suite, sending.secret, sending.sequence);
}

TlsRecords::Opened TlsRecords::fail(TlsAlert alert, const char* why) {
  if (!failure_) {
    failure_ = why;
    alert_ = alert;
    for (std::size_t i = 0; count_ && i < kTlsRefusals.size(); ++i) {
      if (kTlsRefusals[i] == alert) count_->refused[i].add();
    }
  }
  return {Event::failed, 0};
}

std::size_t TlsRecords::measure(std::span<const unsigned char> bytes) {
  // As soon as the first byte is here, so that nobody waits for the rest of what is no record.
  if (!bytes.empty() && bytes[0] != kApplicationData) {
    // Alerts and handshake messages are protected like everything else; a change_cipher_spec is borne during the
    // handshake only (section 5). legacy_record_version is not looked at (section 5.2).
    fail(TlsAlert::unexpected_message, "a record that is not protected");
    return 0;
  }
  if (bytes.size() < kHeader) return 0;
  const std::size_t size = static_cast<std::size_t>(bytes[3]) << 8 | bytes[4];
  if (kHeader + size > kProtected) {
    fail(TlsAlert::record_overflow, "a record longer than TLS allows");
    return 0;
  }
  if (size < 1 + TlsRecordKeys::kTag) {
    fail(TlsAlert::bad_record_mac, "a record too short to be protected");
    return 0;
  }
  return kHeader + size;
}

TlsRecords::Opened TlsRecords::open(std::span<const unsigned char> record, unsigned char* out) {
  if (failure_) return {Event::failed, 0};
  const auto inner = receiving_.open(record, out);
  if (!inner) return fail(TlsAlert::bad_record_mac, "decryption failed or bad record mac");
  if (receiving_.sequence() >= kRecordsPerKey && !asked_) {
    // The peer is past what it should have sent under one key.
    asked_ = true;
    ask_ = true;
    update_due_ = true;
  }
  if (*inner > kPlain + 1) return fail(TlsAlert::record_overflow, "a record with more content than TLS allows");
  std::size_t size = *inner;
  while (size > 0 && out[size - 1] == 0) --size;
  if (size == 0) return fail(TlsAlert::unexpected_message, "a record of padding alone");
  const std::uint8_t type = out[--size];
  const std::span<const unsigned char> content(out, size);
  // Section 5.1: handshake messages are not interleaved with anything.
  if (message_head_size_ != 0 && type != kHandshake) {
    return fail(TlsAlert::unexpected_message, "a handshake message with other records inside");
  }
  switch (type) {
    case kApplicationData:
      if (size == 0) return quiet();
      quiet_ = 0;
      return {Event::data, size};
    case kHandshake: return open_handshake(content);
    case kAlert: return open_alert(content);
    default: return fail(TlsAlert::unexpected_message, "a record of unknown content");
  }
}

TlsRecords::Opened TlsRecords::quiet() {
  if (++quiet_ > kQuietRecords) return fail(TlsAlert::unexpected_message, "too many records without data");
  return {Event::quiet, 0};
}

// Section 6: one alert a record, never cut. Its level is not looked at: what it says decides.
TlsRecords::Opened TlsRecords::open_alert(std::span<const unsigned char> content) {
  if (content.size() != 2) return fail(TlsAlert::decode_error, "an alert of the wrong size");
  const auto what = static_cast<TlsAlert>(content[1]);
  if (what == TlsAlert::close_notify) return {Event::closed, 0};
  if (what == TlsAlert::user_canceled) return quiet();  // close_notify follows it
  peer_alert_ = SSL_alert_desc_string_long(content[1]);
  return fail(TlsAlert::close_notify, "the peer ended the connection by an alert");
}

TlsRecords::Opened TlsRecords::open_handshake(std::span<const unsigned char> content) {
  if (content.empty()) return fail(TlsAlert::unexpected_message, "an empty handshake record");
  while (!content.empty()) {
    if (message_head_size_ < sizeof message_head_) {
      message_head_[message_head_size_++] = content.front();
      content = content.subspan(1);
      if (message_head_size_ < sizeof message_head_) continue;
      message_left_ = static_cast<std::uint32_t>(message_head_[1]) << 16 |
                      static_cast<std::uint32_t>(message_head_[2]) << 8 | message_head_[3];
      if (message_head_[0] == kKeyUpdateMessage) {
        if (message_left_ != 1) return fail(TlsAlert::decode_error, "a KeyUpdate of the wrong size");
      } else if (message_head_[0] != kNewSessionTicket || role_ != Role::client) {
        // Post-handshake authentication (section 4.6.2) is never offered by our side.
        return fail(TlsAlert::unexpected_message, "a handshake message that has no place after the handshake");
      } else if (message_left_ > kPlain) {
        return fail(TlsAlert::illegal_parameter, "a session ticket of absurd size");
      }
      if (message_left_ != 0) continue;
      return fail(TlsAlert::decode_error, "an empty handshake message");
    }
    if (message_head_[0] == kNewSessionTicket) {
      // Sessions are resumed by tickets that came before we took the records over.
      const std::size_t step = std::min<std::size_t>(message_left_, content.size());
      content = content.subspan(step);
      message_left_ -= static_cast<std::uint32_t>(step);
      if (message_left_ == 0) message_head_size_ = 0;
      continue;
    }
    const std::uint8_t request = content.front();
    content = content.subspan(1);
    message_left_ = 0;
    message_head_size_ = 0;
    if (request != kUpdateNotRequested && request != kUpdateRequested) {
      return fail(TlsAlert::illegal_parameter, "a KeyUpdate that asks for something unknown");
    }
    // Section 5.1: no message may straddle a change of keys, nor lie behind it in the same record.
    if (!content.empty()) return fail(TlsAlert::unexpected_message, "a KeyUpdate with more behind it in its record");
    if (!receiving_.update()) return fail(TlsAlert::internal_error, "no memory for new keys");
    if (count_) count_->key_updates_received.add();
    asked_ = false;
    // Section 4.6.3: owed before our next application data; one answers any number that came meanwhile.
    if (request == kUpdateRequested) update_due_ = true;
  }
  return quiet();
}

std::size_t TlsRecords::seal_data(std::string_view first, std::string_view second, unsigned char* out) {
  const std::size_t size = first.size() + second.size();
  assert(size <= most_);
  return sending_.seal(kApplicationData, first, second, out) ? size + TlsRecordKeys::kOverhead : 0;
}

std::size_t TlsRecords::seal_alert(TlsAlert alert, unsigned char* out) {
  const bool fatal = alert != TlsAlert::close_notify;
  const char content[2] = {static_cast<char>(fatal ? 2 : 1), static_cast<char>(alert)};
  return sending_.seal(kAlert, {content, 2}, {}, out) ? kAlertRecord : 0;
}

std::size_t TlsRecords::seal_key_update(unsigned char* out) {
  const char content[5] = {static_cast<char>(kKeyUpdateMessage), 0, 0, 1,
                           static_cast<char>(ask_ ? kUpdateRequested : kUpdateNotRequested)};
  if (!sending_.seal(kHandshake, {content, 5}, {}, out) || !sending_.update()) return 0;
  update_due_ = false;
  ask_ = false;
  if (count_) count_->key_updates_sent.add();
  return kKeyUpdate;
}

}  // namespace fairlead::net
