#include "control/delivery/destinations.h"

#include <gtest/gtest.h>

namespace fairlead::control {
namespace {

bool may(const char* ip, Reach reach) { return may_reach(*net::SocketAddress::from_ip(ip, 80), reach); }

TEST(Destinations, TheInternetCanBeReached) {
  for (const char* ip : {"1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101", "2002:101:101::1"}) {
    EXPECT_TRUE(may(ip, Reach::internet)) << ip;
    EXPECT_TRUE(may(ip, Reach::private_)) << ip;
    EXPECT_FALSE(may(ip, Reach::loopback)) << ip;
  }
}

TEST(Destinations, PrivateNetworksOnlyWhenAllowed) {
  for (const char* ip : {"127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
                         "100.64.0.1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "::10.0.0.1"}) {
    EXPECT_FALSE(may(ip, Reach::internet)) << ip;
    EXPECT_TRUE(may(ip, Reach::private_)) << ip;
  }
  EXPECT_TRUE(may("172.32.0.1", Reach::internet));
  EXPECT_TRUE(may("127.0.0.1", Reach::loopback));
  EXPECT_TRUE(may("::1", Reach::loopback));
  EXPECT_FALSE(may("10.0.0.1", Reach::loopback));
}

TEST(Destinations, LinkLocalAndMetadataNever) {
  for (const char* ip :
       {"169.254.169.254", "169.254.0.1", "fe80::1", "febf::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1", "::169.254.169.254", "0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "239.1.1.1", "ff02::1",
        "255.255.255.255", "240.0.0.1", "fd00:ec2::254", "100.100.100.200", "192.0.0.192"}) {
    EXPECT_FALSE(may(ip, Reach::internet)) << ip;
    EXPECT_FALSE(may(ip, Reach::private_)) << ip;
    EXPECT_FALSE(may(ip, Reach::loopback)) << ip;
  }
  EXPECT_FALSE(may_reach(net::SocketAddress(), Reach::private_));
  EXPECT_FALSE(may_reach(*net::SocketAddress::parse("unix:/run/x"), Reach::private_));
}

}  // namespace
}  // namespace fairlead::control
