#include "app/admin_connection.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "net/address.h"
#include "net/tls_openssl.h"

namespace fairlead::app {
namespace {

constexpr std::size_t kChunk = 16384;  // of a read: a TLS record at most
constexpr std::size_t kMostDrained = 16u << 20;

int milliseconds_until(base::TimePoint due) {
  const auto left = std::chrono::ceil<base::milliseconds>(due - base::monotonic_now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
}

}  // namespace

AdminConnection::AdminConnection(int fd, const std::shared_ptr<ssl_ctx_st>& tls) : fd_(fd) {
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
  // The library writes head and body apart; on a connection that stays, the body would wait for the head's
  // acknowledgement.
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_storage native{};
  socklen_t length = sizeof native;
  if (::getpeername(fd_, reinterpret_cast<sockaddr*>(&native), &length) == 0) {
    if (native.ss_family == AF_UNIX) {
      secure_ = true;
    } else {
      const auto address = net::SocketAddress::from_native(reinterpret_cast<sockaddr*>(&native), length);
      source_ = address.ip();
      secure_ = tls || address.is_loopback();
    }
  }
  if (!tls) return;
  ssl_ = SSL_new(tls.get());
  if (!ssl_ || SSL_set_fd(ssl_, fd_) != 1) {
    broken_ = true;
    return;
  }
  SSL_set_accept_state(ssl_);
}

AdminConnection::~AdminConnection() {
  SSL_free(ssl_);
  ::close(fd_);
}

bool AdminConnection::handshake(base::TimePoint due) {
  if (broken_) return false;
  if (!ssl_ || shaken_) return true;
  for (;;) {
    net::clear_openssl_errors();
    const int result = SSL_do_handshake(ssl_);
    if (result == 1) return shaken_ = true;
    if (!again(result, due, false)) return false;
  }
}

std::string_view AdminConnection::read(base::TimePoint due) {
  if (left_ > 0) {
    const std::string_view rest = std::string_view(buffer_).substr(size_ - left_, left_);
    left_ = 0;
    return rest;
  }
  if (broken_) return {};
  buffer_.resize(kChunk);
  for (;;) {
    ssize_t n = 0;
    if (ssl_) {
      net::clear_openssl_errors();
      n = SSL_read(ssl_, buffer_.data(), static_cast<int>(kChunk));
      if (n <= 0 && again(static_cast<int>(n), due, false)) continue;
    } else {
      n = ::recv(fd_, buffer_.data(), kChunk, MSG_DONTWAIT);
      if (n < 0 && (errno == EINTR || (errno == EAGAIN && wait(POLLIN, due, false)))) continue;
    }
    size_ = n > 0 ? static_cast<std::size_t>(n) : 0;
    return std::string_view(buffer_).substr(0, size_);
  }
}

bool AdminConnection::write(std::string_view bytes, base::TimePoint due, bool give_up_with_client) {
  if (broken_) return false;
  while (!bytes.empty()) {
    ssize_t n = 0;
    if (ssl_) {
      net::clear_openssl_errors();
      n = SSL_write(ssl_, bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 1u << 20)));
      if (n <= 0 && again(static_cast<int>(n), due, give_up_with_client)) continue;
    } else {
      n = ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n < 0 && (errno == EINTR || (errno == EAGAIN && wait(POLLOUT, due, give_up_with_client)))) continue;
    }
    if (n <= 0) {
      broken_ = true;
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool AdminConnection::wait_for_end(std::chrono::milliseconds time) const {
  const auto due = base::later(base::monotonic_now(), time);
  for (;;) {
    pollfd p{fd_, POLLRDHUP, 0};
    const int n = ::poll(&p, 1, milliseconds_until(due));
    if (n > 0) return false;
    if (n < 0 && errno != EINTR) return false;
    if (n == 0 && base::monotonic_now() >= due) return true;
  }
}

bool AdminConnection::has_unread() const { return left_ > 0 || (ssl_ && SSL_has_pending(ssl_)); }

void AdminConnection::end_writing() {
  if (ssl_ && shaken_ && !broken_) {
    net::clear_openssl_errors();
    SSL_shutdown(ssl_);  // close_notify, if the kernel takes it at once
  }
  ::shutdown(fd_, SHUT_WR);
}

bool AdminConnection::drain() {
  char waste[16384];
  for (int i = 0; i < 16; ++i) {  // who sends without end must not hold the thread: others are drained by it, too
    const ssize_t n = ::recv(fd_, waste, sizeof waste, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN;
    drained_ += static_cast<std::size_t>(n);
    if (n == 0 || drained_ > kMostDrained) return false;
  }
  return true;
}

bool AdminConnection::again(int result, base::TimePoint due, bool or_end) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ: return wait(POLLIN, due, or_end);
    case SSL_ERROR_WANT_WRITE: return wait(POLLOUT, due, or_end);
    case SSL_ERROR_ZERO_RETURN: return false;
    default:
      broken_ = true;
      net::clear_openssl_errors();
      return false;
  }
}

bool AdminConnection::wait(short events, base::TimePoint due, bool or_end) const {
  for (;;) {
    pollfd p{fd_, static_cast<short>(or_end ? events | POLLRDHUP : events), 0};
    const int left = milliseconds_until(due);
    if (left == 0) return false;
    const int n = ::poll(&p, 1, left);
    if (n > 0) return !or_end || (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0;
    if (n < 0 && errno != EINTR) return false;
  }
}

}  // namespace fairlead::app
