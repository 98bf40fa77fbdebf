#pragma once
// AdminConnection: one client of the admin listener, plain or over TLS, read and written by one thread at a time that
// waits for it, but never beyond a date: the kernel's own timeouts begin again with every byte, so that a client could
// hold a thread for ever.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"

struct ssl_ctx_st;
struct ssl_st;

namespace fairlead::app {

class AdminConnection {
 public:
  // Takes over the accepted socket, and closes it in the end. `tls` null: plain.
  AdminConnection(int fd, const std::shared_ptr<ssl_ctx_st>& tls);
  ~AdminConnection();
  AdminConnection(const AdminConnection&) = delete;
  AdminConnection& operator=(const AdminConnection&) = delete;

  // The TLS handshake, if there is one to do. False: it failed, or not in time.
  bool handshake(base::TimePoint due);

  // Bytes, at least one; empty: end of stream, failure, or not in time. What unread() was given comes first. The view
  // lives until the next call.
  std::string_view read(base::TimePoint due);
  // Gives back the last bytes of what read() returned: they belong to the next request.
  void unread(std::size_t size) { left_ = size; }

  // All of it or false. `give_up_with_client`: also false as soon as the client has ended its side.
  bool write(std::string_view bytes, base::TimePoint due, bool give_up_with_client = false);

  // False at once when the client has ended its side or end_reading() was called; true when that time has passed.
  bool wait_for_end(std::chrono::milliseconds time) const;

  // Whether bytes have been read, by us or by OpenSSL, that nobody has looked at.
  bool has_unread() const;

  // Closing while bytes of the client are unread would reset the connection and could take the answer with it. So: says
  // that there is no more; then drain() reads away what has come, without waiting. drain() is false when the client has
  // ended its side, or has sent too much for it to be worth more patience: then close.
  void end_writing();
  bool drain();

  int fd() const { return fd_; }
  bool tls() const { return ssl_ != nullptr; }
  const std::string& source() const { return source_; }  // an IP address; empty over a Unix socket
  bool secure() const { return secure_; }                // TLS, a Unix socket, or loopback

  unsigned requests = 0;  // answered on it

 private:
  // Waits until the socket is ready for `events`. `or_end`: fails when the client has ended its side.
  bool wait(short events, base::TimePoint due, bool or_end) const;
  // After an OpenSSL call returned `result` <= 0: true when it is to be made again.
  bool again(int result, base::TimePoint due, bool or_end);

  const int fd_;
  ssl_st* ssl_ = nullptr;
  bool shaken_ = false, broken_ = false;  // broken: OpenSSL wants no further call
  std::string source_;
  bool secure_ = false;
  std::string buffer_;
  std::size_t drained_ = 0;
  std::size_t size_ = 0, left_ = 0;  // of the buffer: what was read last, and how much of its end was given back
};

}  // namespace fairlead::app
