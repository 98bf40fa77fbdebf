// The body of a message off a stream, over the kernel and over networks that cut it everywhere.

#include "edge/http1_body.h"

#include <gtest/gtest.h>

#include "net/testing/peers.h"
#include "net/testing/world.h"

namespace fairlead::edge {
namespace {

using namespace std::chrono_literals;
using base::Code;
using base::Side;
using Kind = protocol::BodyFraming::Kind;

struct Body {
  std::string content;
  std::string behind;  // what was left in the stream
  std::optional<base::Error> error;
  bool done = false;
  bool empty_part = false;  // a part without data that was not the last
  std::uint64_t total = 0;
  protocol::Fields trailers;
};

class Http1Body : public ::testing::TestWithParam<net::testing::Net> {
 protected:
  net::Task<Body> read(net::ByteStream& stream, protocol::BodyFraming framing, bool behind) {
    Http1BodyReader reader(stream, framing, Side::client);
    Body b;
    for (bool end = false; !end;) {
      const auto part = co_await reader.next(3s);
      if (!part) {
        b.error = part.error();
        break;
      }
      b.content += part->data;
      b.empty_part |= part->data.empty() && !part->end;
      end = part->end;
    }
    b.done = reader.done();
    b.total = reader.total();
    b.trailers = reader.trailers();
    if (b.done && behind) {
      net::testing::Received rest = co_await net::testing::read_all(stream);
      b.behind = std::move(rest.bytes);
    }
    co_return b;
  }

  net::Task<void> send(net::ByteStream& stream, std::string bytes, bool finish) {
    const int error = co_await stream.write(bytes);
    EXPECT_EQ(error, 0);
    if (finish) stream.shutdown_write();
  }

  Body body(std::string bytes, protocol::BodyFraming framing, bool finish = true) {
    auto pair = world_.pair();
    world_.scope().spawn(send(*pair.near, std::move(bytes), finish));
    Body b = world_.run(read(*pair.far, framing, finish));
    world_.finish();
    return b;
  }

  net::testing::World world_{GetParam()};
};

TEST_P(Http1Body, reads_so_many_bytes_and_leaves_the_next_message) {
  const Body b = body("hello worldGET / HTTP/1.1", {Kind::length, 11});
  EXPECT_EQ(b.content, "hello world");
  EXPECT_EQ(b.behind, "GET / HTTP/1.1");
  EXPECT_TRUE(b.done);
  EXPECT_FALSE(b.empty_part);
  EXPECT_EQ(b.total, 11u);
}

TEST_P(Http1Body, takes_the_chunks_off_and_keeps_the_trailers) {
  const Body b =
      body("5;a=\"b\"\r\nhello\r\n1\r\n \r\n05\r\nworld\r\n0\r\nX-Sum: 11\r\nHost: evil\r\n\r\nnext", {Kind::chunked});
  EXPECT_EQ(b.content, "hello world");
  EXPECT_EQ(b.behind, "next");
  EXPECT_FALSE(b.empty_part);
  EXPECT_EQ(b.trailers.find("x-sum"), "11");
  EXPECT_FALSE(b.trailers.contains("host"));
}

TEST_P(Http1Body, many_small_chunks_come_together_in_one_place) {
  std::string coded, plain;
  for (int i = 0; i < 2000; ++i) {
    const std::string piece = std::to_string(i);
    coded += std::to_string(piece.size()) + "\r\n" + piece + "\r\n";
    plain += piece;
  }
  const Body b = body(coded + "0\r\n\r\n", {Kind::chunked});
  EXPECT_EQ(b.content, plain);
  EXPECT_FALSE(b.empty_part);
}

TEST_P(Http1Body, an_end_of_stream_ends_what_has_no_other_end) {
  const Body b = body("all of it", {Kind::until_close});
  EXPECT_EQ(b.content, "all of it");
  EXPECT_TRUE(b.done);
}

TEST_P(Http1Body, a_message_without_a_body_reads_nothing) {
  const Body b = body("next", {Kind::none});
  EXPECT_TRUE(b.done);
  EXPECT_EQ(b.content, "");
  EXPECT_EQ(b.behind, "next");
}

TEST_P(Http1Body, a_body_cut_short_is_an_error_of_its_side) {
  for (const protocol::BodyFraming framing : {protocol::BodyFraming{Kind::length, 20}, {Kind::chunked}}) {
    const Body b = body("5\r\nhello\r\n", framing);
    ASSERT_TRUE(b.error);
    EXPECT_EQ(b.error->code, Code::closed);
    EXPECT_EQ(b.error->side, Side::client);
    EXPECT_FALSE(b.done);
  }
}

TEST_P(Http1Body, broken_chunks_are_malformed) {
  for (const char* bad : {"x\r\n", "5\nhello\r\n", "5\r\nhello!\r\n", "-1\r\n"}) {
    const Body b = body(bad, {Kind::chunked});
    ASSERT_TRUE(b.error) << bad;
    EXPECT_EQ(b.error->code, Code::malformed) << bad;
  }
}

INSTANTIATE_TEST_SUITE_P(Net, Http1Body, net::testing::every_net(), net::testing::net_name);

class Http1BodyClock : public Http1Body {};

TEST_P(Http1BodyClock, waits_no_longer_than_it_is_told) {
  const base::TimePoint begin = world_.loop().now();
  const Body b = body("half", {Kind::length, 8}, false);
  ASSERT_TRUE(b.error);
  EXPECT_EQ(b.error->code, Code::timeout);
  EXPECT_EQ(b.content, "half");
  EXPECT_GE(world_.loop().now() - begin, 3s);
  EXPECT_LT(world_.loop().now() - begin, 5s);
}

INSTANTIATE_TEST_SUITE_P(Net, Http1BodyClock, net::testing::every_simulated_net(), net::testing::net_name);

}  // namespace
}  // namespace fairlead::edge
