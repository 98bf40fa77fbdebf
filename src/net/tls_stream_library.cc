// TlsStream with OpenSSL's records, and OpenSSL's end of the poller: its BIO, through which handshakes go as well.

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "net/tls_hooks.h"
#include "net/tls_openssl.h"
#include "net/tls_own_records.h"
#include "net/tls_stream.h"

namespace fairlead::net {
namespace {

// RFC 8446 section 5.1: a record carries at most 2^14 bytes.
constexpr std::size_t kRecord = 16384;

}  // namespace

bool TlsStream::holds_input() const { return early_ || SSL_has_pending(ssl_.get()) == 1; }

// What an operation of OpenSSL that did not succeed means. `result` is its return value.
TlsStream::Outcome TlsStream::judge(int result) {
  const int why = SSL_get_error(ssl_.get(), result);
  switch (why) {
    case SSL_ERROR_WANT_READ: return eof_ ? Outcome::ended_bare : Outcome::wants_read;
    case SSL_ERROR_WANT_WRITE: return Outcome::wants_write;
    case SSL_ERROR_ZERO_RETURN: return Outcome::ended;
    case SSL_ERROR_SYSCALL:
      clear_openssl_errors();
      if (io_error_ == 0) io_error_ = ECONNRESET;
      return Outcome::failed_below;
    default: break;
  }
  const std::string words = take_openssl_error("the TLS state is broken");
  // The first failure explains the others.
  if (!failure_) failure_ = std::make_unique<std::string>(words);
  return Outcome::failed;
}

ssize_t TlsStream::read_library(char* buffer, std::size_t size) {
  std::size_t got = 0;
  clear_openssl_errors();
  // As many records as fit: one wake-up, one chunk for whoever reads.
  while (read_end_ == kOpen && got < size) {
    std::size_t n = 0;
    const int result = SSL_read_ex(ssl_.get(), buffer + got, size - got, &n);
    if (result == 1) {
      got += n;
      // What is still in the kernel will be told by the poller; asking for it here would cost a call per message.
      if (!holds_input()) break;
      continue;
    }
    const Outcome outcome = judge(result);
    if (outcome == Outcome::wants_read) break;
    if (outcome == Outcome::wants_write) {
      read_needs_write_ = true;
      mid_record_ = true;
      break;
    }
    switch (outcome) {
      case Outcome::ended: read_end_ = 0; break;
      case Outcome::ended_bare:
        // RFC 8446 section 6.1: without close_notify the data may have been cut short by anybody.
        truncated_ = true;
        read_end_ = 0;
        break;
      case Outcome::failed_below: read_end_ = io_error_; break;
      default:
        // OpenSSL has sent its alert and refuses everything from now on, in both directions.
        read_end_ = EPROTO;
        write_error_ = EPROTO;
        break;
    }
  }
  const bool held = holds_input();
  // Processing a session ticket or a key update leaves OpenSSL with a write buffer (16 KB) that the next write would
  // release; an idle stream may never write again. Refused by OpenSSL while a record is partly written.
  if (!held) SSL_free_buffers(ssl_.get());
  // Of these no readiness will tell: an end that came together with the last bytes, and records that did not fit.
  buffered_ = read_end_ != kOpen || (got == size && held);
  // As client: the session tickets have come, if any do.
  if (takeover_ && got > 0 && read_end_ == kOpen) {
    take_over();
    if (own_) buffered_ = !own_->input.empty();
  }
  if (got > 0) return static_cast<ssize_t>(got);
  return read_end_ == kOpen ? -EAGAIN : -read_end_;
}

ssize_t TlsStream::write_library(const iovec* pieces, int count) {
  clear_openssl_errors();
  char joined[kRecord];
  std::size_t taken = 0, at = 0;  // `at` counts inside pieces[i]
  int i = 0;
  for (;;) {
    while (i < count && at == pieces[i].iov_len) {
      ++i;
      at = 0;
    }
    if (i == count) break;
    const char* from = static_cast<const char*>(pieces[i].iov_base) + at;
    std::size_t n = pieces[i].iov_len - at;
    if (n < kRecord && i + 1 < count && pieces[i + 1].iov_len > 0) {
      // A head and the bytes behind it travel as one record; only what does not fill one is copied.
      std::memcpy(joined, from, n);
      for (int k = i + 1; k < count && n < kRecord; ++k) {
        const std::size_t more = std::min(kRecord - n, pieces[k].iov_len);
        std::memcpy(joined + n, pieces[k].iov_base, more);
        n += more;
      }
      from = joined;
    }
    std::size_t wrote = 0;
    const int result = SSL_write_ex(ssl_.get(), from, n, &wrote);
    if (result == 1) {
      mid_record_ = false;
      taken += wrote;
      for (std::size_t left = wrote; left > 0;) {
        const std::size_t step = std::min(left, pieces[i].iov_len - at);
        at += step;
        left -= step;
        if (at == pieces[i].iov_len && left > 0) {
          ++i;
          at = 0;
        }
      }
      continue;
    }
    // A record that is not out completely counts as not taken: the caller comes again with the same bytes, and OpenSSL
    // goes on where it stopped.
    const Outcome outcome = judge(result);
    mid_record_ = true;
    if (outcome == Outcome::wants_read) {
      write_needs_read_ = true;
    } else if (outcome != Outcome::wants_write) {
      write_error_ = outcome == Outcome::failed ? EPROTO : io_error_ != 0 ? io_error_ : EPIPE;
      if (outcome == Outcome::failed && read_end_ == kOpen) {
        read_end_ = EPROTO;
        buffered_ = true;
      }
    }
    break;
  }
  if (taken > 0) return static_cast<ssize_t>(taken);
  if (write_error_ != 0) return -write_error_;
  return i == count ? 0 : -EAGAIN;
}

// close_notify. False: the socket does not take it now.
bool TlsStream::close_library() {
  clear_openssl_errors();
  const int result = SSL_shutdown(ssl_.get());
  if (result < 0 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_WRITE) return false;
  clear_openssl_errors();
  return true;
}

// ---- the BIO: OpenSSL's end of the poller ----

int TlsStreamHooks::bio_read(BIO* bio, char* out, int size) {
  TlsStream& s = *static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  if (s.takeover_) return bio_read_record(bio, out, static_cast<std::size_t>(size));
  if (s.early_) {
    const std::size_t n = std::min(s.early_->size() - s.early_at_, static_cast<std::size_t>(size));
    std::memcpy(out, s.early_->data() + s.early_at_, n);
    s.early_at_ += static_cast<std::uint32_t>(n);
    if (s.early_at_ == s.early_->size()) {
      s.early_.reset();
      s.early_at_ = 0;
    }
    return static_cast<int>(n);
  }
  ssize_t n = -EAGAIN;
  if (!s.eof_) n = s.read_socket(out, static_cast<std::size_t>(size));
  if (n > 0) return static_cast<int>(n);
  if (n == 0) s.eof_ = true;
  if (n < 0 && n != -EAGAIN) {
    s.io_error_ = static_cast<int>(-n);
    return -1;
  }
  // OpenSSL takes an end of stream without close_notify for fatal and would refuse to write from then on, so it is told
  // "nothing now" and judge() looks at eof_.
  BIO_set_retry_read(bio);
  return -1;
}

// Not a byte behind the record that OpenSSL is busy with: what it has not been given when the handshake is over is ours
// to open.
int TlsStreamHooks::bio_read_record(BIO* bio, char* out, std::size_t size) {
  TlsStream& s = *static_cast<TlsStream*>(BIO_get_data(bio));
  TlsTakeover& takeover = *s.takeover_;
  const auto held = [&] { return s.early_ ? s.early_->size() - s.early_at_ : 0; };
  const std::size_t needed = takeover.record_left > 0 ? 1 : TlsRecords::kHeader;
  while (held() < needed && !s.eof_) {
    ssize_t n;
    try {
      unsigned char* const in = TlsScratch::mine().in;
      n = s.read_socket(reinterpret_cast<char*>(in), TlsScratch::kSize);
      if (n > 0) {
        if (!s.early_) s.early_ = std::make_unique<std::string>();
        s.early_->erase(0, std::exchange(s.early_at_, 0));
        s.early_->append(reinterpret_cast<const char*>(in), static_cast<std::size_t>(n));
      }
    } catch (const std::bad_alloc&) {
      n = -ENOMEM;
    }
    if (n == 0) s.eof_ = true;
    if (n == -EAGAIN) break;
    if (n < 0) {
      s.io_error_ = static_cast<int>(-n);
      return -1;
    }
  }
  if (held() < needed) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const char* const from = s.early_->data() + s.early_at_;
  if (takeover.record_left == 0) {
    takeover.record_left = TlsRecords::kHeader + (static_cast<std::size_t>(static_cast<unsigned char>(from[3])) << 8 |
                                                  static_cast<unsigned char>(from[4]));
  }
  const std::size_t n = std::min({size, held(), takeover.record_left});
  std::memcpy(out, from, n);
  takeover.record_left -= n;
  s.early_at_ += static_cast<std::uint32_t>(n);
  if (held() == 0) {
    s.early_.reset();
    s.early_at_ = 0;
  }
  return static_cast<int>(n);
}

int TlsStreamHooks::bio_write(BIO* bio, const char* data, int size) {
  TlsStream& s = *static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  const iovec piece{const_cast<char*>(data), static_cast<std::size_t>(size)};
  const ssize_t n = s.write_socket(&piece, 1);
  if (n > 0) return static_cast<int>(n);
  if (n == 0 || n == -EAGAIN) {
    BIO_set_retry_write(bio);
  } else {
    s.io_error_ = static_cast<int>(-n);
  }
  return -1;
}

long TlsStreamHooks::bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO* TlsStreamHooks::new_bio(TlsStream* stream) {
  // Never freed: BIOs of streams that live until the process ends point to it.
  static BIO_METHOD* const method = [] {
    BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "fairlead poller");
    if (m) {
      BIO_meth_set_read(m, bio_read);
      BIO_meth_set_write(m, bio_write);
      BIO_meth_set_ctrl(m, bio_control);
    }
    return m;
  }();
  BIO* bio = method ? BIO_new(method) : nullptr;
  if (bio) {
    BIO_set_data(bio, stream);
    BIO_set_init(bio, 1);
  }
  return bio;
}

}  // namespace fairlead::net
