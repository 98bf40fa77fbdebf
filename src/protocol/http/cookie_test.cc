#include "protocol/http/cookie.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairlead::protocol {
namespace {

using ::testing::Optional;

TEST(Cookie, IsFoundAmongOthers) {
  Fields fields;
  fields.add("Cookie", "a=1; xb=0;b=2 ; c=\"three\"; d; e=x=y");
  fields.add("cookie", "f=6; b=7");
  EXPECT_THAT(find_cookie(fields, "a"), Optional(std::string_view("1")));
  EXPECT_THAT(find_cookie(fields, "b"), Optional(std::string_view("2")));
  EXPECT_THAT(find_cookie(fields, "c"), Optional(std::string_view("three")));
  EXPECT_THAT(find_cookie(fields, "e"), Optional(std::string_view("x=y")));
  EXPECT_THAT(find_cookie(fields, "f"), Optional(std::string_view("6")));
  EXPECT_EQ(find_cookie(fields, "d"), std::nullopt);
  EXPECT_EQ(find_cookie(fields, "B"), std::nullopt);  // names of cookies have case
  EXPECT_EQ(find_cookie(Fields{}, "a"), std::nullopt);
}

TEST(Cookie, OddTextIsNoCookie) {
  Fields fields;
  fields.add("Cookie", ";;=;a=;\"=");
  EXPECT_THAT(find_cookie(fields, "a"), Optional(std::string_view("")));
  EXPECT_EQ(find_cookie(fields, "b"), std::nullopt);
}

TEST(Cookie, IsSet) {
  using std::chrono::seconds;
  EXPECT_EQ(make_set_cookie("fl", "o1", seconds(3600), true),
            "fl=o1; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure");
  EXPECT_EQ(make_set_cookie("fl", "", seconds(0), false), "fl=; Path=/; HttpOnly; SameSite=Lax");
}

TEST(Cookie, NothingIsInjected) {
  using std::chrono::seconds;
  for (const char* value : {"a;b", "a b", "a\r\nX: y", "a,b", "a\"b", "a\\b", "\x7f", "\xff"}) {
    EXPECT_EQ(make_set_cookie("fl", value, seconds(1), true), "") << value;
  }
  EXPECT_EQ(make_set_cookie("f l", "a", seconds(1), true), "");
  EXPECT_EQ(make_set_cookie("", "a", seconds(1), true), "");
}

}  // namespace
}  // namespace fairlead::protocol
