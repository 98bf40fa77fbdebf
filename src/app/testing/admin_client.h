#pragma once
// A client of the admin server for tests: a few lines over a blocking socket, plain or TLS, that send what they are
// told and see every byte of what comes back. One that waits for too long fails its test instead of hanging it.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "net/address.h"
#include "net/tls_openssl.h"

namespace fairlead::app::testing {

struct Answer {
  int status = 0;                             // 0: none came
  std::map<std::string, std::string> fields;  // names in lower case
  std::string body;
  bool has(const std::string& name) const { return fields.contains(name); }
};

class AdminClient {
 public:
  enum class Tls { no, yes };
  explicit AdminClient(const std::string& address, Tls tls = Tls::no) {
    const auto at = net::SocketAddress::parse(address);
    if (!at) std::abort();
    sockaddr_storage native{};
    const socklen_t length = at->to_native(&native);
    fd_ = ::socket(native.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&native), length) == 0;
    const timeval patience{30, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (tls == Tls::no || !connected_) return;
    context_.reset(SSL_CTX_new(TLS_client_method()));
    ssl_ = SSL_new(context_.get());
    SSL_set_fd(ssl_, fd_);
  }
  ~AdminClient() {
    SSL_free(ssl_);
    if (fd_ >= 0) ::close(fd_);
  }
  AdminClient(const AdminClient&) = delete;
  AdminClient& operator=(const AdminClient&) = delete;

  SSL* ssl() { return ssl_; }
  int fd() const { return fd_; }
  bool connected() const { return connected_; }
  bool shake() { return SSL_connect(ssl_) == 1; }
  std::string server_name() {
    const X509Ptr certificate(SSL_get1_peer_certificate(ssl_));
    char name[256] = {};
    if (certificate) X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name, 256);
    return name;
  }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ssl_ ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                             : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  // What comes next; empty at the end.
  std::string some() {
    if (!buffer_.empty()) return std::exchange(buffer_, {});
    char bytes[65536];
    const ssize_t n = ssl_ ? SSL_read(ssl_, bytes, sizeof bytes) : ::recv(fd_, bytes, sizeof bytes, 0);
    ended_ = ssl_ ? SSL_get_error(ssl_, static_cast<int>(n)) == SSL_ERROR_ZERO_RETURN : n == 0;
    return std::string(bytes, n > 0 ? static_cast<std::size_t>(n) : 0);
  }
  std::string to_end() {
    std::string text;
    for (std::string more; !(more = some()).empty();) text += more;
    return text;
  }
  // The stream ended as it should, neither by a reset nor by our patience.
  bool ended() const { return ended_; }

  // Up to and with `mark`; what comes after it stays.
  std::string until(std::string_view mark) {
    std::string text;
    for (;;) {
      if (const auto at = text.find(mark); at != std::string::npos) {
        buffer_ = text.substr(at + mark.size()) + buffer_;
        return text.substr(0, at + mark.size());
      }
      const std::string more = some();
      if (more.empty()) return {};
      text += more;
    }
  }
  std::string exactly(std::size_t size) {
    std::string text;
    while (text.size() < size) {
      const std::string more = some();
      if (more.empty()) break;
      text += more;
    }
    if (text.size() > size) buffer_ = text.substr(size) + buffer_;
    return text.substr(0, size);
  }

  // One answer, framed by Content-Length, or by nothing when there is no body to be.
  Answer answer(bool bodiless = false) {
    Answer a = head();
    if (!bodiless && a.has("content-length")) a.body = exactly(std::stoul(a.fields["content-length"]));
    return a;
  }
  Answer head() {
    Answer a;
    const std::string text = until("\r\n\r\n");
    if (!text.starts_with("HTTP/1.1 ")) return a;
    a.status = std::atoi(text.c_str() + 9);
    for (std::size_t at = text.find("\r\n") + 2, end = 0; (end = text.find("\r\n", at)) > at; at = end + 2) {
      const std::string line = text.substr(at, end - at);
      std::string name = line.substr(0, line.find(':'));
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
      a.fields[name] = line.substr(line.find(':') + 2);
    }
    return a;
  }
  Answer ask(const std::string& method, const std::string& target, const std::string& fields = "",
             const std::string& body = "") {
    const std::string length = body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n";
    send(method + " " + target + " HTTP/1.1\r\nHost: admin\r\n" + fields + length + "\r\n" + body);
    return answer(method == "HEAD");
  }

 private:
  using X509Ptr = net::X509Ptr;
  int fd_ = -1;
  bool connected_ = false, ended_ = false;
  net::SslCtxPtr context_;
  SSL* ssl_ = nullptr;
  std::string buffer_;
};

}  // namespace fairlead::app::testing
