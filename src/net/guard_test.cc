#include "net/guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace fairlead::net {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

struct Counting final : ExceptionListener {
  void on_exception() noexcept override { ++count; }
  int count = 0;
};

TEST(Guard, logs_with_the_text_and_tells_the_listener_of_this_thread) {
  Counting outer, inner;
  CaptureStderr();
  {
    const ListeningHere a(outer);
    EXPECT_TRUE(guarded("nothing", [] {}));
    EXPECT_FALSE(guarded("a test", [] { throw std::runtime_error("this one"); }));
    {
      const ListeningHere b(inner);
      EXPECT_FALSE(guarded("a test", [] { throw 7; }));
    }
    EXPECT_FALSE(guarded("a test", [] { throw std::bad_alloc(); }));
  }
  EXPECT_FALSE(guarded("nobody's", [] { throw 7; }));
  const std::string log = GetCapturedStderr();
  EXPECT_EQ(outer.count, 2);
  EXPECT_EQ(inner.count, 1);
  EXPECT_THAT(log, HasSubstr("E a test ended by an exception: this one\n"));
  EXPECT_THAT(log, HasSubstr("E a test ended by an exception of unknown type\n"));
  EXPECT_THAT(log, HasSubstr("E a test ended by an exception: std::bad_alloc\n"));
  EXPECT_THAT(log, HasSubstr("E nobody's ended by an exception of unknown type\n"));
}

TEST(Guard, a_text_too_long_for_a_line_is_cut) {
  CaptureStderr();
  EXPECT_FALSE(guarded("a test", [] { throw std::runtime_error(std::string(10'000, 'x')); }));
  const std::string log = GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("a test ended by an exception: xxxx"));
  EXPECT_THAT(log, EndsWith("xxx\n"));
  EXPECT_LT(log.size(), 300u);
}

}  // namespace
}  // namespace fairlead::net
