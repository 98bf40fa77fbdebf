#include "net/address.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <string>

namespace fairlead::net {
namespace {

TEST(SocketAddress, reads_and_prints_its_three_forms) {
  struct Case {
    const char *text, *ip;
    Family family;
    int port;
  };
  for (const Case& c : {
           Case{"10.0.0.1:80", "10.0.0.1", Family::ipv4, 80},
           Case{"0.0.0.0:0", "0.0.0.0", Family::ipv4, 0},
           Case{"255.255.255.255:65535", "255.255.255.255", Family::ipv4, 65535},
           Case{"[::1]:443", "::1", Family::ipv6, 443},
           Case{"[2001:db8::1]:8080", "2001:db8::1", Family::ipv6, 8080},
           Case{"unix:/run/x.sock", "/run/x.sock", Family::unix_, 0},
       }) {
    const auto a = SocketAddress::parse(c.text);
    ASSERT_TRUE(a) << c.text;
    EXPECT_EQ(a->family(), c.family) << c.text;
    EXPECT_EQ(a->port(), c.port) << c.text;
    EXPECT_EQ(a->ip(), c.ip);
    EXPECT_EQ(a->to_string(), c.text);
  }
  EXPECT_EQ(SocketAddress().to_string(), "-");
}

TEST(SocketAddress, refuses_what_is_none_of_them) {
  const std::string too_long = "unix:/" + std::string(200, 'x');
  const std::string_view with_nul("10.0.0.1\0x:80", 13);
  for (const std::string_view text : {std::string_view(""),
                                      std::string_view("10.0.0.1"),
                                      std::string_view(":80"),
                                      std::string_view("10.0.0.1:"),
                                      std::string_view("10.0.0.1:65536"),
                                      std::string_view("10.0.0.1:-1"),
                                      std::string_view("10.0.0.1:+80"),
                                      std::string_view("10.0.0.1: 80"),
                                      std::string_view("10.0.0.1:80 "),
                                      std::string_view("10.0.0.256:80"),
                                      std::string_view("10.0.1:80"),
                                      std::string_view("::1:80"),
                                      std::string_view("[::1]"),
                                      std::string_view("[::1:80"),
                                      std::string_view("::1]:80"),
                                      std::string_view("[]:80"),
                                      std::string_view("localhost:80"),
                                      std::string_view("[::g]:80"),
                                      std::string_view("unix:"),
                                      std::string_view(too_long),
                                      with_nul,
                                      std::string_view("[fe80::1%eth0]:80"),
                                      std::string_view("[10.0.0.1]:80")}) {
    const auto a = SocketAddress::parse(text);
    ASSERT_FALSE(a) << text;
    EXPECT_EQ(a.error().code, base::Code::malformed) << text;
  }
  EXPECT_FALSE(SocketAddress::from_ip("[::1]", 1));
  EXPECT_FALSE(SocketAddress::from_ip("", 1));
  EXPECT_FALSE(SocketAddress::from_ip(std::string(300, '1'), 1));
}

TEST(SocketAddress, goes_to_native_and_back) {
  for (const char* text : {"10.1.2.3:8080", "[2001:db8::2]:1", "unix:/tmp/fairlead.sock"}) {
    const SocketAddress a = SocketAddress::parse(text).value();
    sockaddr_storage native;
    const unsigned length = a.to_native(&native);
    EXPECT_EQ(SocketAddress::from_native(reinterpret_cast<sockaddr*>(&native), length), a) << text;
  }
  // A v4 client on a dual-stack listener is a v4 client.
  sockaddr_in6 mapped{};
  mapped.sin6_family = AF_INET6;
  mapped.sin6_port = htons(99);
  const unsigned char bytes[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
  std::memcpy(&mapped.sin6_addr, bytes, 16);
  const auto a = SocketAddress::from_native(reinterpret_cast<sockaddr*>(&mapped), sizeof mapped);
  EXPECT_EQ(a, SocketAddress::parse("192.0.2.1:99").value());
  // An unnamed Unix socket: the kernel gives a length without a path.
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  const auto unnamed = SocketAddress::from_native(reinterpret_cast<sockaddr*>(&un), sizeof(sa_family_t));
  EXPECT_EQ(unnamed.family(), Family::unix_);
  EXPECT_EQ(unnamed.ip(), "");
}

TEST(SocketAddress, written_as_mapped_v6_is_the_v4_address) {
  const auto mapped = SocketAddress::from_ip("::ffff:192.0.2.1", 80);
  ASSERT_TRUE(mapped);
  EXPECT_EQ(*mapped, SocketAddress::from_ip("192.0.2.1", 80).value());
}

TEST(SocketAddress, compares_by_value_and_knows_loopback) {
  const auto a = SocketAddress::parse("127.0.0.1:80").value();
  EXPECT_EQ(a.with_port(81).port(), 81);
  EXPECT_NE(a.with_port(81), a);
  EXPECT_TRUE(a.is_loopback());
  EXPECT_TRUE(SocketAddress::parse("127.9.9.9:1")->is_loopback());
  for (const char* any : {"0.0.0.0:80", "[::]:80", "[::ffff:0.0.0.0]:80"}) EXPECT_TRUE(SocketAddress::parse(any)->is_any()) << any;
  for (const char* one : {"0.0.0.1:80", "[::1]:80", "unix:/x"}) {
    EXPECT_FALSE(SocketAddress::parse(one)->is_any()) << one;
  }
  EXPECT_FALSE(SocketAddress().is_any());
  EXPECT_TRUE(SocketAddress::parse("[::1]:1")->is_loopback());
  EXPECT_TRUE(SocketAddress::parse("unix:/x")->is_loopback());
  EXPECT_FALSE(SocketAddress::parse("128.0.0.1:1")->is_loopback());
  EXPECT_FALSE(SocketAddress::parse("[::2]:1")->is_loopback());
  EXPECT_FALSE(SocketAddress().is_loopback());
}

SocketAddress ip(std::string_view text) { return SocketAddress::from_ip(text, 1).value(); }

TEST(Network, contains_addresses_by_prefix) {
  const auto ten = Network::parse("10.0.0.0/8").value();
  EXPECT_TRUE(ten.contains(ip("10.255.0.1")));
  EXPECT_FALSE(ten.contains(ip("11.0.0.1")));
  const auto odd = Network::parse("192.168.16.0/20").value();
  EXPECT_TRUE(odd.contains(ip("192.168.31.255")));
  EXPECT_FALSE(odd.contains(ip("192.168.32.0")));
  EXPECT_FALSE(odd.contains(ip("192.168.15.255")));
  const auto one = Network::parse("10.1.2.3").value();
  EXPECT_TRUE(one.contains(ip("10.1.2.3")));
  EXPECT_FALSE(one.contains(ip("10.1.2.2")));
  const auto v6 = Network::parse("2001:db8::/33").value();
  EXPECT_TRUE(v6.contains(ip("2001:db8:7fff::1")));
  EXPECT_FALSE(v6.contains(ip("2001:db8:8000::1")));
  EXPECT_TRUE(Network::parse("::1").value().contains(ip("::1")));
}

TEST(Network, everything_of_a_family) {
  const auto all4 = Network::parse("0.0.0.0/0").value();
  EXPECT_TRUE(all4.contains(ip("8.8.8.8")));
  EXPECT_FALSE(all4.contains(ip("2001:db8::1")));
  const auto all6 = Network::parse("::/0").value();
  EXPECT_TRUE(all6.contains(ip("2001:db8::1")));
  EXPECT_FALSE(all4.contains(SocketAddress::parse("unix:/x").value()));
  EXPECT_FALSE(all6.contains(SocketAddress()));
}

// The bits behind the prefix do not count, whatever was written there.
TEST(Network, ignores_host_bits) {
  EXPECT_TRUE(Network::parse("10.1.2.3/8").value().contains(ip("10.9.9.9")));
  EXPECT_TRUE(Network::parse("2001:db8::1/32").value().contains(ip("2001:db8:ffff::2")));
}

TEST(Network, refuses_malformed_text) {
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "::/129", "10.0.0/8",
                           "localhost/8", "10.0.0.0/8/8", "10.0.0.0 /8"}) {
    const auto n = Network::parse(text);
    ASSERT_FALSE(n) << text;
    EXPECT_EQ(n.error().code, base::Code::malformed);
  }
}

}  // namespace
}  // namespace fairlead::net
