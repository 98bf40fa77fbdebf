#include "protocol/http1/serialize.h"

#include <gtest/gtest.h>

#include "protocol/http1/head_parser.h"

namespace fairlead::protocol {
namespace {

RequestHead request() {
  RequestHead head;
  head.method = "POST";
  head.target = "/a?b";
  head.authority = "live.example.com:8080";
  head.fields.add("Host", "live.example.com:8080");
  head.fields.add("X-Empty", "");
  head.fields.add("x-b", "c, d");
  return head;
}

TEST(Serialize, ARequestIsReadBack) {
  std::string text = "before";
  ASSERT_TRUE(append_request_head(text, request()));
  EXPECT_EQ(text, "beforePOST /a?b HTTP/1.1\r\nHost: live.example.com:8080\r\nX-Empty: \r\nx-b: c, d\r\n\r\n");
  RequestHeadParser parser;
  ASSERT_TRUE(parser.feed(std::string_view(text).substr(6)).has_value());
  ASSERT_TRUE(parser.done());
  EXPECT_EQ(parser.head(), request());
}

TEST(Serialize, HostComesFromTheAuthorityWhenThereIsNone) {
  RequestHead head = request();
  head.fields.remove("host");
  head.version = HttpVersion::http2;
  std::string text;
  ASSERT_TRUE(append_request_head(text, head));
  EXPECT_TRUE(text.starts_with("POST /a?b HTTP/1.1\r\nHost: live.example.com:8080\r\n")) << text;
}

TEST(Serialize, AResponseIsReadBack) {
  ResponseHead head;
  head.status = 404;
  head.reason = "Not\tFound";
  head.fields.add("Content-Length", "0");
  std::string text;
  ASSERT_TRUE(append_response_head(text, head));
  EXPECT_EQ(text, "HTTP/1.1 404 Not\tFound\r\nContent-Length: 0\r\n\r\n");
  ResponseHeadParser parser("GET");
  ASSERT_TRUE(parser.feed(text).has_value());
  EXPECT_EQ(parser.head(), head);
}

TEST(Serialize, NothingIsInjectedIntoARequest) {
  const std::string_view bad[] = {{"a\rb", 3}, {"a\nb", 3}, {"a\0b", 3}, {"a\r\nX: y", 7}, {"\x7f", 1}};
  for (const std::string_view part : bad) {
    for (int where = 0; where < 5; ++where) {
      RequestHead head = request();
      if (where == 0) head.method = part;
      if (where == 1) head.target = part;
      if (where == 2) head.fields.add(part, "v");
      if (where == 3) head.fields.add("n", part);
      if (where == 4) {
        head.fields.remove("host");
        head.authority = part;
      }
      std::string text = "kept";
      EXPECT_FALSE(append_request_head(text, head)) << where;
      EXPECT_EQ(text, "kept");
    }
  }
  RequestHead head = request();
  head.target = "/a b";
  std::string text;
  EXPECT_FALSE(append_request_head(text, head));
  head.target = "";
  EXPECT_FALSE(append_request_head(text, head));
  head = request();
  head.fields.add("", "v");
  EXPECT_FALSE(append_request_head(text, head));
  head = request();
  head.fields.add("a:b", "v");
  EXPECT_FALSE(append_request_head(text, head));
  EXPECT_EQ(text, "");
}

TEST(Serialize, NothingIsInjectedIntoAResponse) {
  for (int where = 0; where < 5; ++where) {
    ResponseHead head;
    head.status = 200;
    if (where == 0) head.reason = "OK\r\nX: y";
    if (where == 1) head.fields.add("X", "a\nb");
    if (where == 2) head.fields.add("X\r\nY", "a");
    if (where == 3) head.status = 99;
    if (where == 4) head.status = 1000;
    std::string text;
    EXPECT_FALSE(append_response_head(text, head)) << where;
    EXPECT_EQ(text, "");
  }
  Fields trailers;
  trailers.add("X", "a\r\nb");
  std::string text;
  EXPECT_FALSE(append_last_chunk(text, trailers));
  EXPECT_EQ(text, "");
}

}  // namespace
}  // namespace fairlead::protocol
