#include "protocol/http/text_run.h"

#include <gtest/gtest.h>

#include <string>

namespace fairlead::protocol {
namespace {

bool is_control(int c) { return c < 0x20 || c == 0x7f; }

TEST(TextRun, NeverStepsOverAControlCharacter) {
  for (const char filler : {'a', ' ', '\x7e', '\x80', '\xff', '\x21'}) {
    for (int c = 0; c < 256; ++c) {
      for (std::size_t at = 0; at < 17; ++at) {
        std::string text(17, filler);
        text[at] = static_cast<char>(c);
        for (std::size_t from = 0; from <= at; ++from) {
          const std::size_t run = text_run(text, from);
          ASSERT_EQ(run % 8, 0u);
          ASSERT_LE(from + run, text.size());
          if (is_control(c)) {
            ASSERT_LE(from + run, at) << c << " at " << at << " from " << from;
          } else {
            ASSERT_EQ(run, (text.size() - from) / 8 * 8) << c << " at " << at << " from " << from;
          }
        }
      }
    }
  }
}

TEST(TextRun, EndsWithTheText) {
  EXPECT_EQ(text_run("", 0), 0u);
  EXPECT_EQ(text_run("1234567", 0), 0u);
  EXPECT_EQ(text_run("12345678", 0), 8u);
  EXPECT_EQ(text_run("12345678", 8), 0u);
  EXPECT_EQ(text_run("1234567890123456789", 1), 16u);
}

}  // namespace
}  // namespace fairlead::protocol
