#include "protocol/http/target.h"

#include <gtest/gtest.h>

#include "protocol/http/authority.h"

namespace fairlead::protocol {
namespace {

TEST(Target, IsVisibleAsciiWithoutAFragment) {
  for (const char* good : {"/", "*", "/a?b=c&d=%00", "http://a/", "/~[]{}|\\^`\"<>"}) {
    EXPECT_EQ(fault_in_target(good), "") << good;
  }
  for (const char* bad : {"/a b", "/a\tb", "/\x7f", "/caf\xc3\xa9", "/\x01", "/a\r\n"}) {
    EXPECT_EQ(fault_in_target(bad), "target with a character that is not visible ASCII") << bad;
  }
  EXPECT_EQ(fault_in_target(std::string_view("/\0", 2)), "target with a character that is not visible ASCII");
  EXPECT_EQ(fault_in_target("/a#b"), "target with a fragment");
}

TEST(Target, OfOriginFormBeginsWithASlash) {
  EXPECT_EQ(fault_in_origin_form("GET", "/"), "");
  EXPECT_EQ(fault_in_origin_form("OPTIONS", "*"), "");
  EXPECT_EQ(fault_in_origin_form("GET", "*"), "target * with a method other than OPTIONS");
  for (const char* bad : {"", "a", "?a", "*/", "http://a/"}) {
    EXPECT_EQ(fault_in_origin_form("OPTIONS", bad), "target is no path") << bad;
  }
}

TEST(Authority, IsTheSameWithTheSchemesPort) {
  const auto same = [](const char* a, const char* b, const char* scheme) {
    return same_authority(*parse_authority(a), *parse_authority(b), scheme);
  };
  EXPECT_TRUE(same("a.example", "A.example", "http"));
  EXPECT_TRUE(same("a.example:80", "a.example", "http"));
  EXPECT_TRUE(same("a.example:443", "a.example", "https"));
  EXPECT_FALSE(same("a.example:80", "a.example", "https"));
  EXPECT_FALSE(same("a.example", "b.example", "https"));
  EXPECT_FALSE(same("a.example", "a.example.", "https"));
  EXPECT_TRUE(same("[::1]:443", "[::1]", "https"));
}

}  // namespace
}  // namespace fairlead::protocol
