#pragma once
// SocketAddress: an IPv4, IPv6 or Unix socket address as a value. Text forms: "10.0.0.1:80", "[::1]:80",
// "unix:/run/x.sock".

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

struct sockaddr;

namespace fairlead::net {

enum class Family : std::uint8_t { none, ipv4, ipv6, unix_ };

class SocketAddress {
 public:
  SocketAddress() = default;

  // `ip` is a literal address without brackets. Errors: malformed.
  static base::Result<SocketAddress> from_ip(std::string_view ip, std::uint16_t port);
  // "ip:port", "[ip6]:port" or "unix:/path". Errors: malformed.
  static base::Result<SocketAddress> parse(std::string_view text);
  static SocketAddress from_native(const sockaddr* sa, unsigned length);

  Family family() const { return family_; }
  std::uint16_t port() const { return port_; }
  SocketAddress with_port(std::uint16_t port) const {
    SocketAddress a = *this;
    a.port_ = port;
    return a;
  }
  // The address alone: "10.0.0.1", "::1" (no brackets; an IPv4-mapped address as IPv4), or the Unix path.
  std::string ip() const;
  // With port, brackets round IPv6.
  std::string to_string() const;
  // The 16 bytes of the address, IPv4 as v4-mapped: a key for per-client limits.
  const unsigned char* bytes() const { return bytes_; }
  bool is_loopback() const;
  // Whether it is 0.0.0.0 or ::, which stands for all addresses of the machine.
  bool is_any() const;

  // Writes the sockaddr into `out` (sockaddr_storage), returns its length.
  unsigned to_native(void* out) const;

  bool operator==(const SocketAddress&) const = default;

 private:
  Family family_ = Family::none;
  std::uint16_t port_ = 0;
  unsigned char bytes_[16] = {};
  // Of a Unix socket, which few addresses are: a word where a string would be four, beside every idle session.
  class Path {
   public:
    Path() = default;
    Path(std::string text) : text_(std::make_unique<std::string>(std::move(text))) {}
    Path(const Path& o) : text_(o.text_ ? std::make_unique<std::string>(*o.text_) : nullptr) {}
    Path(Path&&) noexcept = default;
    Path& operator=(const Path& o) { return *this = Path(o); }
    Path& operator=(Path&&) noexcept = default;
    ~Path() = default;
    const std::string& get() const { return text_ ? *text_ : kNone; }
    bool operator==(const Path& o) const { return get() == o.get(); }

   private:
    static const std::string kNone;
    std::unique_ptr<std::string> text_;
  };
  Path path_;
};

// "10.0.0.0/8", "fd00::/8", or a single address.
class Network {
 public:
  static base::Result<Network> parse(std::string_view text);
  bool contains(const SocketAddress& a) const;
  // The first address's 16 bytes, IPv4 as v4-mapped, and how many of their bits all share (96 more than was written for
  // IPv4). Bits behind the prefix are as they were written.
  const unsigned char* bytes() const { return bytes_; }
  unsigned prefix() const { return prefix_; }
  bool operator==(const Network&) const = default;

 private:
  unsigned char bytes_[16] = {};
  std::uint8_t prefix_ = 128;
};

}  // namespace fairlead::net
