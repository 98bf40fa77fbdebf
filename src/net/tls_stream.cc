#include "net/tls_stream.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "net/tls_hooks.h"
#include "net/tls_openssl.h"
#include "net/tls_own_records.h"

namespace fairlead::net {

void TlsStream::SslDeleter::operator()(ssl_st* ssl) const { SSL_free(ssl); }

TlsStream::TlsStream(TcpStream& tcp) : SocketStream(static_cast<SocketStream&>(tcp)) {}

TlsStream::~TlsStream() {
  if (own_) {
    if (wire()) wire()->in.add(own_->input.size());
    if (write_error_ == 0 && !closed_ && !cancelled() && !aborted_ && handle() >= 0 && own_->pending.empty())
      close_own();
    if (!cancelled() && !aborted_ && handle() >= 0) take_leftovers_own();
    return;
  }
  if (!ssl_) return;
  clear_openssl_errors();
  // A destroyed stream ends in an orderly way, as TCP's does with a FIN. Not after cancel() or abort_on_close(): there
  // a close_notify would tell the peer that what it has is all there was.
  const bool due =
      SSL_is_init_finished(ssl_.get()) && write_error_ == 0 && !closed_ && !cancelled() && !aborted_ && handle() >= 0;
  if (due) SSL_shutdown(ssl_.get());
  if (!cancelled() && !aborted_ && handle() >= 0) take_leftovers();
  // OpenSSL forgets the session of a connection that was not shut down both ways (a rule of TLS 1.0); its ticket is as
  // good as ever, except after a fatal error.
  if (!failure_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  ssl_.reset();
  clear_openssl_errors();
}

// Closing a socket with unread bytes resets the connection (RFC 2525 section 2.17), and a reset destroys what we wrote
// and the peer has not received yet. Session tickets, key updates and a close_notify are bytes that no owner of this
// stream can know of, so they are taken out of the socket here; no more than fits one reading.
void TlsStream::take_leftovers() {
  if (!SSL_is_init_finished(ssl_.get()) || read_end_ != kOpen || write_error_ != 0) return;
  char byte;
  std::size_t n = 0;
  SSL_peek_ex(ssl_.get(), &byte, 1, &n);
}

void TlsStream::take_leftovers_own() {
  if (read_end_ != kOpen || write_error_ != 0) return;
  try {
    // What little there may be comes in one piece from a kernel and in any number from a simulated network.
    std::size_t left = TlsScratch::kSize;
    unsigned char* const in = TlsScratch::mine().in;
    for (ssize_t n = 1; n > 0 && left > 0; left -= static_cast<std::size_t>(n)) {
      n = read_socket(reinterpret_cast<char*>(in), left);
      if (n <= 0) break;
    }
  } catch (const std::bad_alloc&) {
  }
}

void TlsStream::abort_on_close() {
  aborted_ = true;
  SocketStream::abort_on_close();
}

std::string TlsStream::failure_text() const { return failure_ ? *failure_ : std::string(); }

std::string_view TlsStream::alpn() const {
  if (own_) return own_->alpn;
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string_view TlsStream::tls_version() const { return own_ ? "TLSv1.3" : SSL_get_version(ssl_.get()); }
std::string_view TlsStream::cipher() const {
  return own_ ? to_string(own_->records.suite()) : SSL_get_cipher_name(ssl_.get());
}
bool TlsStream::resumed() const { return own_ ? own_->resumed : SSL_session_reused(ssl_.get()) == 1; }

ssize_t TlsStream::try_read(char* buffer, std::size_t size) {
  return own_ ? read_own(buffer, size) : read_library(buffer, size);
}
ssize_t TlsStream::try_write(const iovec* pieces, int count) {
  if (write_error_ != 0) return -write_error_;
  if (closing_ || closed_) return -EPIPE;  // after shutdown_write()
  return own_ ? write_own(pieces, count) : write_library(pieces, count);
}

void TlsStream::want_read() { want(read_needs_write_ ? kWritable : kReadable); }
void TlsStream::want_write() { want(write_needs_read_ ? kReadable : kWritable); }

// A read that waits for room (or a write that waits for bytes) is woken by the other kind of readiness; meanwhile its
// own kind must not stay registered, or the loop would spin.
bool TlsStream::on_idle_ready(Events events) {
  if (handshake_) return step_handshake(events);
  if (events & kWritable) {
    if (closing_) finish_closing();
    if (read_needs_write_) {
      read_needs_write_ = false;
      loop().defer(this);
    }
    return closing_;
  }
  if (write_needs_read_) {
    write_needs_read_ = false;
    want(kWritable);
  }
  if (read_needs_write_ && !(events & kHangup)) {
    unwant(kReadable);
    return true;
  }
  return false;
}

void TlsStream::shutdown_write() {
  if (closing_ || closed_) return;
  closing_ = true;
  finish_closing();
}

void TlsStream::shutdown_before_close() {
  if (closing_ || closed_) return;
  closed_ = true;
  (void)say_close();
}

// False: not yet, for want of room.
bool TlsStream::say_close() {
  // A cancelled writer may have stopped in the middle of a record: nothing more can be said in TLS.
  if (write_error_ != 0 || cancelled()) return true;
  return own_ ? close_own() : close_library();
}

void TlsStream::finish_closing() {
  if (!say_close()) {
    want(kWritable);
    return;
  }
  closing_ = false;
  closed_ = true;
  loop().poller().shutdown_write(handle());
}

int TlsStreamHooks::on_new_session(SSL* ssl, SSL_SESSION* session) {
  const TlsStream& s = stream(ssl);
  bool taken = false;
  try {
    const std::string key = s.session_key();
    taken = true;
    TlsClientAccess::store(*s.client_context_, key, session);
  } catch (...) {
    // Nothing may fly through OpenSSL's frames. Without memory the session is not kept.
  }
  return taken ? 1 : 0;  // 1: the reference is ours, or was
}

std::string TlsStream::session_key() const {
  // Origins that share a server name do not share ticket keys, so the address belongs to the key.
  return fmt::format("{}@{}", server_name_, peer().to_string());
}

}  // namespace fairlead::net
