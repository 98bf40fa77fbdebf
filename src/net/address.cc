#include "net/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace fairlead::net {

const std::string SocketAddress::Path::kNone;
namespace {

using base::Code;
using base::Side;

constexpr unsigned char kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// 4 or 6, or 0 when `ip` is no literal address; bytes in v4-mapped form.
int parse_ip(std::string_view ip, unsigned char out[16]) {
  char text[64];
  // A NUL would end the text early for inet_pton, and "10.0.0.1\0.example" pass for an address.
  if (ip.empty() || ip.size() >= sizeof text || ip.find('\0') != std::string_view::npos) return 0;
  std::memcpy(text, ip.data(), ip.size());
  text[ip.size()] = 0;
  if (::inet_pton(AF_INET, text, out + 12) == 1) {
    std::memcpy(out, kMapped, 12);
    return 4;
  }
  return ::inet_pton(AF_INET6, text, out) == 1 ? 6 : 0;
}

}  // namespace

base::Result<SocketAddress> SocketAddress::from_ip(std::string_view ip, std::uint16_t port) {
  SocketAddress a;
  const int v = parse_ip(ip, a.bytes_);
  if (v == 0) return base::fail(Code::malformed, Side::config, fmt::format("'{}' is not an IP address", ip));
  // "::ffff:10.0.0.1" is the v4 address, as in from_native().
  a.family_ = v == 4 || std::memcmp(a.bytes_, kMapped, 12) == 0 ? Family::ipv4 : Family::ipv6;
  a.port_ = port;
  return a;
}

base::Result<SocketAddress> SocketAddress::parse(std::string_view text) {
  const auto bad = [&] {
    return base::fail(Code::malformed, Side::config, fmt::format("'{}' is not of the form ip:port", text));
  };
  if (text.starts_with("unix:")) {
    SocketAddress a;
    a.family_ = Family::unix_;
    a.path_ = std::string(text.substr(5));
    if (a.path_.get().empty() || a.path_.get().size() >= sizeof(sockaddr_un::sun_path)) return bad();
    return a;
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad();
  std::string_view host = text.substr(0, colon), port_text = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos) return bad();  // brackets are for IPv6
  } else if (host.find(':') != std::string_view::npos) {
    return bad();
  }
  unsigned port = 0;
  const auto [end, ec] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (ec != std::errc() || end != port_text.data() + port_text.size() || port > 65535) return bad();
  return from_ip(host, static_cast<std::uint16_t>(port));
}

SocketAddress SocketAddress::from_native(const sockaddr* sa, unsigned length) {
  SocketAddress a;
  if (sa->sa_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(sa);
    a.family_ = Family::ipv4;
    std::memcpy(a.bytes_, kMapped, 12);
    std::memcpy(a.bytes_ + 12, &in->sin_addr, 4);
    a.port_ = ntohs(in->sin_port);
  } else if (sa->sa_family == AF_INET6) {
    const auto* in = reinterpret_cast<const sockaddr_in6*>(sa);
    std::memcpy(a.bytes_, &in->sin6_addr, 16);
    // A v4 client on a dual-stack listener is a v4 client: one limit, one log form.
    a.family_ = std::memcmp(a.bytes_, kMapped, 12) == 0 ? Family::ipv4 : Family::ipv6;
    a.port_ = ntohs(in->sin6_port);
  } else if (sa->sa_family == AF_UNIX) {
    const auto* un = reinterpret_cast<const sockaddr_un*>(sa);
    a.family_ = Family::unix_;
    const std::size_t room = length > offsetof(sockaddr_un, sun_path) ? length - offsetof(sockaddr_un, sun_path) : 0;
    a.path_ = std::string(un->sun_path, ::strnlen(un->sun_path, room));
  }
  return a;
}

std::string SocketAddress::ip() const {
  char text[64] = "";
  if (family_ == Family::ipv4) {
    // inet_ntop() prints these by way of sprintf().
    char* end = text;
    for (int i = 12; i < 16; ++i) {
      end = std::to_chars(end, text + sizeof text, bytes_[i]).ptr;
      *end++ = i < 15 ? '.' : '\0';
    }
  } else if (family_ == Family::ipv6) {
    ::inet_ntop(AF_INET6, bytes_, text, sizeof text);
  } else {
    return path_.get();
  }
  return text;
}

std::string SocketAddress::to_string() const {
  switch (family_) {
    case Family::ipv4: return fmt::format("{}:{}", ip(), port_);
    case Family::ipv6: return fmt::format("[{}]:{}", ip(), port_);
    case Family::unix_: return "unix:" + path_.get();
    case Family::none: break;
  }
  return "-";
}

bool SocketAddress::is_any() const {
  if (family_ != Family::ipv4 && family_ != Family::ipv6) return false;
  return std::all_of(bytes_ + (family_ == Family::ipv4 ? 12 : 0), bytes_ + sizeof bytes_,
                     [](unsigned char b) { return b == 0; });
}

bool SocketAddress::is_loopback() const {
  if (family_ == Family::unix_) return true;
  if (family_ == Family::ipv4) return bytes_[12] == 127;
  static constexpr unsigned char kLoop6[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return family_ == Family::ipv6 && std::memcmp(bytes_, kLoop6, 16) == 0;
}

unsigned SocketAddress::to_native(void* out) const {
  if (family_ == Family::ipv4) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port_);
    std::memcpy(&in.sin_addr, bytes_ + 12, 4);
    std::memcpy(out, &in, sizeof in);
    return sizeof in;
  }
  if (family_ == Family::unix_) {
    sockaddr_un un{};
    un.sun_family = AF_UNIX;
    std::memcpy(un.sun_path, path_.get().data(), path_.get().size());
    std::memcpy(out, &un, sizeof un);
    return static_cast<unsigned>(offsetof(sockaddr_un, sun_path) + path_.get().size() + 1);
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port_);
  std::memcpy(&in.sin6_addr, bytes_, 16);
  std::memcpy(out, &in, sizeof in);
  return sizeof in;
}

base::Result<Network> Network::parse(std::string_view text) {
  Network n;
  const auto slash = text.find('/');
  const int v = parse_ip(text.substr(0, slash), n.bytes_);
  unsigned prefix = v == 4 ? 32 : 128;
  bool ok = v != 0;
  if (ok && slash != std::string_view::npos) {
    const std::string_view p = text.substr(slash + 1);
    const unsigned most = prefix;
    const auto [end, ec] = std::from_chars(p.data(), p.data() + p.size(), prefix);
    ok = ec == std::errc() && end == p.data() + p.size() && prefix <= most;
  }
  if (!ok) return base::fail(Code::malformed, Side::config, fmt::format("'{}' is not a network (address/bits)", text));
  n.prefix_ = static_cast<std::uint8_t>(v == 4 ? prefix + 96 : prefix);
  return n;
}

bool Network::contains(const SocketAddress& a) const {
  if (a.family() != Family::ipv4 && a.family() != Family::ipv6) return false;
  const int whole = prefix_ / 8, rest = prefix_ % 8;
  if (std::memcmp(bytes_, a.bytes(), static_cast<std::size_t>(whole)) != 0) return false;
  if (rest == 0) return true;
  const auto mask = static_cast<unsigned char>(0xff << (8 - rest));
  return (bytes_[whole] & mask) == (a.bytes()[whole] & mask);
}

}  // namespace fairlead::net
