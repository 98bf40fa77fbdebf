#include "protocol/http1/head_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/testing/cuts.h"

namespace fairlead::protocol {
namespace {

using base::Code;
using Kind = BodyFraming::Kind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;
using testing::Pieces;
using testing::same_for_all_cuts;

// What became of an input: comparable, so that all cuts can be held against each other.
struct Outcome {
  bool done = false;
  int status = 0;
  Code code = Code::ok;
  std::string why;
  std::size_t consumed = 0;
  RequestHead head;
  BodyFraming framing;
  bool keep_alive = false, expect_continue = false;
  bool operator==(const Outcome&) const = default;
};
void PrintTo(const Outcome& o, std::ostream* out) {
  *out << (o.done ? "done" : "not done") << " status " << o.status << " '" << o.why << "' consumed " << o.consumed
       << " target " << o.head.target << " fields " << o.head.fields.size();
}

Outcome run(const Pieces& pieces, HeadLimits limits = {}) {
  RequestHeadParser parser(limits);
  Outcome out;
  for (const std::string_view piece : pieces) {
    const auto used = parser.feed(piece);
    if (!used) {
      EXPECT_EQ(used.error().side, base::Side::client);
      EXPECT_FALSE(parser.feed("x").has_value()) << "an error is final";
      out.consumed = 0;  // up to where, is not promised
      out.code = used.error().code;
      out.why = used.error().context;
      break;
    }
    out.consumed += *used;
    if (parser.done()) break;
    EXPECT_EQ(*used, piece.size());
  }
  out.done = parser.done();
  out.status = parser.suggested_status();
  out.head = parser.head();
  out.framing = parser.framing();
  out.keep_alive = parser.keep_alive();
  out.expect_continue = parser.expect_continue();
  return out;
}

Outcome request(std::string_view text, HeadLimits limits = {}) {
  return same_for_all_cuts(text, [limits](const Pieces& pieces) { return run(pieces, limits); });
}

void expect_refused(std::string_view text, int status, std::string_view why, Code code = Code::malformed) {
  const Outcome out = request(text);
  EXPECT_FALSE(out.done) << text;
  EXPECT_EQ(out.status, status) << text;
  EXPECT_EQ(out.code, code) << text;
  EXPECT_THAT(out.why, HasSubstr(why)) << text;
}

// A head that is fine but for the given lines.
std::string with(std::string_view lines) { return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n"; }

TEST(RequestHead, AnOrdinaryOne) {
  const Outcome out =
      request("GET /chat?room=1 HTTP/1.1\r\nHost: Live.Example.com:8080\r\nX-A:  b c \t\r\nx-a:\r\n\r\nBODY");
  ASSERT_TRUE(out.done);
  EXPECT_EQ(out.head.method, "GET");
  EXPECT_EQ(out.head.target, "/chat?room=1");
  EXPECT_EQ(out.head.authority, "live.example.com:8080");
  EXPECT_EQ(out.head.scheme, "");
  EXPECT_EQ(out.head.version, HttpVersion::http11);
  EXPECT_THAT(out.head.fields.all("x-a"), ElementsAre("b c", ""));
  EXPECT_THAT(out.head.fields.find("Host"), Optional(std::string_view("Live.Example.com:8080")));
  EXPECT_EQ(out.framing, BodyFraming{});
  EXPECT_TRUE(out.keep_alive);
  EXPECT_FALSE(out.expect_continue);
}

TEST(RequestHead, ConsumesUpToTheBodyOnly) {
  const std::string head = with("Content-Length: 4\r\n");
  const Outcome out = request(head + "BODYGET / HTTP/1.1\r\n");
  EXPECT_EQ(out.consumed, head.size());
  EXPECT_EQ(out.framing, (BodyFraming{Kind::length, 4}));
}

TEST(RequestHead, PipelinedHeadsComeOneByOne) {
  const std::string one = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n", two = "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
  RequestHeadParser parser;
  std::string_view rest;
  const std::string both = one + two;
  rest = both;
  for (const char* target : {"/1", "/2"}) {
    EXPECT_FALSE(parser.started());
    const auto used = parser.feed(rest);
    ASSERT_TRUE(used && parser.done());
    EXPECT_EQ(parser.feed(rest), 0u) << "a parser that is done takes nothing";
    EXPECT_TRUE(parser.started());
    EXPECT_EQ(parser.take_head().target, target);
    rest.remove_prefix(*used);
    parser.reset();
  }
  EXPECT_TRUE(rest.empty());
}

TEST(RequestHead, OneEmptyLineBeforeItIsSkipped) {
  EXPECT_TRUE(request("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").done);
  expect_refused("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "empty line");
  expect_refused("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bare CR");
  expect_refused("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bare LF");
  expect_refused(std::string_view("\r\n\0GET / HTTP/1.1\r\nHost: a\r\n\r\n", 30), 400, "control character");
  RequestHeadParser parser;
  EXPECT_EQ(parser.feed("\r\n"), 2u);
  EXPECT_FALSE(parser.started());
  EXPECT_EQ(parser.feed("G"), 1u);
  EXPECT_TRUE(parser.started());
}

TEST(RequestHead, AbsoluteFormIsTurnedIntoOriginForm) {
  Outcome out = request("GET HTTP://A.example:80/p?q HTTP/1.1\r\nHost: a.example\r\n\r\n");
  ASSERT_TRUE(out.done) << out.why;
  EXPECT_EQ(out.head.target, "/p?q");
  EXPECT_EQ(out.head.scheme, "http");
  EXPECT_EQ(out.head.authority, "a.example:80");
  EXPECT_EQ(request("GET https://a?q HTTP/1.1\r\nHost: a:443\r\n\r\n").head.target, "/?q");
  EXPECT_EQ(request("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n").head.target, "/");
  EXPECT_EQ(request("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n").head.target, "*");
  EXPECT_EQ(request("GET http://a/ HTTP/1.0\r\n\r\n").head.authority, "a");
}

TEST(RequestHead, AbsoluteFormAgainstHost) {
  expect_refused("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "differ");
  expect_refused("GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "differ");
  expect_refused("GET https://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n", 400, "differ");
  expect_refused("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed authority");
  expect_refused("GET http:///p HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed authority");
  expect_refused("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "scheme");
}

TEST(RequestHead, TargetForms) {
  EXPECT_EQ(request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").head.target, "*");
  expect_refused("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, "OPTIONS");
  expect_refused("GET a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "neither");
  expect_refused("GET path HTTP/1.1\r\nHost: a\r\n\r\n", 400, "neither");
  expect_refused("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "fragment");
  expect_refused("GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "visible ASCII");
  expect_refused("GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", 400, "visible ASCII");
  expect_refused("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501, "CONNECT", Code::unsupported);
  EXPECT_EQ(request("GET //b/../c?d=http://x/ HTTP/1.1\r\nHost: a\r\n\r\n").head.target, "//b/../c?d=http://x/");
}

TEST(RequestHead, Versions) {
  expect_refused("GET /\r\n", 400, "HTTP/0.9");
  expect_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/2 preface", Code::unsupported);
  expect_refused("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "version", Code::unsupported);
  expect_refused("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505, "version", Code::unsupported);
  for (const char* version : {"http/1.1", "HTTP/1.1x", "HTTP/11", "HTTP/1.", "HTTP/1.10", "HTTPS/1.1", "X"}) {
    expect_refused("GET / " + std::string(version) + "\r\nHost: a\r\n\r\n", 400, "no HTTP version");
  }
}

TEST(RequestHead, RequestLine) {
  expect_refused("GET  / HTTP/1.1\r\n", 400, "white space");
  expect_refused("GET /  HTTP/1.1\r\n", 400, "white space");
  expect_refused("GET / HTTP/1.1 \r\n", 400, "white space");
  expect_refused(" GET / HTTP/1.1\r\n", 400, "method");
  expect_refused("G(T / HTTP/1.1\r\n", 400, "method");
  expect_refused("GET\r\n", 400, "without a target");
  expect_refused("\x16\x03\x01\x02", 400, "control character");  // a TLS ClientHello, refused at its first byte
  EXPECT_EQ(request("M-SEARCH! / HTTP/1.1\r\nHost: a\r\n\r\n").head.method, "M-SEARCH!");
}

TEST(RequestHead, LineEndingsAndControlCharacters) {
  expect_refused("GET / HTTP/1.1\nHost: a\n\n", 400, "bare LF");
  expect_refused("GET / HTTP/1.1\r\nHost: a\n\r\n", 400, "bare LF");
  expect_refused("GET / HTTP/1.1\r\nHost: a\r\n\n", 400, "bare LF");
  expect_refused("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400, "bare CR");
  expect_refused("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400, "bare CR");
  expect_refused(with(std::string_view("X: a\0b\r\n", 8)), 400, "control character");
  expect_refused(with("X: a\x01\r\n"), 400, "control character");
  expect_refused(with("X: a\x7f\r\n"), 400, "control character");
  expect_refused(with("X: a\x0b\r\n"), 400, "control character");
  EXPECT_THAT(request(with("X: a\tb\xff\r\n")).head.fields.find("x"), Optional(std::string_view("a\tb\xff")));
}

TEST(RequestHead, FieldLines) {
  expect_refused(with("X: a\r\n b\r\n"), 400, "folded");
  expect_refused(with("X: a\r\n\tb: c\r\n"), 400, "folded");
  expect_refused("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "folded");
  expect_refused(with("X : a\r\n"), 400, "white space before the colon");
  expect_refused(with("X\t: a\r\n"), 400, "white space before the colon");
  expect_refused(with(": a\r\n"), 400, "empty field name");
  expect_refused(with("X Y: a\r\n"), 400, "no token");
  expect_refused(with("X\xff: a\r\n"), 400, "no token");
  expect_refused(with("(X): a\r\n"), 400, "no token");
  expect_refused(with("X\r\n"), 400, "without a colon");
}

TEST(RequestHead, Host) {
  expect_refused("GET / HTTP/1.1\r\n\r\n", 400, "no Host");
  expect_refused(with("Host: a\r\n"), 400, "more than one Host");
  expect_refused("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, "more than one Host");
  for (const char* host : {"", "a b", "u@a", "a/b", "a,b", "a:b", "a:80:80", "[::1", "a\tb", "\xff"}) {
    expect_refused("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n", 400, "Host is no host");
  }
  const Outcome old = request("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.done);
  EXPECT_EQ(old.head.authority, "");
  EXPECT_EQ(request("GET / HTTP/1.1\r\nHost: [2001:DB8::1]:80\r\n\r\n").head.authority, "[2001:db8::1]:80");
}

TEST(RequestHead, ContentLength) {
  EXPECT_EQ(request(with("Content-Length: 0\r\n")).framing, BodyFraming{});
  EXPECT_EQ(request(with("Content-Length: 9223372036854775807\r\n")).framing, (BodyFraming{Kind::length, INT64_MAX}));
  for (const char* value : {"9223372036854775808", "18446744073709551616", "99999999999999999999999", "+1", "-1", "1 2",
                            "1,1", "1, 1", "", "0x10", "1.0", "1e3", "a"}) {
    expect_refused(with("Content-Length: " + std::string(value) + "\r\n"), 400, "Content-Length");
  }
  expect_refused(with("Content-Length: 5\r\nContent-Length: 5\r\n"), 400, "Content-Length");
  expect_refused(with("Content-Length: 5\r\ncontent-length: 6\r\n"), 400, "Content-Length");
}

TEST(RequestHead, ConnectionIsAListOfTokens) {
  EXPECT_TRUE(request(with("Connection:\r\n")).done);
  EXPECT_TRUE(request(with("Keep-Alive: timeout=5, max=10\r\n")).done);
  expect_refused(with("Connection: keep-alive; a\r\n"), 400, "malformed field value");
  expect_refused(with("Connection: a b\r\n"), 400, "malformed field value");
}

TEST(RequestHead, TransferEncoding) {
  EXPECT_EQ(request(with("Transfer-Encoding: CHUNKED\r\n")).framing, (BodyFraming{Kind::chunked, 0}));
  expect_refused(with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400, "together");
  expect_refused(with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400, "together");
  expect_refused(with("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"), 400, "together");
  expect_refused(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400, "repeated");
  expect_refused(with("Transfer-Encoding: chunked, chunked\r\n"), 400, "last");
  expect_refused(with("Transfer-Encoding: chunked, gzip\r\n"), 400, "last");
  expect_refused(with("Transfer-Encoding: ,chunked\r\n"), 400, "Transfer-Encoding");
  expect_refused(with("Transfer-Encoding:\r\n"), 400, "Transfer-Encoding");
  expect_refused(with("Transfer-Encoding: chunked;q=1\r\n"), 400, "Transfer-Encoding");
  expect_refused(with("Transfer-Encoding: \"chunked\"\r\n"), 400, "Transfer-Encoding");
  expect_refused(with("Transfer-Encoding: \x0b"
                      "chunked\r\n"),
                 400, "control character");
  expect_refused(with("Transfer-Encoding: identity\r\n"), 501, "transfer coding", Code::unsupported);
  expect_refused(with("Transfer-Encoding: gzip, chunked\r\n"), 501, "transfer coding", Code::unsupported);
  expect_refused(with("Transfer-Encoding: xchunked\r\n"), 501, "transfer coding", Code::unsupported);
  expect_refused("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "HTTP/1.0");
}

TEST(RequestHead, Persistence) {
  EXPECT_FALSE(request(with("Connection: Upgrade, CLOSE\r\n")).keep_alive);
  EXPECT_FALSE(request("GET / HTTP/1.0\r\nHost: a\r\n\r\n").keep_alive);
  EXPECT_TRUE(request("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
  EXPECT_FALSE(request("GET / HTTP/1.0\r\nConnection: Keep-Alive, close\r\n\r\n").keep_alive);
}

TEST(RequestHead, Expectations) {
  EXPECT_TRUE(request(with("Expect: 100-Continue\r\nContent-Length: 1\r\n")).expect_continue);
  EXPECT_FALSE(request("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n").expect_continue);
  expect_refused(with("Expect: tea\r\n"), 417, "expectation", Code::unsupported);
}

TEST(RequestHead, TooManyBytes) {
  const std::string exact = with("X: " + std::string(100 - with("X: \r\n").size(), 'x') + "\r\n");
  ASSERT_EQ(exact.size(), 100u);
  EXPECT_TRUE(request(exact, {.max_bytes = 100}).done);
  const Outcome over = request(exact, {.max_bytes = 99});
  EXPECT_EQ(over.status, 431);
  EXPECT_EQ(over.code, Code::too_large);
  // A line that never ends is refused as well, when the limit is passed.
  EXPECT_EQ(request("GET / HTTP/1.1\r\nX: " + std::string(100, 'x'), {.max_bytes = 99}).status, 431);
  // What follows a complete head does not count.
  EXPECT_TRUE(request(exact + std::string(500, 'x'), {.max_bytes = 100}).done);
}

TEST(RequestHead, TooLongARequestLine) {
  const std::string line = "GET /" + std::string(20, 'x') + " HTTP/1.1\r\n";
  const HeadLimits exact{.max_start_line = line.size()}, less{.max_start_line = line.size() - 1};
  EXPECT_TRUE(request(line + "Host: a\r\n\r\n", exact).done);
  EXPECT_EQ(request(line + "Host: a\r\n\r\n", less).status, 414);
  EXPECT_EQ(request("GET /" + std::string(200, 'x'), {.max_bytes = 100}).status, 414);
}

TEST(RequestHead, TooManyFields) {
  std::string lines;
  for (int i = 0; i < 9; ++i) lines += "X: y\r\n";
  EXPECT_TRUE(request(with(lines), {.max_fields = 10}).done);
  const Outcome over = request(with(lines), {.max_fields = 9});
  EXPECT_EQ(over.status, 431);
  EXPECT_EQ(over.code, Code::too_large);
}

TEST(RequestHead, AnErrorShowsAtItsByte) {
  // A peer that speaks another protocol is told at once, not after a time-out.
  RequestHeadParser parser;
  ASSERT_TRUE(parser.feed("GET / HTTP/1.1\r\nA: b\r\n").has_value());
  EXPECT_FALSE(parser.feed(" ").has_value() && parser.feed("x\r\n").has_value());
  parser.reset();
  EXPECT_EQ(parser.suggested_status(), 0);
  EXPECT_TRUE(parser.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n").has_value());
  EXPECT_TRUE(parser.done());
}

// Responses.

struct Answer {
  bool done = false;
  std::string why;
  Code code = Code::ok;
  std::size_t consumed = 0;
  ResponseHead head;
  BodyFraming framing;
  bool keep_alive = false;
  bool operator==(const Answer&) const = default;
};
void PrintTo(const Answer& a, std::ostream* out) {
  *out << (a.done ? "done" : "not done") << " '" << a.why << "' status " << a.head.status << " consumed " << a.consumed;
}

Answer response(std::string_view text, std::string_view method = "GET") {
  return same_for_all_cuts(text, [method](const Pieces& pieces) {
    ResponseHeadParser parser(method);
    Answer out;
    for (const std::string_view piece : pieces) {
      const auto used = parser.feed(piece);
      if (!used) {
        EXPECT_EQ(used.error().side, base::Side::origin);
        EXPECT_EQ(used.error().retry, base::Retry::elsewhere);
        EXPECT_EQ(parser.suggested_status(), 502);
        out.consumed = 0;
        out.why = used.error().context;
        out.code = used.error().code;
        break;
      }
      out.consumed += *used;
      if (parser.done()) break;
    }
    out.done = parser.done();
    out.head = parser.head();
    out.framing = parser.framing();
    out.keep_alive = parser.keep_alive();
    return out;
  });
}

void expect_bad_answer(std::string_view text, std::string_view why) {
  const Answer out = response(text);
  EXPECT_FALSE(out.done) << text;
  EXPECT_THAT(out.why, HasSubstr(why)) << text;
}

TEST(ResponseHead, AnOrdinaryOne) {
  const std::string head = "HTTP/1.1 200 All right\r\nContent-Length: 3\r\nX-A: b\r\n\r\n";
  const Answer out = response(head + "abc");
  ASSERT_TRUE(out.done) << out.why;
  EXPECT_EQ(out.head.status, 200);
  EXPECT_EQ(out.head.reason, "All right");
  EXPECT_EQ(out.consumed, head.size());
  EXPECT_EQ(out.framing, (BodyFraming{Kind::length, 3}));
  EXPECT_TRUE(out.keep_alive);
}

TEST(ResponseHead, AnEmptyReasonWithAndWithoutItsSpace) {
  for (const char* text : {"HTTP/1.1 204 \r\n\r\n", "HTTP/1.1 204\r\n\r\n", "HTTP/1.0 204\r\nA: b\r\n\r\n"}) {
    const Answer out = response(text);
    EXPECT_TRUE(out.done) << out.why;
    EXPECT_EQ(out.head.status, 204);
    EXPECT_EQ(out.head.reason, "");
    EXPECT_EQ(out.consumed, std::string_view(text).size());
  }
}

TEST(ResponseHead, FramingByMethodStatusAndFields) {
  const auto framing = [](std::string_view line, std::string_view fields, std::string_view method = "GET") {
    const Answer out = response("HTTP/1.1 " + std::string(line) + "\r\n" + std::string(fields) + "\r\n", method);
    EXPECT_TRUE(out.done) << out.why;
    return out.framing.kind;
  };
  EXPECT_EQ(framing("200 OK", ""), Kind::until_close);
  EXPECT_EQ(framing("200 OK", "Content-Length: 0\r\n"), Kind::none);
  EXPECT_EQ(framing("200 OK", "Transfer-Encoding: chunked\r\n"), Kind::chunked);
  EXPECT_EQ(framing("200 OK", "Content-Length: 5\r\n", "HEAD"), Kind::none);
  EXPECT_EQ(framing("200 OK", "Transfer-Encoding: chunked\r\n", "HEAD"), Kind::none);
  EXPECT_EQ(framing("200 OK", "", "CONNECT"), Kind::none);
  EXPECT_EQ(framing("403 No", "Content-Length: 5\r\n", "CONNECT"), Kind::length);
  EXPECT_EQ(framing("304 Not Modified", "Content-Length: 5\r\n"), Kind::none);
  EXPECT_EQ(framing("204 No Content", ""), Kind::none);
  EXPECT_EQ(framing("100 Continue", ""), Kind::none);
  EXPECT_EQ(framing("101 Switching Protocols", "Upgrade: websocket\r\n"), Kind::none);
}

TEST(ResponseHead, ContentLengthIsTakenOutWhereItMayNotBe) {
  EXPECT_FALSE(response("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n").head.fields.contains("content-length"));
  EXPECT_FALSE(response("HTTP/1.1 101 Up\r\nContent-Length: 0\r\n\r\n").head.fields.contains("content-length"));
  EXPECT_TRUE(response("HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n").head.fields.contains("content-length"));
}

TEST(ResponseHead, Persistence) {
  EXPECT_FALSE(response("HTTP/1.1 200 OK\r\n\r\n").keep_alive);
  EXPECT_FALSE(response("HTTP/1.1 101 Up\r\n\r\n").keep_alive);
  EXPECT_FALSE(response("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n").keep_alive);
  EXPECT_FALSE(response("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n").keep_alive);
  EXPECT_TRUE(response("HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n").keep_alive);
}

TEST(ResponseHead, IsHeldToTheSameRules) {
  expect_bad_answer("HTTP/1.1 200 OK\nA: b\n\n", "bare LF");
  expect_bad_answer("\r\nHTTP/1.1 200 OK\r\n\r\n", "empty line");
  expect_bad_answer("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "white space");
  expect_bad_answer("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "folded");
  expect_bad_answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "Content-Length");
  expect_bad_answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "together");
  expect_bad_answer("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0");
  expect_bad_answer("HTTP/2.0 200 OK\r\n\r\n", "version");
  expect_bad_answer("HTTP/1.1 20 OK\r\n\r\n", "status");
  expect_bad_answer("HTTP/1.1 2000 OK\r\n\r\n", "status");
  expect_bad_answer("HTTP/1.1 099 OK\r\n\r\n", "status");
  expect_bad_answer("HTTP/1.1  200 OK\r\n\r\n", "status");
  expect_bad_answer("HTTP/1.1\r\n\r\n", "no status line");
  expect_bad_answer("ICY 200 OK\r\n\r\n", "no HTTP version");
  expect_bad_answer("SSH-2.0-OpenSSH\r\n", "no status line");
}

TEST(ResponseHead, InterimAnswersComeOneByOne) {
  const std::string text = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  ResponseHeadParser parser("GET");
  const auto first = parser.feed(text);
  ASSERT_TRUE(first && parser.done());
  EXPECT_EQ(parser.take_head().status, 103);
  parser.reset();
  const auto second = parser.feed(std::string_view(text).substr(*first));
  ASSERT_TRUE(second && parser.done());
  EXPECT_EQ(parser.head().status, 200);
  EXPECT_EQ(*first + *second, text.size());
}

TEST(ResponseHead, TheMethodStaysOverReset) {
  ResponseHeadParser parser("HEAD");
  ASSERT_TRUE(parser.feed("HTTP/1.1 100 Continue\r\n\r\n").has_value());
  parser.reset();
  ASSERT_TRUE(parser.feed("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n").has_value());
  EXPECT_EQ(parser.framing().kind, Kind::none);
  parser.reset("GET");
  ASSERT_TRUE(parser.feed("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n").has_value());
  EXPECT_EQ(parser.framing().kind, Kind::length);
}

}  // namespace
}  // namespace fairlead::protocol
