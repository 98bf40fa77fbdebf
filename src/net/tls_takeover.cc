// From OpenSSL's handshake to our own records: what is noted while it runs, and the moment of taking over.

#include <cerrno>

#include "net/tls_hooks.h"
#include "net/tls_openssl.h"
#include "net/tls_own_records.h"
#include "net/tls_stream.h"

namespace fairlead::net {
namespace {

// RFC 8446 section 4: KeyUpdate.
constexpr unsigned char kKeyUpdate = 24;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void TlsStream::OwnDeleter::operator()(TlsOwnRecords* own) const { delete own; }
void TlsStream::TakeoverDeleter::operator()(TlsTakeover* takeover) const { delete takeover; }

TlsScratch& TlsScratch::mine() {
  static thread_local std::unique_ptr<TlsScratch> scratch;
  if (!scratch) scratch = std::make_unique_for_overwrite<TlsScratch>();
  return *scratch;
}

// LABEL SPACE client random SPACE secret, both in hexadecimal.
void TlsTakeover::note_secret(std::string_view line) {
  const std::size_t label = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (label == std::string_view::npos || last == label) return;
  const bool of_client = line.substr(0, label) == "CLIENT_TRAFFIC_SECRET_0";
  if (!of_client && line.substr(0, label) != "SERVER_TRAFFIC_SECRET_0") return;
  const std::string_view hex = line.substr(last + 1);
  Direction& d = of_client == server ? receiving : sending;
  if (hex.size() % 2 != 0 || hex.size() / 2 > sizeof d.secret) return;
  for (std::size_t i = 0; i < hex.size() / 2; ++i) {
    const int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return;
    d.secret[i] = static_cast<unsigned char>(high * 16 + low);
  }
  d.size = static_cast<std::uint8_t>(hex.size() / 2);
  d.records = 0;
}

void TlsTakeover::note_message(bool sent, int type, const unsigned char* bytes, std::size_t size) {
  if (type == SSL3_RT_HEADER && size >= 1 && bytes[0] == SSL3_RT_APPLICATION_DATA) {
    Direction& d = sent ? sending : receiving;
    if (d.size != 0) ++d.records;
  } else if (type == SSL3_RT_HANDSHAKE && size >= 1 && bytes[0] == kKeyUpdate) {
    spoilt = true;
  }
}

void TlsStreamHooks::on_secret(const SSL* ssl, const char* line) {
  const TlsStream* s = static_cast<const TlsStream*>(SSL_get_app_data(ssl));
  if (s && s->takeover_) s->takeover_->note_secret(line);
}

void TlsStreamHooks::on_message(int sent, int, int type, const void* bytes, std::size_t size, SSL* ssl, void*) {
  const TlsStream& s = stream(ssl);
  if (s.takeover_) s.takeover_->note_message(sent == 1, type, static_cast<const unsigned char*>(bytes), size);
}

void TlsStream::stay_with_library() {
  takeover_.reset();
  if (count_) count_->openssl.add();
}

// To be called when the handshake is over, and as client after data came. What stands in the way for good ends the
// attempt, and the stream stays OpenSSL's; what may pass is looked at again by the next call.
void TlsStream::take_over() {
  if (!takeover_) return;
  SSL* const ssl = ssl_.get();
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl);
  const TlsSuite suite = cipher && SSL_version(ssl) == TLS1_3_VERSION
                             ? tls_suite(static_cast<std::uint16_t>(SSL_CIPHER_get_protocol_id(cipher)))
                             : TlsSuite::none;
  const std::size_t secret = secret_size(suite);
  if (suite == TlsSuite::none || takeover_->spoilt || takeover_->receiving.size != secret ||
      takeover_->sending.size != secret) {
    stay_with_library();
    return;
  }
  // In the middle of a record, in one direction or the other.
  if (SSL_has_pending(ssl) == 1 || takeover_->record_left != 0 || mid_record_ || closing_ || closed_) return;
  try {
    std::unique_ptr<TlsOwnRecords, OwnDeleter> own(
        new TlsOwnRecords(takeover_->server ? TlsRecords::Role::server : TlsRecords::Role::client));
    std::size_t most = TlsRecords::kPlain;
    if (const int code = SSL_SESSION_get_max_fragment_length(SSL_get0_session(ssl)); code >= 1 && code <= 4) {
      most = std::size_t(256) << code;  // RFC 6066 section 4: 2^9 to 2^12
    }
    const auto direction = [](const TlsTakeover::Direction& d) {
      return TlsRecords::Direction{{d.secret, d.size}, d.records};
    };
    if (!own->records.start(suite, direction(takeover_->receiving), direction(takeover_->sending), most, count_)) {
      clear_openssl_errors();
      stay_with_library();
      return;
    }
    own->resumed = resumed();
    const std::string_view chosen = alpn();
    own->alpn = server_context_ ? TlsServerAccess::alpn_name(*server_context_, chosen)
                                : TlsClientAccess::alpn_name(*client_context_, chosen);
    if (early_) {
      own->input.hold(reinterpret_cast<const unsigned char*>(early_->data()) + early_at_, early_->size() - early_at_);
      if (wire()) wire()->in.sub(own->input.size());  // until they are opened
      early_.reset();
      early_at_ = 0;
    }
    own_ = std::move(own);
  } catch (const std::bad_alloc&) {
    stay_with_library();  // OpenSSL has all it needs
    return;
  }
  takeover_.reset();
  if (count_) count_->own.add();
  // Not marked as shut down, OpenSSL would forget the session, whose ticket a later connection resumes by.
  SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  ssl_.reset();
  clear_openssl_errors();
}

}  // namespace fairlead::net
