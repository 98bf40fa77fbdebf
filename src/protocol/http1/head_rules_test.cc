// The rules on their own: through the parser some of them are hidden behind Beast's, which must not be what they rest
// on.
#include "protocol/http1/head_rules.h"

#include <gtest/gtest.h>

namespace fairlead::protocol::detail {
namespace {

using Kind = BodyFraming::Kind;
using Lines = std::initializer_list<std::pair<const char*, const char*>>;

Ruled<BodyFraming> framing(Lines lines, HttpVersion version = HttpVersion::http11) {
  Fields fields;
  for (const auto& [name, value] : lines) fields.add(name, value);
  return framing_of(fields, version);
}

TEST(HeadRules, FramingIsOneFieldOrNone) {
  EXPECT_EQ(framing({}), BodyFraming{});
  EXPECT_EQ(framing({{"content-length", "007"}}), (BodyFraming{Kind::length, 7}));
  EXPECT_EQ(framing({{"TRANSFER-ENCODING", "Chunked"}}), (BodyFraming{Kind::chunked, 0}));
  for (const Lines& lines :
       {Lines{{"Content-Length", "5"}, {"Content-Length", "5"}},
        Lines{{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}},
        Lines{{"Transfer-Encoding", "chunked"}, {"Content-Length", "0"}},
        Lines{{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
        Lines{{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "identity"}},
        Lines{{"Transfer-Encoding", "chunked, chunked"}}, Lines{{"Transfer-Encoding", ""}},
        Lines{{"Content-Length", "5, 5"}}, Lines{{"Content-Length", "5 "}}, Lines{{"Content-Length", ""}},
        Lines{{"Content-Length", "9223372036854775808"}}, Lines{{"Content-Length", "99999999999999999999999999"}}}) {
    const auto refused = framing(lines);
    ASSERT_FALSE(refused.has_value()) << lines.begin()->first << ": " << lines.begin()->second;
    EXPECT_EQ(refused.error().status, 400);
  }
  EXPECT_FALSE(framing({{"Transfer-Encoding", "chunked"}}, HttpVersion::http10).has_value());
  const auto unknown = framing({{"Transfer-Encoding", "gzip, chunked"}});
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().status, 501);
}

TEST(HeadRules, FieldLines) {
  const auto line = split_field_line("Name:\t a: b \t");
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->name, "Name");
  EXPECT_EQ(line->value, "a: b");
  for (const char* text : {" Name: a", "\tName: a", "Name : a", ": a", "Name", "Na me: a", "Na(me: a", ""}) {
    EXPECT_FALSE(split_field_line(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace fairlead::protocol::detail
