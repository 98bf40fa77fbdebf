// Variable-length integers: one form for each value, and nothing taken that is not whole.
#include "base/varint.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <vector>

namespace fairlead::base {
namespace {

std::string written(std::uint64_t value) {
  std::string out;
  append_varint(out, value);
  return out;
}

TEST(Varint, IsAsProtocolBuffersWriteIt) {
  EXPECT_EQ(written(0), std::string(1, '\0'));
  EXPECT_EQ(written(1), "\x01");
  EXPECT_EQ(written(127), "\x7f");
  EXPECT_EQ(written(150), "\x96\x01");  // the example of its documentation
  EXPECT_EQ(written(16'383), "\xff\x7f");
  EXPECT_EQ(written(16'384), std::string("\x80\x80\x01"));
  EXPECT_EQ(written(std::numeric_limits<std::uint64_t>::max()), std::string(9, '\xff') + "\x01");
}

std::vector<std::uint64_t> values() {
  std::vector<std::uint64_t> out{0};
  for (int bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t around : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
      out.push_back((std::uint64_t{1} << bit) + around);
    }
  }
  std::mt19937_64 random(20'261'121);
  for (int i = 0; i < 2000; ++i) out.push_back(random() >> random() % 64);
  return out;
}

TEST(Varint, ReadsBackWhatWasWrittenAndNothingThatIsCut) {
  for (const std::uint64_t value : values()) {
    const std::string text = written(value);
    ASSERT_LE(text.size(), 10u);
    const std::string more = text + "rest";
    std::string_view in = more;
    EXPECT_EQ(take_varint(in), value);
    EXPECT_EQ(in, "rest");
    for (std::size_t keep = 0; keep < text.size(); ++keep) {
      std::string_view part = std::string_view(text).substr(0, keep);
      EXPECT_EQ(take_varint(part), std::nullopt) << value;
      EXPECT_EQ(part.size(), keep);  // untouched
    }
  }
}

TEST(Varint, HasOneForm) {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{127}, std::uint64_t{300}}) {
    std::string longer = written(value);
    longer.back() = static_cast<char>(longer.back() | 0x80);
    longer.push_back('\0');
    std::string_view in = longer;
    EXPECT_EQ(take_varint(in), std::nullopt) << value;
    EXPECT_EQ(in.size(), longer.size());
  }
}

TEST(Varint, FitsInto64Bits) {
  for (const std::string& text : {std::string(9, '\xff') + "\x02", std::string(9, '\xff') + "\x7f",
                                  std::string(10, '\xff') + "\x01", std::string(30, '\x80')}) {
    std::string_view in = text;
    EXPECT_EQ(take_varint(in), std::nullopt);
    EXPECT_EQ(in.size(), text.size());
  }
}

TEST(Varint, TextsCarryTheirLength) {
  for (const std::size_t size : {0u, 1u, 127u, 128u, 20'000u}) {
    const std::string text(size, 't');
    std::string out;
    append_text(out, text);
    append_text(out, "next");
    std::string_view in = out;
    EXPECT_EQ(take_text(in), text);
    EXPECT_EQ(take_text(in), "next");
    EXPECT_EQ(in, "");
    for (std::size_t keep = 0; keep < size + 1; keep += 1 + size / 50) {
      std::string_view part = std::string_view(out).substr(0, keep);
      EXPECT_EQ(take_text(part), std::nullopt);
      EXPECT_EQ(part.size(), keep);
    }
  }
  std::string huge;
  append_varint(huge, std::numeric_limits<std::uint64_t>::max());
  std::string_view in = huge;
  EXPECT_EQ(take_text(in), std::nullopt);
}

}  // namespace
}  // namespace fairlead::base
