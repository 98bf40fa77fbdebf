#include "protocol/http/fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairlead::protocol {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

TEST(Fields, NamesCompareWithoutCaseAndKeepTheirs) {
  Fields fields;
  fields.add("X-One", "1");
  EXPECT_THAT(fields.find("x-oNE"), Optional(std::string_view("1")));
  EXPECT_EQ(fields.begin()->name, "X-One");
  EXPECT_EQ(fields.find("x-on"), std::nullopt);
  EXPECT_EQ(fields.find("@-One"), std::nullopt);
}

TEST(Fields, OrderAndRepetitionAreKept) {
  Fields fields;
  fields.add("a", "1");
  fields.add("b", "2");
  fields.add("A", "3");
  EXPECT_THAT(fields.all("a"), ElementsAre("1", "3"));
  EXPECT_EQ(fields.count("a"), 2u);
  EXPECT_EQ(fields.count("c"), 0u);
  EXPECT_EQ(fields.size(), 3u);
}

TEST(Fields, SetReplacesAllByOneInThePlaceOfTheFirst) {
  Fields fields;
  fields.add("a", "1");
  fields.add("b", "2");
  fields.add("A", "3");
  fields.set("A", "4");
  ASSERT_EQ(fields.size(), 2u);
  EXPECT_EQ(*fields.begin(), (Field{"A", "4"}));
  fields.set("c", "5");
  EXPECT_EQ(std::next(fields.begin(), 2)->value, "5");
}

TEST(Fields, SetFromAViewOfItself) {
  Fields fields;
  fields.add("a", "a long value that does not fit a small string");
  fields.add("a", "another");
  fields.set("a", *fields.find("a"));
  EXPECT_THAT(fields.all("a"), ElementsAre("a long value that does not fit a small string"));
}

TEST(Fields, AddFromAViewOfItself) {
  Fields fields;
  fields.add("a", "a value of which there will be so much that the text has to grow again and again");
  for (int i = 0; i < 100; ++i) fields.add(fields.begin()->name, *fields.find("a"));
  EXPECT_EQ(fields.size(), 101u);
  for (const Field field : fields) EXPECT_EQ(field, *fields.begin());
}

TEST(Fields, WhatWasOverwrittenOrRemovedDoesNotCount) {
  Fields one, other;
  one.add("gone", "before");
  one.add("a", "1");
  one.add("b", "overwritten");
  one.remove("gone");
  one.set("b", "2");
  other.add("a", "1");
  other.add("b", "2");
  EXPECT_EQ(one, other);
  EXPECT_EQ(one.bytes(), other.bytes());
  other.set("b", "3");
  EXPECT_NE(one, other);
  other.remove("b");
  EXPECT_NE(one, other);
}

TEST(Fields, ACopyHasATextOfItsOwn) {
  Fields fields;
  fields.add("a", "1");
  Fields copy = fields;
  fields.clear();
  fields.add("x", "2");
  EXPECT_THAT(copy.find("a"), Optional(std::string_view("1")));
  const Fields moved = std::move(copy);
  EXPECT_THAT(moved.find("a"), Optional(std::string_view("1")));
  EXPECT_THAT(fields.find("x"), Optional(std::string_view("2")));
}

TEST(Fields, RemoveCountsAndTakesANameOfItself) {
  Fields fields;
  fields.add("a", "1");
  fields.add("b", "2");
  fields.add("A", "3");
  EXPECT_EQ(fields.remove(fields.begin()->name), 2u);
  EXPECT_EQ(fields.remove("a"), 0u);
  EXPECT_EQ(fields.size(), 1u);
}

TEST(Fields, TokensAreFoundInListsOverAllFields) {
  Fields fields;
  fields.add("Connection", "keep-alive , UPGRADE");
  fields.add("connection", ",, close;q=1 ,");
  EXPECT_TRUE(fields.has_token("connection", "upgrade"));
  EXPECT_TRUE(fields.has_token("connection", "keep-alive"));
  EXPECT_FALSE(fields.has_token("connection", "close"));  // it has a parameter
  EXPECT_FALSE(fields.has_token("connection", "keep"));
  EXPECT_FALSE(fields.has_token("connection", ""));
  EXPECT_FALSE(fields.has_token("upgrade", "upgrade"));
}

TEST(Fields, ListMembersRespectQuotedStrings) {
  std::vector<std::string> members;
  for_each_list_member(R"(a;x="1,2", b ,,"\",", c="open, d)", [&members](std::string_view m) {
    members.emplace_back(m);
    return true;
  });
  EXPECT_THAT(members, ElementsAre(R"(a;x="1,2")", "b", R"("\",")", R"(c="open, d)"));
}

TEST(Fields, AListThatEndsInABackslashEndsThere) {
  std::vector<std::string> members;
  for_each_list_member("a, \"b\\", [&members](std::string_view m) {
    members.emplace_back(m);
    return true;
  });
  EXPECT_THAT(members, ElementsAre("a", "\"b\\"));
}

TEST(Fields, BytesAreThoseOfTheWire) {
  Fields fields;
  EXPECT_EQ(fields.bytes(), 0u);
  fields.add("ab", "cde");
  EXPECT_EQ(fields.bytes(), std::string_view("ab: cde\r\n").size());
}

TEST(Token, GrammarOfRfc9110) {
  EXPECT_TRUE(is_token("GET"));
  EXPECT_TRUE(is_token("!#$%&'*+-.^_`|~09azAZ"));
  EXPECT_FALSE(is_token(""));
  for (const char c : std::string_view("\"(),/:;<=>?@[\\]{} \t\x7f\x80\xff", 22))
    EXPECT_FALSE(is_token(std::string(1, c))) << c;
  EXPECT_TRUE(is_field_value("a\tb \x80"));
  EXPECT_TRUE(is_field_value(""));
  for (const char c : std::string_view("\r\n\0\x01\x1f\x7f", 6)) EXPECT_FALSE(is_field_value(std::string(1, c)));
}

}  // namespace
}  // namespace fairlead::protocol
