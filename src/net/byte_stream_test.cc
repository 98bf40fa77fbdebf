// ByteStream over every net: reading, writing, putting back, half-close, interruption, cancellation, deadlines.
// Flow control is in byte_stream_flow_test.cc, hard ends in byte_stream_end_test.cc.

#include "net/byte_stream.h"

#include <cerrno>
#include <string>
#include <vector>

#include "net/testing/stream_tools.h"
#include "net/testing/world.h"

namespace fairlead::net {
namespace {

using base::milliseconds;
using testing::every_net;
using testing::every_simulated_net;
using testing::Net;
using testing::net_name;
using testing::read_all;
using testing::read_exactly;
using testing::read_until;
using testing::Received;
using testing::TcpPair;
using testing::World;

class ByteStreamTest : public ::testing::TestWithParam<Net> {
 protected:
  World world{GetParam()};
  TcpPair pair = world.pair();
};
INSTANTIATE_TEST_SUITE_P(Net, ByteStreamTest, every_net(), net_name);

Task<int> say(ByteStream& stream, std::string text) {
  const int error = co_await stream.write(text);
  co_return error;
}
Task<int> say2(ByteStream& stream, std::string first, std::string second) {
  const int error = co_await stream.write(first, second);
  co_return error;
}
Task<int> read_error(ByteStream& stream) {
  const Chunk c = co_await stream.read();
  co_return c.ended() ? c.error : -1;
}

// For tasks that run beside the one a test waits for.
template <class T>
Task<void> into(Task<T> task, T& out) {
  T value = co_await std::move(task);
  out = std::move(value);
}

TEST_P(ByteStreamTest, carries_bytes_both_ways_and_their_ends) {
  EXPECT_EQ(world.run(say(*pair.near, "from near")), 0);
  EXPECT_EQ(world.run(say(*pair.far, "from far")), 0);
  pair.near->shutdown_write();
  pair.far->shutdown_write();
  const Received at_far = world.run(read_all(*pair.far));
  const Received at_near = world.run(read_all(*pair.near));
  EXPECT_EQ(at_far.bytes, "from near");
  EXPECT_EQ(at_far.error, 0);
  EXPECT_EQ(at_near.bytes, "from far");
  EXPECT_EQ(at_near.error, 0);
  // The end of a stream is not an event that passes: every later read says it again.
  EXPECT_EQ(world.run(read_error(*pair.far)), 0);
}

TEST_P(ByteStreamTest, half_closed_streams_go_on_in_the_other_direction) {
  pair.near->shutdown_write();
  EXPECT_EQ(world.run(read_all(*pair.far)).error, 0);
  for (const char* text : {"one ", "two ", "three"}) EXPECT_EQ(world.run(say(*pair.far, text)), 0);
  EXPECT_EQ(world.run(read_exactly(*pair.near, 13)).bytes, "one two three");
  EXPECT_EQ(world.run(say(*pair.near, "too late")), EPIPE);
  pair.far->shutdown_write();
  EXPECT_EQ(world.run(read_all(*pair.near)).error, 0);
}

TEST_P(ByteStreamTest, writes_two_pieces_as_one) {
  std::string expected;
  const std::string big(5000, 'x');
  for (const std::string& a : {std::string(), std::string("a"), std::string("head: "), big}) {
    for (const std::string& b : {std::string(), std::string("b"), std::string("body"), big}) {
      expected += a + b;
    }
  }
  auto writer = [](ByteStream& stream, std::string large) -> Task<int> {
    for (const std::string& a : {std::string(), std::string("a"), std::string("head: "), large}) {
      for (const std::string& b : {std::string(), std::string("b"), std::string("body"), large}) {
        const int error = co_await say2(stream, a, b);
        if (error != 0) co_return error;
      }
    }
    stream.shutdown_write();
    co_return 0;
  };
  int error = -1;
  world.scope().spawn(into(writer(*pair.near, big), error));
  EXPECT_EQ(world.run(read_all(*pair.far)).bytes, expected);
  EXPECT_EQ(error, 0);
}

TEST_P(ByteStreamTest, reads_no_more_than_asked_for) {
  EXPECT_EQ(world.run(say(*pair.near, "0123456789")), 0);
  auto reader = [](ByteStream& stream) -> Task<std::string> {
    std::string all;
    while (all.size() < 10) {
      const Chunk c = co_await stream.read(3);
      if (c.ended() || c.size > 3) co_return "wrong";
      all += c.view();
    }
    co_return all;
  };
  EXPECT_EQ(world.run(reader(*pair.far)), "0123456789");
}

TEST_P(ByteStreamTest, what_is_put_back_is_read_first) {
  EXPECT_EQ(world.run(say(*pair.near, "GET / HTTP/1.1\r\n\r\nbody")), 0);
  const Received head = world.run(read_until(*pair.far, "\r\n\r\n"));
  EXPECT_EQ(head.bytes, "GET / HTTP/1.1\r\n\r\n");
  pair.far->unread(head.bytes.substr(4));
  pair.far->unread("PUT ");
  pair.far->unread("");
  EXPECT_TRUE(pair.far->has_unread());
  EXPECT_EQ(world.run(read_exactly(*pair.far, 2)).bytes, "PU");
  pair.far->unread("pu");
  const Received again = world.run(read_exactly(*pair.far, head.bytes.size() + 4));
  EXPECT_EQ(again.bytes, "puT / HTTP/1.1\r\n\r\nbody");
  EXPECT_FALSE(pair.far->has_unread());
}

TEST_P(ByteStreamTest, what_was_put_back_is_read_without_waiting_even_after_the_end) {
  pair.near->shutdown_write();
  EXPECT_EQ(world.run(read_error(*pair.far)), 0);
  pair.far->unread("left over");
  EXPECT_EQ(world.run(read_all(*pair.far)).bytes, "left over");
}

TEST_P(ByteStreamTest, an_empty_write_is_done_at_once) {
  EXPECT_EQ(world.run(say(*pair.near, "")), 0);
  EXPECT_EQ(pair.near->parked(), 0u);
}

TEST_P(ByteStreamTest, interrupt_read_ends_one_read_only) {
  pair.far->interrupt_read(ETIMEDOUT);  // nobody reads: nothing
  int error = -1;
  world.scope().spawn(into(read_error(*pair.far), error));
  EXPECT_EQ(error, -1);
  pair.far->interrupt_read(ETIMEDOUT);
  EXPECT_EQ(error, -1) << "a reader is never resumed in place";
  pair.far->interrupt_read(EPROTO);  // nobody reads any more
  world.finish();
  EXPECT_EQ(error, ETIMEDOUT);
  EXPECT_FALSE(pair.far->cancelled());
  EXPECT_EQ(world.run(say(*pair.near, "still here")), 0);
  EXPECT_EQ(world.run(read_exactly(*pair.far, 10)).bytes, "still here");
}

Task<int> write_until_error(ByteStream& stream) {
  const std::string block(1 << 20, 'w');
  for (;;) {
    const int error = co_await stream.write(block);
    if (error != 0) co_return error;
  }
}

TEST_P(ByteStreamTest, cancel_ends_reader_and_writer_and_is_sticky) {
  int read = -1, written = -1;
  world.scope().spawn(into(read_error(*pair.near), read));
  world.scope().spawn(into(write_until_error(*pair.near), written));
  world.run_until([&] { return pair.near->parked() != 0; });
  EXPECT_EQ(read, -1);
  EXPECT_EQ(written, -1);
  pair.near->cancel();
  EXPECT_TRUE(pair.near->cancelled());
  EXPECT_EQ(pair.near->parked(), 0u);
  EXPECT_EQ(read, -1) << "who waits is never resumed in place";
  pair.near->cancel(ETIMEDOUT);  // the first reason stays
  world.finish();
  EXPECT_EQ(read, ECANCELED);
  EXPECT_EQ(written, ECANCELED);
  EXPECT_EQ(world.run(read_error(*pair.near)), ECANCELED);
  EXPECT_EQ(world.run(say(*pair.near, "x")), ECANCELED);
}

TEST_P(ByteStreamTest, cancel_with_nobody_waiting_ends_what_comes_later) {
  pair.far->unread("never to be seen");
  pair.far->cancel(ETIMEDOUT);
  EXPECT_EQ(world.run(read_error(*pair.far)), ETIMEDOUT);
  EXPECT_EQ(world.run(say(*pair.far, "x")), ETIMEDOUT);
}

Task<int> read_by(ByteStream& stream, Duration limit, Duration then_move) {
  ReadDeadline deadline(stream, base::later(stream.loop().now(), limit));
  if (then_move != Duration(0)) deadline.move(base::later(stream.loop().now(), then_move));
  const Chunk c = co_await stream.read();
  co_return c.ended() ? c.error : -1;
}

TEST_P(ByteStreamTest, a_read_deadline_interrupts_and_is_gone_with_its_guard) {
  const TimePoint start = world.loop().now();
  EXPECT_EQ(world.run(read_by(*pair.far, milliseconds(20), Duration(0))), ETIMEDOUT);
  EXPECT_GE(world.loop().now() - start, milliseconds(20));
  const TimePoint second = world.loop().now();
  EXPECT_EQ(world.run(read_by(*pair.far, milliseconds(5), milliseconds(40))), ETIMEDOUT);
  EXPECT_GE(world.loop().now() - second, milliseconds(40));
  // In time: no error, and no timer stays behind to interrupt a later read.
  EXPECT_EQ(world.run(say(*pair.near, "x")), 0);
  EXPECT_EQ(world.run(read_by(*pair.far, base::seconds(5), Duration(0))), -1);
  EXPECT_EQ(world.loop().timers().size(), 0u);
}

Task<int> write_by(ByteStream& stream, Duration limit) {
  StreamDeadline deadline(stream, base::later(stream.loop().now(), limit));
  const int error = co_await write_until_error(stream);
  co_return error;
}

TEST_P(ByteStreamTest, a_stream_deadline_cancels_for_good) {
  const TimePoint start = world.loop().now();
  EXPECT_EQ(world.run(write_by(*pair.near, milliseconds(30))), ETIMEDOUT);
  EXPECT_GE(world.loop().now() - start, milliseconds(30));
  EXPECT_TRUE(pair.near->cancelled());
  EXPECT_EQ(world.run(read_error(*pair.near)), ETIMEDOUT);
}

class SimulatedByteStreamTest : public ByteStreamTest {};
INSTANTIATE_TEST_SUITE_P(Net, SimulatedByteStreamTest, every_simulated_net(), net_name);

// A poller that is out of memory must not leave anybody waiting for ever.
TEST_P(SimulatedByteStreamTest, a_failed_watch_reaches_who_waits) {
  world.sim()->fail_next_watches(1, ENOSPC);
  EXPECT_EQ(world.run(read_error(*pair.far)), ENOSPC);
  // An accepted one again: who connected is under watch since then.
  const TcpPair other = world.pair();
  world.sim()->fail_next_watches(1, ENOMEM);
  EXPECT_EQ(world.run(write_until_error(*other.far)), ENOMEM);
  EXPECT_EQ(other.far->parked(), 0u);
}

// Deadlines are exact in the simulation: never early, at most one tick late.
TEST_P(SimulatedByteStreamTest, deadlines_are_exact) {
  for (const int ms : {1, 2, 63, 64, 65, 1000, 60'000}) {
    const TimePoint start = world.loop().now();
    EXPECT_EQ(world.run(read_by(*pair.far, milliseconds(ms), Duration(0))), ETIMEDOUT);
    const Duration took = world.loop().now() - start;
    EXPECT_GE(took, milliseconds(ms));
    EXPECT_LE(took, milliseconds(ms) + TimerWheel::kTick);
  }
}

}  // namespace
}  // namespace fairlead::net
